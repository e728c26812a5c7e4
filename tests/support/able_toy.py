"""A toy stack that has what no family has to have: receive modes, a UDP service, data mode, what was left behind."""

from __future__ import annotations

from collections.abc import Sequence

from toy_family import IDS, NOT_SENT, SENT, ToyStack

from drivers.at import Dialogue, Header, LinePattern, command, pause, payload
from drivers.at.core import Framing
from drivers.errors import ConnectRefused, TcpipError
from drivers.tcpip.core import (
    ANYWHERE,
    Address,
    Dialect,
    Leftover,
    ListenerState,
    Procedure,
    SocketId,
    SocketState,
    events,
    on_channel,
    wait,
)

MODES = ("buffered", "pushed", "transparent")
FROM = rb"(?P<id>[0-3]),(?P<count>[0-9]{1,4})(?:,(?P<host>[0-9.]+),(?P<port>[0-9]+))?\r\n"
PUSHED = Header(b"+TPUSH: ", FROM, 40, breaks=1)
FETCHED = Header(b"+TREAD: ", FROM, 40, breaks=1)
FULL, NO_CARRIER, RDY = LinePattern("+TFULL"), LinePattern("NO CARRIER"), LinePattern("RDY")
CONNECT = LinePattern("CONNECT")
SOCKET = LinePattern("+TSOCKET: ", r"(?P<id>[0-3]),(?P<kind>[A-Z]+),(?P<context>[0-9])", 30)
UP = LinePattern("+TUP: ", r"[0-9]", 1)


