"""A TCP session on a real socket; it reads no more while the UART is slow."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from collections.abc import Callable

from ..environment import Environment, limit_buffers
from .probing import Prober, Probing
from .session import HIGH_WATER, NetworkSession, SessionOwner, SessionState

_READ_SIZE = 4096
_LOW_WATER = 4096
_LINGER = 10.0  # seconds that a closed session may go on handing over what was sent


class TcpSession(NetworkSession, asyncio.BufferedProtocol):
    """Runs one TCP connection; arguments as for `NetworkSession`."""

    local: tuple[str, int]

    def __init__(
        self, environment: Environment, remote: tuple[str, int], own: Callable[[NetworkSession], SessionOwner]
    ) -> None:
        super().__init__(environment, "TCP", remote, own)
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray(_READ_SIZE)
        self._received = bytearray()
        self._reading = True
        self._withheld = bytearray()  # taken while the network is silent, and not yet on its way
        self._final_missing = 0
        self._shut: Callable[[], None] | None = None
        self._registered: asyncio.Transport | None = None
        self._prober = Prober(environment, self._given_up)

    @property
    def held(self) -> int:
        """See `NetworkSession.held`."""
        return len(self._received)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"a TCP session needs a stream transport, not {transport!r}")
        self._transport = self._registered = transport
        self._environment.transports.add(transport)
        self.local = transport.get_extra_info("sockname")[:2]
        limit_buffers(transport)
        self._prober.heard()
        self.keepalive_changed()
        transport.set_write_buffer_limits(high=HIGH_WATER, low=_LOW_WATER)
        if self.state is SessionState.CLOSED:  # given up in the meantime
            transport.abort()
            return
        self._connected()

    def get_buffer(self, sizehint: int) -> memoryview:
        """See `asyncio.BufferedProtocol`."""
        return memoryview(self._buffer)[: max(1, self._owner.capacity - len(self._received))]

    def buffer_updated(self, nbytes: int) -> None:
        """See `asyncio.BufferedProtocol`."""
        if self.state is SessionState.CLOSED:
            return
        self._prober.heard()
        self._received += self._buffer[:nbytes]
        if len(self._received) >= self._owner.capacity and self._reading and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()
        self._owner.arrived(nbytes)

    def eof_received(self) -> bool:
        """See `asyncio.BufferedProtocol`; the transport closes itself unless this side is to stay open."""
        stays = self._owner.half_open and self._shut is None
        if stays:
            self._ended()
        return stays

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        self._final_missing = self._unacknowledged()
        self._transport = None
        self._prober.cancel()
        if self._registered is not None:
            self._environment.transports.discard(self._registered)
        self._ended()
        done, self._shut = self._shut, None
        if done is not None:
            done()

    def close(self, *, keep: bool = False) -> None:
        """See `NetworkSession.close`."""
        self._final_missing = self._unacknowledged()
        super().close(keep=keep)
        self._shut = None
        if not keep:
            self._received.clear()
        self._prober.cancel()
        transport, self._transport = self._transport, None
        if transport is not None:
            if self._environment.network.silent:
                self._abandon(transport)
                return
            transport.close()
            if transport.get_write_buffer_size():
                self._environment.clock.call_later(self._environment.loop, _LINGER, transport.abort)

    def _abandon(self, transport: asyncio.Transport) -> None:
        """Leave a connection whose remote side does not learn of it."""
        transport.pause_reading()
        self._environment.clock.call_later(self._environment.loop, _LINGER, transport.abort)

    def _given_up(self) -> None:
        """Called when probes have not been answered: the connection has ended, and what was received can be taken."""
        self._final_missing = self._unacknowledged()
        transport, self._transport = self._transport, None
        if transport is not None:
            self._abandon(transport)
        self._ended()

    def keepalive_changed(self) -> None:
        """See `NetworkSession.keepalive_changed`; the system probes those that are really far away."""
        self._prober.set(self._owner.keepalive)
        if self._transport is not None:
            _keep_alive(self._transport, self._owner.keepalive)

    def shut(self, done: Callable[[], None]) -> None:
        """See `NetworkSession.shut`."""
        if self._transport is None or self._transport.is_closing():
            super().shut(done)
            return
        super().close()
        self._received.clear()
        self._shut = done
        self._reading = True
        if not self._environment.network.silent:  # where the other side does not learn of it
            self._transport.write_eof()
            self._transport.resume_reading()

    def take(self, most: int, *, cut: bool) -> bytes:
        """See `NetworkSession.take`; there are no datagrams to cut."""
        payload = bytes(self._received[:most])
        del self._received[:most]
        if not self._reading and len(self._received) <= _LOW_WATER and self._transport is not None:
            self._reading = True
            if not self._transport.is_closing() and not self._environment.network.silent:
                self._transport.resume_reading()
        return payload

    def network_changed(self) -> None:
        """See `NetworkSession.network_changed`; send what was withheld, as TCP does."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._environment.network.silent:
            self._transport.pause_reading()
            return
        self._prober.heard()
        if self._withheld:
            self._transport.write(bytes(self._withheld))
            self._withheld.clear()
        if self._shut is not None:
            self._transport.write_eof()
        if self._reading:
            self._transport.resume_reading()
        if not self._writable and self._transport.get_write_buffer_size() < HIGH_WATER:
            self.resume_writing()

    def broken(self) -> None:
        """See `NetworkSession.broken`."""
        if self._transport is None:
            return
        endpoint = self._transport.get_extra_info("socket")
        if endpoint is not None:
            with contextlib.suppress(OSError):  # its real remote side sees the same
                endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _write(self, data: bytes) -> int:
        if self._transport is None:
            return 0
        if not self._environment.network.silent:
            self._prober.heard()  # it acknowledges
            self._transport.write(data)
            return len(data)
        self._withheld += data
        if len(self._withheld) >= HIGH_WATER:
            self.pause_writing()
        return len(data)

    def _unacknowledged(self) -> int:
        if self._transport is None:
            return self._final_missing
        waiting = self._transport.get_write_buffer_size() + len(self._withheld)
        endpoint = self._transport.get_extra_info("socket")
        return waiting + (_in_kernel(endpoint.fileno()) if endpoint is not None else 0)


def _keep_alive(transport: asyncio.Transport, probing: Probing | None) -> None:
    """Turn the system's keep-alive on or off."""
    endpoint = transport.get_extra_info("socket")
    if endpoint is None:
        return
    with contextlib.suppress(OSError, AttributeError):
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, probing is not None)
        if probing is not None:
            endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, round(probing.idle))
            endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, round(probing.interval))
            endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, probing.count)


def _in_kernel(descriptor: int) -> int:
    """Return how many octets the system holds that the other side has not acknowledged; 0 where it does not say."""
    if sys.platform != "linux" or descriptor < 0:
        return 0
    try:
        import fcntl
        import termios
    except ImportError:
        return 0
    try:
        answer = fcntl.ioctl(descriptor, termios.TIOCOUTQ, b"\0\0\0\0")
    except OSError:
        return 0
    return int(struct.unpack("i", answer)[0])
