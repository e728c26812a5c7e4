"""What TCP and UDP sessions of a module have in common."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Protocol

from ...clock import Timer
from ..environment import Environment
from .probing import Probing

HIGH_WATER = 16384  # octets that wait to be taken before a socket is no longer read, where its owner says no other


class SessionState(enum.Enum):
    """The states of a session."""

    INITIAL = "INITIAL"
    CONNECTING = "CONNECTING"
    CONNECTED = "CONNECTED"
    CLOSED = "CLOSED"


class SessionOwner(Protocol):
    """Is called when something happens to one session."""

    @property
    def keepalive(self) -> Probing | None:
        """When an idle connection is probed; None for no probes."""

    @property
    def half_open(self) -> bool:
        """Whether a TCP connection is not closed from our side by itself when the other side has closed its own."""

    @property
    def capacity(self) -> int:
        """Octets that may wait to be taken before a TCP connection is no longer read."""

    def opened(self) -> None:
        """Called when the session can carry data."""

    def arrived(self, octets: int) -> None:
        """Called when octets have been received."""

    def room_made(self) -> None:
        """Called when data would be taken again."""

    def ended(self) -> None:
        """Called when the remote side or the network has ended the session."""


class NetworkSession:
    """Holds what TCP and UDP sessions have in common.

    Args:
        environment: loop, clock, behaviour.
        kind: ``TCP`` or ``UDP``.
        remote: address and port of the other side.
        own: makes the session's owner.
    """

    def __init__(
        self,
        environment: Environment,
        kind: str,
        remote: tuple[str, int],
        own: Callable[[NetworkSession], SessionOwner],
    ) -> None:
        self.kind: str = kind
        self.remote: tuple[str, int] = remote
        self.local: tuple[str, int] = ("", 0)  # address and port of this side, once it is connected
        self.state: SessionState = SessionState.CONNECTING
        self.sent: int = 0
        self._environment = environment
        self._writable = True
        self._waiting: tuple[bytes, Callable[[bool], None], Timer] | None = None
        self._owner = own(self)

    # What its owner does with it

    @property
    def connected(self) -> bool:
        """Whether it can carry data."""
        return self.state is SessionState.CONNECTED

    @property
    def held(self) -> int:
        """How many octets wait to be taken."""
        raise NotImplementedError

    def take(self, most: int, *, cut: bool) -> bytes:
        """Return received data; of UDP no more than one datagram.

        Args:
            most: the greatest number of octets.
            cut: whether a datagram with more octets is cut, so that its rest comes next; else it comes whole.
        """
        raise NotImplementedError

    def send(self, data: bytes, done: Callable[[bool], None]) -> None:
        """Send data once the window has room.

        Args:
            data: what to send, all of it or nothing.
            done: called with True when it was handed over, False when it was not sent.
        """
        if not self.connected:
            done(False)
        elif self._writable:
            self._hand_over(data, done)
        else:
            timer = self._environment.clock.call_later(
                self._environment.loop, self._environment.behaviour.send_timeout, self._window_stayed_shut
            )
            self._waiting = (data, done, timer)

    def counters(self) -> tuple[int, int, int]:
        """Return how many octets were sent, acknowledged, and not acknowledged."""
        missing = min(self._unacknowledged(), self.sent)
        return self.sent, self.sent - missing, missing

    def close(self, *, keep: bool = False) -> None:
        """Close it from our side; what was sent is still handed over.

        Args:
            keep: whether what has been received can still be taken.
        """
        self.state = SessionState.CLOSED
        self._settle(False)

    def shut(self, done: Callable[[], None]) -> None:
        """Close it from our side, and wait for the other side to do the same; what it still sends is dropped.

        Args:
            done: called once it has; `close` ends the wait.
        """
        self.close()
        done()

    def network_changed(self) -> None:
        """Called when the network has become silent, or no longer is."""

    def keepalive_changed(self) -> None:
        """Called when `SessionOwner.keepalive` is another one, which applies to this session, too."""

    def broken(self) -> None:
        """Reset the connection as if the remote side did it; what was on its way is lost."""

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
            self._hand_over(data, done)
        self._owner.room_made()

    def _hand_over(self, data: bytes, done: Callable[[bool], None]) -> None:
        self.sent += self._write(data)
        done(True)

    def _write(self, data: bytes) -> int:
        """Give all data to the socket; returns how many octets count as sent."""
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
        self._owner.opened()

    def _ended(self) -> None:
        """Called when it has ended without our doing."""
        if self.state is not SessionState.CLOSED:
            self.state = SessionState.CLOSED
            self._settle(False)
            self._owner.ended()