class AbleToy(ToyStack):
    """One context of a toy module that is able to do all."""

    OPTIONS = frozenset({"receive", "share"})
    RECEIVE = MODES
    ID_TAKEN = 63
    FETCH_AHEAD = 0
    _left: SocketState | None = None
    WORDS = {"deactivate": "AT+TDOWN"}  # noqa: RUF012 - as of a family

    @property
    def receive(self) -> str:
        return self.wiring.options.receive or "buffered"

    @property
    def lines(self) -> tuple[LinePattern, ...]:
        return (*super().lines, FULL, NO_CARRIER, RDY)

    @property
    def framing(self) -> Framing:
        online = self.wiring.table.online is not None
        return Framing(headers=() if online else (PUSHED, FETCHED), bare=online, online=online)

    def classify(self, line: str) -> events.Event | None:
        online = self.wiring.table.online is not None
        match line:
            case "+TFULL":
                return events.IncomingFull()
            case "NO CARRIER":
                return events.OnlineEnd() if online else None
            case "RDY":
                return events.ModuleReset("the module has restarted", "DOWN")
        event = super().classify(line)
        if isinstance(event, events.ContextDropped):
            return events.ContextDropped(event.reason, event.word, event.context, code=70)
        return event

    def classify_data(self, header: str, data: bytes) -> events.Event | None:
        online = self.wiring.table.online
        if not header:
            return None if online is None else events.Pushed(online.id, data)
        kind, _, rest = header.partition(": ")
        number, _, *sender = rest.split(",")
        if kind == "+TREAD":
            self._fetched += len(data)
        came_from = (sender[0], int(sender[1])) if sender else None
        return events.Pushed(SocketId(int(number)), data, came_from)

    def survey(self) -> Procedure[list[Leftover]]:
        lines = (yield from on_channel(command("AT+TLIST?", info=(SOCKET, UP)))).lines
        return [*self._contexts(lines), *self._sockets(lines)]

    def _contexts(self, lines: Sequence[str]) -> list[Leftover]:
        return [Leftover("context", int(line[-1])) for line in lines if UP.match(line)]

    def _sockets(self, lines: Sequence[str]) -> list[Leftover]:
        found = [match for match in map(SOCKET.match, lines) if match]
        return [Leftover(one["kind"], int(one["context"]), SocketId(int(one["id"]))) for one in found]

    def clear(self, leftovers: tuple[Leftover, ...]) -> Procedure[None]:
        for one in leftovers:
            text = f"AT+TDOWN={one.context}" if one.id is None else f"AT+TCLOSE={one.id.number}"
            yield from on_channel(command(text))

    def open(
        self,
        protocol: str,
        host: str,
        port: int,
        *,
        index: int | None,
        timeout: float | None,
        step_by_step: bool,
        receive: str | None,
    ) -> Procedure[SocketState]:
        table, mode, tried = self.wiring.table, receive or "buffered", set[SocketId]()
        while True:
            free = [id for id in IDS if id not in tried]
            kept = protocol == "UDP"
            session = table.reserve(free, "client", protocol, (host, port), datagrams=kept, receive=mode)
            if session is None:
                raise TcpipError(f"{self.name}: all {len(IDS)} sockets are open already")
            asked = f'AT+TOPEN={self.wiring.claim.context},{session.index},"{protocol}","{host}",{port}'
            asked += f",{MODES.index(mode)}"
            if mode == "transparent":
                yield from on_channel(self._online(session, asked))
                return session
            yield from on_channel(command(asked))
            code = yield from wait(30 if timeout is None else timeout, session.changes, session.outcome)
            if code == self.ID_TAKEN:
                table.drop(session)
                tried.add(session.id)
            elif code != 0:
                raise ConnectRefused(f"{self.name}: {host} port {port} was answered {code}", code=code)
            else:
                return session

    def _online(self, session: SocketState, asked: str) -> Dialogue[None]:
        yield from command(asked, success=(CONNECT,), info=())
        self.wiring.table.online, session.receive = session, "transparent"

    def listen(
        self, protocol: str, port: int | None, clients: int | None, *, step_by_step: bool, receive: str | None
    ) -> Procedure[ListenerState]:
        listener = self.wiring.table.reserve_listener(IDS, protocol, port or 0, receive=receive)
        if listener is None:
            raise TcpipError(f"{self.name}: all {len(IDS)} sockets are open already")
        numbers = f"{self.wiring.claim.context},{listener.id.number},{port},{MODES.index(listener.receive)}"
        yield from on_channel(command(f"AT+TLISTEN={numbers}"))
        return listener

    def udp_service(self, port: int, *, receive: str | None) -> Procedure[SocketState]:
        table = self.wiring.table
        session = table.reserve(IDS, "server", "UDP", ANYWHERE, datagrams=True, receive=receive, service=port)
        if session is None:
            raise TcpipError(f"{self.name}: all {len(IDS)} sockets are open already")
        numbers = f"{self.wiring.claim.context},{session.index},{port},{MODES.index(session.receive)}"
        yield from on_channel(command(f"AT+TSERVICE={numbers}"))
        yield from wait(30, session.changes, session.outcome)
        return session

    def set_receive(self, session: SocketState, mode: str) -> Procedure[None]:
        asked = f"AT+TMODE={session.index},{MODES.index(mode)}"
        if mode == "transparent":
            yield from on_channel(self._online(session, asked))
        else:
            yield from on_channel(command(asked))

    def escape(self) -> Dialogue[None]:
        session = self.wiring.table.online
        if session is not None:
            if (yield from payload(b"+++", success=(LinePattern("OK"), NO_CARRIER))).final != "OK":
                self.wiring.emit(events.OnlineEnd())  # the other side has closed it meanwhile
                return
            self.wiring.table.online, session.receive, self._left = None, "buffered", session

    def resume(self) -> Dialogue[None]:
        if self._left is not None:
            yield from self._online(self._left, f"AT+TMODE={self._left.index},2")

    def send(self, session: SocketState, piece: bytes, ending: str, period: int) -> Dialogue[str | None]:
        if session is self.wiring.table.online:
            yield from pause(0.0, write=piece)
            return None
        return (yield from self._send(f"AT+TSEND={session.index},{len(piece)}", piece))

    def send_to(self, session: SocketState, piece: bytes, to: Address) -> Dialogue[str | None]:
        return self._send(f'AT+TSENDTO={session.index},{len(piece)},"{to[0]}",{to[1]}', piece)

    def _send(self, asked: str, piece: bytes) -> Dialogue[str | None]:
        yield from command(asked, success=(), info=(), prompt=True)
        final = (yield from payload(piece, success=(SENT, NOT_SENT))).final
        return None if final == SENT.prefix else final

    def keep_alive(self, session: SocketState, period: float) -> Procedure[bool]:
        yield from on_channel(command(f"AT+TALIVE={session.index},{period:.0f}"))
        return True


ABLE = Dialect(name="able-toy", title="Able toy module", source="nobody makes it", family=AbleToy, models=("TOY7",))
