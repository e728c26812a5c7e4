"""Each row of the table "Bounds" of docs/reliability.md, driven there and beyond: the figures are the document's."""

from __future__ import annotations

import asyncio
import io
import os
import re
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from core_pair import Pair
from scripted_port import MemoryPort

from cmux.aio.thread_transport import ThreadTransport
from cmux.capture import pcap, pcapng
from cmux.capture.blocks import BlockWriter
from cmux.capture.packets import NotACapture
from cmux.cli.decode_dump import BadDump, DumpReader
from cmux.cli.decode_lines import LineJoiner
from cmux.cli.decode_text import lines
from cmux.protocol import BasicDecoder, Config, Frame, FrameType, Multiplexer, Option, Role, encode
from cmux.protocol.at_mode import AtMode
from cmux.protocol.config import Parameters
from cmux.protocol.errors import DlcError, FrameError, StateError
from cmux.protocol.events import CommandReceived, FrameDropped, Writable
from cmux.protocol.headers import HEADERS
from cmux.protocol.reset_watch import ResetWatch
from cmux.protocol.responder import Responder
from cmux.protocol.startup_steps import Receiver
from cmux.threads.receive_buffer import ReceiveBuffer
from drivers.at import AtChannel
from drivers.at.aio import AtChannel as AioAtChannel
from drivers.at.core.dialogue import command
from drivers.at.core.engine import Engine
from drivers.at.core.execution import Execution
from drivers.at.core.lexer import Framing, Lexer, Line, Payload
from drivers.at.core.ticket import Ticket
from drivers.cli.control import ControlSocket, _Client
from drivers.cli.transcript import Transcript
from drivers.clock import FakeClock
from drivers.emulator import EmulatedModule
from drivers.emulator.interpreter.input_buffer import InputBuffer
from drivers.emulator.interpreter.lines import LineAssembler
from drivers.emulator.line.channel import Loopback
from drivers.emulator.network.udp_session import UdpSession
from drivers.emulator.ppp.program import HELD, PppProgram
from drivers.emulator.quectel_gsm.outbox import Outbox
from drivers.emulator.quectel_lte.sockets import AccessMode, Kind, Opening
from drivers.emulator.quectel_lte.udp_service import UdpService
from drivers.emulator.sms.addresses import Address
from drivers.emulator.sms.coding import Alphabet
from drivers.emulator.sms.sent import SentLog
from drivers.emulator.sms.settings import MessageSettings, Routing
from drivers.emulator.sms.tpdu import Submit
from drivers.emulator.sms.user_data import UserData
from drivers.emulator.subscribers import Subscriber, Subscribers
from drivers.errors import ReceiveOverflow
from drivers.tcpip.core.listener_state import ListenerState
from drivers.tcpip.core.scope import Scope
from drivers.tcpip.core.session_table import SessionTable
from drivers.tcpip.core.socket_state import SocketId, SocketState
from drivers.tcpip.quectel_gsm import dns
from drivers.tcpip.quectel_gsm.state import Uart as UartRecord
from drivers.tcpip.quectel_gsm.unsolicited import IPD

PORTION = 65536
BASIC = Config(option=Option.BASIC)


class Row(NamedTuple):
    """A row of the table."""

    limits: tuple[int, ...]
    portion: bool
    beyond: str
    counters: frozenset[str]


class Seen(NamedTuple):
    """What a case has seen: the most that was kept, and the counters that count what is beyond."""

    kept: int
    counters: dict[str, int]


def numbers(text: str) -> tuple[int, ...]:
    """Return the figures of a bound; where it is computed, the one in brackets."""
    bracketed = re.findall(r"\(([\d,]+)\)", text)
    found = [(figure, "") for figure in bracketed] or re.findall(r"(?<![\w`])([\d,]*\d)(?: (MiB))?", text)
    return tuple(int(figure.replace(",", "")) << (20 if unit else 0) for figure, unit in found)


def table() -> dict[str, Row]:
    text = (Path(__file__).parents[1] / "docs/reliability.md").read_text(encoding="utf-8")
    section = text.partition("## Bounds\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")][2:]
    return {
        kept.strip(): Row(numbers(bound), "and a portion" in bound, beyond, frozenset(re.findall(r"`(\w+)`", told)))
        for kept, bound, beyond, told in rows
    }


