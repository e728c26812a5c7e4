"""The dialogue about AT+CMUX: commands before it, another instead of it, its baud rate, and the way back."""

from __future__ import annotations

from typing import Any

import pytest
from at_module import ERROR, OK, SILENCE, AtModule

from cmux.opening import make_plan
from cmux.protocol import Config, Option, leaving, startup
from cmux.protocol.errors import CmuxRefused, ConfigError, ModuleSilent
from cmux.protocol.hand_over import Entered
from cmux.protocol.leaving import WayBack
from cmux.protocol.profiles import Profile
from cmux.protocol.startup_steps import Finding

RANGES = b"\r\n+CMUX: (0,1),(0),(1-%d),(1-1500)\r\n\r\nOK\r\n"


def enter(module: AtModule, findings: list[Finding] | None = None, **settings: Any) -> Entered:
    """Do what `open` does with these settings; it asks nothing unless they say so."""
    plan = make_plan("/dev/modem", {"ask": False, **settings})  # type: ignore[typeddict-item]
    dialogue = startup.enter("/dev/modem", plan.command, other_rates=plan.other_rates, findings=findings)
    return module.play(dialogue)


# --- Codes of baud rates ---


@pytest.mark.parametrize(
    ("baudrate", "code"), [(9600, "1"), (115200, "5"), (230400, "6"), (460800, "7"), (921600, "8"), (1000000, "")]
)
def test_a_rate_is_told_by_its_code_and_makers_have_two_more(baudrate: int, code: str) -> None:
    module = AtModule(rate=baudrate, line=baudrate)
    enter(module, baudrate=baudrate, n1=100)
    assert module.said[-1] == f"AT+CMUX=0,0,{code},100"


def test_a_profiles_code_goes_before_what_the_module_lists() -> None:
    """A BG95-M5 lists 1 to 7 and needs 8."""
    needs = Profile(name="needs", title="", source="", at_cmux="asked", port_speeds={921600: 8})
    module = AtModule({"AT+CMUX=?": RANGES % 7}, rate=921600, line=921600)
    enter(module, baudrate=921600, ask=True, profile=needs)
    assert module.said[-1] == "AT+CMUX=0,0,8,31"


def test_a_code_that_no_profile_has_is_not_told_to_a_module_that_does_not_list_it() -> None:
    asks = Profile(name="asks", title="", source="", at_cmux="asked")
    module = AtModule({"AT+CMUX=?": RANGES % 7}, rate=921600, line=921600)
    enter(module, baudrate=921600, ask=True, profile=asks)
    assert module.said[-1] == "AT+CMUX=0,0,,31"


def test_a_profile_may_have_other_codes_and_tells_them_first() -> None:
    odd = Profile(name="odd", title="", source="", port_speeds={115200: 9})
    module = AtModule({"AT+CMUX=0,0,9,31": ERROR})
    enter(module, profile=odd)
    assert module.said == ["AT", "AT+CMUX=0,0,9,31", "AT+CMUX=0"]
    for wrong in ({0: 1}, {9600: -1}, {"9600": 1}, {9600: "1"}):
        with pytest.raises(ConfigError, match="port_speeds"):
            Profile(name="odd", title="", source="", port_speeds=wrong)  # type: ignore[arg-type]


# --- A rate of its own for multiplexer mode ---


def test_the_rate_is_told_and_taken_up_after_ok() -> None:
    module = AtModule()
    entered = enter(module, mux_baudrate=921600)
    assert module.said == ["AT", "AT+CMUX=0,0,8,31"]
    assert module.line == 921600
    assert entered.way == WayBack(115200, 921600)
    assert entered.rates == (115200,)  # where it may have stayed


def test_the_silence_counts_from_the_change() -> None:
    module = AtModule()
    enter(module, mux_baudrate=921600, settle=0.5)
    assert module.now == pytest.approx(0.5)


@pytest.mark.parametrize("mux_baudrate", [921600, 1_000_000])
def test_where_the_code_is_refused_or_there_is_none_at_ipr_goes_first(mux_baudrate: int) -> None:
    module = AtModule({"AT+CMUX=0,0,8,31": ERROR})
    module.answers["AT+CMUX=0"] = OK
    entered = enter(module, mux_baudrate=mux_baudrate)
    refused = ["AT+CMUX=0,0,8,31"] if mux_baudrate == 921600 else []
    assert module.said == ["AT", *refused, f"AT+IPR={mux_baudrate}", "AT", "AT+CMUX=0"]
    assert (module.rate, module.line) == (mux_baudrate, mux_baudrate)
    assert entered.way == WayBack(115200, mux_baudrate, by_command=True)


