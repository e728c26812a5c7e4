"""An answer that comes late is not taken for that to the next command, least of all for that to AT+CMUX."""

import pytest
from late_module import ERROR, OK, VALUES, LateModule

from cmux.errors import CmuxRefused
from cmux.protocol.startup_steps import Finding

RANGES = b"\r\n+CMUX: (0),(0),(1-5),(10-127)\r\n\r\nOK\r\n"


def answered_last(module: LateModule, command: str) -> bool:
    """Tell whether the command is the last, and the dialogue did not end before its answer had come."""
    return module.heard[-1] == module.told[-1] == command


@pytest.mark.parametrize("deaf", [False, True])
@pytest.mark.parametrize("answer", [VALUES, OK, ERROR])
@pytest.mark.parametrize("seconds", [0.51, 0.6, 0.99, 1.2, 2.0, 3.7, 4.9])
def test_a_late_answer_to_the_question_for_n1_is_let_come(seconds: float, answer: bytes, deaf: bool) -> None:
    module = LateModule(seconds={"AT+CMUX?": seconds}, answers={"AT+CMUX?": answer}, busy_and_deaf=deaf)
    assert module.enter().config.n1 == 31
    assert answered_last(module, "AT+CMUX=0")


@pytest.mark.parametrize("seconds", [0.6, 1.2, 3.0, 4.5])
@pytest.mark.parametrize("answer", [OK, ERROR])
def test_one_that_at_has_overtaken_is_known_by_what_it_says(seconds: float, answer: bytes) -> None:
    answers = {"AT+CMUX?": VALUES, "AT+CMUX=0": answer}
    module = LateModule(seconds={"AT+CMUX?": seconds}, answers=answers, two_minds=True)
    module.enter()
    assert answered_last(module, "AT+CMUX=0" if answer is OK else "AT+CMUX=0,0,5,31")


@pytest.mark.parametrize("asked", [OK, b""])
def test_a_module_that_tells_its_values_with_that_ok_is_taken_at_its_word(asked: bytes) -> None:
    module = LateModule(answers={"AT+CMUX?": asked, "AT+CMUX=0": VALUES})
    assert module.enter().form == "AT+CMUX=0"
    assert module.now < 4.5  # after 5 s without a frame it might be in AT mode again


@pytest.mark.parametrize("more", [0.0, 0.5])
@pytest.mark.parametrize("seconds", [0.1, 0.45, 0.55, 0.6, 0.75, 0.9])
def test_a_module_that_is_slow_at_everything_is_waited_for(seconds: float, more: float) -> None:
    """Each AT that was sent meanwhile is answered too, and as late."""
    module = LateModule(seconds, {"AT+CMUX?": seconds + more}, {"AT+CMUX?": VALUES})
    entered = module.enter()
    assert answered_last(module, "AT+CMUX=0")
    assert entered.config.n1 == (127 if seconds + more < 0.5 else 31)


@pytest.mark.parametrize("question", ["AT+CMUX=?", "AT+CMUX?"])
@pytest.mark.parametrize("deaf", [False, True])
def test_neither_is_a_late_answer_to_what_a_profile_asks(question: str, deaf: bool) -> None:
    answers = {"AT+CMUX=?": RANGES, "AT+CMUX?": VALUES}
    module = LateModule(seconds={question: 2.5}, answers=answers, busy_and_deaf=deaf)
    module.enter(profile="m10")
    asked = {"AT+CMUX=?": "AT+CMUX=0", "AT+CMUX?": "AT+CMUX=0,0,5,127"}  # with what it did say in time
    assert answered_last(module, asked[question])


def test_nor_one_to_what_is_asked_when_everything_was_refused() -> None:
    refused = {"AT+CMUX=0": ERROR, "AT+CMUX=0,0,5,31": ERROR}
    module = LateModule(seconds={"AT+CMUX=?": 2.5}, answers={**refused, "AT+CMUX=?": RANGES})
    with pytest.raises(CmuxRefused, match=r"AT\+CMUX=0 -> ERROR; AT\+CMUX=0,0,5,31 -> ERROR"):
        module.enter(ask=False)


def test_a_module_that_dies_of_the_last_question_has_refused_before() -> None:
    refused = {"AT+CMUX=0": ERROR, "AT+CMUX=0,0,5,31": ERROR}
    findings: list[Finding] = []
    with pytest.raises(CmuxRefused, match=r"AT\+CMUX=0 -> ERROR; AT\+CMUX=0,0,5,31 -> ERROR"):
        LateModule(seconds={"AT+CMUX=?": 1e9}, answers=refused).enter(findings, ask=False)
    assert [(one.step, one.ok) for one in findings] == [("AT", True), ("AT+CMUX", False)]
