"""What comes for one context: unsolicited results and data, told apart and given to sessions and server."""

from __future__ import annotations

from ...at.core import Framing, LinePattern
from ...errors import SessionReset
from ..core.socket_state import Address, Role, SocketState
from .roster import Roster
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


class Inbox:
    """Takes what comes on the channel of a driver; runs on the channel's reader and returns at once.

    Args:
        roster: the sessions of the context.
    """

    def __init__(self, roster: Roster) -> None:
        self._roster = roster

    # -- what the engine asks --------------------------------------------------------------------------------------

    @property
    def lines(self) -> tuple[LinePattern, ...]:
        """See `Sink.lines`."""
        if self._roster.online is not None:
            return ONLINE_LINES
        known = self._roster.hold.known
        local = known("QISHOWLA") == "1"
        absent: tuple[LinePattern, ...] = () if local else TO_LINES
        if local and known("QISHOWRA") == "0":
            absent = FROM_LINES
        lines = tuple(pattern for pattern in LINES if pattern not in absent)
        return (*lines, CONNECT) if self._roster.options.transparent and self._roster.listener is not None else lines

    @property
    def framing(self) -> Framing:
        """See `Sink.framing`: how data is announced follows from the settings; bare data needs a session."""
        roster = self._roster
        if roster.online is not None:
            return Framing(bare=True, online=True)
        if roster.receive == "buffered":
            return Framing(headers=(QIRD,))
        if roster.options.muxip:
            remote, local, head = (roster.hold.known(name) == "1" for name in ("QISHOWRA", "QISHOWLA", "QIHEAD"))
            return Framing(headers=(receive_header(remote=remote, local=local, head=head),))
        if roster.receive == "header" or roster.hold.known("QIHEAD") == "1":
            return Framing(headers=(IPD,))
        bare = bool(roster.standing()) and roster.options.transparent is None
        return Framing(bare=bare)

    @property
    def congested(self) -> bool:
        """See `Sink.congested`; what the module keeps for AT+QIRD is simply not fetched."""
        return self._roster.receive != "buffered" and any(session.congested for session in self._roster.standing())

    # -- lines -----------------------------------------------------------------------------------------------------

    def take_line(self, text: str) -> bool:
        """See `Sink.take_line`."""
        if self._roster.online is not None:
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
        self._roster.break_off(cause)

    def _heading(self, event: DataFrom | DataTo) -> bool:
        if not self._roster.standing():
            return False
        uart, before = self._roster.uart, self._roster.uart.heading
        if isinstance(event, DataFrom):
            uart.heading = Heading(sender=(event.address, event.port), local=before.local)
        else:
            uart.heading = Heading(sender=before.sender, local=event.address)
        return True

    def _client_came(self, event: ClientCame) -> bool:
        listener = self._roster.listener
        if listener is None or not listener.open:
            return False
        if any(other.listening for other in self._roster.others()):
            self._roster.uart.unplaced.append((event.address, event.index))
            self._roster.doubt_all()
        else:
            self._roster.place_client(event.address, event.index)
        return True

    def _server_ended(self, text: str) -> bool:
        listener = self._roster.listener
        if listener is None or not listener.open:
            return False
        listener.break_off(SessionReset(f"{self._roster.name}: the network ended the server ({text})"))
        return True

    def _remote_closed(self, event: RemoteClosed) -> bool:
        mine = self._roster.candidates(event.index)
        rivals = sum(len(other.candidates(event.index)) for other in self._roster.others())
        if len(mine) == 1 and not rivals:
            self._roster.remote_closed(mine[0])
        elif mine:
            self._roster.doubt_all()
        elif not rivals:
            self._roster.counters["repeated_closed"] += 1
            return bool(self._roster.sessions)
        return bool(mine)

    def _deactivated(self, text: str) -> bool:
        if not self._roster.hold.active:
            return False
        if any(other.hold.active for other in self._roster.others()):
            self._roster.doubt_all()
        else:
            self._roster.lost_context(f"the network deactivated the context ({text})")
        return True

    def _module_reset(self, text: str) -> bool:
        if not self._roster.hold.valid:
            return False
        self._roster.module_reset(text)
        return False  # it concerns every context of this UART

    def _data_waits(self, event: DataWaits) -> bool:
        if event.context != self._roster.hold.context:
            return False
        session = self._roster.sessions.get((ROLES[event.service], event.index))
        if session is None or not session.open:
            self._roster.counters["data_for_nobody"] += 1
            return True
        session.unread = True
        self._roster.wake()
        return True

    # -- data ------------------------------------------------------------------------------------------------------

    def take_data(self, header: str, data: bytes) -> bool:
        """See `Sink.take_data`."""
        online = self._roster.online
        if online is not None:
            if self._roster.suspect:
                online.deliver(self._roster.suspect)  # a module that had ended the session would be silent
                self._roster.suspect = b""
            online.deliver(data)
            return True
        found = read_header(header)
        if header.startswith("+QIRD"):
            return self._fetched(found, data)
        uart = self._roster.uart
        heading = Heading(found.index, found.sender or uart.heading.sender, found.local or uart.heading.local)
        if heading.local is not None and self._roster.hold.address not in (None, heading.local):
            return False
        session = self._addressee(heading)
        if session is None:
            return False
        uart.heading = Heading()
        session.deliver(data, heading.sender)
        return True

    def _fetched(self, found: Heading, data: bytes) -> bool:
        session = self._roster.reading
        if session is None:
            return False
        self._roster.fetched += len(data)
        self._learn(session, found.sender)
        session.deliver(data, found.sender)
        return True

    def _addressee(self, heading: Heading) -> SocketState | None:
        """Whose data it is: the only session's, that of the index, or that of the address before it."""
        standing = self._roster.standing()
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
        clients = self._roster.standing("server")
        if not clients or self._roster.options.transparent is None:
            return False
        self._roster.online = clients[0]
        return True

    def _suspicious(self, text: str) -> bool:
        """CLOSED in data mode: the end of the session where nothing follows, else its data."""
        line = f"\r\n{text}\r\n".encode("latin-1")
        if self._roster.suspect and self._roster.online is not None:
            self._roster.online.deliver(self._roster.suspect)
        self._roster.suspect = line
        self._roster.wake()
        return True
