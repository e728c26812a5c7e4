"""A UDP session of the module, and its socket."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

from ..environment import Environment
from .session import HIGH_WATER, NetworkSession, SessionOwner, SessionState


class UdpSession(NetworkSession):
    """Runs one UDP association; arguments as for `NetworkSession`, and how to send a datagram.

    Args:
        transmit: sends one datagram to the other side.
        finish: called when it is closed.
    """

    def __init__(
        self,
        environment: Environment,
        remote: tuple[str, int],
        own: Callable[[NetworkSession], SessionOwner],
        transmit: Callable[[bytes], None],
        finish: Callable[[], None],
    ) -> None:
        super().__init__(environment, "UDP", remote, own)
        self._transmit = transmit
        self._finish = finish
        self._datagrams: deque[bytes] = deque()
        self._held = 0
        self.lost: int = 0  # datagrams that came while the UART could not take them

    @property
    def held(self) -> int:
        """See `NetworkSession.held`."""
        return self._held

    def established(self) -> None:
        """Begin to carry data."""
        self._connected()

    def receive(self, data: bytes) -> None:
        """Take one datagram from the other side."""
        if self.state is SessionState.CLOSED or not data or self._environment.network.silent:
            return
        if self._held + len(data) > HIGH_WATER * 4:  # a datagram at most above the bound
            self.lost += 1
            return
        self._datagrams.append(data)
        self._held += len(data)
        self._owner.arrived(len(data))

    def close(self, *, keep: bool = False) -> None:
        """See `NetworkSession.close`."""
        super().close(keep=keep)
        if not keep:
            self._datagrams.clear()
            self._held = 0
        self._finish()

    def take(self, most: int, *, cut: bool) -> bytes:
        """See `NetworkSession.take`."""
        if not self._datagrams:
            return b""
        payload = self._datagrams.popleft()
        if cut and len(payload) > most:
            payload, rest = payload[:most], payload[most:]
            self._datagrams.appendleft(rest)
        self._held -= len(payload)
        return payload

    def _write(self, data: bytes) -> int:
        if not self._environment.network.silent:
            self._transmit(data)
        return len(data)


class UdpEndpoint(asyncio.DatagramProtocol):
    """Passes every datagram of a UDP socket on with its sender; a refused datagram does not end it.

    Args:
        dispatch: called with every datagram and its sender.
    """

    def __init__(self, dispatch: Callable[[bytes, tuple[str, int]], None]) -> None:
        self.lost: int = 0  # datagrams that the system did not take in time
        self._dispatch = dispatch
        self._transport: asyncio.DatagramTransport | None = None
        self._full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        # Before Python 3.12 the transport of a UDP socket is not an asyncio.DatagramTransport by its class.
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
        """Send one datagram; it is lost when the system is too far behind."""
        if self._transport is None or self._full:
            self.lost += 1
        else:
            self._transport.sendto(data, to)

    @property
    def local(self) -> tuple[str, int]:
        """Its address and port; ``("", 0)`` while it is not open."""
        return ("", 0) if self._transport is None else self._transport.get_extra_info("sockname")[:2]

    def close(self) -> None:
        """Close the socket; a second call does nothing."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        """See `asyncio.DatagramProtocol`."""
        self._dispatch(data, (str(addr[0]), int(addr[1])))