TABLE = table()
CASES: dict[str, Callable[[int], Seen]] = {}


def case(row: str) -> Callable[[Callable[[int], Seen]], Callable[[int], Seen]]:
    def add(function: Callable[[int], Seen]) -> Callable[[int], Seen]:
        assert row not in CASES
        CASES[row] = function
        return function

    return add


def total(counters: object) -> int:
    return sum(counters.values()) if isinstance(counters, dict) else int(counters)  # type: ignore[call-overload]


def told(stats: dict[str, object], *names: str) -> dict[str, int]:
    return {name: total(stats[name]) for name in names}


# --- The line ---------------------------------------------------------------------------------------------------------


def _partial(option: Option, first: bytes, limit: int) -> tuple[int, dict[str, object]]:
    core = Multiplexer(Role.RESPONDER, Config(option=option))
    most = 0
    for octet in first + bytes(2 * limit):
        core.receive_data(bytes((octet,)), 0.0)
        most = max(most, len(core._dispatcher.decoder._data))
    return most, core.stats()


@case("octets of a partial frame, basic option")
def _(limit: int) -> Seen:
    longest, _ = _partial(Option.BASIC, b"\xf9\x07\xef" + bytes((1600 << 1 & 0xFE, 1600 >> 7)), limit)
    _, stats = _partial(Option.BASIC, b"\xf9\x07\xef" + bytes((1601 << 1 & 0xFE, 1601 >> 7)), limit)
    assert stats["dropped"]["too_long"] == 1  # type: ignore[index]
    return Seen(longest, told(stats, "dropped"))


@case("the same, advanced option")
def _(limit: int) -> Seen:
    longest, stats = _partial(Option.ADVANCED, b"\x7e", limit)
    return Seen(longest - 1, told(stats, "dropped", "octets_skipped"))  # without its flag