def test_a_module_that_answers_at_ipr_at_the_new_rate_is_found_there() -> None:
    class AnswersThere(AtModule):
        def _hear(self, octets: bytes) -> None:
            super()._hear(octets)
            if octets.startswith(b"AT+IPR"):  # cannot be read at the old rate
                self._coming.clear()

    module = AnswersThere({"AT+CMUX=0,0,8,31": ERROR})
    assert enter(module, mux_baudrate=921600).way == WayBack(115200, 921600, by_command=True)
    module = AnswersThere()
    entered = enter(module, init=["AT+IPR=460800", "ATE0"])
    assert module.said == ["AT", "AT+IPR=460800", "AT", "ATE0", "AT+CMUX=0"]
    assert (module.line, entered.warnings) == (460800, ("AT+IPR=460800 is not answered within 5 s",))


def test_one_that_at_ipr_has_silenced_is_named_with_both_rates() -> None:
    class Lost(AtModule):
        def _hear(self, octets: bytes) -> None:
            super()._hear(octets)
            self.rate = 300 if octets.startswith(b"AT+IPR") else self.rate

    with pytest.raises(ModuleSilent, match=r"after AT\+IPR=460800, at 460800 baud and at 115200, AT is not answered"):
        enter(Lost(), init="AT+IPR=460800")


NINE = {"AT+CMUX=0,0,8,31": ERROR, "AT+CMUX=?": RANGES % 8, "AT+CMUX?": b"\r\n+CMUX: 0,0,5,31,10,3\r\n\r\nOK\r\n"}


def test_the_rate_is_told_in_the_full_form_too_before_it_is_given_up() -> None:
    module = AtModule(NINE, rates=(115200,))
    entered = enter(module, mux_baudrate=921600)
    assert module.said[1:] == ["AT+CMUX=0,0,8,31", "AT+IPR=921600", "AT+CMUX=?", "AT+CMUX?", "AT+CMUX=0,0,8,31,10,3"]
    assert (module.line, entered.way) == (921600, WayBack(115200, 921600))


@pytest.mark.parametrize("rate", [921600, 1_000_000])
def test_a_rate_that_cannot_be_had_is_an_error_and_not_another_rate(rate: int) -> None:
    module = AtModule({**NINE, "AT+CMUX=0,0,8,31,10,3": ERROR}, rates=(115200,))
    with pytest.raises(CmuxRefused, match=rf"with mux_baudrate = {rate}: .*AT\+IPR={rate} -> ERROR.*leave mux_b"):
        enter(module, mux_baudrate=rate)
    assert module.line == 115200
    assert not any(command.startswith("AT+CMUX=0,0,5") for command in module.said)


def test_a_module_that_refuses_at_the_new_rate_too_is_brought_back() -> None:
    forms = ("AT+CMUX=0,0,8,31", "AT+CMUX=0", "AT+CMUX=0,0,8,31,10,3")
    module = AtModule({"AT+CMUX=?": ERROR, **dict.fromkeys(forms, ERROR)})
    with pytest.raises(CmuxRefused, match=r"AT\+CMUX=0 -> ERROR"):
        enter(module, mux_baudrate=921600)
    assert (module.said[-1], module.rate, module.line) == ("AT+IPR=115200", 115200, 115200)


@pytest.mark.parametrize("rate", [921600, 3_000_000])
def test_another_command_goes_first_whatever_the_rate_and_the_line_is_set_after_it(rate: int) -> None:
    module = AtModule(rates=())
    entered = enter(module, start_command="AT+CMUX=0,0,9", mux_baudrate=rate)
    assert module.said == ["AT", "AT+CMUX=0,0,9"]
    assert (module.line, entered.way) == (rate, WayBack(115200, rate))


def test_a_refusal_of_both_names_both() -> None:
    module = AtModule({"AT+CMUX=0,0,8,31": ERROR, "AT+CMUX=0": ERROR, "AT+CMUX=0,0,5,31": ERROR}, rates=(115200,))
    with pytest.raises(CmuxRefused, match=r"AT\+CMUX=0,0,8,31 -> ERROR; AT\+IPR=921600 -> ERROR"):
        enter(module, mux_baudrate=921600)


def test_a_module_that_says_ok_to_at_ipr_and_stays_is_found_where_it_was() -> None:
    class Stays(AtModule):
        def _hear(self, octets: bytes) -> None:
            super()._hear(octets)
            self.rate = 115200

    module = Stays({"AT+CMUX=0,0,8,31": ERROR})
    with pytest.raises(CmuxRefused, match=r"AT\+IPR=921600 -> OK, but no answer at 921600 baud"):
        enter(module, mux_baudrate=921600)
    assert module.line == 115200


