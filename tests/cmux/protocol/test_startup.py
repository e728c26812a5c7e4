"""Into multiplexer mode and out of it, played against scripts without a line or a clock."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmux.protocol import Config, FrameType, Option, leaving, startup, startup_steps
from cmux.protocol.at_cmux import Allowed, CmuxCommand, parse_allowed, parse_current
from cmux.protocol.diagnosis import Unanswered
from cmux.protocol.errors import CmuxRefused, ModuleSilent
from cmux.protocol.hand_over import Entered
from cmux.protocol.hints import HINTS
from cmux.protocol.start_options import StartOptions
from cmux.protocol.startup_steps import Dialogue, Finding, StartupStep, StepResult, T

RESCUE = bytes.fromhex("F9 03 3F 01 1C F9 F9 03 EF 05 C3 01 F2 F9") + b"\r"
ADVANCED_RESCUE = bytes.fromhex("7E 03 3F FC 7E 7E 03 EF C3 01 70 7E") + b"\r"
CLD_ANSWER = bytes.fromhex("F9 01 EF 05 C1 01 93 F9")
UA = bytes.fromhex("F9 03 73 01 D7 F9")
ADVANCED_UA = bytes.fromhex("7E 03 73 85 7E")
OK = b"\r\nOK\r\n"
ERROR = b"\r\nERROR\r\n"
COMMAND = CmuxCommand(config=Config(), baudrate=115200)


class Script:
    """A module that answers each thing said to it with the next portions of its script."""

    def __init__(self, *answers: bytes | list[bytes]) -> None:
        self.answers = list(answers)
        self.said: list[bytes] = []
        self.time = 0.0
        self.portions: Iterator[bytes] = iter(())
        self.rates: list[int] = []
        self.speaks_at: int | None = None

    def play(self, dialogue: Dialogue[T]) -> T:
        try:
            step = next(dialogue)
            while True:
                step = dialogue.send(self.answer(step))
                assert self.time < 60, "the dialogue has no bound"
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]

    def answer(self, step: StartupStep) -> StepResult:
        if step.baudrate is not None:
            self.rates.append(step.baudrate)
        if self.speaks_at is not None and self.speaks_at not in self.rates[-1:]:
            self.time += step.wait
            return StepResult(b"", step.wait)
        if step.write:
            self.said.append(step.write)
            answer = self.answers.pop(0) if self.answers else b""
            self.portions = iter(answer if isinstance(answer, list) else [answer] if answer else [])
        data = next(self.portions, b"")
        elapsed = 0.001 if data else step.wait
        self.time += elapsed
        return StepResult(data, elapsed)


def ladder(script: Script, command: CmuxCommand = COMMAND, **more: object) -> Entered:
    return script.play(startup.enter("/dev/modem", command, **more))  # type: ignore[arg-type]


def enter(script: Script) -> bytes:
    return ladder(script).unread


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
    assert script.time < 8
    assert script.said.count(b"AT\r") == 8  # three of them after +++


# --- A module that still multiplexes ---


@pytest.mark.requirement("L9.8")
def test_a_module_left_in_multiplexer_mode_is_closed_down_and_asked_again() -> None:
    script = Script(b"", b"", CLD_ANSWER, OK, OK)
    entered = ladder(script)
    assert (entered.unread, entered.config, entered.adopted, entered.baudrate) == (b"", Config(), False, None)
    assert script.said[2] == RESCUE
    assert script.said[3:] == [b"AT\r", b"AT+CMUX=0\r"]


def test_one_left_in_the_other_option_is_closed_down_too() -> None:
    script = Script(b"", b"", b"", b"", ADVANCED_UA, OK, OK)
    assert not ladder(script).adopted
    assert script.said[4] == ADVANCED_RESCUE


def test_frames_instead_of_answers_do_not_keep_it_from_being_closed_down() -> None:
    data = bytes.fromhex("F9 05 EF 05 41 42 A5 F9")
    script = Script(data, data, CLD_ANSWER, OK, OK)
    assert not ladder(script).adopted


def test_one_that_waits_for_the_rest_of_a_frame_gets_flags_for_it() -> None:
    script = Script()
    with pytest.raises(ModuleSilent):
        ladder(script)
    assert script.said[6] == b"\xf9" * 160 + RESCUE


@pytest.mark.requirement("L9.8")
def test_a_module_that_answers_frames_but_never_at_is_adopted() -> None:
    script = Script(b"", b"", UA + CLD_ANSWER)
    entered = ladder(script)
    assert entered == Entered(b"", Config(), True, None)
    assert not any(b"CMUX" in said for said in script.said)


def test_a_module_that_multiplexes_in_the_other_option_is_named() -> None:
    with pytest.raises(ModuleSilent, match="multiplexes with the advanced option"):
        ladder(Script(b"", b"", b"", b"", ADVANCED_UA))


def test_an_echo_of_our_own_frames_is_no_multiplexer() -> None:
    with pytest.raises(ModuleSilent, match="no answer to AT"):
        ladder(Script(b"AT\r", b"AT\r", RESCUE, b"AT\r", ADVANCED_RESCUE, b"AT\r", RESCUE, b"AT\r"))


# --- Other baud rates ---


def test_other_baud_rates_are_tried_when_the_lines_own_is_not_answered() -> None:
    script = Script(OK, OK)
    script.speaks_at = 9600
    findings: list[Finding] = []
    entered = ladder(script, other_rates=(57600, 9600, 19200), findings=findings)
    assert entered.baudrate == 9600
    assert script.rates == [57600, 9600]
    said = "the module answers at 9600 baud, and not at that of the line; echo is off"
    assert findings[0] == Finding("AT", False, said, HINTS["other-rate"].filled(rate=9600))


def test_the_search_is_bounded_and_the_error_names_every_rate() -> None:
    script = Script()
    with pytest.raises(ModuleSilent, match="then at 57600, 9600 baud; not one octet"):
        ladder(script, other_rates=(57600, 9600))
    assert script.time < 11


# --- AT+CMUX=? and AT+CMUX? ---

ASKS = CmuxCommand(config=Config(), baudrate=115200, asks=True)
RANGES = b"\r\n+CMUX: (0-1),(0),(1-6),(1-1509),(1-255),(0-100),(2-255),(1-255),(1-7)\r\n\r\nOK\r\n"
VALUES = b"\r\n+CMUX: 0,0,5,1509,10,3,30,10,2\r\n\r\nOK\r\n"


def test_a_profile_that_asks_takes_the_modules_own_n1_and_says_the_rest_as_it_came() -> None:
    script = Script(OK, RANGES, VALUES, OK)
    entered = ladder(script, ASKS)
    assert script.said[1:] == [b"AT+CMUX=?\r", b"AT+CMUX?\r", b"AT+CMUX=0,0,5,1509,10,3,30,10,2\r"]
    assert entered.config.n1 == 1509
    assert entered.config.n1_receive >= 1509


def test_a_module_that_refuses_what_it_said_of_itself_is_told_less_and_less() -> None:
    """A SIM7080 takes the short forms only; zephyrproject-rtos/zephyr#63812."""
    script = Script(OK, RANGES, VALUES, ERROR, ERROR, OK)
    ladder(script, ASKS)
    assert script.said[3:] == [b"AT+CMUX=0,0,5,1509,10,3,30,10,2\r", b"AT+CMUX=0,0,5,1509\r", b"AT+CMUX=0\r"]


