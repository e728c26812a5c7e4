"""No parser works more than in proportion to its octets, whatever they are: counted in lines that run and in copies.

Those of frames are in tests/cmux/protocol/test_linear_work.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import struct
from collections.abc import Callable, Iterable
from functools import partial

import pytest
from counted_work import work

from cmux.capture import pcap, pcapng
from cmux.capture.blocks import BlockWriter
from cmux.capture.formats import Log
from cmux.capture.frame_writer import FrameWriter
from cmux.capture.hiding import Hiding
from cmux.capture.packets import NotACapture
from cmux.capture.reread import json_line, log_line
from cmux.cli.decode_dump import BadDump
from cmux.cli.decode_inputs import PORTIONS, Unreadable, records
from cmux.cli.decode_lines import LineJoiner
from cmux.cli.decode_portions import decoded
from cmux.masking import Masker, hidden_anywhere
from cmux.protocol import AdvancedDecoder, Config, Frame, FrameType, Option, encode
from cmux.protocol.at_cmux import parse_allowed, parse_current
from cmux.protocol.at_mode import AtMode
from cmux.protocol.messages import parse_messages
from cmux.protocol.multiplexer import Multiplexer
from cmux.protocol.reset_watch import ResetWatch
from cmux.protocol.startup_steps import Receiver, StepResult
from drivers.at.core.dialogue import command
from drivers.at.core.engine import Engine
from drivers.at.core.execution import Execution
from drivers.at.core.lexer import Framing, Lexer
from drivers.at.core.ticket import Ticket
from drivers.clock import FakeClock
from drivers.emulator import EmulatedModule
from drivers.emulator.line.software_flow import SoftwareFlow
from drivers.tcpip.quectel_gsm.unsolicited import IPD, LINES, QIRD, parse, read_header, receive_header

Feed = Callable[[bytes], object]


def repeated(piece: bytes, *, before: bytes = b"", behind: bytes = b"") -> Callable[[int], bytes]:
    """Octets of one piece again and again, the last one cut off, with something before and behind them."""
    return lambda size: (before + piece * (size // len(piece) + 1))[: size - len(behind)] + behind


def whole(piece: bytes, *, before: bytes = b"", behind: bytes = b"") -> Callable[[int], bytes]:
    """The same, with no piece cut off: half an octet would be the end."""
    return lambda size: before + piece * ((size - len(before) - len(behind)) // len(piece)) + behind


# --- What comes -------------------------------------------------------------------------------------------------------

TEXTS: dict[str, Callable[[int], bytes]] = {
    "CR": repeated(b"\r"),
    "empty lines": repeated(b"\r\n"),
    "short lines": repeated(b"\r\nA\r\n"),
    "a line without end": repeated(b"A"),
    "prompts": repeated(b"> "),
    "beginnings of lines": repeated(b"\r\n+QIRDI: 0"),
    "beginnings of headers": repeated(b"+QIRD: 1.2.3.4:5"),
    "lines of the stack": repeated(b"\r\n+QIRDI: 0,1,0\r\n"),
    "counted data": repeated(b"IPD3:abc"),
    "large counts": repeated(b"IPD65535:"),
    "commands": repeated(b"AT\r"),
    "commands of one line": repeated(b"E0;", before=b"AT", behind=b"\r"),
    "secrets": repeated(b'AT+CPIN="'),
    "questions": repeated(b"AT+CMUX=?\r"),
    "backspaces in a line": repeated(b"x\x08", before=b"AT"),
    "escapes": repeated(b"+++"),
    "escape octets": repeated(b"\x77"),
    "answers": repeated(b"\r\n+CMUX: (0-1),(0),(1-5),(10-100)"),
    "numbers": repeated(b",", before=b"+CMUX: "),
    "LCP": repeated(b"\x7e\xff\x7d\x23\xc0"),
    "flags": repeated(b"\xf9"),
    "banners": repeated(b"\r\nRDY\r\n"),
}
"""What a line may carry in AT mode, or a channel."""


def frames(info: bytes, dlci: int = 1, count: int = 1) -> bytes:
    return encode(Frame(dlci, True, FrameType.UIH, info=info)) * count


FRAMES: dict[str, Callable[[int], bytes]] = {
    "small frames": repeated(frames(b"+")),
    "names in frames": repeated(frames(b"AT+CPIN")),
    "secrets in frames": repeated(frames(b'AT+CPIN="1234"\r')),
    "empty frames": repeated(frames(b"")),
    "other channels": lambda size: b"".join(frames(b"x", dlci % 20 + 1) for dlci in range(size))[:size],
    "flags": repeated(b"\xf9"),
    "partial frames": repeated(b"\xf9\x07\xef"),
    "damaged frames": repeated(b"\xf9\x07\xef\x03a\x00"),
    "noise": lambda size: bytes(index * index % 251 for index in range(size)),
}
ADVANCED: dict[str, Callable[[int], bytes]] = {
    "escapes": repeated(b"\x7d"),
    "flags": repeated(b"\x7e"),
    "escaped flags": repeated(b"\x7d\x5e"),
    "short frames": repeated(b"\x7e\x07\xef\x7e"),
    "aborted frames": repeated(b"\x7e\x07\xef\x7d\x7e"),
    "a frame without end": repeated(b"a", before=b"\x7e\x07\xef"),
    "frames": repeated(encode(Frame(1, True, FrameType.UIH, info=b"x"), Option.ADVANCED)),
}
MESSAGES: dict[str, Callable[[int], bytes]] = {
    "empty messages": repeated(b"\x43\x01"),
    "unknown messages": repeated(b"\xff\x01"),
    "types without length": repeated(b"\xe3"),
    "lengths without end": repeated(b"\x00", before=b"\xe3"),
    "Test with Test in it": repeated(b"\x23\x07"),
    "MSC": repeated(b"\xe3\x05\x07\x8d"),
    "MSC with a length too small": repeated(b"\xe3\x03\x07\x8d"),
    "a Test that is not all there": repeated(b"\x23\xfe\xff"),
}
BLOCK = struct.pack("<IIHHII", 1, 20, 236, 0, 0, 20)
HEAD = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
PACKET = struct.pack("<IIIIIII", 6, 36, 0, 0, 0, 4, 4) + b"\0\0\xf9\xf9" + struct.pack("<I", 36)
PCAPNG: dict[str, Callable[[int], bytes]] = {
    "packets": repeated(PACKET, before=HEAD + BLOCK),
    "unknown blocks": repeated(struct.pack("<III", 99, 12, 12), before=HEAD),
    "sections": repeated(HEAD),
    "interfaces": repeated(BLOCK, before=HEAD),
    "options": lambda size: (
        HEAD
        + struct.pack("<IIHHI", 1, size // 4 * 4 + 20, 236, 0, 0)
        + struct.pack("<HH", 5, 0) * (size // 4)
        + struct.pack("<I", size // 4 * 4 + 20)
    ),
}
PCAP: dict[str, Callable[[int], bytes]] = {
    "packets": repeated(
        struct.pack("<IIII", 0, 0, 2, 2) + b"\0\0", before=struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 0, 236)
    ),
}  # fmt: skip
LINES_OF_TEXT: dict[str, Callable[[int], bytes]] = {
    "digits": whole(b"f9 "),
    "digits without blanks": whole(b"f9"),
    "lines of digits": whole(b"f9 07 ef\n"),
    "remarks": whole(b"# f9\n"),
    "slashes": whole(b"/"),
    "a remark without end": whole(b"f9 ", before=b"# "),
    "lines of a dump": lambda size: b"".join(b"%08x: f9 07 ef 03\n" % (4 * at) for at in range(size))[:size],
    "lines left out": whole(b"*\n", before=b"00000000: f9f9\n", behind=b"00000010: f9f9\n"),
    "arrows": whole(b"-> "),
    "lines of a log": whole(b"[  1.000000] gsmld_output: 00000000: f9 03 3f 01 1c f9\n"),
    "times": whole(b"2026-01-01 00:00:00.000 TX f9 03 3f 01 1c f9\n"),
    "a long line": whole(b"f9 07 ", before=b"TX "),
    "blanks": whole(b" "),
    "empty lines": whole(b"\n"),
    "colours": whole(b"\x1b[0mf9\n"),
    "words": whole(b"word word\n"),
    "braces": whole(b"{"),
    "lists": whole(b"[", before=b'{"a":'),
    "objects": whole(b'{"dlci":1,"cr":true,"type":"UIH","pf":false,"info":"61","option":"basic"}\n'),
    "lines of our log": whole(b"2026-01-01T00:00:00.000000Z host   DLCI 1  UIH  61  a\n"),
    "messages of our log": whole(
        b"; MSC command dlci=1", before=b"2026-01-01T00:00:00.000000Z host   DLCI 0  UIH  MSC command dlci=1"
    ),
    "octets of our log": whole(b" 61", before=b"2026-01-01T00:00:00.000000Z host   dropped (fcs): 61"),
}

# --- Who reads it -----------------------------------------------------------------------------------------------------


def in_portions(size: int, make: Callable[[], Feed]) -> Feed:
    def feed(octets: bytes) -> None:
        take = make()
        for at in range(0, len(octets), size):
            take(octets[at : at + size])

    return feed


def lexer(framing: Framing, *, prompt: bool = False, echo: bytes = b"") -> Feed:
    made = Lexer()
    made.framing, made.known, made.prompt = framing, LINES, prompt
    made.expect_echo(echo)

    def take(octets: bytes) -> None:
        made.feed(octets)
        while made.next_token() is not None:
            pass

    return take


def engine() -> Feed:
    """With a command whose answer is waited for."""
    made = Engine()
    Execution(made, command("AT+CSQ"), Ticket(), None).proceed(0.0)
    made.sent(0.0)
    return lambda octets: made.receive(octets, 0.0)


def receiver() -> Feed:
    def take(octets: bytes) -> None:
        nonlocal listening
        try:
            listening.send(StepResult(octets, 0.001))
        except StopIteration:  # a result code; the next ones may be there already
            more = True
            while more:
                listening = receiving.listen(1e9)
                more = next(listening, None) is None

    receiving = Receiver()
    listening = receiving.listen(1e9)
    next(listening)
    return take


def answering() -> Feed:
    """The AT mode of a responder, whose owner answers each command."""
    made = AtMode(Config(option=Option.BASIC), [Option.BASIC, Option.ADVANCED], forward=True)

    def take(octets: bytes) -> None:
        made.receive(octets)
        while made.asked is not None:
            made.answer("OK")
        made.take_out()

    return take


class Outlet:
    """Takes everything that a UART sends."""

    def send(self, data: bytes) -> int:
        return len(data)

    def pause_input(self) -> None: ...

    def resume_input(self) -> None: ...

    def carrier(self, on: bool) -> None: ...


def interpreter() -> Feed:
    module = EmulatedModule(clock=FakeClock())
    module._start(asyncio.get_event_loop())
    assert module._modem is not None
    uart = module._modem.uarts[0]
    uart.attach(Outlet())
    return uart.feed


def plain(read: Callable[[bytes], object]) -> Callable[[], Feed]:
    return lambda: read


def captured(read: Callable[[io.BytesIO, bytes], Iterable[object]], octets: bytes) -> None:
    with contextlib.suppress(NotACapture):
        for _ in read(io.BytesIO(), octets):
            pass


def of_decode(kind: str, octets: bytes) -> None:
    with contextlib.suppress(Unreadable, BadDump):
        for found in decoded(PORTIONS[kind]([octets]), "auto", 1600):
            list(found)


def of_records(kind: str, octets: bytes) -> None:
    with contextlib.suppress(Unreadable):
        list(records([octets], kind))


def lines_as(read: Callable[[str], object], octets: bytes) -> None:
    for line in octets.decode("latin-1").split("\n"):
        read(line)


HEADERS = Framing((IPD, QIRD, receive_header(remote=True, local=True, head=True)))
ALL = Framing(HEADERS.headers, bare=True)
SHORT = Config(option=Option.BASIC, n1=31, n1_receive=31)
Case = tuple[dict[str, Callable[[int], bytes]], Callable[[], Feed], tuple[tuple[int, int], ...], str]
EVERY = ((1, 64), (1 << 30, 160))
WHOLE = ((1 << 30, 300),)
TEXT = ((1 << 30, 600),)
BINARY = ((1 << 30, 2_000),)
"""How many octets come at once, and of how many."""
PARSERS: dict[str, Case] = {
    "lexer: lines": (TEXTS, lambda: lexer(Framing()), EVERY, "drivers.at"),
    "lexer: counted data": (TEXTS, lambda: lexer(HEADERS, prompt=True), EVERY, "drivers.at"),
    "lexer: bare data": (TEXTS, lambda: lexer(ALL, prompt=True), EVERY, "drivers.at"),
    "lexer: echo of a payload": (TEXTS, lambda: lexer(HEADERS, echo=b"\r\n" * 700), EVERY, "drivers.at"),
    "engine": (TEXTS, engine, EVERY, "drivers.at"),
    "lines of the stack": (TEXTS, plain(partial(lines_as, parse)), WHOLE, "drivers.tcpip"),
    "headers of data": (TEXTS, plain(partial(lines_as, read_header)), WHOLE, "drivers.tcpip"),
    "start-up": (TEXTS, receiver, ((2048, 5_000),), "cmux.protocol"),
    "answer to AT+CMUX=?": (TEXTS, plain(parse_allowed), WHOLE, "cmux.protocol"),
    "answer to AT+CMUX?": (TEXTS, plain(parse_current), WHOLE, "cmux.protocol"),
    "AT mode of a responder": (TEXTS, answering, EVERY, "cmux.protocol"),
    "interpreter of the module": (TEXTS, interpreter, ((1, 48), (1 << 30, 160)), "drivers.emulator"),
    "software flow control": (TEXTS, lambda: SoftwareFlow(escape=True).filter, EVERY, "drivers.emulator"),
    "masker": (TEXTS, Masker, EVERY, "cmux"),
    "masking of what is no frame": (TEXTS, plain(hidden_anywhere), WHOLE, "cmux"),
    "masking of a channel": (TEXTS, lambda: partial(Hiding().hide, 1), EVERY, "cmux"),
    "control messages": (MESSAGES, plain(parse_messages), ((1 << 30, 500),), "cmux.protocol"),
    "decoder, advanced option": (ADVANCED, lambda: AdvancedDecoder(31).receive_data, EVERY, "cmux.protocol"),
    "watch for a reset": (
        TEXTS,
        lambda: partial(
            ResetWatch(Config(option=Option.BASIC)).receive, Multiplexer(config=Config(option=Option.BASIC)), now=0.0
        ),
        WHOLE,
        "cmux.protocol",
    ),
    "capture as pcapng": (
        FRAMES, lambda: partial(BlockWriter(31, from_host=True, payload=True), timestamp=0), EVERY, "cmux",
    ),
    "capture as text": (
        FRAMES,
        lambda: partial(FrameWriter(Log(), SHORT, from_host=True, payload=True), timestamp=0),
        EVERY,
        "cmux",
    ),
    "pcapng": (PCAPNG, plain(partial(captured, pcapng.read)), BINARY, "cmux"),
    "pcap": (PCAP, plain(partial(captured, pcap.read)), BINARY, "cmux"),
    "decode: hex": (LINES_OF_TEXT, plain(partial(of_decode, "hex")), TEXT, "cmux"),
    "decode: dump": (LINES_OF_TEXT, plain(partial(of_decode, "dump")), TEXT, "cmux"),
    "decode: log": (LINES_OF_TEXT, plain(partial(of_decode, "log")), TEXT, "cmux"),
    "decode: raw": (FRAMES, plain(partial(of_decode, "raw")), WHOLE, "cmux"),
    "decode: our JSON lines": (LINES_OF_TEXT, plain(partial(of_records, "jsonl")), TEXT, "cmux"),
    "decode: our log": (LINES_OF_TEXT, plain(partial(of_records, "log")), TEXT, "cmux"),
    "decode: lines of AT text": (TEXTS, lambda: LineJoiner().take, EVERY, "cmux"),
    "a line of JSON": (LINES_OF_TEXT, plain(partial(lines_as, json_line)), TEXT, "cmux"),
    "a line of our log": (LINES_OF_TEXT, plain(partial(lines_as, log_line)), TEXT, "cmux"),
}  # fmt: skip


@pytest.mark.pure("it counts the lines that run")
@pytest.mark.parametrize("parser", PARSERS)
def test_twice_the_octets_are_no_more_than_twice_the_work(parser: str) -> None:
    inputs, make, sizes, package = PARSERS[parser]
    loop = asyncio.new_event_loop()  # for the interpreter, which only asks its clock for timers
    asyncio.set_event_loop(loop)
    found = []
    for name, hostile in inputs.items():
        for size, count in sizes:
            feed = in_portions(size, make)
            feed(hostile(count))  # fills the caches
            small, large = (work(partial(feed, hostile(octets)), package, copies=True) for octets in (count, 2 * count))
            if large > 2.3 * small + 150:
                found.append(f"{name}, {size} at once: {small} for {count} octets, {large} for twice as many")
    asyncio.set_event_loop(None)
    loop.close()
    assert not found
