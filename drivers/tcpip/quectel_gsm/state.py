"""State that the parts of a stack share: its settings, its sockets, and the UART that it may have in common."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ..core import events
from ..core.context_claim import ContextClaim
from ..core.listener_state import ListenerState
from ..core.session_table import SessionTable
from ..core.socket_state import SocketId, SocketState
from ..core.stack import Wiring
from .foreground import Foreground, ForegroundContext
from .settings import Settings
from .unsolicited import Heading

UNPLACED = 16
SERVER = SocketId(0)
"""The one server of a context, which has no number."""


@dataclass(slots=True)
class Uart:
    """The record of a virtual UART, common to all stacks on its channel."""

    foreground: Foreground = field(default_factory=Foreground)
    stacks: weakref.WeakSet[StackState] = field(default_factory=weakref.WeakSet)
    """Those that hold their context."""
    heading: Heading = field(default_factory=Heading)
    """What the lines before the next data have said about it."""
    unplaced: deque[events.Incoming] = field(default_factory=lambda: deque(maxlen=UNPLACED))
    """Clients that came while more than one context of this UART listened."""


_uarts: weakref.WeakKeyDictionary[object, Uart] = weakref.WeakKeyDictionary()
_uarts_lock = threading.Lock()


def uart_of(channel: object) -> Uart:
    """Return the record of a channel's virtual UART, the same for the same channel."""
    with _uarts_lock:
        return _uarts.setdefault(channel, Uart())


class StackState:
    """One context of the stack, as its parts see it.

    Args:
        wiring: what the driver gives to the stack.
    """

    def __init__(self, wiring: Wiring) -> None:
        self.settings: Settings = Settings.of(wiring.options, wiring.dialect)
        self.uart: Uart = uart_of(wiring.port)
        self.claim: ContextClaim = wiring.claim
        self.table: SessionTable = wiring.table
        self.emit: Callable[[events.Event], None] = wiring.emit
        self.name: str = wiring.claim.name
        self.foreground: ForegroundContext = ForegroundContext(self.claim, self.uart.foreground)
        self.receive: str = self.settings.receive or "buffered"
        """How received data is told from answers; settled when the context is claimed."""
        self.reading: SocketState | None = None
        """The session that AT+QIRD is fetching for."""
        self.fetched: int = 0
        self.suspect: bytes = b""
        """A line in data mode that may be the end of the session, or its data."""

    @property
    def suspected(self) -> bytes:
        """The line in data mode that may be the end of the session, empty outside data mode."""
        return self.suspect if self.table.online is not None else b""

    @property
    def listener(self) -> ListenerState | None:
        """The server, None where there is none."""
        return self.table.listeners.get(SERVER)

    def number(self, session: SocketState) -> int | None:
        """Return what a session is called in commands: its index with MUXIP, nothing without."""
        return session.index if self.settings.muxip else None

    def datagrams(self, protocol: str) -> bool:
        """Whether the data of such a session comes in datagrams that are kept apart."""
        return protocol == "UDP" and not self.mixes and self.settings.transparent is None

    @property
    def mixes(self) -> bool:
        """Whether data comes without a length, so that two sessions cannot be told apart."""
        return self.receive == "bare" and not self.settings.muxip and self.foreground.known("QIHEAD") != "1"

    def candidates(self, index: int | None) -> list[SocketState]:
        """Return the sessions that a CLOSED may be about."""
        named = index if self.settings.muxip else None  # some firmware says "0, CLOSED" with MUXIP off
        there = [s for s in self.table.sessions.values() if s.open or s.ending]
        return [s for s in there if not s.remote_closed and (named is None or s.index == named)]

    def others(self) -> list[StackState]:
        """Return those of the other contexts that are held on this UART."""
        return [state for state in self.uart.stacks if state is not self and state.claim.valid]

    def doubt_others(self) -> events.InDoubt:
        """Have the other contexts of this UART ask the module what still stands; return the event that does it here."""
        for state in self.others():
            state.emit(events.InDoubt())
        return events.InDoubt()
