"""The module's TCP and UDP sessions on real sockets; a slow UART pushes back, so nothing piles up here."""

from __future__ import annotations

import asyncio
import enum
import sys
from collections import deque
from collections.abc import Callable
from typing import Protocol, cast

from ..clock import Timer
from .delivery import MAXIMUM, Delivery, HeaderOptions, Notice, header
from .environment import Environment, limit_buffers

_READ_SIZE = 4096
_HIGH_WATER = 16384  # octets that wait for the UART before the socket is no longer read
_LOW_WATER = 4096
_LINGER = 10.0  # seconds that a closed session may go on handing over what was sent


class Role(enum.IntEnum):
    """Which side opened a session; the numbers are those of AT+QISRVC."""

    CLIENT = 1
    SERVER = 2


class SessionState(enum.Enum):
    """The states of a session in the words of AT+QISTATE."""

    INITIAL = "INITIAL"
    CONNECTING = "CONNECTING"
    CONNECTED = "CONNECTED"
    CLOSED = "CLOSED"


class SessionHost(Protocol):
    """What a session tells its context."""

    @property
    def local_address(self) -> str:
        """The context's address."""

    def header_options(self, session: Session) -> HeaderOptions:
        """Return which information stands before received data."""

    def session_connected(self, session: Session) -> None:
        """Note that a session can carry data."""

    def session_ended(self, session: Session) -> None:
        """Note that the remote side or the network has ended a session."""

    def session_changed(self, session: Session) -> None:
        """Note that there is something to take, or that there is room to send."""


class Session:
    """What TCP and UDP sessions have in common.

    Args:
        host: the context that it belongs to.
        environment: loop, clock, behaviour.
        role: client or server side.
        index: its profile, 0 to 5 for a client, 0 to 4 for a server's.
        kind: ``TCP`` or ``UDP``.
        remote: address and port of the other side.
    """

    def __init__(
        self,
        host: SessionHost,
        environment: Environment,
        role: Role,
        index: int,
        kind: str,
        remote: tuple[str, int],
    ) -> None:
        self.role = role
        self.index = index
        self.kind = kind
        self.remote = remote
        self.state = SessionState.CONNECTING
        self.sent = 0
        self.transparent = False  # data leaves through `take_raw` only
        self._host = host
        self._environment = environment
        self._before: deque[Notice] = deque()
        self._after: deque[Notice] = deque()
        self._writable = True
        self._waiting: tuple[bytes, Callable[[bool], None], Timer] | None = None

    # What the context does with it

    @property
    def connected(self) -> bool:
        """Whether it can carry data."""
        return self.state is SessionState.CONNECTED

    @property
    def drained(self) -> bool:
        """Whether nothing is left to take."""
        return not (self._before or self._after or self.held)

    @property
    def held(self) -> int:
        """How many octets wait to be taken."""
        raise NotImplementedError

    @property
    def writable(self) -> bool:
        """Whether data would be taken at once."""
        return self._writable and self._waiting is None

    def notify(self, notice: Notice) -> None:
        """Put a line into the session's output, in its place among the data."""
        (self._before if self.connected else self._after).append(notice)
        self._host.session_changed(self)

    def forget_notices(self) -> int:
        """Drop the lines that nobody is there to see; returns how many."""
        count = len(self._before)
        self._before.clear()
        if not self.held:
            count += len(self._after)
            self._after.clear()
        return count

    def take(self) -> Notice | Delivery | None:
        """Return what comes out of the UART next, or None."""
        if self._before:
            return self._before.popleft()
        if self.transparent:
            return self._after.popleft() if self._after and not self.held else None
        if payload := self._take_payload():
            before = header(
                self._host.header_options(self), len(payload), self.kind, self.remote, self._host.local_address
            )
            return Delivery(before, payload)
        return self._after.popleft() if self._after else None

    def take_raw(self) -> bytes:
        """Return received data for a UART in data mode."""
        return self._take_payload()

    def send(self, data: bytes, done: Callable[[bool], None]) -> None:
        """Send data once the window has room.

        Args:
            data: what to send, all of it or nothing.
            done: told True when it was handed over, False when it was not sent.
        """
        if not self.connected:
            done(False)
        elif self._writable:
            self._write(data)
            done(True)
        else:
            timer = self._environment.clock.call_later(
                self._environment.loop, self._environment.behaviour.send_timeout, self._window_stayed_shut
            )
            self._waiting = (data, done, timer)

    def counters(self) -> tuple[int, int, int]:
        """Return what AT+QISACK tells: octets sent, acknowledged, not acknowledged."""
        missing = min(self._unacknowledged(), self.sent)
        return self.sent, self.sent - missing, missing

    def close(self) -> None:
        """End it from our side; what was sent is still handed over."""
        self.state = SessionState.CLOSED
        self._settle(False)

    # What the sockets do with it

    def pause_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._writable = False

    def resume_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._writable = True
        if self._waiting is not None:
            data, done, timer = self._waiting
            self._waiting = None
            timer.cancel()
            self._write(data)
            done(True)
        self._host.session_changed(self)

    def _take_payload(self) -> bytes:
        raise NotImplementedError

    def _write(self, data: bytes) -> None:
        raise NotImplementedError

    def _unacknowledged(self) -> int:
        return 0

    def _window_stayed_shut(self) -> None:
        self._settle(False)

    def _settle(self, sent: bool) -> None:
        if self._waiting is not None:
            _, done, timer = self._waiting
            self._waiting = None
            timer.cancel()
            done(sent)

    def _connected(self) -> None:
        self.state = SessionState.CONNECTED
        self._host.session_connected(self)

    def _ended(self) -> None:
        """Note that it is over without our doing."""
        if self.state is not SessionState.CLOSED:
            self.state = SessionState.CLOSED
            self._settle(False)
            self._host.session_ended(self)