@pytest.mark.parametrize("n1", [64, 2000])
def test_an_n1_that_the_user_names_goes_before_the_modules_own(n1: int) -> None:
    script = Script(OK, RANGES, VALUES, OK)
    command = CmuxCommand(config=Config(n1=n1), n1_given=True, asks=True)
    assert ladder(script, command).config.n1 == n1
    assert script.said[-1] == b"AT+CMUX=0,0,,%d,10,3,30,10,2\r" % n1


def test_a_refusal_says_what_n1_may_be() -> None:
    command = CmuxCommand(config=Config(n1=512), n1_given=True, asks=True)
    few = b"\r\n+CMUX: (0),(0),(5),(31,64-127)\r\n\r\nOK\r\n"
    with pytest.raises(CmuxRefused, match=r"AT\+CMUX=0,0,,512 -> ERROR; .* allows basic, and as N1 31, 64-127"):
        ladder(Script(OK, few, *[ERROR] * 4), command)


def test_without_a_word_on_its_own_n1_the_nearest_allowed_is_taken() -> None:
    assert ladder(Script(OK, b"\r\n+CMUX: (0),(0),(5),(8-16)\r\n\r\nOK\r\n", ERROR, OK), ASKS).config.n1 == 16


def test_a_module_that_does_not_know_the_questions_is_told_the_usual_forms() -> None:
    script = Script(OK, ERROR, ERROR, OK)
    assert ladder(script, ASKS).config == Config()
    assert script.said[-1] == b"AT+CMUX=0\r"


