"""The sockets of one context: which there are, what they are called, and how they end. No I/O, no waiting."""

from __future__ import annotations

import collections
import enum
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

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
        self.asking: collections.deque[SessionTable] = collections.deque()
        """Those that have asked for a name and wait for the answer, the oldest question first."""

    def __repr__(self) -> str:
        return f"<Scope of {len(self.tables)} tables>"


class SessionTable:
    """The sessions and listeners of one context.

    Args:
        name: what messages call the context.
        context: its number.
        scope: within what the ids of its sockets are unique.
        until_closed: whether a session has its id until it is closed here, also after the other side has closed it.
        handle: takes an event of this context that came on another channel.
        wake: has what is due done soon.
    """

    def __init__(
        self,
        name: str,
        context: int,
        scope: Scope,
        *,
        until_closed: bool,
        handle: Callable[[Event], None],
        wake: Callable[[], None],
    ) -> None:
        self.name = name
        self.context = context
        self._handle = handle
        self.wake: Callable[[], None] = wake
        """Has what is due done soon: what is unread is fetched, what is in doubt is asked."""
        self.sessions: dict[SocketId, SocketState] = {}
        """The sessions by their ids; one that is over stays until another one takes its id."""
        self.listeners: dict[SocketId, ListenerState] = {}
        """The listeners by their ids."""
        self.online: SocketState | None = None
        """The session whose data is all that comes: the UART is in data mode."""
        self._doubt: bool = False
        """Whether sessions may have ended unheard, so that the module has to be asked."""
        self.counters: Counter[str] = Counter()
        """How often something unexpected has come, by its name."""
        self._fetches = 0
        self.changes: Changes = Changes()
        """Held while a name that has been resolved is added or taken."""
        self._resolved: Resolved | None = None
        self._refused: collections.deque[SocketState] = collections.deque()
        self._until_closed = until_closed
        self._scope = scope
        with scope.lock:
            scope.tables.add(self)

    def __repr__(self) -> str:
        return f"<SessionTable of {self.name}: {len(self.standing())} sessions, listening={self.listening}>"

    # -- who there is ----------------------------------------------------------------------------------------------

    def standing(self, role: Role | None = None) -> list[SocketState]:
        """Return the sessions that stand, all or those of one role."""
        return [s for s in list(self.sessions.values()) if s.open and (role is None or s.role == role)]

    def _unfinished(self) -> list[SocketState]:
        """Return the sessions that the module still has to be told the end of."""
        return [s for s in list(self.sessions.values()) if not s.closed and self._occupies(s)]

    @property
    def listening(self) -> bool:
        """Whether a listener listens."""
        return any(listener.open for listener in list(self.listeners.values()))

    @property
    def busy(self) -> bool:
        """Whether a session stands or a listener listens."""
        return bool(self.standing()) or self.listening

    def _holder(self, id: SocketId) -> SessionTable:
        """Return the table of the scope in which a session or a listener has this id now, else this one."""
        return next((table for table in self._tables() if table._has(id)), self)

    def _has(self, id: SocketId) -> bool:
        session = self.sessions.get(id)  # it stays here after its end, when its id may be another one's already
        return id in self.listeners or (session is not None and (session.ending or self._occupies(session)))

    def _of_context(self, context: int) -> list[SessionTable]:
        """Return the tables of the scope that are of a context, this one where there is no other."""
        return [table for table in self._tables() if table.context == context] or [self]

    def _tables(self) -> list[SessionTable]:
        """Return the tables of the scope, this one first."""
        with self._scope.lock:
            return [self, *(table for table in self._scope.tables if table is not self)]

    def _occupies(self, session: SocketState) -> bool:
        """Say whether a session of this table still has its id."""
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
            listener = self.listeners[id] = self.new_listener(id, protocol, port, clients)
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

    def new_listener(self, id: SocketId, protocol: str, port: int, clients: int = 1) -> ListenerState:
        """Make a listener; it is not in the table yet."""
        return ListenerState(name=self.name, protocol=protocol, port=port, id=id, clients=clients)

    def adopt(self, made: SocketState | ListenerState) -> None:
        """Take a session or a listener that the module has made, under the id that it has given it."""
        with self._scope.lock:
            if isinstance(made, ListenerState):
                self.listeners[made.id] = made
            else:
                self.sessions[made.id] = made

    def drop(self, id: SocketId) -> None:
        """Forget a session or a listener that did not come about."""
        self.sessions.pop(id, None)
        self.listeners.pop(id, None)

    def _turn_away(self, session: SocketState) -> None:
        """Have the module told that a client that it has accepted is not wanted; see `_next_refused`."""
        self.counters["refused_clients"] += 1
        session.close_here()
        self.adopt(session)  # it has its id until the module was told
        self._refused.append(session)
        self.wake()

    def _next_refused(self) -> SocketState | None:
        """Return a client that is to be turned away, None when there is none."""
        return self._refused.popleft() if self._refused else None

    # -- what happens ----------------------------------------------------------------------------------------------

    def _break_off(self, cause: Exception, *, gone: bool = True) -> None:
        """End all sessions and listeners.

        Args:
            cause: why.
            gone: whether the module has none of them any more; False: nothing of them is heard, that is all.
        """
        self.online = None
        self._refused.clear()
        for session in list(self.sessions.values()):
            session.released |= gone
            if session.open:
                session.break_off(cause)
        for listener in list(self.listeners.values()):
            if listener.open:
                listener.break_off(cause)

    def _next_unread(self) -> SocketState | None:
        """Return a session whose data waits in the module and has a reader; each comes in its turn."""
        waiting = [s for s in list(self.sessions.values()) if s.open and s.unread and not s.congested]
        session = min(waiting, key=lambda one: one.fetched, default=None)
        if session is not None:
            self._fetches += 1
            session.fetched = self._fetches  # the others come first next time
        return session

    def _room_made(self) -> None:
        """Learn that a reader has made room."""
        if any(session.unread for session in self.standing()):
            self.wake()

    # -- names -----------------------------------------------------------------------------------------------------

    @contextmanager
    def asking_for_a_name(self) -> Iterator[None]:
        """Around a question whose answer comes as `events.Resolved`: what came before is not the answer to it."""
        self._resolved = None
        with self._scope.lock:
            self._scope.asking.append(self)
        try:
            yield
        finally:
            with self._scope.lock, suppress(ValueError):
                self._scope.asking.remove(self)

    def _add_resolved(self, event: Resolved) -> None:
        """Give what became of a name to the table of the scope that has asked first; nobody's is counted."""
        with self._scope.lock:
            table = self._scope.asking.popleft() if self._scope.asking else None
        if table is None:
            self.counters["names_for_nobody"] += 1
            return
        with table.changes:
            table._resolved = event
            table.changes.notify()

    def take_resolved(self) -> Resolved | None:
        """Return what became of the name that was asked for, None while nothing is known."""
        with self.changes:
            return self._resolved
