"""The state that the parts of a stack share: its settings, its sockets, and its virtual UART."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from cmux.forks import Lock

from ..core import events
from ..core.exclusion import Exclusion
from ..core.listener_state import ListenerState
from ..core.procedure import Procedure, wait
from ..core.socket_state import SocketId, SocketState
from ..core.stack import Wiring
from ..shared_state import SharedState
from .foreground import Foreground, ForegroundContext
from .settings import Settings
from .unsolicited import Heading

T = TypeVar("T")
UNPLACED = 16
SERVER = SocketId(0)
"""The id of the only server of a context, which has no number."""


@dataclass(slots=True)
class Uart:
    """The record of a virtual UART, shared by all stacks on its channel."""

    foreground: Foreground = field(default_factory=Foreground)
    stacks: weakref.WeakSet[StackState] = field(default_factory=weakref.WeakSet)
    """The stacks that hold their context."""
    heading: Heading = field(default_factory=Heading)
    """What the header lines say about the data that comes next."""
    esc_is_data: bool | None = None
    """Whether ESC is data where a length was announced; None: not known yet."""
    opening: Exclusion = field(default_factory=Exclusion)
    """The right to open a session or a server: CONNECT FAIL does not name the context that it is about."""
    unplaced: deque[events.Incoming] = field(default_factory=lambda: deque(maxlen=UNPLACED))
    """Clients that connected while more than one context of this UART was listening."""

    def alone(self, procedure: Procedure[T]) -> Procedure[T]:
        """Run a procedure that opens a session or a server while no other one is opened on this UART.

        Args:
            procedure: a new generator.
        """
        with self.opening.claiming(object()) as claimant:
            yield from wait(None, claimant.changes, claimant.take)
            return (yield from procedure)


@dataclass(slots=True)
class Module:
    """The record of a module, shared by all stacks on its UARTs: what they have set and cannot read back."""

    stacks: weakref.WeakSet[StackState] = field(default_factory=weakref.WeakSet)
    """The stacks that hold their context, on whatever UART."""
    bearers: dict[int, str] = field(default_factory=dict)
    """The value of AT+QICSGP that was set for each context; AT+QICSGP? tells only a part of it."""
    ports: dict[tuple[int, str], int] = field(default_factory=dict)
    """The value of AT+QILPORT that was set for each context and protocol."""

    def forget(self) -> None:
        """Forget what was set, because the module was reset."""
        self.bearers.clear()
        self.ports.clear()


_uarts: weakref.WeakKeyDictionary[object, Uart] = weakref.WeakKeyDictionary()
_modules: weakref.WeakKeyDictionary[object, Module] = weakref.WeakKeyDictionary()
_records_lock = Lock()


def uart_of(channel: object) -> Uart:
    """Return the record of the virtual UART of a channel; for the same channel it is always the same object."""
    with _records_lock:
        return _uarts.setdefault(channel, Uart())


def module_of(modem: object) -> Module:
    """Return the record of a module; for the same module it is always the same object."""
    with _records_lock:
        return _modules.setdefault(modem, Module())


class StackState(SharedState):
    """The state of one context that the parts of the stack share.

    Args:
        wiring: what the driver provides.
    """

    def __init__(self, wiring: Wiring) -> None:
        super().__init__(wiring)
        self.settings: Settings = Settings.of(wiring.options, wiring.dialect)
        self.uart: Uart = uart_of(wiring.port)
        self.module: Module = module_of(wiring.modem)
        self.foreground: ForegroundContext = ForegroundContext(self.claim, self.uart.foreground, self.module.bearers)
        self.receive: str = self.settings.receive or "buffered"
        """The receive mode; decided when the context is claimed."""
        self.take_connect_result: Callable[[str], events.Event | None] | None = None
        """Takes the result of AT+QIOPEN, where that is waited for outside of its turn."""
        self.server_due: bool = False
        """Whether the server has to be closed: its user has closed it before, and its last client has left."""

    @property
    def listener(self) -> ListenerState | None:
        """The server, or None."""
        return self.table.listeners.get(SERVER)

    @property
    def serves(self) -> bool:
        """Whether the module has a server for this context: also one that is closed here while a client remains."""
        return self.listener is not None and not self.listener.broken

    def number(self, session: SocketState) -> int | None:
        """Return the index of a session for commands with MUXIP, None without."""
        return session.index if self.settings.muxip else None

    def datagrams(self, protocol: str) -> bool:
        """Whether the data of a session with this protocol comes in datagrams that are kept apart."""
        return protocol == "UDP" and not self.mixes and self.settings.transparent is None

    @property
    def mixes(self) -> bool:
        """Whether data comes without a length, so that the data of two sessions cannot be distinguished."""
        return self.receive == "bare" and not self.settings.muxip and self.foreground.known("QIHEAD") != "1"

    def candidates(self, index: int | None) -> list[SocketState]:
        """Return the sessions that a CLOSED may belong to."""
        named = index if self.settings.muxip else None  # some firmware sends "0, CLOSED" with MUXIP off
        there = [s for s in self.table.sessions.values() if s.open or s.ending]
        return [s for s in there if not s.remote_closed and (named is None or s.index == named)]

    def hold(self) -> None:
        """Note that the context is held."""
        self.uart.stacks.add(self)
        self.module.stacks.add(self)

    def let_go(self) -> None:
        """Note that the context is not held any more."""
        self.uart.stacks.discard(self)
        self.module.stacks.discard(self)

    def others(self) -> list[StackState]:
        """Return the stacks of the other contexts that are held on this UART."""
        return [state for state in list(self.uart.stacks) if state is not self and state.claim.valid]

    def elsewhere(self) -> list[StackState]:
        """Return the stacks of the other contexts that are held on this module, on this UART or another one."""
        known = {*self.uart.stacks, *self.module.stacks}
        return [state for state in known if state.claim.context != self.claim.context and state.claim.valid]

    def doubt_others(self) -> events.InDoubt:
        """Make the other contexts of this UART ask what is still open; return the event that does so here."""
        for state in self.others():
            state.emit(events.InDoubt())
        return events.InDoubt()