class TcpSession(Session, asyncio.BufferedProtocol):
    """One TCP connection; arguments as for `Session`."""

    def __init__(
        self,
        host: SessionHost,
        environment: Environment,
        role: Role,
        index: int,
        remote: tuple[str, int],
    ) -> None:
        super().__init__(host, environment, role, index, "TCP", remote)
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray(_READ_SIZE)
        self._received = bytearray()
        self._reading = True
        self._final_missing = 0
        self._registered: asyncio.Transport | None = None

    @property
    def held(self) -> int:
        """See `Session.held`."""
        return len(self._received)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"a TCP session needs a stream transport, not {transport!r}")
        self._transport = self._registered = transport
        self._environment.transports.add(transport)
        limit_buffers(transport)
        transport.set_write_buffer_limits(high=_HIGH_WATER, low=_LOW_WATER)
        if self.state is SessionState.CLOSED:  # given up in the meantime
            transport.abort()
            return
        self._connected()

    def get_buffer(self, sizehint: int) -> bytearray:
        """See `asyncio.BufferedProtocol`."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """See `asyncio.BufferedProtocol`."""
        if self.state is SessionState.CLOSED:
            return
        self._received += self._buffer[:nbytes]
        if len(self._received) >= _HIGH_WATER and self._reading and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()
        self._host.session_changed(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        self._final_missing = self._unacknowledged()
        self._transport = None
        if self._registered is not None:
            self._environment.transports.discard(self._registered)
        self._ended()

    def close(self) -> None:
        """See `Session.close`."""
        self._final_missing = self._unacknowledged()
        super().close()
        self._received.clear()
        self._before.clear()
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()
            if transport.get_write_buffer_size():
                self._environment.clock.call_later(self._environment.loop, _LINGER, transport.abort)

    def _take_payload(self) -> bytes:
        payload = bytes(self._received[:MAXIMUM])
        del self._received[:MAXIMUM]
        if not self._reading and len(self._received) <= _LOW_WATER and self._transport is not None:
            self._reading = True
            if not self._transport.is_closing():
                self._transport.resume_reading()
        return payload

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self.sent += len(data)
            self._transport.write(data)

    def _unacknowledged(self) -> int:
        if self._transport is None:
            return self._final_missing
        waiting = self._transport.get_write_buffer_size()
        endpoint = self._transport.get_extra_info("socket")
        return waiting + (_in_kernel(endpoint.fileno()) if endpoint is not None else 0)


class UdpSession(Session):
    """One UDP association; arguments as for `Session`, and how to send a datagram.

    Args:
        transmit: sends one datagram to the other side.
        finish: called when it is closed.
    """

    def __init__(
        self,
        host: SessionHost,
        environment: Environment,
        role: Role,
        index: int,
        remote: tuple[str, int],
        transmit: Callable[[bytes], None],
        finish: Callable[[], None],
    ) -> None:
        super().__init__(host, environment, role, index, "UDP", remote)
        self._transmit = transmit
        self._finish = finish
        self._datagrams: deque[bytes] = deque()
        self._held = 0
        self.lost = 0  # datagrams that came while the UART could not take them

    @property
    def held(self) -> int:
        """See `Session.held`."""
        return self._held

    def established(self) -> None:
        """Begin to carry data."""
        self._connected()

    def receive(self, data: bytes) -> None:
        """Take one datagram from the other side."""
        if self.state is SessionState.CLOSED or not data:
            return
        if self._held + len(data) > _HIGH_WATER * 4:  # a datagram at most above the bound
            self.lost += 1
            return
        self._datagrams.append(data)
        self._held += len(data)
        self._host.session_changed(self)

    def close(self) -> None:
        """See `Session.close`."""
        super().close()
        self._datagrams.clear()
        self._held = 0
        self._before.clear()
        self._finish()

    def _take_payload(self) -> bytes:
        if not self._datagrams:
            return b""
        payload = self._datagrams.popleft()
        self._held -= len(payload)
        return payload

    def _write(self, data: bytes) -> None:
        self.sent += len(data)
        self._transmit(data)


class UdpEndpoint(asyncio.DatagramProtocol):
    """A UDP socket that passes every datagram on with its sender; a refused datagram does not end it.

    Args:
        dispatch: told every datagram and its sender.
    """

    def __init__(self, dispatch: Callable[[bytes, tuple[str, int]], None]) -> None:
        self.lost = 0  # datagrams that the system did not take in time
        self._dispatch = dispatch
        self._transport: asyncio.DatagramTransport | None = None
        self._full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        # Before Python 3.12 the transport of a UDP socket is no asyncio.DatagramTransport by its class.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        self._transport = None

    def pause_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._full = True

    def resume_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._full = False

    def send(self, data: bytes, to: tuple[str, int] | None = None) -> None:
        """Send one datagram; it is lost when the system is too far behind, as on any network."""
        if self._transport is None or self._full:
            self.lost += 1
        else:
            self._transport.sendto(data, to)

    def close(self) -> None:
        """Close the socket; a second call does nothing."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        """See `asyncio.DatagramProtocol`."""
        self._dispatch(data, (str(addr[0]), int(addr[1])))


def _in_kernel(descriptor: int) -> int:
    """Return how many octets the system holds that the other side has not acknowledged; 0 where it does not say."""
    if sys.platform != "linux" or descriptor < 0:
        return 0
    import fcntl
    import struct
    import termios

    try:
        answer = fcntl.ioctl(descriptor, termios.TIOCOUTQ, b"\0\0\0\0")
    except OSError:
        return 0
    return int(struct.unpack("i", answer)[0])
