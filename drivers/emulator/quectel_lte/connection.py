"""A TCP or UDP connection of the module: one that it has opened, or one that a client of a listener has."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable

from ...clock import Timer
from ..environment import UnknownName
from ..interpreter.bytestream import Online
from ..network.connecting import connect
from ..network.probing import Probing
from ..network.session import NetworkSession
from .codes import Code
from .data_socket import DataSocket, Place
from .sockets import AccessMode, Kind, State

log: logging.Logger = logging.getLogger(__name__)

_GUARD = 1.0  # seconds of silence before and after +++
_BETWEEN = 1.0  # seconds at most between the plus signs


def problem(error: OSError) -> Code:
    """Return the code for why something cannot be opened."""
    if isinstance(error, UnknownName):
        return Code.NO_SUCH_NAME
    if isinstance(error, TimeoutError):
        return Code.TIMEOUT
    return Code.BIND_FAILED if error.errno == errno.EADDRINUSE else Code.NOT_CONNECTED


class Connection(DataSocket):
    """Runs one connection; arguments as for `ModuleSocket`."""

    state: State
    remote: tuple[str, int]
    local_port: int

    _network: NetworkSession | None = None
    _closing: Timer | None = None
    _closed: Callable[[], None] | None = None

    def own(self, network: NetworkSession) -> Connection:
        """Become the owner of a session on the network, see `SessionOwner`."""
        self._network = network
        return self

    async def _establish(self) -> Code:
        environment = self.host.environment
        kind = Kind.UDP.value if self.kind is Kind.UDP else Kind.TCP.value
        try:
            await environment.within(
                environment.behaviour.connect_timeout,
                connect(environment, kind, self.remote, self.context.address, self.own, self.local_port),
            )
        except OSError as error:
            log.info("socket %d does not reach %s:%d: %s", self.number, *self.remote, error)
            return problem(error)
        return Code.DONE

    # Called by the session on the network: see `SessionOwner`

    @property
    def keepalive(self) -> Probing | None:
        """See `SessionOwner.keepalive`."""
        return self.host.configuration.keepalive

    @property
    def half_open(self) -> bool:
        """See `SessionOwner.half_open`."""
        return not self.host.configuration.number("passiveclosed")

    @property
    def capacity(self) -> int:
        """See `SessionOwner.capacity`."""
        return self.host.configuration.number("recv/buffersize")

    def opened(self) -> None:
        """See `SessionOwner.opened`."""
        self.state = State.CONNECTED
        if self._network is not None:
            self.remote = self._network.remote
            if self.kind is not Kind.INCOMING:
                self.local_port = self._network.local[1]
        self.host.opened(self, Code.DONE)

    def arrived(self, octets: int) -> None:
        """See `SessionOwner.arrived`."""
        self._arrived(octets)

    def room_made(self) -> None:
        """See `SessionOwner.room_made`."""
        self.host.changed(self)

    def ended(self) -> None:
        """See `SessionOwner.ended`."""
        if self.state is State.CONNECTED:
            self.state = State.CLOSING
            told = self.online() and self.host.environment.behaviour.transparent_end == "NO CARRIER"
            self._end_due = not told
            if self.host.environment.behaviour.closed_buffer == "dropped" and self._network is not None:
                self._network.close()
            self.host.changed(self)

    # What the host does with it

    @property
    def held(self) -> int:
        """See `DataSocket.held`."""
        return 0 if self._network is None else self._network.held

    @property
    def connected(self) -> bool:
        """See `DataSocket.connected`."""
        return self.state is State.CONNECTED

    @property
    def counters(self) -> tuple[int, int, int]:
        """See `DataSocket.counters`."""
        return (0, 0, 0) if self._network is None else self._network.counters()

    def send(self, data: bytes, done: Callable[[bool], None]) -> None:
        """See `DataSocket.send`."""
        self._arrival.sent()
        if self._network is None:
            done(False)
        else:
            self._network.send(data, done)

    def _pull(self, most: int, *, cut: bool) -> tuple[bytes, Place | None]:
        return (b"" if self._network is None else self._network.take(most, cut=cut)), None

    def go_online(self) -> Online:
        """Return how a UART is joined to it in data mode."""
        configuration = self.host.configuration
        unit = 0.1 if self.host.environment.behaviour.transwaittm_unit == "100ms" else 0.001
        self.mode = AccessMode.TRANSPARENT
        return Online(
            self,
            size=configuration.number("transpktsize"),
            wait=configuration.number("transwaittm") * unit,
            escape=True,
            guard=_GUARD,
            between=_BETWEEN,
            rated=False,
        )

    def close(self, timeout: float, done: Callable[[], None]) -> None:
        """See `ModuleSocket.close`: with the other side's consent, where there is time for that."""
        network = self._network
        if network is None or not network.connected or not timeout:
            super().close(timeout, done)
            return
        self._arrival.cancel()
        environment = self.host.environment
        self.state, self._closed = State.CLOSING, done
        self._closing = environment.clock.call_later(environment.loop, timeout, self._release)
        network.shut(self._release)

    def suspend(self) -> None:
        """See `ModuleSocket.suspend`."""
        super().suspend()
        self._end_due = self.host.environment.behaviour.pdpdeact_closed and not self.online()
        self.host.changed(self)

    def break_off(self) -> None:
        """See `ModuleSocket.break_off`."""
        if self._network is not None:
            self._network.broken()

    def network_changed(self) -> None:
        """See `ModuleSocket.network_changed`."""
        if self._network is not None:
            self._network.network_changed()

    def keepalive_changed(self) -> None:
        """See `ModuleSocket.keepalive_changed`."""
        if self._network is not None:
            self._network.keepalive_changed()

    def _release(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        if self._network is not None:
            self._network.close(keep=True)
        closed, self._closed = self._closed, None
        if closed is not None:
            closed()