@pytest.mark.parametrize("by_command", [False, True])
@pytest.mark.parametrize("stays_at", [115200, 921600])
def test_leaving_goes_back_to_the_rate_of_at_mode(by_command: bool, stays_at: int) -> None:
    module = AtModule(rate=stays_at, line=921600)
    way = WayBack(115200, 921600, by_command=by_command)
    assert module.play(leaving.leave(Option.BASIC, close_down=False, way=way))
    assert (module.rate, module.line) == (115200, 115200)
    assert ("AT+IPR=115200" in module.said) == (stays_at == 921600)


@pytest.mark.parametrize("followed", [[115200], [57600], [57600, 115200]])
def test_one_that_leaves_the_rate_that_at_ipr_was_told_for_multiplexer_mode_is_brought_back_too(
    followed: list[int],
) -> None:
    module = AtModule()
    entered = enter(module, mux_baudrate=1_000_000)
    for rate in followed:
        entered = entered.follow(rate)
    module.line = followed[-1]  # and the module goes back to 1000000 with CLD
    assert module.play(leaving.leave(Option.BASIC, close_down=False, way=entered.way))
    assert (module.rate, module.line) == (115200, 115200)


def test_a_module_that_is_silent_after_all_leaves_the_line_at_its_own_rate() -> None:
    module = AtModule(rate=300, line=921600)
    assert not module.play(leaving.leave(Option.BASIC, close_down=True, way=WayBack(115200, 921600)))
    assert module.line == 115200
    assert module.now < 5


def test_a_module_that_a_session_before_has_left_at_the_rate_is_found_there_first_and_brought_back() -> None:
    module = AtModule(rate=921600)
    entered = enter(module, mux_baudrate=921600)
    assert (entered.baudrate, module.said[-1]) == (921600, "AT+CMUX=0")
    assert entered.way == WayBack(115200, 921600, by_command=True)


# --- Rates to which a module changes unasked ---


@pytest.mark.parametrize(
    ("settings", "rates"),
    [
        ({}, ()),
        ({"baudrate": 9600}, (115200,)),
        ({"start_command": "AT+CMUX=0,0,8"}, (921600,)),
        ({"start_command": "AT+CMUX=0,0,8", "baudrate": 9600}, (921600, 115200)),
        ({"start_command": "AT+CMUX=0,0,1", "baudrate": 9600}, (115200,)),
        ({"start_command": "AT#XCMUX=1", "baudrate": 9600}, (115200,)),
    ],
)
def test_sabm_will_be_tried_at_the_rate_that_was_told_then_at_115200(
    settings: dict[str, Any], rates: tuple[int, ...]
) -> None:
    baudrate = settings.get("baudrate", 115200)
    assert enter(AtModule(rate=baudrate, line=baudrate), **settings).rates == rates


# --- Commands before, and another command ---


def test_commands_go_before_at_cmux() -> None:
    """A Huawei MG323 wants AT+IPR first."""
    module = AtModule()
    findings: list[Finding] = []
    enter(module, findings, init=["ATE0", "AT+IFC=2,2"])
    assert module.said == ["AT", "ATE0", "AT+IFC=2,2", "AT+CMUX=0"]
    assert Finding("init", True, "AT+IFC=2,2 is answered with OK") in findings


def test_after_at_ipr_the_line_is_moved_too_and_stays_there() -> None:
    module = AtModule()
    entered = enter(module, init=["AT+IPR=460800", "ATE0"], n1=100)
    assert module.said == ["AT", "AT+IPR=460800", "AT", "ATE0", "AT+CMUX=0,0,7,100"]
    assert module.lost == []
    assert (entered.way, entered.at_rate) == (None, 460800)


@pytest.mark.parametrize(
    "text", ["at+ipr = 460800", "AT+IFC=2,2;+IPR=460800", "ATE0+IPR=460800", 'AT+X="+IPR=9600";+IPR=460800']
)
def test_at_ipr_is_found_behind_other_commands(text: str) -> None:
    class Reads(AtModule):
        def _hear(self, octets: bytes) -> None:
            super()._hear(octets)
            self.rate = 460800 if b"460800" in octets else self.rate

    module = Reads()
    assert enter(module, init=[text]).at_rate == 460800
    assert module.lost == []


