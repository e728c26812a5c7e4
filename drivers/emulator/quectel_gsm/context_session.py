"""A session of a context: what its UART writes, lines and data in their order, and what AT commands do with it."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable
from typing import Protocol

from ..environment import Environment
from ..interpreter.output import Delivery, Urc
from ..interpreter.replies import Result
from ..network.arrival import Arrival
from ..network.probing import Probing
from ..network.session import HIGH_WATER, NetworkSession, SessionState
from .indications import Indications
from .receive_header import MAXIMUM, HeaderOptions, header


class Role(enum.IntEnum):
    """Which side opened a session; the numbers are those of AT+QISRVC."""

    CLIENT = 1
    SERVER = 2


class SessionHost(Protocol):
    """The context of a session."""

    @property
    def local_address(self) -> str:
        """The context's address."""

    @property
    def keepalive(self) -> Probing | None:
        """See `SessionOwner.keepalive`."""

    @property
    def indicating(self) -> int:
        """AT+QINDI: 0 when received data comes out of the UART by itself, else it waits for AT+QIRD."""

    def indication(self, session: ContextSession, more: tuple[int, ...]) -> str:
        """Return the line that announces data that waits.

        Args:
            session: the session that has it.
            more: the numbers behind the session's index.
        """

    def header_options(self, session: ContextSession) -> HeaderOptions:
        """Return which information stands before received data."""

    def session_connected(self, session: ContextSession) -> None:
        """Called when a session can carry data."""

    def session_ended(self, session: ContextSession) -> None:
        """Called when the remote side or the network has ended a session."""

    def discard(self, session: ContextSession) -> None:
        """Discard a closed session with the data that nobody has read, and count that."""

    def session_changed(self, session: ContextSession) -> None:
        """Called when there is something to take, or room to send."""


class ContextSession:
    """Represents one session of a context.

    Args:
        host: the context that it belongs to.
        environment: loop, clock, behaviour.
        role: client or server side.
        index: its profile, 0 to 5 for a client, 0 to 4 for a server's.
        network: the session as the network has it.
    """

    final: Result | None = None
    """See `DataStream.final`: a CLOSED line tells of it."""

    def __init__(
        self, host: SessionHost, environment: Environment, role: Role, index: int, network: NetworkSession
    ) -> None:
        self.role: Role = role
        self.index: int = index
        self.network: NetworkSession = network
        self.kind: str = network.kind
        self.remote: tuple[str, int] = network.remote
        self.transparent: bool = False  # data leaves through `take_raw` only
        self._host = host
        self._environment = environment
        self._before: deque[Urc] = deque()
        self._after: deque[Urc] = deque()
        self._indications = Indications(repeat=environment.behaviour.qirdi == "repeated")
        self._arrival = Arrival(environment, lambda: host.session_changed(self))

    # What the context and its commands do with it

    @property
    def state(self) -> SessionState:
        """The state of the session."""
        return self.network.state

    @property
    def connected(self) -> bool:
        """Whether it can carry data."""
        return self.network.connected

    @property
    def held(self) -> int:
        """How many octets wait to be taken."""
        return self.network.held

    @property
    def drained(self) -> bool:
        """Whether nothing is left to take."""
        return not (self._before or self._after or self.held)

    def notify(self, urc: Urc) -> None:
        """Add a line to the session's output, in its place among the data."""
        (self._before if self.connected else self._after).append(urc)
        self._host.session_changed(self)

    def forget_urcs(self) -> int:
        """Drop the lines, as no UART can show them; return how many."""
        count = len(self._before)
        self._before.clear()
        if not self.held or self._host.indicating:
            count += len(self._after)
            self._after.clear()
        return count

    def take(self) -> Urc | Delivery | None:
        """Return what the UART writes next, or None."""
        if self._before:
            return self._before.popleft()
        if self.transparent:
            return self._after.popleft() if self._after and not self.held else None
        if self._arrival.pending:
            return None
        if mode := self._host.indicating:
            more = self._indications.take(mode, self.held)
            if more is not None:
                return Urc(self._host.indication(self, more))
            return self._after.popleft() if self._after else None
        if payload := self._payload(MAXIMUM):
            before = header(
                self._host.header_options(self), len(payload), self.kind, self.remote, self._host.local_address
            )
            return Delivery(before, payload)
        return self._after.popleft() if self._after else None

    def take_raw(self) -> bytes:
        """Return received data for a UART in data mode."""
        return self._payload(MAXIMUM)

    def read(self, most: int) -> bytes:
        """Return received data for AT+QIRD.

        Args:
            most: the greatest number of octets; of UDP no more than one datagram.
        """
        payload = self._payload(most)
        self._indications.read(self.held)
        return payload

    def send(self, data: bytes, done: Callable[[bool], None]) -> None:
        """See `NetworkSession.send`."""
        self._arrival.sent()
        self.network.send(data, done)

    def close(self) -> None:
        """Close it from our side; what was sent is still handed over, received data is dropped."""
        self.network.close()
        self._before.clear()
        self._arrival.cancel()

    def _payload(self, most: int) -> bytes:
        return self.network.take(most, cut=bool(self._host.indicating))

    # Called by the session on the network: see `SessionOwner`

    @property
    def keepalive(self) -> Probing | None:
        """See `SessionOwner.keepalive`."""
        return self._host.keepalive

    @property
    def half_open(self) -> bool:
        """See `SessionOwner.half_open`."""
        return False

    @property
    def capacity(self) -> int:
        """See `SessionOwner.capacity`."""
        return HIGH_WATER

    def opened(self) -> None:
        """See `SessionOwner.opened`."""
        self._host.session_connected(self)

    def arrived(self, octets: int) -> None:
        """See `SessionOwner.arrived`."""
        self._indications.arrived(octets)
        if not self.transparent:
            self._arrival.come(alone=self.held == octets, announced=bool(self._host.indicating))
        self._host.session_changed(self)

    def room_made(self) -> None:
        """See `SessionOwner.room_made`."""
        self._host.session_changed(self)

    def ended(self) -> None:
        """See `SessionOwner.ended`."""
        self._host.session_ended(self)
