"""Whatever is typed: the interpreter does not raise, does not grow, and does not care how the octets are cut."""

from __future__ import annotations

import asyncio
import itertools
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.clock import FakeClock
from drivers.emulator import Behaviour, Call, EmulatedModule
from drivers.emulator.environment import Environment
from drivers.emulator.interpreter.commandline import Argument, BadLine, Command, Form, parse
from drivers.emulator.quectel_gsm.modem import QuectelGsmModem


class Sink:
    """An outlet that takes everything."""

    def __init__(self) -> None:
        self.said = bytearray()
        self.paused = False

    def send(self, data: bytes) -> int:
        self.said += data
        return len(data)

    def pause_input(self) -> None:
        self.paused = True

    def resume_input(self) -> None:
        self.paused = False

    def carrier(self, on: bool) -> None:
        pass


class Stubborn(Sink):
    """An outlet that takes nothing."""

    def send(self, data: bytes) -> int:
        return 0


TEXTS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *(b"AT", b"\r", b"\r\n", b"at+", b"+QIFGCNT", b"=", b"?", b"0", b"1", b'"', b",", b";", b"\b", b"\x1a"),
                *(b"ATE0\r", b"ATV0\r", b"AT+QIREGAPP\r", b"AT+QIMUX=1\r", b"AT+QIDEACT\r", b"AT+QISTATE\r"),
                *(
                    b"AT+QISEND\r",
                    b"AT+QICLOSE\r",
                    b"AT+QISTAT\r",
                    b"AT+CFUN=1,1\r",
                    b"AT&V\r",
                    b"ATD*99#\r",
                    b"ATI\r",
                    b" ",
                ),
            ]
        ),
        st.binary(max_size=8),
    ),
    max_size=40,
).map(b"".join)


def _modem(loop: asyncio.AbstractEventLoop) -> QuectelGsmModem:
    return QuectelGsmModem(Environment(loop, FakeClock(), Behaviour()), partial(Call, EmulatedModule.commands))


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    marks = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[left:right] for left, right in itertools.pairwise(marks)]


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.lists(st.integers(0, 400), max_size=30))
def test_any_cutting_gives_the_same_answers(data: bytes, places: list[int]) -> None:
    loop = asyncio.new_event_loop()
    try:
        whole, parts, single = Sink(), Sink(), Sink()
        for sink, chunks in (
            (whole, [data]),
            (parts, _cut(data, places)),
            (single, [bytes([octet]) for octet in data]),
        ):
            modem = _modem(loop)
            modem.uarts[0].attach(sink)
            for chunk in chunks:
                modem.uarts[0].feed(chunk)
            modem.close()
        assert whole.said == parts.said == single.said
    finally:
        loop.close()


@settings(max_examples=30, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_nothing_grows_when_the_line_takes_nothing(texts: list[bytes]) -> None:
    loop = asyncio.new_event_loop()
    try:
        modem, sink = _modem(loop), Stubborn()
        uart = modem.uarts[0]
        uart.attach(sink)
        for _ in range(2000):
            for text in texts:
                uart.feed(text + b"ATI\r")
            for _ in range(10):
                uart.announce("+CREG: 1")
        assert len(uart._tx) < 16384
        assert len(bytes(uart._rx)) < 400_000
        assert len(uart._waiting) <= 64
        assert sink.paused
        modem.close()
    finally:
        loop.close()


NAMES = st.from_regex(r"[A-Z][A-Z0-9]{0,8}", fullmatch=True)
VALUES = st.one_of(
    st.from_regex(r"[0-9A-Za-z.]{0,6}", fullmatch=True).map(Argument),
    st.text(st.characters(codec="latin-1", exclude_characters='"\r\n'), max_size=8).map(lambda t: Argument(t, True)),
)
COMMANDS = st.one_of(
    st.builds(Command, NAMES, st.sampled_from([Form.TEST, Form.READ, Form.EXECUTE])),
    st.builds(Command, NAMES, st.just(Form.WRITE), st.lists(VALUES, min_size=1, max_size=5).map(tuple)),
)


def _typed(command: Command, blank: str) -> str:
    values = f",{blank}".join(f'"{value.text}"' if value.quoted else value.text for value in command.arguments)
    return f"+{command.name}{blank}{command.form.value}{values}"


@given(st.lists(COMMANDS, min_size=1, max_size=4), st.sampled_from(["", " "]), st.booleans())
def test_what_is_typed_is_what_is_parsed(commands: list[Command], blank: str, lower: bool) -> None:
    texts = [_typed(command, blank) for command in commands]
    if lower:
        texts = [text if '"' in text else text.lower() for text in texts]
        commands = [
            command
            if any(value.quoted for value in command.arguments)
            else Command(command.name, command.form, tuple(Argument(value.text.lower()) for value in command.arguments))
            for command in commands
        ]
    assert parse(";".join(texts)) == commands


@given(st.text(st.characters(codec="latin-1"), max_size=80))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        commands = parse(text)
    except BadLine:
        return
    assert all(command.name for command in commands)


@pytest.mark.parametrize("text", ['+X="', '+X=a"b"', "+X!", "?", "+", '+X="a""b"'])
def test_what_is_no_command_is_refused(text: str) -> None:
    with pytest.raises(BadLine):
        parse(text)


@pytest.mark.parametrize(
    ("text", "names"),
    [("E0V1", ["E", "V"]), ("E0+CMEE=1;&F", ["E", "CMEE", "&F"]), (";;", []), ("S07?", ["S7"]), ("i", ["I"])],
)
def test_commands_of_one_line(text: str, names: list[str]) -> None:
    assert [command.name for command in parse(text)] == names
