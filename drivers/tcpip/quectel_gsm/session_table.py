"""The sessions and the server of one context: which there are, and how they end. No I/O, no waiting."""

from __future__ import annotations

import threading
import weakref
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ...errors import SessionReset
from ..core.listener_state import ListenerState
from ..core.ownership import INITIAL
from ..core.socket_state import Address, Role, SocketState
from .context_claim import ContextClaim, Foreground
from .settings import Options
from .unsolicited import DEACTIVATED, Heading

UNPLACED = 16
Key = tuple[Role, int]


@dataclass(slots=True)
class Uart:
    """What drivers that share a channel must all know."""

    foreground: Foreground = field(default_factory=Foreground)
    tables: weakref.WeakSet[SessionTable] = field(default_factory=weakref.WeakSet)
    heading: Heading = field(default_factory=Heading)
    """What the lines before the next data have said about it."""
    unplaced: deque[tuple[str, int | None]] = field(default_factory=lambda: deque(maxlen=UNPLACED))
    """Clients that came while more than one context of this UART listened: address and index."""


_uarts: weakref.WeakKeyDictionary[object, Uart] = weakref.WeakKeyDictionary()
_uarts_lock = threading.Lock()


def uart_of(channel: object) -> Uart:
    """Return the record of a channel's virtual UART, the same for the same channel."""
    with _uarts_lock:
        return _uarts.setdefault(channel, Uart())


class SessionTable:
    """The sessions and the server of one context.

    Args:
        options: how the context is used.
        hold: the hold on it.
        uart: what is known about the virtual UART.
        wake: has what is due done soon.
    """

    def __init__(
        self,
        options: Options,
        hold: ContextClaim,
        uart: Uart,
        wake: Callable[[], None],
    ) -> None:
        self.options = options
        self.hold = hold
        self.uart = uart
        self.wake = wake
        self.name = hold.name
        self.receive = options.receive or "buffered"
        """How received data is told from answers; settled when the context is claimed."""
        self.sessions: dict[Key, SocketState] = {}
        self.listener: ListenerState | None = None
        self.online: SocketState | None = None
        """The session whose data is all that comes: the UART is in data mode."""
        self.suspect = b""
        """A line in data mode that may be the end of the session, or its data."""
        self.reading: SocketState | None = None
        """The session that AT+QIRD is fetching for."""
        self.fetched = 0
        self.doubt = False
        """Whether sessions may have ended unheard, so that the module has to be asked."""
        self.counters: Counter[str] = Counter()

    # -- who there is ----------------------------------------------------------------------------------------------

    def standing(self, role: Role | None = None) -> list[SocketState]:
        """Return the sessions that stand, all or those of one role."""
        return [s for s in self.sessions.values() if s.open and (role is None or s.role == role)]

    @property
    def listening(self) -> bool:
        """Whether a server of this context listens."""
        return self.listener is not None and self.listener.open

    @property
    def busy(self) -> bool:
        """Whether a session stands or a server listens."""
        return bool(self.standing()) or self.listening

    def candidates(self, index: int | None) -> list[SocketState]:
        """Return the sessions that a CLOSED may be about."""
        named = index if self.options.muxip else None  # some firmware says "0, CLOSED" with MUXIP off
        there = [s for s in self.sessions.values() if s.open or s.ending]
        return [s for s in there if not s.remote_closed and (named is None or s.index == named)]

    @property
    def mixes(self) -> bool:
        """Whether data comes without a length, so that two sessions cannot be told apart."""
        return self.receive == "bare" and not self.options.muxip and self.hold.known("QIHEAD") != "1"

    def others(self) -> list[SessionTable]:
        """Return those of the other contexts that are held on this UART."""
        return [table for table in self.uart.tables if table is not self and table.hold.valid]

    def number(self, session: SocketState) -> int | None:
        """Return what a session is called in commands: its index with MUXIP, nothing without."""
        return session.index if self.options.muxip else None

    def new_session(self, role: Role, protocol: str, remote: Address, index: int) -> SocketState:
        """Make a session; it does not stand yet."""
        bare = self.mixes or self.options.transparent is not None
        return SocketState(
            name=self.name,
            protocol=protocol,
            role=role,
            remote=remote,
            index=index,
            datagrams=protocol == "UDP" and not bare,
        )

    def place_client(self, address: str, index: int | None) -> None:
        """Make the session of a client that has come."""
        listener = self.listener
        if listener is None:
            return
        key: Key = ("server", index or 0)
        former = self.sessions.get(key)
        if former is not None and former.open:
            former.end_by_remote()  # its place was given to another: it has gone unheard
        session = self.new_session("server", listener.protocol, (address, 0), index or 0)
        if listener.offer(session):
            self.sessions[key] = session
        else:
            self.counters["refused_clients"] += 1

    # -- how they end ----------------------------------------------------------------------------------------------

    def break_off(self, cause: Exception) -> None:
        """End all sessions and the server."""
        self.online, self.suspect = None, b""
        for session in self.standing():
            session.break_off(cause)
        if self.listener is not None and self.listener.open:
            self.listener.break_off(cause)

    def remote_closed(self, session: SocketState) -> None:
        """Learn that the other side has closed a session."""
        if self.receive == "buffered" and self.online is None:
            session.closing = session.unread = True  # what the module keeps is fetched first
            self.wake()
        else:
            self.ended_by_remote(session)

    def ended_by_remote(self, session: SocketState) -> None:
        """Learn that a session has ended, and that all it had received has been fetched."""
        session.end_by_remote()
        if session.role == "client" and not self.options.muxip:
            self.hold.note("IP CLOSE")

    def lost_context(self, why: str) -> None:
        """Learn that the network has taken the context away."""
        self.hold.address = None
        self.hold.note("PDP DEACT")
        self.break_off(SessionReset(f"{self.name}: {why}"))

    def module_reset(self, text: str) -> None:
        """Learn that the module has started again: nothing of what was set or open exists any more."""
        self.break_off(SessionReset(f"{self.name}: the module was reset ({text})"))
        self.uart.foreground.context = None
        self.hold.note(INITIAL)
        self.hold.release(f"the module was reset ({text})")

    def settle_suspicion(self, *, closed: bool) -> None:
        """Learn whether the line in data mode was the end of the session."""
        session, line = self.online, self.suspect
        self.suspect = b""
        if session is None:
            return
        if not closed:
            session.deliver(line)
            return
        self.online = None
        text = line.decode("latin-1").strip()
        if any(pattern.match(text) for pattern in DEACTIVATED):
            self.lost_context(f"the network deactivated the context ({text})")
        else:
            self.ended_by_remote(session)

    def doubt_all(self) -> None:
        """Have all contexts of this UART ask the module what still stands."""
        for table in (self, *self.others()):
            table.doubt = True
            table.wake()

    def room_made(self) -> None:
        """Learn that a reader has made room."""
        if any(session.unread for session in self.standing()):
            self.wake()
