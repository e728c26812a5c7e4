"""What comes for one context: unsolicited results and data, told apart and given to sessions and server."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ..at import Framing, LinePattern
from ..errors import SessionClosed, SessionReset
from .endpoint import Address, Endpoint, Role, Server
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

if TYPE_CHECKING:
    from .stack import Stack

Key = tuple[Role, int]
ROLES: dict[int, Role] = {1: "client", 2: "server"}


class Inbox:
    """Takes what comes on the channel of a driver; runs on the channel's reader and returns at once.

    Args:
        stack: whose context it is.
    """

    def __init__(self, stack: Stack) -> None:
        self.sessions: dict[Key, Endpoint] = {}
        self.listener: Server | None = None
        self.online: Endpoint | None = None
        """The session whose data is all that comes: the UART is in data mode."""
        self.suspect = b""
        """A line in data mode that may be the end of the session, or its data."""
        self.reading: Endpoint | None = None
        """The session that AT+QIRD is fetching for."""
        self.fetched = 0
        self.counters: Counter[str] = Counter()
        self._stack = stack

    # -- what the engine asks --------------------------------------------------------------------------------------

    @property
    def lines(self) -> tuple[LinePattern, ...]:
        """See `Sink.lines`."""
        if self.online is not None:
            return ONLINE_LINES
        known = self._stack.hold.known
        local = known("QISHOWLA") == "1"
        absent: tuple[LinePattern, ...] = () if local else TO_LINES
        if local and known("QISHOWRA") == "0":
            absent = FROM_LINES
        lines = tuple(pattern for pattern in LINES if pattern not in absent)
        return (*lines, CONNECT) if self._stack.options.transparent and self.listener is not None else lines

    @property
    def framing(self) -> Framing:
        """See `Sink.framing`: how data is announced follows from the settings; bare data needs a session."""
        if self.online is not None:
            return Framing(bare=True, online=True)
        stack = self._stack
        if stack.receive == "buffered":
            return Framing(headers=(QIRD,))
        if stack.options.muxip:
            remote, local, head = (stack.hold.known(name) == "1" for name in ("QISHOWRA", "QISHOWLA", "QIHEAD"))
            return Framing(headers=(receive_header(remote=remote, local=local, head=head),))
        if stack.receive == "header" or stack.hold.known("QIHEAD") == "1":
            return Framing(headers=(IPD,))
        bare = bool(self.standing()) and stack.options.transparent is None
        return Framing(bare=bare)

    @property
    def congested(self) -> bool:
        """See `Sink.congested`; what the module keeps for AT+QIRD is simply not fetched."""
        return self._stack.receive != "buffered" and any(session.congested for session in self.standing())

    @property
    def busy(self) -> bool:
        """Whether a session stands or a server listens."""
        return bool(self.standing()) or (self.listener is not None and self.listener.open)

    def standing(self, role: Role | None = None) -> list[Endpoint]:
        """Return the sessions that stand, all or those of one role."""
        return [s for s in self.sessions.values() if s.open and (role is None or s.role == role)]

    # -- lines -----------------------------------------------------------------------------------------------------

    def take_line(self, text: str) -> bool:
        """See `Sink.take_line`."""
        if self.online is not None:
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
            if self.listener is None or not self.listener.open:
                return False
            self.listener.break_off(SessionReset(f"{self._stack.name}: the network ended the server ({text})"))
            return True
        if isinstance(event, DataFrom | DataTo):
            return self._heading(event)
        return False

    def lost(self, cause: Exception) -> None:
        """See `Sink.lost`."""
        self.break_off(cause)

    def break_off(self, cause: Exception) -> None:
        """End all sessions and the server."""
        self.online, self.suspect = None, b""
        for session in self.standing():
            session.break_off(cause)
        if self.listener is not None and self.listener.open:
            self.listener.break_off(cause)

    def _heading(self, event: DataFrom | DataTo) -> bool:
        if not self.standing():
            return False
        uart, before = self._stack.hold.uart, self._stack.hold.uart.heading
        if isinstance(event, DataFrom):
            uart.heading = Heading(sender=(event.address, event.port), local=before.local)
        else:
            uart.heading = Heading(sender=before.sender, local=event.address)
        return True

    def _client_came(self, event: ClientCame) -> bool:
        listener = self.listener
        if listener is None or not listener.open:
            return False
        if any(other.inbox.listening for other in self._stack.others()):
            self._stack.hold.uart.unplaced.append((event.address, event.index))
            self._stack.doubt_all()
        else:
            self.place_client(event.address, event.index)
        return True

    @property
    def listening(self) -> bool:
        """Whether a server of this context listens."""
        return self.listener is not None and self.listener.open

    def place_client(self, address: str, index: int | None) -> None:
        """Make the session of a client that has come."""
        listener = self.listener
        if listener is None:
            return
        key: Key = ("server", index or 0)
        former = self.sessions.get(key)
        if former is not None and former.open:
            former.end_by_remote()  # its place was given to another: it has gone unheard
        session = self._stack.new_session("server", listener.protocol, (address, 0), index or 0)
        if listener.offer(session):
            self.sessions[key] = session
        else:
            self.counters["refused_clients"] += 1

    def _remote_closed(self, event: RemoteClosed) -> bool:
        mine = self.candidates(event.index)
        rivals = sum(len(other.inbox.candidates(event.index)) for other in self._stack.others())
        if len(mine) == 1 and not rivals:
            self._stack.remote_closed(mine[0])
        elif mine:
            self._stack.doubt_all()
        elif not rivals:
            self.counters["repeated_closed"] += 1
            return bool(self.sessions)
        return bool(mine)

    def candidates(self, index: int | None) -> list[Endpoint]:
        """Return the sessions that a CLOSED may be about."""
        named = index if self._stack.options.muxip else None  # some firmware says "0, CLOSED" with MUXIP off
        return [s for s in self.standing() if not s.closing and (named is None or s.index == named)]

    def _deactivated(self, text: str) -> bool:
        if not self._stack.hold.active:
            return False
        if any(other.hold.active for other in self._stack.others()):
            self._stack.doubt_all()
        else:
            self._stack.lost_context(f"the network deactivated the context ({text})")
        return True

    def _module_reset(self, text: str) -> bool:
        if not self._stack.hold.valid:
            return False
        self._stack.module_reset(text)
        return False  # it concerns every context of this UART

    def _data_waits(self, event: DataWaits) -> bool:
        if event.context != self._stack.hold.context:
            return False
        session = self.sessions.get((ROLES[event.service], event.index))
        if session is None or not session.open:
            self.counters["data_for_nobody"] += 1
            return True
        session.unread = True
        self._stack.wake()
        return True

    # -- data ------------------------------------------------------------------------------------------------------

    def take_data(self, header: str, data: bytes) -> bool:
        """See `Sink.take_data`."""
        if self.online is not None:
            if self.suspect:
                self.online.deliver(self.suspect)  # a module that had ended the session would be silent
                self.suspect = b""
            self.online.deliver(data)
            return True
        found = read_header(header)
        if header.startswith("+QIRD"):
            return self._fetched(found, data)
        uart = self._stack.hold.uart
        heading = Heading(found.index, found.sender or uart.heading.sender, found.local or uart.heading.local)
        if heading.local is not None and self._stack.hold.address not in (None, heading.local):
            return False
        session = self._addressee(heading)
        if session is None:
            return False
        uart.heading = Heading()
        session.deliver(data, heading.sender)
        return True

    def _fetched(self, found: Heading, data: bytes) -> bool:
        session = self.reading
        if session is None:
            return False
        self.fetched += len(data)
        self._learn(session, found.sender)
        session.deliver(data, found.sender)
        return True

    def _addressee(self, heading: Heading) -> Endpoint | None:
        """Whose data it is: the only session's, that of the index, or that of the address before it."""
        standing = self.standing()
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

    def _learn(self, session: Endpoint, sender: Address | None) -> None:
        if sender is not None and session.role == "server" and session.remote_address == (sender[0], 0):
            session.learn_remote(sender)

    # -- data mode -------------------------------------------------------------------------------------------------

    def _went_online(self) -> bool:
        clients = self.standing("server")
        if not clients or self._stack.options.transparent is None:
            return False
        self.online = clients[0]
        return True

    def _suspicious(self, text: str) -> bool:
        """CLOSED in data mode: the end of the session where nothing follows, else its data."""
        line = f"\r\n{text}\r\n".encode("latin-1")
        if self.suspect and self.online is not None:
            self.online.deliver(self.suspect)
        self.suspect = line
        self._stack.wake()
        return True

    def settle_suspicion(self, *, closed: bool) -> None:
        """Learn whether the line in data mode was the end of the session."""
        session, line = self.online, self.suspect
        self.suspect = b""
        if session is None:
            return
        if closed:
            self.online = None
            session.end_by_remote()
        elif line:
            session.deliver(line)


def gone(name: str) -> SessionClosed:
    """Return what ends a session whose context is no longer held."""
    return SessionClosed(f"{name}: the context is no longer held by this driver")
