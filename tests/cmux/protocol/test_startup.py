"""Into multiplexer mode and out of it, played against scripts without a line or a clock."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmux.protocol import Config, Option, startup
from cmux.protocol.errors import CmuxRefused, ModuleSilent
from cmux.protocol.startup import Dialogue, Heard, Step, T

RESCUE = bytes.fromhex("F9 03 3F 01 1C F9 F9 03 EF 05 C3 01 F2 F9") + b"\r"
OK = b"\r\nOK\r\n"
FORMS = ("AT+CMUX=0", "AT+CMUX=0,0,5,31")


class Script:
    """A module that answers each thing said to it with the next portions of its script."""

    def __init__(self, *answers: bytes | list[bytes]) -> None:
        self.answers = list(answers)
        self.said: list[bytes] = []
        self.time = 0.0
        self.portions: Iterator[bytes] = iter(())

    def play(self, dialogue: Dialogue[T]) -> T:
        try:
            step = next(dialogue)
            while True:
                step = dialogue.send(self.hear(step))
                assert self.time < 60, "the dialogue has no bound"
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]

    def hear(self, step: Step) -> Heard:
        if step.write:
            self.said.append(step.write)
            answer = self.answers.pop(0) if self.answers else b""
            self.portions = iter(answer if isinstance(answer, list) else [answer] if answer else [])
        data = next(self.portions, b"")
        elapsed = 0.001 if data else step.wait
        self.time += elapsed
        return Heard(data, elapsed)


def enter(script: Script, forms: tuple[str, ...] = FORMS) -> bytes:
    return script.play(startup.enter("/dev/modem", Option.BASIC, forms))


def test_the_shortest_form_comes_first_and_nothing_else_is_said() -> None:
    script = Script(OK, OK)
    assert enter(script) == b""
    assert script.said == [b"AT\r", b"AT+CMUX=0\r"]


@pytest.mark.parametrize(
    "answer",
    [
        b"AT+CMUX=0\r\r\nOK\r\n",
        b"\r\n+CREG: 1\r\n\r\nOK\r\n",
        b"\r\nRING\r\n\x00\xff\r\nOK\r\n",
        b"AT+CMUX=0\r0\r",
        b"OK\n",
    ],
    ids=["echo", "URC", "junk", "ATV0", "bare"],
)
def test_echo_unsolicited_results_and_junk_are_read_over(answer: bytes) -> None:
    assert enter(Script(answer.replace(b"+CMUX=0", b""), answer)) == b""


def test_octets_behind_ok_belong_to_the_multiplexer() -> None:
    frame = bytes.fromhex("F9 03 73 01 D7 F9")
    assert enter(Script(OK, OK + frame)) == frame


@given(st.lists(st.integers(1, 40), max_size=6))
def test_the_answer_may_come_in_any_portions(cuts: list[int]) -> None:
    text = b"\r\n+CMUX: note\r\n\r\nOK\r\n"
    edges = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    portions = [text[a:b] for a, b in pairwise(edges)]
    assert enter(Script(OK, portions)).strip(b"\n") == b""


def test_the_full_form_follows_when_the_short_one_is_refused() -> None:
    script = Script(OK, b"\r\nERROR\r\n", OK)
    enter(script)
    assert script.said[1:] == [b"AT+CMUX=0\r", b"AT+CMUX=0,0,5,31\r"]


def test_a_refusal_of_every_form_names_each_with_its_answer() -> None:
    with pytest.raises(CmuxRefused) as caught:
        enter(Script(OK, b"\r\nERROR\r\n", b"\r\n+CME ERROR: 3\r\n"))
    for fact in ("/dev/modem", "AT+CMUX=0 -> ERROR", "AT+CMUX=0,0,5,31 -> +CME ERROR: 3"):
        assert fact in str(caught.value)


def test_a_silent_module_is_given_up_within_seconds_and_the_error_says_so() -> None:
    script = Script()
    with pytest.raises(ModuleSilent, match="/dev/modem: no answer to AT, asked 5 times; not one octet"):
        enter(script)
    assert script.time < 4
    assert script.said.count(b"AT\r") == 5


def test_a_module_left_in_multiplexer_mode_is_closed_down_and_asked_again() -> None:
    script = Script(b"", b"", bytes.fromhex("F9 01 EF 05 C1 01 AD F9"), OK, OK)
    assert enter(script) == b""
    assert script.said[2] == RESCUE
    assert script.said[3:] == [b"AT\r", b"AT+CMUX=0\r"]


def test_late_answers_to_at_are_not_taken_for_the_one_to_cmux() -> None:
    script = Script(b"", [b"\r\nOK\r\n", b"\r\nOK\r\n"], b"\r\nERROR\r\n", b"\r\nERROR\r\n")
    with pytest.raises(CmuxRefused):
        enter(script)


def test_chatter_without_an_answer_does_not_keep_it_waiting_for_ever() -> None:
    script = Script(OK, [b"\r\nRING\r\n"] * 100_000)
    with pytest.raises(ModuleSilent, match=r"said nothing within 5 s to AT\+CMUX=0"):
        enter(script)
    assert script.said[-1] == RESCUE  # it may have switched all the same


def test_garbage_shows_in_the_error() -> None:
    with pytest.raises(ModuleSilent, match=r"heard: b'\\xfe\\xfd'"):
        enter(Script(b"\xfe\xfd"))


def test_n1_goes_to_the_module_when_the_user_names_it() -> None:
    config = Config(n1=127)
    assert startup.command_forms(config, n1_given=True, baudrate=115200) == ("AT+CMUX=0,0,5,127",)
    assert startup.command_forms(config, n1_given=True, baudrate=None) == ("AT+CMUX=0,0,,127",)
    assert startup.command_forms(Config(), n1_given=False, baudrate=9600) == ("AT+CMUX=0", "AT+CMUX=0,0,1,31")
    advanced = Config(option=Option.ADVANCED)
    assert startup.command_forms(advanced, n1_given=False, baudrate=230400) == ("AT+CMUX=1", "AT+CMUX=1,0,6,64")


def test_leaving_asks_whether_at_mode_is_back() -> None:
    assert Script(b"", OK).play(startup.leave(Option.BASIC, close_down=False))
    script = Script()
    assert not script.play(startup.leave(Option.BASIC, close_down=True))
    assert script.said == [RESCUE, b"AT\r", b"AT\r", b"AT\r"]
    assert script.time < 3


@pytest.mark.parametrize(
    ("heard", "hint"),
    [
        (b"", "not one octet came"),
        (bytes.fromhex("F9 03 3F 01 1C F9"), "the line echoes"),
        (b"RDY", "52 44 59"),
    ],
)
def test_ok_without_ua_comes_with_a_hint(heard: bytes, hint: str) -> None:
    error = startup.no_multiplexer("/dev/modem", Option.BASIC, heard, after_at=True)
    assert "OK received, no UA" in str(error)
    assert hint in str(error)
    assert "OK received" not in str(startup.no_multiplexer("x", Option.BASIC, heard, after_at=False))
