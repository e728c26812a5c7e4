"""What TCP and UDP sessions of the module have in common: lines and data on their way to a UART."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable
from typing import Protocol

from ..clock import Timer
from .delivery import MAXIMUM, Delivery, HeaderOptions, Notice, header
from .environment import Environment
from .indications import Indications

HIGH_WATER = 16384  # octets that wait for the UART before a socket is no longer read


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

    @property
    def keepalive(self) -> tuple[int, int, int]:
        """AT+QIKALIVE: 0 on or 1 off, idle and interval in seconds."""

    @property
    def indicating(self) -> int:
        """AT+QINDI: 0 when received data comes out of the UART by itself, else it waits for AT+QIRD."""

    def indication(self, session: Session, more: tuple[int, ...]) -> str:
        """Return the line that tells of data that waits.

        Args:
            session: which has it.
            more: the numbers behind the session's index.
        """

    def header_options(self, session: Session) -> HeaderOptions:
        """Return which information stands before received data."""

    def session_connected(self, session: Session) -> None:
        """Note that a session can carry data."""

    def session_ended(self, session: Session) -> None:
        """Note that the remote side or the network has ended a session."""

    def discard(self, session: Session) -> None:
        """Throw a closed session away with the data that nobody has read, and count it."""

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
        self.state: SessionState = SessionState.CONNECTING
        self.sent = 0
        self.transparent = False  # data leaves through `take_raw` only
        self._host = host
        self._environment = environment
        self._before: deque[Notice] = deque()
        self._after: deque[Notice] = deque()
        self._indications = Indications(repeat=environment.behaviour.qirdi == "repeated")
        self._writable = True
        self._waiting: tuple[bytes, Callable[[bool], None], Timer] | None = None
        self._on_its_way: Timer | None = None  # runs while data that has come does not show yet

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
        if not self.held or self._host.indicating:
            count += len(self._after)
            self._after.clear()
        return count

    def take(self) -> Notice | Delivery | None:
        """Return what comes out of the UART next, or None."""
        if self._before:
            return self._before.popleft()
        if self.transparent:
            return self._after.popleft() if self._after and not self.held else None
        if self._on_its_way is not None:
            return None
        if mode := self._host.indicating:
            more = self._indications.take(mode, self.held)
            if more is not None:
                return Notice(self._host.indication(self, more))
            return self._after.popleft() if self._after else None
        if payload := self._take_payload(MAXIMUM):
            before = header(
                self._host.header_options(self), len(payload), self.kind, self.remote, self._host.local_address
            )
            return Delivery(before, payload)
        return self._after.popleft() if self._after else None

    def take_raw(self) -> bytes:
        """Return received data for a UART in data mode."""
        return self._take_payload(MAXIMUM)

    def read(self, most: int) -> bytes:
        """Return received data for AT+QIRD.

        Args:
            most: the greatest number of octets; of UDP no more than one datagram.
        """
        payload = self._take_payload(most)
        self._indications.read(self.held)
        return payload

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
        if self._on_its_way is not None:
            self._on_its_way.cancel()
            self._on_its_way = None

    def network_changed(self) -> None:
        """Note that the network has become silent, or no longer is."""

    def broken(self) -> None:
        """Note that the remote side has reset the connection, with whatever was on its way."""

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

    def _arrived(self, octets: int) -> None:
        """Note that data has come."""
        self._indications.arrived(octets)
        distance = self._environment.behaviour.result_time
        if distance and self.held == octets and self._on_its_way is None and not self.transparent:
            self._on_its_way = self._environment.clock.call_later(self._environment.loop, distance, self._shows)
        self._host.session_changed(self)

    def _shows(self) -> None:
        self._on_its_way = None
        self._host.session_changed(self)

    def _take_payload(self, most: int) -> bytes:
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
