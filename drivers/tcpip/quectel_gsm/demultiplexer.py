"""What comes for one context: unsolicited results and data, told apart and given to sessions and server."""

from __future__ import annotations

from ...at.core import Framing, LinePattern
from ...errors import SessionReset
from ..core.socket_state import Address, Role, SocketState
from .session_table import SessionTable
from .unsolicited import (
    CONNECT,
    FROM_LINES,
    IPD,
    LINES,
    ONLINE_LINES,
    QIRD,
    TO_LINES,
    ClientCame,
    ContextDeactivated,
    DataFrom,
    DataTo,
    DataWaits,
    Heading,
    ModuleReset,
    RemoteClosed,
    ServerEnded,
    parse,
    read_header,
    receive_header,
)

ROLES: dict[int, Role] = {1: "client", 2: "server"}


class Demultiplexer:
    """Takes what comes on the channel of a driver; runs on the channel's reader and returns at once.

    Args:
        table: the sessions of the context.
    """

    def __init__(self, table: SessionTable) -> None:
        self._table = table

    # -- what the engine asks --------------------------------------------------------------------------------------

    @property
    def lines(self) -> tuple[LinePattern, ...]:
        """See `Sink.lines`."""
        if self._table.online is not None:
            return ONLINE_LINES
        known = self._table.hold.known
        local = known("QISHOWLA") == "1"
        absent: tuple[LinePattern, ...] = () if local else TO_LINES
        if local and known("QISHOWRA") == "0":
            absent = FROM_LINES
        lines = tuple(pattern for pattern in LINES if pattern not in absent)
        return (*lines, CONNECT) if self._table.options.transparent and self._table.listener is not None else lines

    @property
    def framing(self) -> Framing:
        """See `Sink.framing`: how data is announced follows from the settings; bare data needs a session."""
        table = self._table
        if table.online is not None:
            return Framing(bare=True, online=True)
        if table.receive == "buffered":
            return Framing(headers=(QIRD,))
        if table.options.muxip:
            remote, local, head = (table.hold.known(name) == "1" for name in ("QISHOWRA", "QISHOWLA", "QIHEAD"))
            return Framing(headers=(receive_header(remote=remote, local=local, head=head),))
        if table.receive == "header" or table.hold.known("QIHEAD") == "1":
            return Framing(headers=(IPD,))
        bare = bool(table.standing()) and table.options.transparent is None
        return Framing(bare=bare)

    @property
    def congested(self) -> bool:
        """See `Sink.congested`; what the module keeps for AT+QIRD is simply not fetched."""
        return self._table.receive != "buffered" and any(session.congested for session in self._table.standing())

    # -- lines -----------------------------------------------------------------------------------------------------

    def take_line(self, text: str) -> bool:
        """See `Sink.take_line`."""
        if self._table.online is not None:
            return self._suspicious(text)
        if CONNECT.match(text):
            return self._went_online()
        event = parse(text)
        if isinstance(event, ClientCame):
            return self._client_came(event)
        if isinstance(event, RemoteClosed):
            return self._remote_closed(event)
        if isinstance(event, ContextDeactivated):
            return self._deactivated(text)
        if isinstance(event, ModuleReset):
            return self._module_reset(text)
        if isinstance(event, DataWaits):
            return self._data_waits(event)
        if isinstance(event, ServerEnded):
            return self._server_ended(text)
        if isinstance(event, DataFrom | DataTo):
            return self._heading(event)
        return False

    def lost(self, cause: Exception) -> None:
        """See `Sink.lost`."""
        self._table.break_off(cause)

    def _heading(self, event: DataFrom | DataTo) -> bool:
        if not self._table.standing():
            return False
        uart, before = self._table.uart, self._table.uart.heading
        if isinstance(event, DataFrom):
            uart.heading = Heading(sender=(event.address, event.port), local=before.local)
        else:
            uart.heading = Heading(sender=before.sender, local=event.address)
        return True

    def _client_came(self, event: ClientCame) -> bool:
        listener = self._table.listener
        if listener is None or not listener.open:
            return False
        if any(other.listening for other in self._table.others()):
            self._table.uart.unplaced.append((event.address, event.index))
            self._table.doubt_all()
        else:
            self._table.place_client(event.address, event.index)
        return True

    def _server_ended(self, text: str) -> bool:
        listener = self._table.listener
        if listener is None or not listener.open:
            return False
        listener.break_off(SessionReset(f"{self._table.name}: the network ended the server ({text})"))
        return True

    def _remote_closed(self, event: RemoteClosed) -> bool:
        mine = self._table.candidates(event.index)
        rivals = sum(len(other.candidates(event.index)) for other in self._table.others())
        if len(mine) == 1 and not rivals:
            self._table.remote_closed(mine[0])
        elif mine:
            self._table.doubt_all()
        elif not rivals:
            self._table.counters["repeated_closed"] += 1
            return bool(self._table.sessions)
        return bool(mine)

    def _deactivated(self, text: str) -> bool:
        if not self._table.hold.active:
            return False
        if any(other.hold.active for other in self._table.others()):
            self._table.doubt_all()
        else:
            self._table.lost_context(f"the network deactivated the context ({text})")
        return True

    def _module_reset(self, text: str) -> bool:
        if not self._table.hold.valid:
            return False
        self._table.module_reset(text)
        return False  # it concerns every context of this UART

    def _data_waits(self, event: DataWaits) -> bool:
        if event.context != self._table.hold.context:
            return False
        session = self._table.sessions.get((ROLES[event.service], event.index))
        if session is None or not session.open:
            self._table.counters["data_for_nobody"] += 1
            return True
        session.unread = True
        self._table.wake()
        return True

    # -- data ------------------------------------------------------------------------------------------------------

    def take_data(self, header: str, data: bytes) -> bool:
        """See `Sink.take_data`."""
        online = self._table.online
        if online is not None:
            if self._table.suspect:
                online.deliver(self._table.suspect)  # a module that had ended the session would be silent
                self._table.suspect = b""
            online.deliver(data)
            return True
        found = read_header(header)
        if header.startswith("+QIRD"):
            return self._fetched(found, data)
        uart = self._table.uart
        heading = Heading(found.index, found.sender or uart.heading.sender, found.local or uart.heading.local)
        if heading.local is not None and self._table.hold.address not in (None, heading.local):
            return False
        session = self._addressee(heading)
        if session is None:
            return False
        uart.heading = Heading()
        session.deliver(data, heading.sender)
        return True

    def _fetched(self, found: Heading, data: bytes) -> bool:
        session = self._table.reading
        if session is None:
            return False
        self._table.fetched += len(data)
        self._learn(session, found.sender)
        session.deliver(data, found.sender)
        return True

    def _addressee(self, heading: Heading) -> SocketState | None:
        """Whose data it is: the only session's, that of the index, or that of the address before it."""
        standing = self._table.standing()
        if heading.index is not None:
            standing = [session for session in standing if session.index == heading.index]
        sender = heading.sender
        if len(standing) == 1:
            self._learn(standing[0], sender)
            return standing[0]
        if not standing or sender is None:
            return None
        exact = [session for session in standing if session.remote_address == sender]
        if exact:
            return exact[0]
        servers = [s for s in standing if s.role == "server" and s.remote_address == (sender[0], 0)]
        clients = [s for s in standing if s.role == "client"]
        for session in (*servers, *clients):
            self._learn(session, sender)
            return session
        return None

    def _learn(self, session: SocketState, sender: Address | None) -> None:
        if sender is not None and session.role == "server" and session.remote_address == (sender[0], 0):
            session.learn_remote(sender)

    # -- data mode -------------------------------------------------------------------------------------------------

    def _went_online(self) -> bool:
        clients = self._table.standing("server")
        if not clients or self._table.options.transparent is None:
            return False
        self._table.online = clients[0]
        return True

    def _suspicious(self, text: str) -> bool:
        """CLOSED in data mode: the end of the session where nothing follows, else its data."""
        line = f"\r\n{text}\r\n".encode("latin-1")
        if self._table.suspect and self._table.online is not None:
            self._table.online.deliver(self._table.suspect)
        self._table.suspect = line
        self._table.wake()
        return True