@case("octets in `raw` of `FrameDropped` events")
def _(limit: int) -> Seen:
    octets = b"\xf9\x07\x03\x09" * 2000
    decoder = BasicDecoder()
    items = [*decoder.receive_data(octets), *(item for _, item in decoder.finish())]
    raw = sum(len(item.raw) for item in items if isinstance(item, FrameDropped))
    return Seen(-(-(raw - len(items)) // len(octets)), {})  # a flag that two frames share counts for both


@case("octets that wait to be sent on a DLC")
def _(limit: int) -> Seen:
    pair = Pair().start().open(1)
    core = pair.host.mux
    pair.to_module = lambda octets: b""
    assert core.send(1, bytes(limit - 1), pair.now) == limit - 1
    assert core.send(1, bytes(100), pair.now) == 1
    assert core.send(1, bytes(100), pair.now) == 0
    kept, dlcs = core.unsent(1), core.stats()["dlcs"]
    pair.to_module = lambda octets: octets
    pair.settle()
    assert len(pair.host.of(Writable)) == 1
    return Seen(kept, told(dlcs[1], "queue_peak"))  # type: ignore[index]


@case("answers that wait for the line")
def _(limit: int) -> Seen:
    pair = Pair().start()
    core = pair.module.mux
    for _ in range(limit + 5):
        core.receive_data(encode(Frame(0, True, FrameType.UIH, info=b"\x23\x03A")), pair.now)
    return Seen(len(core._session.transmitter._control), told(core.stats(), "control_overflow"))


@case("own commands that wait for their turn")
def _(limit: int) -> Seen:
    pair = Pair().start()
    for _ in range(limit + 1):  # the first one is on its way
        pair.host.mux.test(b"?", pair.now)
    with pytest.raises(StateError):
        pair.host.mux.test(b"?", pair.now)
    return Seen(len(pair.host.mux._session.control._waiting), {})


@case("breaks of convergence layer 2")
def _(limit: int) -> Seen:
    pair = Pair(Config(option=Option.ADVANCED)).start()
    pair.host.mux.negotiate(1, Parameters(n1=64, convergence=2), pair.now)
    pair.open(1)
    for _ in range(limit + 3):
        pair.host.mux.send_break(1, 0.2, pair.now)
    return Seen(len(pair.host.mux._session.dlc(1).status_due), told(pair.host.mux.stats(), "control_overflow"))


@case("DLCs")
def _(limit: int) -> Seen:
    core = Multiplexer(Role.RESPONDER, Config(option=Option.BASIC))
    for address in range(256):
        core.receive_data(encode(Frame(address % limit, True, FrameType.SABM, True)), 0.0)
    with pytest.raises((DlcError, StateError, ValueError)):
        core.open(limit, 0.0)
    with pytest.raises(FrameError):
        encode(Frame(limit, True, FrameType.SABM, True))
    return Seen(len(core._session.dlcs), {})


@case("octets behind the end of a session")
def _(limit: int) -> Seen:
    pair = Pair().start()
    core = pair.module.mux
    core.receive_data(encode(Frame(0, True, FrameType.UIH, info=b"\xc3\x01")) + bytes(limit + 100), pair.now)
    stats = core.stats()
    return Seen(len(core.take_unread()), told(stats, "octets_skipped"))


@case("octets held while a restart of the module is suspected")
def _(limit: int) -> Seen:
    core, watch, most = Pair().start().host.mux, ResetWatch(Config()), 0
    watch.doubt(0.0)
    for _ in range(limit // 1000 + 3):
        watch.receive(core, bytes(1000), 0.0)
        most = max(most, len(watch._held))
    assert "reset" in str(watch.verdict(0.0))  # at once: it was one
    return Seen(most, {})


@case("octets of a start-up dialogue")
def _(limit: int) -> Seen:
    receiver = Receiver()
    for octet in range(limit // 50):
        receiver._take(bytes((octet % 90 + 33,)) * 100)
    assert receiver.total > limit
    return Seen(max(len(receiver.text), len(receiver.tail)), {})


@case("kinds of headers that are known")
def _(limit: int) -> Seen:
    cache, most = HEADERS[Option.BASIC], 0
    for number in range(limit + 100):
        octets, _ = cache.build(Frame(number % 60, True, FrameType.UIH, info=bytes(number // 60)))
        cache.around(number % 60, True, FrameType.UIH, False, number // 60)
        cache.parse(octets)
        most = max(most, len(cache.parsed), len(cache.built), len(cache.ends))
    return Seen(most, {})


@case("octets that a channel has received and nobody has read")
def _(limit: int) -> Seen:
    asked: list[bool] = []
    buffer = ReceiveBuffer(asked.append)
    high, limit = TABLE["octets that a channel has received and nobody has read"].limits
    buffer.feed(bytes(high - 1))
    assert asked == [False]
    buffer.feed(b"x")
    assert asked[-1]
    for _ in range(limit // 4096 + 2):
        buffer.feed(bytes(4096))
    return Seen(len(buffer), {"received_discarded": buffer.discarded})


@case("portions of a line that a thread reads for asyncio")
def _(limit: int) -> Seen:
    taken: list[object] = []
    one_more, go_on = threading.Event(), threading.Event()

    class Busy(asyncio.SelectorEventLoop):
        def call_soon_threadsafe(self, callback: Any, *args: Any, **_: Any) -> Any:  # of a loop that is busy
            taken.append(callback)

    def read(_: float | None) -> bytes:
        if reads.pop() == 0:
            one_more.set()
        return b"x"

    reads = [*range(limit + 1)]
    line = SimpleNamespace(name="line", read=read, cancel=go_on.set, close=lambda: None, write=lambda *_: 1)
    loop = Busy()

    async def drive() -> None:
        transport = ThreadTransport(loop, line, asyncio.Protocol(), asyncio.Event())  # type: ignore[arg-type]
        assert one_more.wait(10)  # it has read one more than there is room for, and keeps that
        transport._closing = True
        transport._room.release()
        transport._thread.join(10)
        transport._writer.cancel()
        with suppress(asyncio.CancelledError):
            await transport._writer

    try:
        task = loop.create_task(drive())
        loop.run_until_complete(task)
    finally:
        loop.close()
    return Seen(len(taken) - 1, {})


# --- A responder in AT mode -------------------------------------------------------------------------------------------


def _responder(*, forward: bool = True) -> Responder:
    return Responder(BASIC, at=AtMode(BASIC, [Option.BASIC], forward=forward))


@case("characters of an AT command, of a responder")
def _(limit: int) -> Seen:
    responder = _responder()
    responder.receive(b"ATE0\r", 0.0)
    responder.next_write(0.0)
    events = responder.receive(b"AT" + b"x" * (limit - 2) + b"\r", 0.0)
    assert [type(event) for event in events] == [CommandReceived]
    responder.answer("OK", 0.0)
    responder.next_write(0.0)
    most = 0
    for _ in range(limit):
        responder.receive(b"AT", 0.0)
        assert responder._at is not None
        most = max(most, len(responder._at._line))
    assert responder.receive(b"\r", 0.0) == []
    assert b"ERROR" in responder.next_write(0.0)
    return Seen(most - 1, {})  # one more shows that it is too long


@case("answers to AT commands, of a responder")
def _(limit: int) -> Seen:
    responder = _responder(forward=False)
    for _ in range(limit):
        responder.receive(b"AT\r", 0.0)
    return Seen(len(responder._out), told(responder.stats(), "answer_octets_discarded"))


@case("octets behind an AT command, of a responder")
def _(limit: int) -> Seen:
    responder = _responder()
    responder.receive(b"AT+CSQ\r", 0.0)
    for _ in range(limit // 100 + 2):
        responder.receive(b"x" * 100, 0.0)
    assert responder._at is not None
    return Seen(len(responder._at._waiting), told(responder.stats(), "at_octets_discarded"))


# --- The driver -------------------------------------------------------------------------------------------------------


@case("a line of the module, for the driver")
def _(limit: int) -> Seen:
    lexer = Lexer()
    lexer.feed(b"x" * (limit - 1) + b"\n")
    assert lexer.next_token() is not None
    most = 0
    for _ in range(limit * 2):
        lexer.feed(b"x")
        lexer.next_token()
        most = max(most, len(lexer._octets))
    lexer.feed(b"\r\nOK\r\n")
    assert lexer.next_token() == Line("OK")
    return Seen(most, {"overlong": lexer.overlong})


@case("counted data announced by the module")
def _(limit: int) -> Seen:
    lexer = Lexer()
    lexer.framing = Framing((IPD,))
    lexer.feed(b"IPD%d:" % limit + bytes(limit))
    token = lexer.next_token()
    assert isinstance(token, Payload)
    lexer.feed(b"IPD%d:\r\n" % (limit + 1))
    assert lexer.next_token() == Line(f"IPD{limit + 1}:")
    return Seen(len(token.data), {})


def _busy() -> tuple[Engine, Execution[Any]]:
    engine = Engine()
    execution = Execution(engine, command("AT+CSQ"), Ticket(), None)
    execution.proceed(0.0)
    engine.sent(0.0)
    return engine, execution


@case("lines of one answer")
def _(limit: int) -> Seen:
    engine, execution = _busy()
    for number in range(limit + 20):
        engine.receive(b"\r\n%d\r\n" % number, 0.0)
    engine.receive(b"\r\nOK\r\n", 0.0)
    assert execution.proceed(0.0)
    return Seen(len(execution.result.lines), dict(engine.counters))


@case("octets of the module that wait for the next step")
def _(limit: int) -> Seen:
    engine, _ = _busy()
    engine.receive(b"\r\nOK\r\n", 0.0)
    for _ in range(limit // PORTION + 3):
        engine.receive(bytes(PORTION), 0.0)
    return Seen(len(engine.lexer._octets), {"discarded": engine.lexer.discarded})


@case("callbacks of a channel that wait")
def _(limit: int) -> Seen:
    with AtChannel(MemoryPort()) as channel:
        channel._start()
        begun, go_on, last = threading.Event(), threading.Event(), threading.Event()
        ran: list[int] = []

        def block() -> None:
            begun.set()
            go_on.wait(10)

        channel.call_soon(block)
        assert begun.wait(10)
        for number in range(limit + 10):
            channel.call_soon(lambda number=number: ran.append(number))  # type: ignore[misc]
        channel.call_soon(last.set)
        go_on.set()
        assert last.wait(10)
        assert ran == [*range(11, limit + 10)]  # the oldest were dropped
        return Seen(len(ran) + 1, {"dropped_callbacks": channel.stats()["dropped_callbacks"]})


@case("callbacks of a channel that run, asyncio")
def _(limit: int) -> Seen:
    async def drive() -> Seen:
        go_on = asyncio.Event()
        running = 0

        async def job() -> None:
            nonlocal running
            running += 1
            await go_on.wait()

        writer: Any = SimpleNamespace(get_extra_info=lambda name: None, write=lambda data: None)
        async with AioAtChannel(asyncio.StreamReader(), writer) as channel:
            for _ in range(limit + 10):
                channel.call_soon(job)
            await asyncio.sleep(0)
            return Seen(running, {"dropped_callbacks": channel.stats()["dropped_callbacks"]})

    return asyncio.run(drive())


def _session(*, datagrams: bool) -> SocketState:
    return SocketState(name="0", protocol="TCP", role="client", remote=("", 0), id=SocketId(0), datagrams=datagrams)


def _overflow(session: SocketState, data: bytes, count: int) -> None:
    for _ in range(count):
        session.deliver(data)
    while session._size:
        session.take(PORTION)
    with pytest.raises(ReceiveOverflow):
        session.take(1)


@case("data of a session that nobody has read")
def _(limit: int) -> Seen:
    session = _session(datagrams=False)
    session.deliver(bytes(limit))
    assert session.open
    kept = session._size
    _overflow(session, bytes(10), 1)
    return Seen(kept, {"dropped": session.dropped})


@case("datagrams of a session that nobody has read")
def _(limit: int) -> Seen:
    session = _session(datagrams=True)
    for _ in range(limit + 1):
        session.deliver(b"x")
    kept = len(session._packets)
    _overflow(session, b"x", 0)
    return Seen(kept, {"dropped": session.dropped})


def _table() -> SessionTable:
    return SessionTable("0", 0, Scope(), until_closed=False, handle=lambda event: None, wake=lambda: None)


@case("clients that wait for `accept`")
def _(limit: int) -> Seen:
    listener = ListenerState(name="0", protocol="TCP", port=1, id=SocketId(0), clients=5)
    taken = [listener.offer(_session(datagrams=False)) for _ in range(limit + 2)]
    assert taken == [True] * limit + [False] * 2
    return Seen(len(listener.take_waiting()), {"refused": listener.refused})


@case("refused clients that the module has still to close")
def _(limit: int) -> Seen:
    table = _table()
    for number in range(1000):
        table._turn_away(table.new_session(SocketId(number % 5, "server"), "server", "TCP", ("", 0)))
    count = 0
    while table._next_refused() is not None:
        count += 1
    return Seen(count // 5, dict(table.counters))


@case("clients that no listener can be told of, on a UART")
def _(limit: int) -> Seen:
    record = UartRecord()
    for number in range(2 * limit):
        record.unplaced.append(number)  # type: ignore[arg-type]
    assert record.unplaced[0] == limit  # type: ignore[comparison-overlap]
    return Seen(len(record.unplaced), {})


@case("addresses of a name")
def _(limit: int) -> Seen:
    engine = Engine()
    engine.prepared = True
    execution = Execution(engine, dns.resolve("name"), Ticket(), None)
    addresses = b"".join(b"\r\n10.0.%d.%d\r\n" % divmod(number, 250) for number in range(limit + 10))
    now = 0.0
    pending = b"\r\nOK\r\n" + addresses
    while not execution.proceed(now):
        if engine.data_to_send():
            engine.sent(now)
        engine.receive(pending, now)
        pending = b""
        now += 0.001
        engine.handle_timeout(now)
    return Seen(len(execution.result), {})


# --- Captures and commands --------------------------------------------------------------------------------------------


@case("kinds of frames that a capture knows")
def _(limit: int) -> Seen:
    writer = BlockWriter(32767, from_host=True, payload=False)
    most = 0
    for length in range(limit // 32 + 5):
        octets = b"".join(encode(Frame(dlci, True, FrameType.UIH, info=bytes(length))) for dlci in range(1, 61))
        writer(octets, 0)
        most = max(most, len(writer._known))
    return Seen(most, {})


HEAD = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)


@case("interfaces of a pcapng")
def _(limit: int) -> Seen:
    block = struct.pack("<IIHHII", 1, 20, 236, 0, 0, 20)
    assert [*pcapng.read(io.BytesIO(HEAD + block * limit))] == []
    with pytest.raises(NotACapture):
        list(pcapng.read(io.BytesIO(HEAD + block * (limit + 1))))
    return Seen(limit, {})


@case("octets of a block of pcapng, of a packet of pcap")
def _(limit: int) -> Seen:
    with pytest.raises(NotACapture):
        list(pcapng.read(io.BytesIO(HEAD + struct.pack("<II", 99, limit + 4) + bytes(8))))
    assert [*pcapng.read(io.BytesIO(HEAD + struct.pack("<II", 99, limit) + bytes(8)))] == []  # it is cut off
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 0, 236)
    with pytest.raises(NotACapture):
        list(pcap.read(io.BytesIO(header + struct.pack("<IIII", 0, 0, limit + 1, 0))))
    assert [*pcap.read(io.BytesIO(header + struct.pack("<IIII", 0, 0, limit, 0)))] == []
    return Seen(limit, {})


@case("octets of a line of text, for `decode`")
def _(limit: int) -> Seen:
    found = [*lines(b"x" * PORTION for _ in range(3 * limit // PORTION))]
    assert sum(map(len, found)) == 3 * limit
    return Seen(max(map(len, found)), {})


@case("octets of a line of AT text on a channel, for `decode`")
def _(limit: int) -> Seen:
    joiner, most, shown = LineJoiner(), 0, 0
    for _ in range(3 * limit):
        shown += sum(map(len, joiner.take(b"x").lines))
        most = max(most, len(joiner._line))
    assert shown == 3 * limit
    return Seen(most, {})


@case("octets that `*` in a hex dump stands for, for `decode`")
def _(limit: int) -> Seen:
    kept, told = 0, ""
    reader = DumpReader()
    for offset in range(0, 1 << 40, 1 << 20):
        try:
            for line in (f"{offset:08x} " + " 00" * 16, "*", f"{offset + (1 << 20) - 16:08x} " + " 00" * 16):
                kept += sum(map(len, reader.read(line)))
        except BadDump as error:
            told = str(error)
            break
    assert str(limit) in told
    return Seen(kept, {})


@case("lines of other UARTs, for `demo`")
def _(limit: int) -> Seen:
    out = io.StringIO()
    transcript = Transcript(out, colour=False, as_json=False)
    transcript._step = SimpleNamespace(uart=1)  # type: ignore[assignment]
    take = transcript.tap(2)
    for number in range(limit + 5):
        take("rx", b"\r\n%d\r\n" % number)
    assert "1" in out.getvalue()
    return Seen(len(transcript._held), {})


# --- The emulated module ----------------------------------------------------------------------------------------------


@case("octets for the interpreter of the emulated module")
def _(limit: int) -> Seen:
    buffer = InputBuffer()
    for _ in range(limit // PORTION + 3):
        buffer.add(bytes(PORTION))
    return Seen(len(bytes(buffer)), {"lost": buffer.lost})


@case("characters of a command line of the emulated module")
def _(limit: int) -> Seen:
    assembler = LineAssembler()
    assert not assembler.feed(b"AT" + b"x" * (limit - 2) + b"\r").too_long
    most = 0
    for _ in range(limit):
        assembler.feed(b"AT")
        most = max(most, len(assembler._line))
    assert assembler.feed(b"\r").too_long
    return Seen(most, {})


@case("lines for a UART of the emulated module")
def _(limit: int) -> Seen:
    with _modem() as modem:
        uart = modem.uarts[0]
        nothing = {name: lambda *given: None for name in ("pause_input", "resume_input", "carrier")}
        uart.attach(SimpleNamespace(send=lambda data: 0, **nothing))
        for number in range(1000):
            uart.announce(f"line {number}")
        kept = len(uart._waiting)
        assert uart._waiting[-1] == "line 999"
        return Seen(kept, {"dropped_lines": uart.dropped_lines})


@case("octets of the program of a data call, for the emulated module")
def _(limit: int) -> Seen:
    async def read(portions: list[bytes]) -> int:
        came, said = os.pipe()
        program = PppProgram(asyncio.get_running_loop(), "program", lambda: None)
        program._master = came
        program._read_on()
        for portion in portions:
            os.write(said, portion)
            program._readable()
        kept = len(program._received)
        assert not program._reading
        program.hang_up()
        os.close(said)
        return kept

    return Seen(asyncio.run(read([bytes(HELD - 1), bytes(HELD)])), {})


class _modem:
    """The inside of a module whose loop does not run."""

    def __init__(self, model: str = "m10") -> None:
        self._model = model

    def __enter__(self) -> Any:
        self._loop = asyncio.new_event_loop()
        self._module = EmulatedModule(model=self._model, clock=FakeClock())
        self._module._start(self._loop)
        return self._module._modem

    def __exit__(self, *exc: object) -> None:
        assert self._module._modem is not None
        self._module._modem.close()
        self._loop.close()


@case("lines of a context of the emulated module")
def _(limit: int) -> Seen:
    outbox = Outbox()
    for number in range(limit + 7):
        outbox.announce(f"line {number}")
    taken = []
    while (item := outbox.take(())) is not None:
        taken.append(item)
    assert taken[-1].text == f"line {limit + 6}"  # type: ignore[union-attr]
    return Seen(len(taken), {"crowded_out": outbox.crowded_out})


@case("unread sessions of the emulated module that have ended")
def _(limit: int) -> Seen:
    outbox = Outbox()
    for _ in range(limit + 3):
        outbox.keep(SimpleNamespace(drained=False, held=10, close=lambda: None))  # type: ignore[arg-type]
    return Seen(len(outbox.sessions(())), {"octets_crowded_out": outbox.octets_crowded_out})


@case("messages that the emulated module has sent")
def _(limit: int) -> Seen:
    log = SentLog()
    message = Submit(1, 0, Address("1"), 0, 0, b"", UserData(Alphabet.GSM7, b"a"))
    for _ in range(limit + 7):
        log.add(b"\x00", message)
    return Seen(len(log.messages()), {"discarded": log.discarded})


@case("messages that wait at the service centre for the emulated module")
def _(limit: int) -> Seen:
    with _modem() as modem:
        modem.environment.network.registered = False
        for _ in range(limit + 7):
            modem.messages.receive_text("a", "1")
        return Seen(len(modem.messages._waiting), {"lost": modem.messages.lost})


@contextmanager
def _passing_messages_on(**settings: Any) -> Iterator[Any]:
    """Have a module whose first UART is told of messages as these settings say; its host writes nothing."""
    with _modem() as modem:
        uart = modem.uarts[0]
        nothing = {"pause_input": lambda: None, "resume_input": lambda: None, "carrier": lambda on: None}
        uart.attach(SimpleNamespace(send=len, **nothing))
        uart.messages = MessageSettings(**settings)
        yield modem.messages


@case("lines that AT+CNMI=0 keeps in the emulated module")
def _(limit: int) -> Seen:
    with _passing_messages_on(routing=Routing(mode=0, messages=2)) as messages:
        for _ in range(limit + 7):
            messages.receive_text("a", "1")
        return Seen(len(messages.router._hosts[0].kept), {"dropped": messages.router.dropped})


@case("messages that wait for AT+CNMA in the emulated module, on a UART")
def _(limit: int) -> Seen:
    with _passing_messages_on(routing=Routing(messages=2), service=1) as messages:
        for _ in range(limit + 7):
            messages.receive_text("a", "1")
        assert messages.stores["SM"].used == 6  # one is on its way
        return Seen(len(messages.router._hosts[0].waiting), {})


@case("datagrams for the emulated module, in octets")
def _(limit: int) -> Seen:
    owner = SimpleNamespace(arrived=lambda octets: None, opened=lambda: None)
    with _modem() as modem:
        session = UdpSession(modem.environment, ("", 0), lambda _: owner, lambda data: None, lambda: None)  # type: ignore[arg-type, return-value]
        session.established()
        for _ in range(limit // 100 + 5):
            session.receive(bytes(100))
        return Seen(session.held, {"lost": session.lost})


@case("datagrams for a UDP service of an emulated LTE module, in octets")
def _(limit: int) -> Seen:
    with _modem("bg96") as modem:
        opening = Opening(0, Kind.SERVICE, ("127.0.0.1", 0), 2020, AccessMode.BUFFERED, 0, "uart1")
        service = UdpService(modem, modem.contexts[1], opening)
        for _ in range(limit // 100 + 5):
            service._datagram(bytes(100), ("127.0.0.1", 7))
        return Seen(service.held, {"lost": service.lost})


@case("lines about the sockets of an emulated LTE module, for a UART")
def _(limit: int) -> Seen:
    with _modem("bg96") as modem:
        nothing = {name: lambda *given: None for name in ("pause_input", "resume_input", "carrier")}
        modem.uarts[0].attach(SimpleNamespace(send=lambda data: len(data), **nothing))
        modem.uarts[0].feed(b"A")  # a line that has been begun holds others back
        for number in range(limit + 7):
            modem.announce(0, f"line {number}")
        lost, kept = modem.outlets.lost, 0
        while modem.outlets.take(0) is not None:
            kept += 1
        return Seen(kept, {"lost": lost})


@case("octets on a looped-back channel of the emulated module")
def _(limit: int) -> Seen:
    loopback = Loopback(SimpleNamespace(send=lambda data: 0, pause_input=lambda: None, resume_input=lambda: None))  # type: ignore[arg-type]
    for _ in range(limit // PORTION + 3):
        loopback.feed(bytes(PORTION))
    assert loopback.paused
    return Seen(len(loopback._data), {"lost": loopback.lost})


@case("signals of other modules for an emulated module")
def _(limit: int) -> Seen:
    loop = asyncio.new_event_loop()
    one = Subscriber("+49170")
    one.open(loop)
    sent = [one.send(object()) for _ in range(limit + 3)]
    loop.close()
    return Seen(sum(sent), {"lost": one.lost})


@case("emulated modules with a phone number, in a process")
def _(limit: int) -> Seen:
    known = Subscribers()
    kept = []
    with suppress(ValueError):
        while True:
            kept.append(known.enter(f"+4917{len(kept):06}"))
    return Seen(len(kept), {})


@case("clients of a control socket")
def _(limit: int) -> Seen:
    with tempfile.TemporaryDirectory() as folder:
        control = ControlSocket(f"{folder}/s", [])
        admitted = [control.admit(_Client(control)) for _ in range(limit + 2)]
        control.close()
    return Seen(sum(admitted), {"refused": control.refused})


@case("octets of a line for a control socket")
def _(limit: int) -> Seen:
    ends: list[int] = []

    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            control = ControlSocket(f"{folder}/s", [])
            await control.start()
            for length in (limit, limit + 1):
                reader, writer = await asyncio.open_unix_connection(f"{folder}/s")
                writer.write(b"x" * length + b"\n")
                if (await reader.readline()).startswith(b"error which module"):
                    ends.append(length)
                writer.transport.abort()
            control.close()

    asyncio.run(run())
    return Seen(max(ends, default=0), {})


# --- The table --------------------------------------------------------------------------------------------------------


def test_each_row_has_a_case_and_each_case_a_row() -> None:
    assert sorted(CASES) == sorted(TABLE)


@pytest.mark.parametrize("row", CASES)
def test_what_is_kept_reaches_the_bound_of_the_document_and_not_more_and_what_is_beyond_is_counted(row: str) -> None:
    limits, portion, _, counters = TABLE[row]
    limit = limits[-1]
    seen = CASES[row](limit)
    assert limit * 0.9 <= seen.kept <= limit + portion * PORTION
    assert {name for name, count in seen.counters.items() if count > 0} == counters
