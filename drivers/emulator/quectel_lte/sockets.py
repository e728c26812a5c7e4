"""A socket of the module: what AT+QISTATE shows of it, and what its UART is told."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Protocol

from ..environment import Environment
from ..interpreter.output import Delivery, Urc
from .codes import Code
from .configuration import Configuration
from .context import PdpContext

LARGEST = 1500
"""The most octets that AT+QIRD, or one line of direct push, brings."""


class Kind(enum.Enum):
    """The types of sockets, as AT+QIOPEN takes them and AT+QISTATE shows them."""

    TCP = "TCP"
    UDP = "UDP"
    LISTENER = "TCP LISTENER"
    SERVICE = "UDP SERVICE"
    INCOMING = "TCP INCOMING"


class State(enum.IntEnum):
    """The states of a socket, with the numbers of AT+QISTATE."""

    INITIAL = 0
    OPENING = 1
    CONNECTED = 2
    LISTENING = 3
    CLOSING = 4


class AccessMode(enum.IntEnum):
    """The access modes, with the numbers of AT+QIOPEN."""

    BUFFERED = 0
    PUSHED = 1
    TRANSPARENT = 2


@dataclass(frozen=True, slots=True)
class Opening:
    """Describes what AT+QIOPEN asks for.

    Args:
        number: the connectID.
        kind: the type of socket.
        remote: address or name, and port.
        local_port: 0 for any.
        mode: the access mode.
        uart: the UART that has asked.
        port: what AT+QISTATE calls it.
    """

    number: int
    kind: Kind
    remote: tuple[str, int]
    local_port: int
    mode: AccessMode
    uart: int
    port: str


class SocketHost(Protocol):
    """What a socket needs of the module."""

    environment: Environment
    configuration: Configuration

    def spawn(self, work: Coroutine[object, object, None], /) -> asyncio.Task[None]:
        """Run a task that is cancelled when the module loses its power."""

    def announce(self, opener: int, text: str) -> None:
        """Tell something of a socket that a UART has opened."""

    def changed(self, socket: ModuleSocket) -> None:
        """Called when there is something to take, or room to send."""

    def opened(self, socket: ModuleSocket, code: Code) -> None:
        """Called when an opening socket is ready, or cannot be opened."""


class ModuleSocket:
    """Represents one socket, from AT+QIOPEN, or the arrival of a client, to AT+QICLOSE.

    Args:
        host: the module.
        context: where it belongs.
        opening: what was asked for.
    """

    established: State = State.CONNECTED
    """The state that it has once it is open."""

    def __init__(self, host: SocketHost, context: PdpContext, opening: Opening) -> None:
        self.host: SocketHost = host
        self.context: PdpContext = context
        self.number: int = opening.number
        self.kind: Kind = opening.kind
        self.remote: tuple[str, int] = opening.remote
        self.local_port: int = opening.local_port
        self.mode: AccessMode = opening.mode
        self.uart: int = opening.uart
        self.port: str = opening.port
        self.server: int = 0  # the listener that an incoming connection belongs to; a listener's own number
        self.state: State = State.OPENING
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.number} {self.kind.value}: {self.state.name}>"

    @property
    def shown(self) -> str:
        """What AT+QISTATE shows."""
        address, port = self.remote
        state = int(self.state)
        if self.state is State.CONNECTED and self.kind is Kind.TCP:
            state = int(self.host.environment.behaviour.client_state)
        numbers = f"{port},{self.local_port},{state},{self.context.number},{self.server},{int(self.shown_mode)}"
        return f'+QISTATE: {self.number},"{self.kind.value}","{address}",{numbers},"{self.port}"'

    @property
    def shown_mode(self) -> AccessMode:
        """The access mode now."""
        return self.mode

    def open(self, problem: Code = Code.DONE) -> None:
        """Begin to open it; `SocketHost.opened` follows.

        Args:
            problem: why it cannot be opened, where that is known already.
        """
        self._task = self.host.spawn(self._open(problem))

    async def _open(self, problem: Code) -> None:
        environment = self.host.environment
        await environment.sleep(environment.behaviour.result_time)
        if problem is Code.DONE:
            problem = await self._establish()
        if self.state is not State.OPENING:
            return
        self._task = None
        self.state = self.established if problem is Code.DONE else State.CLOSING
        self.host.opened(self, problem)

    async def _establish(self) -> Code:
        """Do what opening it takes; return how it went."""
        raise NotImplementedError

    def take(self) -> Urc | Delivery | None:
        """Return what a UART writes next, or None."""
        return None

    def close(self, timeout: float, done: Callable[[], None]) -> None:
        """Close it from our side.

        Args:
            timeout: seconds that the other side has to close, too; 0 does not wait.
            done: called when it is over.
        """
        self.state = State.CLOSING
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._release()
        done()

    def suspend(self) -> None:
        """End it as its context is broken; what has been received can still be read."""
        opening = self.state is State.OPENING
        self.close(0, lambda: None)
        if opening:
            self.host.opened(self, Code.BROKEN)

    def break_off(self) -> None:
        """Reset the connection, if it is one, as if the remote side did."""

    def network_changed(self) -> None:
        """Called when the network has become silent, or no longer is."""

    def keepalive_changed(self) -> None:
        """Called when AT+QICFG="tcp/keepalive" has changed, and applies to connections that are open."""

    def _release(self) -> None:
        """Give the sockets of the computer back."""