@pytest.mark.parametrize("text", ['AT+X="AT+IPR=460800"', "AT+IPR=?", "AT+IPR?", "AT+IPR=0"])
def test_what_does_not_set_the_rate_does_not_move_the_line(text: str) -> None:
    module = AtModule()
    module.rates = ()
    module.answers[text] = OK
    enter(module, init=[text])
    assert module.line == 115200


def test_a_module_that_is_there_already_is_found_there_first() -> None:
    module = AtModule(rate=460800)
    enter(module, init="AT+IPR=460800")
    assert {rate for rate, _ in module.lost} == {115200}


@pytest.mark.parametrize(("answer", "said"), [(ERROR, "ERROR"), (b"\r\n+CME ERROR: 3\r\n", "+CME ERROR: 3")])
def test_an_error_to_a_command_is_a_warning(answer: bytes, said: str) -> None:
    module = AtModule({"AT+QFOO=1": answer})
    findings: list[Finding] = []
    entered = enter(module, findings, init=["AT+QFOO=1", "ATE0"])
    assert module.said[-1] == "AT+CMUX=0"
    assert Finding("init", False, f"AT+QFOO=1 is answered with {said}") in findings
    assert entered.warnings == (f"AT+QFOO=1 is answered with {said}",)


def test_an_answer_that_comes_late_is_not_taken_for_that_to_the_next() -> None:
    module = AtModule({"AT+SLOW": (7.0, OK), "AT+CMUX=0": (0.1, ERROR), "AT+CMUX=0,0,5,31": OK})
    entered = enter(module, init="AT+SLOW")
    assert entered.form == "AT+CMUX=0,0,5,31"
    assert entered.warnings == ("AT+SLOW is not answered within 5 s",)


def test_a_command_that_kills_the_module_is_named() -> None:
    class Dies(AtModule):
        def _hear(self, octets: bytes) -> None:
            self.answers.update({"AT": SILENCE} if self.said[-1:] == ["AT+CFUN=4"] else {})
            super()._hear(octets)

    with pytest.raises(ModuleSilent, match=r"AT\+CFUN=4 is not answered within 5 s, and AT is not answered any more"):
        enter(Dies({"AT+CFUN=4": SILENCE}), init="AT+CFUN=4")


def test_another_command_starts_the_multiplexer() -> None:
    """sdk-nrf PR #27703, #14319."""
    module = AtModule({"AT+CMUX=0": ERROR})
    entered = enter(module, start_command="AT#XCMUX=1", ask=True)
    assert module.said == ["AT", "AT#XCMUX=1"]
    assert entered.form == "AT#XCMUX=1"
    with pytest.raises(CmuxRefused, match=r"refused to multiplex: AT#XCMUX=1 -> ERROR \("):
        enter(AtModule({"AT#XCMUX=1": ERROR}), start_command="AT#XCMUX=1")


def test_a_profile_has_commands_too() -> None:
    nrf = Profile(
        name="nrf", title="", source="", settings={"init": ["AT+CFUN=0"], "start_command": "AT#XCMUX=1", "n1": 100}
    )
    module = AtModule()
    assert enter(module, profile=nrf).config.n1 == 100
    assert module.said == ["AT", "AT+CFUN=0", "AT#XCMUX=1"]
    module = AtModule()
    enter(module, profile=nrf, init="ATE0", start_command="AT+CMUX=0")
    assert module.said == ["AT", "ATE0", "AT+CMUX=0"]


# --- The module's own N1 ---


def own(n1: object) -> bytes:
    return b"\r\n+CMUX: 0,0,5,%s,10,3,30,10,2\r\n\r\nOK\r\n" % str(n1).encode()


@pytest.mark.parametrize("n1", [1, 31, 127, 1500, 16384])
def test_a_module_is_asked_for_its_own_n1_and_gets_frames_of_that_length(n1: int) -> None:
    module = AtModule({"AT+CMUX?": own(n1)})
    entered = enter(module, ask=True)
    assert module.said == ["AT", "AT+CMUX?", "AT+CMUX=0"]
    assert entered.config.n1 == n1
    assert entered.config.n1_receive >= max(n1, 1600)


@pytest.mark.parametrize(
    "answer",
    [ERROR, OK, b"\r\n+CME ERROR: 4\r\n", own(""), own("x"), own(0), own(32768), own(99999999999), own(-5),
     b"\r\n+CMUX: 0\r\n\r\nOK\r\n", b"\r\n+CMUX: 0,0,5,127\r\n\r\nERROR\r\n", b"\xff\xfe\r\nOK\r\n"],
)  # fmt: skip
def test_any_other_answer_means_the_default(answer: bytes) -> None:
    module = AtModule({"AT+CMUX?": answer})
    assert enter(module, ask=True).config == Config(t1=0.3, n2=5)
    assert module.said == ["AT", "AT+CMUX?", "AT+CMUX=0"]


