"""The sessions and listeners of one context: their ids, and how they end. No I/O, no waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ...errors import SessionReset
from .events import Event
from .listener_state import ListenerState
from .name_questions import Asker
from .scope import Scope
from .socket_state import CONGESTED, Address, Role, SocketId, SocketState


class SessionTable(Asker):
    """The sessions and listeners of one context.

    Args:
        name: the name of the context in messages.
        context: the number of the context.
        scope: the tables within which the ids of its sockets are unique.
        until_closed: whether a session keeps its id until it is closed on this side, also after the other side has
            closed it.
        fetch_ahead: see `TcpipStack.FETCH_AHEAD`.
        id_taken: the code of opening a socket whose id is in use, if the module has one.
        receive: returns the receive mode of a session for which none is asked.
        port: the channel of the context.
        handle: called with an event of this context that came on another channel.
        wake: makes the driver do what is due, soon.
    """

    def __init__(
        self,
        name: str,
        context: int,
        scope: Scope[SessionTable],
        *,
        until_closed: bool,
        fetch_ahead: int = CONGESTED,
        id_taken: int | None = None,
        receive: Callable[[], str] = lambda: "buffered",
        port: object = None,
        handle: Callable[[Event], None],
        wake: Callable[[], None],
    ) -> None:
        super().__init__(scope.questions)
        self.name: str = name
        self.context: int = context
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
        self.fetching: SocketState | None = None
        """The session whose data is being fetched."""
        self._doubt: bool = False
        """Whether the end of a session may have been missed, so that the module has to be asked."""
        self._fetches = 0
        self._refused: dict[SocketId, SocketState] = {}
        self._until_closed, self._fetch_ahead, self._id_taken = until_closed, fetch_ahead, id_taken
        self._receive, self._port, self._scope = receive, port, scope
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
        """Return the tables of the scope that belong to a context."""
        return [table for table in self._tables() if table.context == context]

    def _in_data_mode(self, port: object) -> bool:
        """Tell whether a channel is in data mode for a session of the scope."""
        return any(table._port is port and table.online is not None for table in self._tables())

    def _forget_pushes_on(self, port: object) -> None:
        """Take note that a channel is no longer listened to: data that it has had comes on others now, if at all."""
        for table in self._tables():
            for session in list(table.sessions.values()):
                if session.pushes.home is port:
                    session.pushes.home = None

    def _tables(self) -> list[SessionTable]:
        """Return the tables of the scope, this one first."""
        with self._scope.lock:
            return [self, *(table for table in self._scope.tables if table is not self)]

    def _occupies(self, session: SocketState) -> bool:
        """Tell whether a session of this table still has its id."""
        return session.open or (self._until_closed and not session.released)

    # -- taking ids ------------------------------------------------------------------------------------------------

    def reserve(
        self,
        ids: Iterable[SocketId],
        role: Role,
        protocol: str,
        remote: Address,
        *,
        datagrams: bool = False,
        receive: str | None = None,
        service: int | None = None,
    ) -> SocketState | None:
        """Create a session that is about to be opened, under the first of some ids that is free in the scope.

        If the module gives its id to a client meanwhile, the `SocketState.outcome` of the session is
        `TcpipStack.ID_TAKEN`, and the id belongs to the client.

        Args:
            ids: the ids that it may have, in order.
            role: the role of this side.
            protocol: TCP or UDP.
            remote: address and port of the other side; `ANYWHERE` of a UDP service.
            datagrams: whether data comes in datagrams that are kept apart.
            receive: its receive mode; None: that of the context.
            service: the local port of a UDP service.

        Returns:
            The session, or None if all ids are taken.
        """
        with self._scope.lock:
            id = self._free_id(ids)
            if id is None:
                return None
            session = self.sessions[id] = self.new_session(
                id, role, protocol, remote, datagrams=datagrams, receive=receive, service=service
            )
            session.reserved = True
            return session

    def reserve_listener(
        self, ids: Iterable[SocketId], protocol: str, port: int, clients: int = 1, *, receive: str | None = None
    ) -> ListenerState | None:
        """Create a listener that is about to be set up, under the first of some ids that is free in the scope.

        Args:
            ids: the ids that it may have, in order.
            protocol: TCP or UDP.
            port: the port on which it listens.
            clients: the most clients at once.
            receive: the receive mode of its clients; None: that of the context.

        Returns:
            The listener, or None if all ids are taken.
        """
        with self._scope.lock:
            id = self._free_id(ids)
            if id is None:
                return None
            listener = self.listeners[id] = self.new_listener(id, protocol, port, clients, receive=receive)
            return listener

    def _free_id(self, ids: Iterable[SocketId]) -> SocketId | None:
        """Return the first free id; those of former sockets of other channels come last, whose news may be late."""
        taken, others = set(self._scope.foreign), set[SocketId]()
        for table in self._scope.tables:
            sessions = list(table.sessions.items())
            taken.update(id for id, session in sessions if table._occupies(session))
            taken.update(list(table.listeners))
            others.update(id for id, _ in sessions if table._port is not self._port)
        free = [id for id in ids if id not in taken]
        return next((id for id in free if id not in others), free[0] if free else None)

    def new_session(
        self,
        id: SocketId,
        role: Role,
        protocol: str,
        remote: Address,
        *,
        datagrams: bool = False,
        receive: str | None = None,
        service: int | None = None,
    ) -> SocketState:
        """Create a session that is not in the table yet.

        Args:
            id: its id in the module.
            role: the role of this side.
            protocol: TCP or UDP.
            remote: the address of the other side.
            datagrams: whether its data comes in datagrams that are kept apart.
            receive: its receive mode; None: that of the context.
            service: the local port of a UDP service.

        Returns:
            The session.
        """
        return SocketState(
            name=self.name,
            protocol=protocol,
            role=role,
            remote=remote,
            id=id,
            datagrams=datagrams,
            receive=receive or self._receive(),
            service=service,
        )

    def new_listener(
        self, id: SocketId, protocol: str, port: int, clients: int = 1, *, receive: str | None = None
    ) -> ListenerState:
        """Create a listener that is not in the table yet.

        Args:
            id: its id in the module.
            protocol: TCP or UDP.
            port: the port that it listens on.
            clients: the most clients at once.
            receive: the receive mode of its clients; None: that of the context.

        Returns:
            The listener.
        """
        return ListenerState(
            name=self.name, protocol=protocol, port=port, id=id, clients=clients, receive=receive or self._receive()
        )

    def adopt(self, made: SocketState | ListenerState) -> None:
        """Add a session or a listener under the id that the module has assigned to it.

        Args:
            made: the session or the listener.
        """
        with self._scope.lock:
            if isinstance(made, ListenerState):
                self.listeners[made.id] = made
                return
            self._scope.foreign.pop(made.id, None)
            former = [(table, table.sessions.get(made.id)) for table in self._scope.tables]
            for table, session in former:
                if session is not None and session is not made:
                    table._lose_id(session)
            self.sessions[made.id] = made

    def _lose_id(self, session: SocketState) -> None:
        """Take note that the module has given the id of a session to another one."""
        if not (session.reserved or self._until_closed):
            return
        self.sessions.pop(session.id, None)
        if not session.reserved:
            session.released = True
        elif self._id_taken is not None:
            session.opened(self._id_taken)
        else:
            session.break_off(SessionReset(f"{self.name}: the module has given socket {session.index} to a client"))

    def drop(self, what: SocketId | SocketState | ListenerState) -> None:
        """Remove a session or a listener that was not opened.

        Args:
            what: the session or the listener; nothing is removed if another one has its id. Or an id.
        """
        for kept in (self.sessions, self.listeners):
            id = what if isinstance(what, SocketId) else what.id
            if what in (id, kept.get(id)):
                kept.pop(id, None)

    def note_foreign(self, ids: Iterable[SocketId], context: int | None = None) -> None:
        """Take note that sockets belong to somebody else, so that their ids are not free, unless they are ours.

        Args:
            ids: their ids.
            context: their context, as far as known.
        """
        self._scope.note_foreign(set(ids) - self._ours(), context)

    def survey(self, sockets: dict[SocketId, int]) -> None:
        """Take note of all sockets that the module has: what is not ours is somebody else's.

        Args:
            sockets: their ids, with their contexts.
        """
        ours = self._ours()
        with self._scope.lock:
            self._scope.foreign.clear()
            self._scope.foreign.update({id: context for id, context in sockets.items() if id not in ours})

    def _ours(self) -> set[SocketId]:
        """Return the ids that sessions and listeners of the scope have."""
        return {id for table in self._tables() for id in (*table.sessions, *table.listeners) if table._has(id)}

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

    def _break_off(self, cause: Exception, *, gone: bool = True, online: bool = False) -> None:
        """End all sessions and listeners.

        Args:
            cause: the reason.
            gone: whether the module no longer has any of them; False: only their events can no longer be received.
            online: whether a session in data mode may have data to come, and the end of data mode.
        """
        self.online = self.online if online else None
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
        sessions = list(self.sessions.values())
        waiting = [s for s in sessions if s.open and s.unread and s.wants(self._fetch_ahead)]
        session = min(waiting, key=lambda one: one.fetched, default=None)
        if session is not None:
            self._fetches += 1
            session.fetched = self._fetches  # the others are first next time
        return session

    def _room_made(self) -> None:
        """Continue to fetch data after a reader has made room."""
        if any(session.unread for session in self.standing()):
            self.wake()
