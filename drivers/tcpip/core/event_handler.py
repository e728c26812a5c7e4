"""Handles the events of one context, for all families. No I/O, no waiting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ...at.core import Dialogue
from ...errors import AtTimeout, SessionReset
from ...logs import port_logger
from . import events
from .at_port import AtPort
from .context_claim import ContextClaim
from .demultiplexer import Demultiplexer
from .options import Options
from .ownership import ContextState, ContextTable
from .scope import IdScope, Scope
from .session_table import SessionTable
from .socket_state import SocketId, SocketState
from .stack import Dialect, TcpipStack, Wiring

REFUSALS = 5
"""How often a module that has a session may refuse to give its data, one time after the other."""


class EventHandler:
    """One context, controlled over one channel: its claim, its sockets, the stack of its family.

    Args:
        dialect: the kind of module.
        options: the options of the context.
        port: the channel.
        dlci: the DLCI of the channel; None if the port does not have one.
        owners: the owners of contexts.
        now: returns the time.
        wake: runs the dialogues of `work`, soon.
        set_dtr: sets DTR of the UART, if it has one.
        recognise: returns the dialect of a model, or None.

    Raises:
        ValueError: the family does not have one of the options.
    """

    def __init__(
        self,
        dialect: Dialect,
        options: Options,
        port: AtPort,
        *,
        dlci: int | None,
        owners: ContextTable,
        now: Callable[[], float],
        wake: Callable[[], None],
        set_dtr: Callable[[bool], None],
        recognise: Callable[[str], Dialect | None] = lambda _model: None,
    ) -> None:
        self._dialect, self._recognise = dialect, recognise
        family = dialect.family
        self.claim: ContextClaim = ContextClaim(
            options.context,
            port.name,
            dlci=dlci,
            table=owners,
            now=now,
            words=family.WORDS,
            shared=options.share,
            ended=self._claim_ended,
        )
        self.name: str = self.claim.name
        """The name of the context in messages."""
        self._of_module = family.ID_SCOPE is IdScope.MODULE
        self.table: SessionTable = SessionTable(
            self.name,
            options.context,
            owners._scope if self._of_module else Scope(),
            until_closed=family.CLOSE_AFTER_PEER,
            fetch_ahead=family.FETCH_AHEAD,
            id_taken=family.ID_TAKEN,
            receive=lambda: self.stack.receive,
            port=port,
            handle=self.handle,
            wake=wake,
        )
        self.stack: TcpipStack = family(
            Wiring(dialect, options, port, owners, self.claim, self.table, self.handle, self.hear, set_dtr, now)
        )
        self._demultiplexer = Demultiplexer(self.stack, self.table, self.hear)
        self._port = port
        self._now = now
        self._since = 0.0  # when it began to listen
        self._log = port_logger(port.name)

    def now(self) -> float:
        """Return the time on the driver's clock."""
        return self._now()

    def _claim_ended(self, cause: Exception) -> None:
        self.table._break_off(cause)
        self.table.listeners.clear()
        self.stack.let_go()
        self._port.remove_sink(self._demultiplexer)
        self.table._forget_pushes_on(self._port)

    # -- events ----------------------------------------------------------------------------------------------------

    def hear(self, event: events.Event) -> None:
        """Handle an event that has come on the channel, unless it has come on another one before."""
        if not self._of_module:
            self.handle(event)
            return
        scope = self.table._scope
        with scope.doubles.passing:
            if self._repeats(event):
                self.table.counters["doubles"] += 1
            elif isinstance(event, events.Pushed):
                self._hear_data(event)
            elif isinstance(event, events.ModuleReset):
                scope.forget_foreign()
                scope.carrying.clear()
                for table in self.table._tables():
                    table._handle(event)  # it has no socket of theirs, either
            else:
                self.handle(event)

    def _repeats(self, event: events.Event) -> bool:
        """Tell whether an event repeats what another channel has said, or is about to say.

        News of a socket count on its own channel alone, where that is known to have them: what another channel repeats
        late may be about a socket that had the id before, and its end may overtake data on its own channel. The result
        of an opening may come where it was asked for, and all else on another port.
        """
        scope = self.table._scope
        id = event.listener if isinstance(event, events.Incoming) else getattr(event, "id", None)
        if id is not None:
            table = self.table._holder(id)
            session = table.sessions.get(id)
            carrying = scope.openings if isinstance(event, events.Opened) else scope.carrying
            if table._port is self._port:
                asked = isinstance(event, events.Pushed) and session in (table.fetching, table.online)
                if table._has(id) and not asked:
                    carrying.add(table._port)
            elif table._port in carrying and not table._in_data_mode(table._port):
                return True
            if session is not None and self._is_of_another(event, session, table):
                return True
        return scope.doubles.repeats(event, self._port, self._now(), self._since)

    def _is_of_another(self, event: events.Event, session: SocketState, table: SessionTable) -> bool:
        """Tell whether an event must be about another socket that had, or has, the id of a session."""
        if session.pending or session.released:
            return isinstance(event, events.Readable | events.Pushed | events.Closed)
        if table._port is self._port:
            return False
        match event:
            case events.Pushed():
                return bool(self.stack.RECEIVE) and session.receive != "pushed"
            case events.Closed():
                return session.pushes.home not in (None, self._port)  # whose data may still come
            case _:
                return False

    def _hear_data(self, event: events.Pushed) -> None:
        """Handle data, which the module may push on several channels."""
        table = self.table._holder(event.id)
        session = table.sessions.get(event.id)
        if session is not None and event.data and session not in (table.fetching, table.online):
            aside = table._in_data_mode(table._port)
            data = session.pushes.take(event.data, self._port, table._port, aside=aside)
            if not data:
                self.table.counters["doubles"] += 1
                return
            event = replace(event, data=data)
        self.handle(event)

    def handle(self, event: events.Event) -> None:
        """Handle an event. This is also called on the reader of the channel, so it returns at once."""
        match event:
            case (
                events.Opened(id)
                | events.Readable(id)
                | events.Pushed(id)
                | events.Closed(id)
                | events.Online(id)
                | events.ListenerEnded(id)
            ):
                table = self.table._holder(id)
                if table is not self.table:
                    table._handle(event)  # it came on another channel
                elif isinstance(event, events.ListenerEnded):
                    self._listener_ended(event)
                elif isinstance(event, events.Opened) and id in self.table.listeners:
                    self.table.listeners[id].opened(event.code)
                else:
                    self._handle_session(self.table.sessions.get(id), event)
            case events.Incoming():
                self._incoming(event)
            case events.IncomingFull(listener):
                self._incoming_full(listener)
            case events.ContextDropped(_, _, context) if context is not None:
                for table in self.table._of_context(context):
                    table._handle(replace(event, context=None))
            case events.ContextDropped(reason, word):
                self.claim.address = None
                self.claim.note(word, ContextState.BROKEN)
                self.table._break_off(SessionReset(f"{self.name}: {reason}", code=event.code), online=True)
            case events.ModuleReset(reason, word):
                self.table._break_off(SessionReset(f"{self.name}: {reason}"))
                self.claim.note(word, ContextState.DOWN)
                self.claim._release(reason)
            case events.Resolved():
                self.table._add_resolved(event)
            case events.OnlineEnd():
                session, self.table.online = self.table.online, None
                if session is not None:
                    self._ended_by_peer(session)
                self.table.wake()  # what has had to wait for command mode
            case events.InDoubt():
                self.table._doubt = True
                self.table.wake()

    def _listener_ended(self, event: events.ListenerEnded) -> None:
        listener = self.table.listeners.get(event.id)
        if listener is not None:
            listener.break_off(SessionReset(f"{self.name}: {event.reason}"))

    def _handle_session(self, session: SocketState | None, event: events.Event) -> None:
        match event:
            case events.Pushed(_, data, sender) if session is not None:
                if session not in (self.table.fetching, self.table.online):
                    self._learn_receive(session, "buffered", "pushed")
                session.used(self._now(), heard=True)
                session.deliver(data, sender)
            case events.Opened(_, code) if session is not None:
                session.opened(code)
            case events.Readable() if session is not None and session.open:
                self._learn_receive(session, "pushed", "buffered")
                session.unread = True
                self.table.wake()
            case events.Readable() | events.Pushed():
                self.table.counters["data_for_nobody"] += 1
            case events.Online():
                self.table.online = session
            case events.Closed() if session is not None and not session.remote_closed:
                if session.open or session.ending:
                    self._closed_by_peer(session)

    def _learn_receive(self, session: SocketState, former: str, mode: str) -> None:
        """Learn the receive mode of a client of a listener by what the module does: sources disagree about it."""
        if self.stack.RECEIVE and session.role == "server" and session.receive == former:
            session.receive = mode

    def _incoming(self, event: events.Incoming) -> None:
        """Create the session of a client that has connected."""
        table = self.table._holder(event.listener)
        if table is not self.table:
            table._handle(event)
            return
        listener = self.table.listeners.get(event.listener)
        holder = self.table._holder(event.id)
        if listener is None:  # it belongs to another driver or, if ids are those of the module, to another program
            if self._of_module and not holder._has(event.id):
                self.table.note_foreign([event.id])
                self.table.counters["clients_for_nobody"] += 1
            return
        former = holder.sessions.get(event.id)
        client = former is not None and former.role == "server" and former.remote_address == event.remote
        if former is not None and client and self.stack.CLOSE_AFTER_PEER and holder._occupies(former):
            return  # reported again on another channel: its id cannot be used again before it is closed here
        if former is not None and former.open and not former.reserved:
            former.end_by_remote()  # its id has been given to another client, so its end was missed
        session = self.table.new_session(
            event.id,
            "server",
            listener.protocol,
            event.remote,
            datagrams=self.stack.datagrams(listener.protocol),
            receive=listener.receive,
        )
        session.used(self._now(), heard=True)
        self.table.adopt(session)
        if not listener.offer(session):
            self.table._turn_away(session)

    def _incoming_full(self, id: SocketId | None) -> None:
        """Count a client that the module has refused by itself: for one listener, or for all that it may be."""
        self.table.counters["incoming_full"] += 1
        for table in self.table._tables():
            for listener in list(table.listeners.values()):
                listener.full += int(listener.open and id in (None, listener.id))
        self._log.warning("%s: the module has refused a client, as it has no socket for it", self.name)

    def _closed_by_peer(self, session: SocketState) -> None:
        if session is self.table.online or (self.stack.pushes(session) and not session.unread):
            self._ended_by_peer(session)
        else:
            session.closing = session.unread = True  # data that the module keeps is fetched first
            session.nudge()
            self.table.wake()

    def _ended_by_peer(self, session: SocketState) -> None:
        session.end_by_remote()
        self.stack.ended_by_peer(session)

    # -- work that no call asks for ----------------------------------------------------------------------------------

    def work(self) -> Dialogue[None] | None:
        """Return the next dialogue that is due without a call of the user, or None."""
        table = self.table
        if not self.claim.valid:
            table._doubt = False
            return None
        commands = table.online is None or not self.stack.RECEIVE  # otherwise a family leaves data mode by itself
        refused = table._next_refused() if commands else None
        if refused is not None:
            return self.turn_away(refused)
        if table._doubt and table.online is None:
            table._doubt = False
            return self._reconcile()
        due = self.stack.work()
        if due is not None or table.online is not None:
            return due
        session = table._next_unread()
        return None if session is None else self._fetch(session)

    def turn_away(self, session: SocketState) -> Dialogue[None]:
        """Close a client that was refused."""
        try:
            yield from self.stack.turn_away(session)
        finally:
            session.released, session.ending = True, False

    def _reconcile(self) -> Dialogue[None]:
        for event in (yield from self.stack.reconcile()):
            session = self.table.sessions.get(event.id) if isinstance(event, events.Closed) else None
            if session is not None and self.stack.CLOSE_AFTER_PEER:
                self._gone(session)
            else:
                self.handle(event)
        for session in self.table.standing():
            if session.refusals >= REFUSALS:
                session.break_off(SessionReset(f"{self.name}: the module keeps data and refuses to give it"))
            elif session.refusals and not self.stack.pushes(session):
                session.unread = True  # it has the session, so it may give the data next time

    def _gone(self, session: SocketState) -> None:
        """End a session that the module has no longer: nobody here has closed it, and it has no data of it, either."""
        session.released = True  # its number may be another program's by now
        if session.closing:
            self._ended_by_peer(session)
        else:  # the other side's close would have left it there, so data may be missing
            session.break_off(
                SessionReset(f"{self.name}: the module has no such socket any more: somebody else has closed it")
            )

    def _fetch(self, session: SocketState) -> Dialogue[None]:
        """Fetch once; this is repeated until nothing is left, because the module reports data only once."""
        session.unread = False
        self.table.fetching = session
        try:
            count = yield from self.stack.read(session)
        except AtTimeout as error:
            session.break_off(error)  # how much data was lost is not known
            raise
        finally:
            self.table.fetching = None
        session.refusals = session.refusals + 1 if count is None else 0
        if count:
            session.unread = True
        elif session.closing and not session.unread and not (count is None and self.stack.CLOSE_AFTER_PEER):
            self._ended_by_peer(session)
        elif count is None:
            self.table._doubt = True  # it may have refused for the moment only
