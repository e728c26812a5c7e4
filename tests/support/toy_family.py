"""A family of modules as small as can be, whose stack nobody makes: what `TcpipStack` is enough for.

Ids of its sockets are unique in the module, and a socket has its id until it is closed here, also after the other side
has closed it. Opening is answered later, maybe on another channel. `toy_module` is a module of this family.
"""

from __future__ import annotations

from drivers.at import Dialogue, Framing, Header, LinePattern, command, payload
from drivers.errors import ConnectRefused, TcpipError
from drivers.tcpip.core import (
    Acknowledged,
    ContextState,
    Dialect,
    Ending,
    IdScope,
    ListenerState,
    Procedure,
    SocketId,
    SocketState,
    TcpipStack,
    events,
    on_channel,
    wait,
)

IDS = [SocketId(number) for number in range(4)]
OPENED = LinePattern("+TOPENED: ", r"(?P<id>[0-3]),(?P<code>[0-9]+)", 8)
DATA = LinePattern("+TDATA: ", r"(?P<id>[0-3])", 1)
GONE = LinePattern("+TGONE: ", r"(?P<id>[0-3])", 1)
CLIENT = LinePattern("+TCLIENT: ", r"(?P<listener>[0-3]),(?P<id>[0-3]),(?P<address>[0-9.]+),(?P<port>[0-9]+)", 30)
LOST = LinePattern("+TLOST: ", r"(?P<context>[0-9])", 1)
READ = Header(b"+TREAD: ", rb"(?P<id>[0-3]),(?P<count>[0-9]{1,4})\r\n", 8, breaks=1)
ADDRESS = LinePattern("+TADDR: ", r"[0-9.]+", 15)
ACKED = LinePattern("+TACKED: ", r"[0-9]+,[0-9]+", 20)
SENT, NOT_SENT = LinePattern("SENT"), LinePattern("NOT SENT")


class ToyStack(TcpipStack):
    """One context of a toy module; it is activated before anything else."""

    ID_SCOPE = IdScope.MODULE
    CLOSE_AFTER_PEER = True
    ACTIVATES_FIRST = True
    send_size = 100
    _fetched = 0

    @property
    def lines(self) -> tuple[LinePattern, ...]:
        return OPENED, DATA, GONE, CLIENT, LOST

    @property
    def framing(self) -> Framing:
        return Framing(headers=(READ,))

    def classify(self, line: str) -> events.Event | None:
        if found := LOST.match(line):
            return events.ContextDropped(f"the network took the context ({line})", "LOST", int(found["context"]))
        if found := CLIENT.match(line):
            listener, client = SocketId(int(found["listener"])), SocketId(int(found["id"]))
            return events.Incoming(listener, client, (found["address"], int(found["port"])))
        if found := OPENED.match(line):
            return events.Opened(SocketId(int(found["id"])), int(found["code"]))
        for pattern, event in ((DATA, events.Readable), (GONE, events.Closed)):
            if found := pattern.match(line):
                return event(SocketId(int(found["id"])))
        return None

    def classify_data(self, header: str, data: bytes) -> events.Event | None:
        self._fetched += len(data)
        return events.Pushed(SocketId(int(header.removeprefix("+TREAD: ")[0])), data)

    def activate(self) -> Procedure[str]:
        claim = self.wiring.claim
        if not claim.active:
            yield from on_channel(command(f"AT+TUP={claim.context}"))
            claim.note("UP", ContextState.UP)
        yield from self.learn_address()
        return claim.address or ""

    def deactivate(self) -> Procedure[None]:
        yield from on_channel(command(f"AT+TDOWN={self.wiring.claim.context}"))
        self.wiring.claim.note("DOWN", ContextState.DOWN)

    def state(self) -> Procedure[str]:
        yield from ()
        return "UP" if self.wiring.claim.active else "DOWN"

    def learn_address(self) -> Procedure[None]:
        answer = yield from on_channel(command(f"AT+TADDR={self.wiring.claim.context}", info=(ADDRESS,)))
        self.wiring.claim.address = answer.lines[0].removeprefix(ADDRESS.prefix)

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
        session = self.wiring.table.reserve(IDS, "client", protocol, (host, port))
        if session is None:
            raise TcpipError(f"{self.name}: all {len(IDS)} sockets are open already")
        numbers = f"{self.wiring.claim.context},{session.index}"
        yield from on_channel(command(f'AT+TOPEN={numbers},"{protocol}","{host}",{port}'))
        code = yield from wait(30 if timeout is None else timeout, session.changes, session.outcome)
        if code != 0:
            raise ConnectRefused(f"{self.name}: {host} port {port} was answered {code}", code=code)
        return session

    def listen(
        self, protocol: str, port: int | None, clients: int | None, *, step_by_step: bool, receive: str | None
    ) -> Procedure[ListenerState]:
        listener = self.wiring.table.reserve_listener(IDS, protocol, port or 0)
        if listener is None:
            raise TcpipError(f"{self.name}: all {len(IDS)} sockets are open already")
        yield from on_channel(command(f"AT+TLISTEN={self.wiring.claim.context},{listener.id.number},{port}"))
        return listener

    def close(self, session: SocketState) -> Procedure[None]:
        return self._free(session)

    def turn_away(self, session: SocketState) -> Dialogue[None]:
        yield from command(f"AT+TCLOSE={session.index}")

    def close_listener(self, listener: ListenerState) -> Procedure[None]:
        return self._free(listener)

    def _free(self, what: SocketState | ListenerState) -> Procedure[None]:
        yield from on_channel(command(f"AT+TCLOSE={what.id.number}"))
        self.wiring.table.drop(what)

    def send(self, session: SocketState, piece: bytes, ending: Ending, period: int) -> Dialogue[str | None]:
        yield from command(f"AT+TSEND={session.index},{len(piece)}", success=(), info=(), prompt=True)
        final = (yield from payload(piece, success=(SENT, NOT_SENT))).final
        return None if final == SENT.prefix else final

    def read(self, session: SocketState) -> Dialogue[int | None]:
        self._fetched = 0
        yield from command(f"AT+TREAD={session.index},1000", info=())
        return self._fetched

    def acknowledged(self, session: SocketState) -> Dialogue[Acknowledged]:
        answer = yield from command(f"AT+TACKED={session.index}", info=(ACKED,))
        sent, acked = map(int, answer.lines[0].removeprefix(ACKED.prefix).split(","))
        return Acknowledged(sent, acked, sent - acked)


TOY = Dialect(name="toy", title="Toy module", source="nobody makes it", family=ToyStack)