def test_when_every_form_is_refused_the_module_is_asked_what_it_allows() -> None:
    narrow = b"\r\n+CMUX: (0),(0),(),(64-127)\r\n\r\nOK\r\n"
    script = Script(OK, ERROR, ERROR, narrow, ERROR, OK)
    assert ladder(script).config.n1 == 64
    assert script.said[3:] == [b"AT+CMUX=?\r", b"AT+CMUX?\r", b"AT+CMUX=0,0,,64\r"]


def test_an_option_that_the_module_lacks_is_said() -> None:
    advanced = CmuxCommand(config=Config(option=Option.ADVANCED))
    only_basic = b"\r\n+CMUX: (0),(0),(1-5)\r\n\r\nOK\r\n"
    with pytest.raises(CmuxRefused, match=r"AT\+CMUX=\? allows basic"):
        ladder(Script(OK, ERROR, ERROR, only_basic, ERROR, ERROR), advanced)


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        (b"+CMUX: (0-1),(0-2)\r\n", (((0, 1),), ((0, 2),))),
        (b"AT+CMUX=?\r\r\n+CMUX:(0,1),( 0 - 2 ),(),(10-128)\r\n\r\nOK\r\n",
         (((0, 0), (1, 1)), ((0, 2),), (), ((10, 128),))),
        (b"\r\n+CMUX: 0,0,5,31\r\n", (((0, 0),), ((0, 0),), ((5, 5),), ((31, 31),))),
        (b"\r\n+CMUX: (9-1)\r\n", (((1, 9),),)),
        (b"\r\n+CMUX: (0),,(1-9),,\r\n", (((0, 0),), (), ((1, 9),), (), ())),
    ],
)  # fmt: skip
def test_what_modules_list_is_read(text: bytes, ranges: tuple[tuple[tuple[int, int], ...], ...]) -> None:
    assert parse_allowed(text) == Allowed(ranges)


@pytest.mark.parametrize("text", [b"", b"OK", b"+CMUX:", b"+CMUX: ()", b"+CMUX: (a-b)", b"x+CMUX: (0)"])
def test_what_lists_nothing_is_none(text: bytes) -> None:
    assert parse_allowed(text) is None


def test_present_values_are_read_by_name_and_a_module_without_any_has_none() -> None:
    assert parse_current(VALUES)["N1"] == 1509
    assert parse_current(b"\r\n+CMUX:-1,0,5,127\r\n") == {"subset": 0, "port_speed": 5, "N1": 127}
    assert parse_current(b"ERROR") == {}


@given(st.binary(max_size=200) | st.text("+CMUX: (0-9),\r\n").map(str.encode))
def test_no_answer_whatever_is_in_it_raises(junk: bytes) -> None:
    for text in (junk, b"\r\n+CMUX: " + junk):
        allowed = parse_allowed(text)
        parse_current(text)
        if allowed is not None:
            COMMAND.asked_forms(allowed, parse_current(text))
            for index in range(9):
                assert allowed.allows(index, allowed.nearest(index, 31))


@given(st.lists(st.lists(st.binary(max_size=60), max_size=3), max_size=12))
def test_the_ladder_ends_whatever_it_hears(answers: list[list[bytes]]) -> None:
    script = Script(*answers)
    with contextlib.suppress(ModuleSilent, CmuxRefused):
        ladder(script, ASKS, other_rates=(9600,))


def test_late_answers_to_at_are_not_taken_for_the_one_to_cmux() -> None:
    script = Script(b"", [b"\r\nOK\r\n", b"\r\nOK\r\n"], b"\r\nERROR\r\n", b"\r\nERROR\r\n")
    with pytest.raises(CmuxRefused):
        enter(script)


def test_chatter_without_an_answer_does_not_keep_it_waiting_for_ever() -> None:
    script = Script(OK, [b"\r\nRING\r\n"] * 100_000)
    with pytest.raises(ModuleSilent, match=r"said nothing within 5 s to AT\+CMUX=0"):
        enter(script)
    assert script.said[-1] == RESCUE  # it may have switched all the same


def test_connect_is_as_good_as_ok() -> None:
    script = Script(OK, b"\r\nCONNECT\r\n" + UA)
    assert enter(script) == UA
    assert script.said == [b"AT\r", b"AT+CMUX=0\r"]