@pytest.mark.parametrize("late", [0.6, 1.2, 3.0, 4.9])
def test_an_ok_that_comes_late_is_never_taken_for_that_to_at_cmux(late: float) -> None:
    module = AtModule({"AT+CMUX?": (late, own(127)), "AT+CMUX=0": (0.1, ERROR), "AT+CMUX=0,0,5,31": (0.1, OK)})
    entered = enter(module, ask=True)
    assert entered.form == "AT+CMUX=0,0,5,31"
    assert entered.config.n1 == 31


def test_a_module_that_never_answers_the_question_is_opened_within_two_seconds() -> None:
    module = AtModule({"AT+CMUX?": SILENCE})
    assert enter(module, ask=True).config.n1 == 31
    assert module.said == ["AT", "AT+CMUX?", "AT", "AT+CMUX=0"]
    assert module.now <= 2


def test_one_that_the_question_has_silenced_is_named() -> None:
    class Dies(AtModule):
        def _hear(self, octets: bytes) -> None:
            self.answers.update({"AT": SILENCE} if self.said[-1:] == ["AT+CMUX?"] else {})
            super()._hear(octets)

    with pytest.raises(ModuleSilent, match=r"AT\+CMUX\? is not answered, and AT is not answered any more"):
        enter(Dies({"AT+CMUX?": SILENCE}), ask=True)


KNOWS = Profile(name="knows", title="", source="", settings={"n1": 64})


@pytest.mark.parametrize(
    "settings", [{"n1": 64}, {"profile": KNOWS}, {"profile": "sim800"}, {"ask": False}, {"start_command": "AT+CMUX=0"}]
)
def test_it_is_not_asked_where_somebody_has_said_it(settings: dict[str, Any]) -> None:
    module = AtModule({"AT+CMUX?": own(1000)})
    assert enter(module, **{"ask": True, **settings}).config.n1 != 1000
    assert "AT+CMUX?" not in module.said


def test_it_is_asked_where_the_profiles_n1_is_for_another_option() -> None:
    module = AtModule({"AT+CMUX?": own(1000)})
    assert enter(module, ask=True, profile="sim800", option="advanced").config.n1 == 1000


def test_a_form_that_is_refused_is_followed_by_one_with_the_n1_and_the_question_is_not_asked_twice() -> None:
    module = AtModule({"AT+CMUX?": own(127), "AT+CMUX=0": ERROR, "AT+CMUX=0,0,5,127": ERROR, "AT+CMUX=?": RANGES % 3})
    enter(module, ask=True)
    assert module.said == [
        "AT",
        "AT+CMUX?",
        "AT+CMUX=0",
        "AT+CMUX=0,0,5,127",
        "AT+CMUX=?",
        "AT+CMUX=0,0,,127,10,3,30,10,2",
    ]


# --- Another time ---


@pytest.mark.parametrize("profile", ["generic", "m10"])
def test_what_was_found_out_is_not_asked_again(profile: str) -> None:
    plan = make_plan("/dev/modem", {"profile": profile, "init": ["ATE0"]})
    module = AtModule({"AT+CMUX?": own(127), "AT+CMUX=?": RANGES % 5, "AT+CMUX=0": ERROR})
    entered = module.play(startup.enter("x", plan.command))
    module.said.clear()
    again = module.play(startup.enter("x", plan.again(entered)))
    assert module.said == ["AT", "ATE0", entered.form]
    assert again.config == entered.config
    assert entered.config.n1 == 127


def test_at_another_rate_the_form_is_not_the_same() -> None:
    plan = make_plan("/dev/modem", {"ask": False})
    entered = AtModule({"AT+CMUX=0": ERROR}).play(startup.enter("x", plan.command))
    assert entered.form == "AT+CMUX=0,0,5,31"
    module = AtModule({"AT+CMUX=0": ERROR}, rate=9600)
    module.play(startup.enter("x", plan.again(entered), other_rates=[9600]))
    assert module.said[-2:] == ["AT+CMUX=0", "AT+CMUX=0,0,1,31"]


def test_at_ipr_goes_first_again_where_it_did_before() -> None:
    plan = make_plan("/dev/modem", {"ask": False, "mux_baudrate": 1_000_000})
    for command in (plan.command, plan.again(AtModule().play(startup.enter("x", plan.command)))):
        module = AtModule()
        module.play(startup.enter("x", command))
        assert module.said == ["AT", "AT+IPR=1000000", "AT", "AT+CMUX=0"]
