"""Handles the events of one context, for all families. No I/O, no waiting."""

from __future__ import annotations

from collections.abc import Callable

from ...at.core import Dialogue
from ...errors import AtTimeout, SessionReset
from . import events
from .at_port import AtPort
from .context_claim import ContextClaim
from .demultiplexer import Demultiplexer
from .options import Options
from .ownership import ContextState, ContextTable
from .session_table import IdScope, Scope, SessionTable
from .socket_state import SocketState
from .stack import Dialect, TcpipStack, Wiring


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
            ended=self._claim_ended,
        )
        self.name: str = self.claim.name
        """The name of the context in messages."""
        scope = owners._scope if family.ID_SCOPE is IdScope.MODULE else Scope()
        self.table: SessionTable = SessionTable(
            self.name, options.context, scope, until_closed=family.CLOSE_AFTER_PEER, handle=self.handle, wake=wake
        )
        self.stack: TcpipStack = family(
            Wiring(dialect, options, port, owners, self.claim, self.table, emit=self.handle, set_dtr=set_dtr, now=now)
        )
        self._demultiplexer = Demultiplexer(self.stack, self.table, self.handle)
        self._port = port
        self._now = now

    def now(self) -> float:
        """Return the time on the driver's clock."""
        return self._now()

    def _claim_ended(self, cause: Exception) -> None:
        self.table._break_off(cause)
        self.table.listeners.clear()
        self.stack.let_go()
        self._port.remove_sink(self._demultiplexer)

    # -- events ----------------------------------------------------------------------------------------------------

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
                else:
                    self._handle_session(self.table.sessions.get(id), event)
            case events.Incoming():
                self._incoming(event)
            case events.ContextDropped(_, _, context) if context not in (None, self.claim.context):
                for table in self.table._of_context(context):
                    table._handle(event)
            case events.ContextDropped(reason, word):
                self.claim.address = None
                self.claim.note(word, ContextState.BROKEN)
                self.table._break_off(SessionReset(f"{self.name}: {reason}"))
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
                session.used(self._now(), heard=True)
                session.deliver(data, sender)
            case events.Opened(_, code) if session is not None:
                session.opened(code)
            case events.Readable():
                if session is None or not session.open:
                    self.table.counters["data_for_nobody"] += 1
                else:
                    session.unread = True
                    self.table.wake()
            case events.Online():
                self.table.online = session
            case events.Closed() if session is not None and not session.remote_closed:
                if session.open or session.ending:
                    self._closed_by_peer(session)

    def _incoming(self, event: events.Incoming) -> None:
        """Create the session of a client that has connected."""
        table = self.table._holder(event.listener)
        if table is not self.table:
            table._handle(event)
            return
        listener = self.table.listeners.get(event.listener)
        if listener is None:
            return  # the listener belongs to another driver
        former = self.table.sessions.get(event.id)
        if former is not None and former.role == "server" and self.stack.CLOSE_AFTER_PEER and table._occupies(former):
            return  # reported again on another channel: its id cannot be used again before it is closed here
        if former is not None and former.open:
            former.end_by_remote()  # its id has been given to another client, so its end was missed
        datagrams = self.stack.datagrams(listener.protocol)
        session = self.table.new_session(event.id, "server", listener.protocol, event.remote, datagrams=datagrams)
        session.used(self._now(), heard=True)
        if listener.offer(session):
            self.table.adopt(session)
        else:
            self.table._turn_away(session)

    def _closed_by_peer(self, session: SocketState) -> None:
        if self.stack.pushes or self.table.online is not None:
            self._ended_by_peer(session)
        else:
            session.closing = session.unread = True  # data that the module keeps is fetched first
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
        refused = table._next_refused()
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
            self.handle(event)

    def _fetch(self, session: SocketState) -> Dialogue[None]:
        """Fetch once; this is repeated until nothing is left, because the module reports data only once."""
        session.unread = False
        try:
            count = yield from self.stack.read(session)
        except AtTimeout as error:
            session.break_off(error)  # how much data was lost is not known
            raise
        if count:
            session.unread = True
        elif session.closing and not session.unread:
            self._ended_by_peer(session)
        elif count is None:
            self.table._doubt = True