@pytest.mark.parametrize("line", ["COMMAND NOT SUPPORT", "NO CARRIER", "Operation not allowed"])
def test_a_result_of_the_makers_own_is_a_refusal_in_its_words(line: str) -> None:
    said = f"AT+CMUX=0\r\r\n{line}\r\n".encode()
    with pytest.raises(CmuxRefused, match=rf"AT\+CMUX=0 -> {line}; AT\+CMUX=0,0,5,31 -> {line}") as caught:
        enter(Script(OK, said, ERROR, OK, said, ERROR, OK))
    assert caught.value.id == "cmux-refused"


@pytest.mark.parametrize(
    ("line", "id"),
    [("RDY", "restarted"), ("^SYSSTART AIRPLANE MODE", "restarted"), ("NORMAL POWER DOWN", "switched-off")],
)
def test_a_module_that_starts_anew_or_ends_at_the_command_for_multiplexing_is_not_in_multiplexer_mode(
    line: str, id: str
) -> None:
    with pytest.raises(ModuleSilent, match="neither OK nor ERROR") as caught:
        enter(Script(OK, f"\r\n{line}\r\n".encode()))
    assert caught.value.id == id


def test_that_a_module_has_booted_before_it_answered_explains_nothing() -> None:
    with pytest.raises(ModuleSilent) as caught:
        enter(Script(b"\r\nRDY\r\n\r\nOK\r\n"))
    assert caught.value.id == "cmux-unanswered"


def test_an_error_to_at_is_an_answer_and_no_reason_to_hurry() -> None:
    script = Refusing()
    with pytest.raises(ModuleSilent, match=r"AT is answered with \+CME ERROR: 11, asked for 10 s") as caught:
        ladder(script, replace(COMMAND, start=StartOptions(open_timeout=10)))
    assert caught.value.id == "at-refused"
    assert script.said.count(b"AT\r") <= 10 / startup_steps.AT_WAIT


class Refusing(Script):
    """A module that answers any line with an error, and echoes it."""

    error = b"\r\n+CME ERROR: 11\r\n"

    def answer(self, step: StartupStep) -> StepResult:
        if step.write.endswith(b"\r"):
            self.answers = [step.write + self.error]
        return super().answer(step)


@pytest.mark.parametrize(
    ("error", "shown"), [(b"\r\nERROR\r\n", "ERROR"), (b"4\r", "4"), (b"\r\n+CMS ERROR: 500\r\n", "+CMS ERROR: 500")]
)
def test_an_error_to_at_is_told_with_its_words_and_not_as_silence(error: bytes, shown: str) -> None:
    script = Refusing()
    script.error = error
    with pytest.raises(ModuleSilent) as caught:
        ladder(script, replace(COMMAND, start=StartOptions(open_timeout=10)))
    said = str(caught.value)
    assert said.startswith(f"/dev/modem: AT is answered with {shown}, asked for 10 s")
    assert "no answer" not in said
    assert "has it a lock" in said


@pytest.mark.parametrize(
    ("said", "id"),
    [
        (b"\r\nraspberrypi login: ", "other-text"),
        (b"\r\nRDY\r\n\r\n+CFUN: 1\r\n", "restarted"),
        (b"\r\n+CREG: 2\r\n", "unheard"),
    ],
)
def test_the_echo_of_frames_makes_no_noise_of_a_text(said: bytes, id: str) -> None:
    with pytest.raises(ModuleSilent) as caught:
        enter(Talking(said))
    assert caught.value.id == id


class Talking(Script):
    """What is there says the same to any line, and echoes it."""

    def __init__(self, said: bytes) -> None:
        super().__init__()
        self._said = said

    def answer(self, step: StartupStep) -> StepResult:
        if step.write.endswith(b"\r"):
            self.answers = [step.write + self._said]
        return super().answer(step)


def test_one_start_is_no_lack_of_current() -> None:
    with pytest.raises(ModuleSilent) as caught:
        enter(Script(b"\r\nRDY\r\n\r\n+CFUN: 1\r\n"))
    assert caught.value.id == "unheard"


def test_text_behind_the_echo_of_our_frames_is_what_counts() -> None:
    sabm = bytes.fromhex("F9 03 3F 01 1C F9")
    for text, id in ((b"\r\nNORMAL POWER DOWN\r\n", "switched-off"), (b"", "frames-echoed")):
        error = startup.no_multiplexer("/dev/modem", Unanswered(Config(), text + sabm * 3))
        assert error.id == id  # type: ignore[attr-defined]
        assert (repr(text[:20]) in str(error)) is bool(text)


