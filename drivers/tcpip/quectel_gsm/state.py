"""The state that the parts of a stack share: its settings, its sockets, and its virtual UART."""

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
    unplaced: deque[events.Incoming] = field(default_factory=lambda: deque(maxlen=UNPLACED))
    """Clients that connected while more than one context of this UART was listening."""


_uarts: weakref.WeakKeyDictionary[object, Uart] = weakref.WeakKeyDictionary()
_uarts_lock = threading.Lock()


def uart_of(channel: object) -> Uart:
    """Return the record of the virtual UART of a channel; for the same channel it is always the same object."""
    with _uarts_lock:
        return _uarts.setdefault(channel, Uart())


class StackState:
    """The state of one context that the parts of the stack share.

    Args:
        wiring: what the driver provides.
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
        """The receive mode; decided when the context is claimed."""
        self.reading: SocketState | None = None
        """The session whose data AT+QIRD is fetching."""
        self.fetched: int = 0
        self.suspect: bytes = b""
        """A line in data mode that may be the end of the session or data."""

    @property
    def suspected(self) -> bytes:
        """The lines that may end the session in data mode; empty outside data mode."""
        return self.suspect if self.table.online is not None else b""

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

    def others(self) -> list[StackState]:
        """Return the stacks of the other contexts that are held on this UART."""
        return [state for state in self.uart.stacks if state is not self and state.claim.valid]

    def doubt_others(self) -> events.InDoubt:
        """Make the other contexts of this UART ask what is still open; return the event that does so here."""
        for state in self.others():
            state.emit(events.InDoubt())
        return events.InDoubt()
