"""The sockets of one context: which there are, what they are called, and how they end. No I/O, no waiting."""

from __future__ import annotations

import enum
import threading
import weakref
from collections import Counter, deque
from collections.abc import Callable, Iterable

from .changes import Changes
from .events import Event, Resolved
from .listener_state import ListenerState
from .socket_state import Address, Role, SocketId, SocketState


class IdScope(enum.Enum):
    """Within what the ids of sockets are unique."""

    CONTEXT = "context"
    MODULE = "module"


class Scope:
    """Within what ids of sockets are unique: one context, or the whole module."""

    def __init__(self) -> None:
        self.lock: threading.Lock = threading.Lock()
        """Held while an id is looked for and taken."""
        self.tables: weakref.WeakSet[SessionTable] = weakref.WeakSet()


class SessionTable:
    """The sessions and listeners of one context.

    Args:
        name: what messages call the context.
        scope: within what the ids of its sockets are unique.
        until_closed: whether a session has its id until it is closed here, also after the other side has closed it.
        handle: takes an event of this context that came on another channel.
        wake: has what is due done soon.
    """

    def __init__(
        self,
        name: str,
        scope: Scope,
        *,
        until_closed: bool,
        handle: Callable[[Event], None],
        wake: Callable[[], None],
    ) -> None:
        self.name = name
        self.handle = handle
        self.wake = wake
        self.sessions: dict[SocketId, SocketState] = {}
        self.listeners: dict[SocketId, ListenerState] = {}
        self.online: SocketState | None = None
        """The session whose data is all that comes: the UART is in data mode."""
        self.doubt: bool = False
        """Whether sessions may have ended unheard, so that the module has to be asked."""
        self.counters: Counter[str] = Counter()
        self.changes: Changes = Changes()
        """Held while a name that has been resolved is added or taken."""
        self._resolved: deque[Resolved] = deque(maxlen=1)
        self._until_closed = until_closed
        self._scope = scope
        with scope.lock:
            scope.tables.add(self)

    # -- who there is ----------------------------------------------------------------------------------------------

    def standing(self, role: Role | None = None) -> list[SocketState]:
        """Return the sessions that stand, all or those of one role."""
        return [s for s in self.sessions.values() if s.open and (role is None or s.role == role)]

    def unfinished(self) -> list[SocketState]:
        """Return the sessions that the module still has to be told the end of."""
        return [s for s in self.sessions.values() if not s.closed and self._occupies(s)]

    @property
    def listening(self) -> bool:
        """Whether a listener listens."""
        return any(listener.open for listener in self.listeners.values())

    @property
    def busy(self) -> bool:
        """Whether a session stands or a listener listens."""
        return bool(self.standing()) or self.listening

    def holder(self, id: SocketId) -> SessionTable:
        """Return the table of the scope that has a session or a listener of this id, else this one."""
        if id in self.sessions or id in self.listeners:
            return self
        with self._scope.lock:
            tables = list(self._scope.tables)
        return next((table for table in tables if id in table.sessions or id in table.listeners), self)

    def _occupies(self, session: SocketState) -> bool:
        return session.open or (self._until_closed and not session.released)

    # -- taking ids ------------------------------------------------------------------------------------------------

    def reserve(
        self, ids: Iterable[SocketId], role: Role, protocol: str, remote: Address, *, datagrams: bool = False
    ) -> SocketState | None:
        """Make a session that is about to be opened, under the first of some ids that nobody of the scope has.

        Args:
            ids: those that it may have, in order.
            role: which side we are.
            protocol: TCP or UDP.
            remote: address and port of the other side.
            datagrams: whether data comes in datagrams that are to be kept apart.

        Returns:
            The session, None when all ids are taken.
        """
        with self._scope.lock:
            id = self._free_id(ids)
            if id is None:
                return None
            session = self.sessions[id] = self.new_session(id, role, protocol, remote, datagrams=datagrams)
            return session

    def reserve_listener(
        self, ids: Iterable[SocketId], protocol: str, port: int, clients: int = 1
    ) -> ListenerState | None:
        """Make a listener that is about to be set up, under the first of some ids that nobody of the scope has.

        Args:
            ids: those that it may have, in order.
            protocol: TCP or UDP.
            port: the port it listens on.
            clients: how many at once.

        Returns:
            The listener, None when all ids are taken.
        """
        with self._scope.lock:
            id = self._free_id(ids)
            if id is None:
                return None
            listener = ListenerState(name=self.name, protocol=protocol, port=port, id=id, clients=clients)
            self.listeners[id] = listener
            return listener

    def _free_id(self, ids: Iterable[SocketId]) -> SocketId | None:
        taken = set[SocketId]()
        for table in self._scope.tables:
            taken.update(id for id, session in list(table.sessions.items()) if table._occupies(session))
            taken.update(list(table.listeners))
        return next((id for id in ids if id not in taken), None)

    def new_session(
        self, id: SocketId, role: Role, protocol: str, remote: Address, *, datagrams: bool = False
    ) -> SocketState:
        """Make a session; it is not in the table yet."""
        return SocketState(name=self.name, protocol=protocol, role=role, remote=remote, id=id, datagrams=datagrams)

    def adopt(self, session: SocketState) -> None:
        """Take a session that the module has made, under the id that it has given it."""
        with self._scope.lock:
            self.sessions[session.id] = session

    def drop(self, id: SocketId) -> None:
        """Forget a session or a listener that did not come about."""
        self.sessions.pop(id, None)
        self.listeners.pop(id, None)

    # -- what happens ----------------------------------------------------------------------------------------------

    def break_off(self, cause: Exception, *, gone: bool = True) -> None:
        """End all sessions and listeners.

        Args:
            cause: why.
            gone: whether the module has none of them any more; False: nothing of them is heard, that is all.
        """
        self.online = None
        for session in self.sessions.values():
            session.released |= gone
            if session.open:
                session.break_off(cause)
        for listener in self.listeners.values():
            if listener.open:
                listener.break_off(cause)

    def next_unread(self) -> SocketState | None:
        """Return a session whose data waits in the module and has a reader; each comes in its turn."""
        for id, session in list(self.sessions.items()):
            if session.open and session.unread and not session.congested:
                self.sessions[id] = self.sessions.pop(id)  # the others come first next time
                return session
        return None

    def room_made(self) -> None:
        """Learn that a reader has made room."""
        if any(session.unread for session in self.standing()):
            self.wake()

    # -- names -----------------------------------------------------------------------------------------------------

    def add_resolved(self, event: Resolved) -> None:
        """Keep what became of a name until somebody takes it."""
        with self.changes:
            self._resolved.append(event)
            self.changes.notify()

    def take_resolved(self) -> Resolved | None:
        """Return what became of a name, None when nothing is known."""
        with self.changes:
            return self._resolved.popleft() if self._resolved else None