def test_garbage_shows_in_the_error() -> None:
    with pytest.raises(ModuleSilent, match=r"heard: b'\\xfe\\xfd'"):
        enter(Script(b"\xfe\xfd"))


def test_n1_goes_to_the_module_when_the_user_names_it() -> None:
    assert CmuxCommand(config=Config(n1=127), n1_given=True, baudrate=115200).forms() == ("AT+CMUX=0,0,5,127",)
    assert CmuxCommand(config=Config(n1=127), n1_given=True).forms() == ("AT+CMUX=0,0,,127",)
    assert CmuxCommand(config=Config(), baudrate=9600).forms() == ("AT+CMUX=0", "AT+CMUX=0,0,1,31")
    assert CmuxCommand(config=Config(), baudrate=9600, full=True).forms() == ("AT+CMUX=0,0,1,31",)
    advanced = Config(option=Option.ADVANCED)
    assert CmuxCommand(config=advanced, baudrate=230400).forms() == ("AT+CMUX=1", "AT+CMUX=1,0,6,64")


def test_the_module_hears_that_ui_frames_will_come() -> None:
    command = CmuxCommand(config=Config(frame_type=FrameType.UI), baudrate=115200)
    assert command.forms() == ("AT+CMUX=0,1", "AT+CMUX=0,1,5,31")
    allowed = parse_allowed(b"\r\n+CMUX: (0),(0,1),(1-5),(10-128)\r\n\r\nOK\r\n")
    assert allowed is not None
    assert command.asked_forms(allowed, {}) == ("AT+CMUX=0,1,5,31",)


def test_leaving_asks_whether_at_mode_is_back() -> None:
    assert Script(b"", OK).play(leaving.leave(Option.BASIC, close_down=False))
    script = Script()
    assert not script.play(leaving.leave(Option.BASIC, close_down=True))
    assert script.said == [RESCUE, b"AT\r", b"AT\r", b"AT\r"]
    assert script.time < 3


@pytest.mark.parametrize("close_down", [False, True])
def test_a_module_that_wants_a_pause_is_left_alone_before_at_is_asked(close_down: bool) -> None:
    """Whatever it says meanwhile; espressif/esp-protocols#167, PR#604."""
    dialogue, spent = leaving.leave(Option.BASIC, close_down=close_down, pause=1.0), 0.0
    step = next(dialogue)
    if close_down:
        assert step.write == RESCUE
        step = dialogue.send(StepResult(b"", step.wait))
    while not step.write:
        heard, took = (b"\r\nOK\r\n", 0.25) if not spent else (b"", step.wait)
        step, spent = dialogue.send(StepResult(heard, took)), spent + took
    assert (step.write, spent) == (b"AT\r", 1.0)


@pytest.mark.parametrize(
    ("heard", "hint"),
    [
        (b"", "not one octet came"),
        (bytes.fromhex("F9 03 3F 01 1C F9"), "the line echoes"),
        (b"RDY", "52 44 59"),
    ],
)
def test_ok_without_ua_comes_with_a_hint(heard: bytes, hint: str) -> None:
    error = startup.no_multiplexer("/dev/modem", Unanswered(Config(), heard))
    assert "OK received, no UA" in str(error)
    assert hint in str(error)
    assert "OK received" not in str(startup.no_multiplexer("x", Unanswered(Config(), heard, by_at=False)))


# --- A line that takes nothing ---


def test_a_line_is_lost_when_it_has_taken_nothing_for_a_while_counted_from_the_last_that_it_took() -> None:
    stall = startup_steps.Stall()
    assert stall.look(0, 0.0) is None
    assert stall.lost_at is None
    assert stall.look(3, 10.0) is None
    assert stall.lost_at == 10 + startup_steps.STALL
    assert stall.look(3, 11.0) is None
    assert stall.lost_at == 10 + startup_steps.STALL
    assert stall.look(2, 11.9) is None  # it took one
    assert stall.lost_at == 11.9 + startup_steps.STALL
    assert stall.look(14, 12.0) is None  # that more waits is no progress
    assert stall.look(14, 11.9 + startup_steps.STALL) == "the line has taken no octet for 2 s (flow control?)"


def test_a_line_that_has_taken_all_is_not_lost_however_long_nothing_is_written() -> None:
    stall = startup_steps.Stall()
    stall.look(3, 0.0)
    assert stall.look(0, 1.0) is None
    assert stall.look(0, 100.0) is None
    assert stall.look(3, 100.0) is None
    assert stall.lost_at == 100 + startup_steps.STALL
