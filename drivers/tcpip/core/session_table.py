"""The sessions and listeners of one context: their ids, and how they end. No I/O, no waiting."""

from __future__ import annotations

import collections
import enum
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from cmux.forks import Lock

from .changes import Changes
from .events import Event, Resolved
from .listener_state import ListenerState
from .socket_state import Address, Role, SocketId, SocketState


class IdScope(enum.Enum):
    """The scope within which the ids of sockets are unique."""

    CONTEXT = "context"
    MODULE = "module"


class Scope:
    """The tables within which ids of sockets are unique: of one context, or of the whole module."""

    def __init__(self) -> None:
        self.lock: Lock = Lock()
        """Held while a free id is found and taken."""
        self.tables: weakref.WeakSet[SessionTable] = weakref.WeakSet()
        self.asking: collections.deque[SessionTable] = collections.deque()
        """The tables that wait for the addresses of a name, the oldest question first."""

    def __repr__(self) -> str:
        return f"<Scope of {len(self.tables)} tables>"


class SessionTable:
    """The sessions and listeners of one context.

    Args:
        name: the name of the context in messages.
        context: the number of the context.
        scope: the tables within which the ids of its sockets are unique.
        until_closed: whether a session keeps its id until it is closed on this side, also after the other side has
            closed it.
        handle: called with an event of this context that came on another channel.
        wake: makes the driver do what is due, soon.
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
        """Makes the driver do what is due, soon: fetch unread data, and ask about sessions in doubt."""
        self.sessions: dict[SocketId, SocketState] = {}
        """The sessions by their ids; one that has ended stays until another one takes its id."""
        self.listeners: dict[SocketId, ListenerState] = {}
        """The listeners by their ids."""
        self.online: SocketState | None = None
        """The session that all received data belongs to, while the UART is in data mode."""
        self.opening: SocketState | None = None
        """A session that is being opened and gets its place among `sessions` when it is open."""
        self._doubt: bool = False
        """Whether the end of a session may have been missed, so that the module has to be asked."""
        self.counters: Counter[str] = Counter()
        """Counters of unexpected events, by name."""
        self._fetches = 0
        self.changes: Changes = Changes()
        """The lock of the addresses of a name."""
        self._resolved: Resolved | None = None
        self._refused: dict[SocketId, SocketState] = {}
        self._until_closed = until_closed
        self._scope = scope
        with scope.lock:
            scope.tables.add(self)

    def __repr__(self) -> str:
        return f"<SessionTable of {self.name}: {len(self.standing())} sessions, listening={self.listening}>"

    # -- sessions and listeners ------------------------------------------------------------------------------------

    def standing(self, role: Role | None = None) -> list[SocketState]:
        """Return the open sessions, all or those of one role.

        Args:
            role: ``client`` or ``server``; None: both.
        """
        return [s for s in list(self.sessions.values()) if s.open and (role is None or s.role == role)]

    def _unfinished(self) -> list[SocketState]:
        """Return the sessions that still have to be closed in the module."""
        there = [s for s in list(self.sessions.values()) if not s.closed and not s.released]
        return [s for s in there if self._until_closed or not s.remote_closed]

    @property
    def listening(self) -> bool:
        """Whether a listener is listening."""
        return any(listener.open for listener in list(self.listeners.values()))

    @property
    def busy(self) -> bool:
        """Whether a session is open or a listener is listening."""
        return bool(self.standing()) or self.listening

    def _holder(self, id: SocketId) -> SessionTable:
        """Return the table of the scope in which a session or a listener has this id, otherwise this table."""
        return next((table for table in self._tables() if table._has(id)), self)

    def _has(self, id: SocketId) -> bool:
        session = self.sessions.get(id)  # it stays after its end, when another table may already have its id
        return id in self.listeners or (session is not None and (session.ending or self._occupies(session)))

    def _of_context(self, context: int) -> list[SessionTable]:
        """Return the tables of the scope that belong to a context, or this table if there are none."""
        return [table for table in self._tables() if table.context == context] or [self]

    def _tables(self) -> list[SessionTable]:
        """Return the tables of the scope, this one first."""
        with self._scope.lock:
            return [self, *(table for table in self._scope.tables if table is not self)]

    def _occupies(self, session: SocketState) -> bool:
        """Tell whether a session of this table still has its id."""
        return session.open or (self._until_closed and not session.released)

    # -- taking ids ------------------------------------------------------------------------------------------------

    def reserve(
        self, ids: Iterable[SocketId], role: Role, protocol: str, remote: Address, *, datagrams: bool = False
    ) -> SocketState | None:
        """Create a session that is about to be opened, under the first of some ids that is free in the scope.

        Args:
            ids: the ids that it may have, in order.
            role: the role of this side.
            protocol: TCP or UDP.
            remote: address and port of the other side.
            datagrams: whether data comes in datagrams that are kept apart.

        Returns:
            The session, or None if all ids are taken.
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
        """Create a listener that is about to be set up, under the first of some ids that is free in the scope.

        Args:
            ids: the ids that it may have, in order.
            protocol: TCP or UDP.
            port: the port on which it listens.
            clients: the most clients at once.

        Returns:
            The listener, or None if all ids are taken.
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
        """Create a session that is not in the table yet.

        Args:
            id: its id in the module.
            role: the role of this side.
            protocol: TCP or UDP.
            remote: the address of the other side.
            datagrams: whether its data comes in datagrams that are kept apart.

        Returns:
            The session.
        """
        return SocketState(name=self.name, protocol=protocol, role=role, remote=remote, id=id, datagrams=datagrams)

    def new_listener(self, id: SocketId, protocol: str, port: int, clients: int = 1) -> ListenerState:
        """Create a listener that is not in the table yet.

        Args:
            id: its id in the module.
            protocol: TCP or UDP.
            port: the port that it listens on.
            clients: the most clients at once.

        Returns:
            The listener.
        """
        return ListenerState(name=self.name, protocol=protocol, port=port, id=id, clients=clients)

    def adopt(self, made: SocketState | ListenerState) -> None:
        """Add a session or a listener under the id that the module has assigned to it.

        Args:
            made: the session or the listener.
        """
        with self._scope.lock:
            if isinstance(made, ListenerState):
                self.listeners[made.id] = made
            else:
                self.sessions[made.id] = made

    def drop(self, id: SocketId) -> None:
        """Remove a session or a listener that was not opened.

        Args:
            id: its id.
        """
        self.sessions.pop(id, None)
        self.listeners.pop(id, None)

    def _turn_away(self, session: SocketState) -> None:
        """Queue a client that the module has accepted but the listener refuses; see `_next_refused`."""
        self.counters["refused_clients"] += 1
        session.close_here()
        self.adopt(session)  # it has its id until it is closed in the module
        self._refused[session.id] = session  # one that has had its id is gone
        self.wake()

    def _next_refused(self) -> SocketState | None:
        """Return the next client to be closed in the module, or None."""
        return self._refused.pop(next(iter(self._refused))) if self._refused else None

    # -- events ----------------------------------------------------------------------------------------------------

    def _break_off(self, cause: Exception, *, gone: bool = True) -> None:
        """End all sessions and listeners.

        Args:
            cause: the reason.
            gone: whether the module no longer has any of them; False: only their events can no longer be received.
        """
        self.online = None
        self._refused.clear()
        for session in list(self.sessions.values()):
            session.released |= gone
            if session.open:
                session.break_off(cause)
        if self.opening is not None:
            self.opening.break_off(cause)
        for listener in list(self.listeners.values()):
            if listener.open:
                listener.break_off(cause)

    def _next_unread(self) -> SocketState | None:
        """Return the next session whose data has to be fetched from the module, in turns, or None."""
        waiting = [s for s in list(self.sessions.values()) if s.open and s.unread and not s.congested]
        session = min(waiting, key=lambda one: one.fetched, default=None)
        if session is not None:
            self._fetches += 1
            session.fetched = self._fetches  # the others are first next time
        return session

    def _room_made(self) -> None:
        """Continue to fetch data after a reader has made room."""
        if any(session.unread for session in self.standing()):
            self.wake()

    # -- names -----------------------------------------------------------------------------------------------------

    @contextmanager
    def asking_for_a_name(self) -> Iterator[None]:
        """Register a question whose answer comes as `events.Resolved`; an earlier answer is discarded."""
        self._resolved = None
        with self._scope.lock:
            self._scope.asking.append(self)
        try:
            yield
        finally:
            with self._scope.lock, suppress(ValueError):
                self._scope.asking.remove(self)

    def _add_resolved(self, event: Resolved) -> None:
        """Pass the addresses of a name to the table that has asked first; count them if none has asked."""
        with self._scope.lock:
            table = self._scope.asking.popleft() if self._scope.asking else None
        if table is None:
            self.counters["names_for_nobody"] += 1
            return
        with table.changes:
            table._resolved = event
            table.changes.notify()

    def take_resolved(self) -> Resolved | None:
        """Return the answer to the question for a name, or None if it has not come yet."""
        with self.changes:
            return self._resolved
