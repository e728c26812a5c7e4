"""Reacts to what a module says about one context, whatever its family. No I/O, no waiting."""

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
    """One context, driven over one channel: its claim, its sockets, its family's stack.

    Args:
        dialect: which kind of module it is.
        options: how the context is to be used.
        port: the channel.
        dlci: its DLCI, None where the port does not tell it.
        owners: who owns which context.
        now: tells the time.
        wake: has `work` done soon.
        set_dtr: sets DTR of the UART, where it has one.

    Raises:
        ValueError: the family does not have what is asked for.
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
    ) -> None:
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
        """What messages call it."""
        scope = owners._scope if family.ID_SCOPE is IdScope.MODULE else Scope()
        self.table: SessionTable = SessionTable(
            self.name, options.context, scope, until_closed=family.CLOSE_AFTER_PEER, handle=self.handle, wake=wake
        )
        self.stack: TcpipStack = family(
            Wiring(dialect, options, port, self.claim, self.table, emit=self.handle, set_dtr=set_dtr, now=now)
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

    # -- what the module says --------------------------------------------------------------------------------------

    def handle(self, event: events.Event) -> None:
        """Do what follows from an event. Called on the channel's reader, too: it returns at once."""
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
                    table._handle(event)  # it has come on another channel
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
        """Make the session of a client that has come."""
        table = self.table._holder(event.listener)
        if table is not self.table:
            table._handle(event)
            return
        listener = self.table.listeners.get(event.listener)
        if listener is None:
            return  # that of somebody else
        former = self.table.sessions.get(event.id)
        if former is not None and former.role == "server" and self.stack.CLOSE_AFTER_PEER and table._occupies(former):
            return  # told again on another channel: nobody else can have its id before it is closed here
        if former is not None and former.open:
            former.end_by_remote()  # its place was given to another: it has gone unheard
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
            session.closing = session.unread = True  # what the module keeps is fetched first
            self.table.wake()

    def _ended_by_peer(self, session: SocketState) -> None:
        session.end_by_remote()
        self.stack.ended_by_peer(session)

    # -- what is done without being asked ----------------------------------------------------------------------------

    def work(self) -> Dialogue[None] | None:
        """Return what is to be done next without being asked, None when there is nothing."""
        table = self.table
        if not self.claim.valid:
            table._doubt = False
            return None
        if table.online is not None:
            return self.stack.online_work()
        if table._doubt:
            table._doubt = False
            return self._reconcile()
        refused = table._next_refused()
        if refused is not None:
            return self.turn_away(refused)
        session = table._next_unread()
        return None if session is None else self._fetch(session)

    def turn_away(self, session: SocketState) -> Dialogue[None]:
        """Close a client that is not wanted."""
        try:
            yield from self.stack.turn_away(session)
        finally:
            session.released, session.ending = True, False

    def _reconcile(self) -> Dialogue[None]:
        for event in (yield from self.stack.reconcile()):
            self.handle(event)

    def _fetch(self, session: SocketState) -> Dialogue[None]:
        """Fetch once; it is repeated until nothing comes, because the module tells it once only."""
        session.unread = False
        try:
            count = yield from self.stack.read(session)
        except AtTimeout as error:
            session.break_off(error)  # nobody knows what of it was lost
            raise
        if count:
            session.unread = True
        elif session.closing and not session.unread:
            self._ended_by_peer(session)
        elif count is None:
            self.table._doubt = True
