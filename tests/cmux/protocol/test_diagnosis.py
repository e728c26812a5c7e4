"""Which hint fits: what was heard and which settings are in force, without a line."""

from __future__ import annotations

import pytest

from cmux.protocol import Config, Frame, FrameType, Option, encode
from cmux.protocol.diagnosis import Unanswered, is_text, no_answer_to_sabm
from cmux.protocol.hints import HINTS, Hint

UA = Frame(0, True, FrameType.UA, True)
SABM = Frame(0, True, FrameType.SABM, True)
CHATTER = b"\r\n+CREG: 1\r\n" * 30


@pytest.mark.parametrize(
    ("one", "id"),
    [
        (Unanswered(Config(), b""), "sabm-unanswered"),
        (Unanswered(Config(), b"", settle=0.3), "sabm-too-early"),
        (Unanswered(Config(), b"", settle=4.5), "sabm-unanswered-settled"),
        (Unanswered(Config(), b"", rate=921600), "mux-rate"),
        (Unanswered(Config(), b"", settle=0.0, rate=921600), "sabm-too-early"),
        (Unanswered(Config(), b"", by_at=False), "not-multiplexing"),
        (Unanswered(Config(), b"", by_at=False, adopted=True), "adopted-silent"),
        (Unanswered(Config(strict_final=True), encode(UA._replace(pf=False))), "strict-final"),
        (Unanswered(Config(strict_final=True), CHATTER + encode(UA._replace(pf=False))), "strict-final"),
        (Unanswered(Config(strict_final=True), encode(UA)), "no-ua"),
        (Unanswered(Config(), encode(Frame(0, True, FrameType.DM, False))), "late-refusal"),
        (Unanswered(Config(adm=True), encode(Frame(0, True, FrameType.DM, False))), "no-ua"),
        (Unanswered(Config(), encode(SABM)), "frames-echoed"),
        (Unanswered(Config(), encode(SABM) + b"\r\nERROR\r\n"), "frames-echoed"),
        (Unanswered(Config(), encode(SABM), by_at=False), "looped-back"),
        (Unanswered(Config(option=Option.ADVANCED), encode(SABM, Option.ADVANCED)), "frames-echoed"),
        (Unanswered(Config(), encode(UA, Option.ADVANCED)), "other-framing"),
        (Unanswered(Config(option=Option.ADVANCED), encode(UA)), "other-framing"),
        (Unanswered(Config(), b"\r\nRDY\r\n"), "restarted"),
        (Unanswered(Config(), encode(SABM) + b"\r\n^SYSSTART\r\n"), "restarted"),
        (Unanswered(Config(), b"+CREADY\r\n"), "still-at"),
        (Unanswered(Config(), CHATTER, by_at=False), "text-without-at"),
        (Unanswered(Config(), encode(UA)[:-2] + b"\xf9"), "damaged-frames"),
        (Unanswered(Config(), b"\xf9\xf9\xf9" + encode(UA)[:-1]), "damaged-frames"),
        (Unanswered(Config(), bytes(range(0x80, 0x90))), "mux-unreadable"),
    ],
)
def test_the_hint_for_what_came_instead_of_ua(one: Unanswered, id: str) -> None:
    hint = no_answer_to_sabm(one)
    assert hint.id == id
    assert "<" not in hint.told()


def test_a_hint_names_the_values_in_force() -> None:
    assert "SABM went out 0.25 s after OK" in no_answer_to_sabm(Unanswered(Config(), b"", settle=0.25)).told()
    assert "at mux_baudrate=921600" in no_answer_to_sabm(Unanswered(Config(), b"", rate=921600)).told()
    assert 'use option="advanced"' in no_answer_to_sabm(Unanswered(Config(), encode(UA, Option.ADVANCED))).told()


def test_damaged_text_is_text_still() -> None:
    assert is_text(b"\r\n+CREG: 1\r\n")
    assert is_text(b"\r\n+CR\xffG: 1\r\n")
    assert not is_text(bytes(range(0x80, 0x90)))
    assert not is_text(b"")


def test_marks_and_values_of_a_hint() -> None:
    hint = Hint("x", "try {settle}, {option=<option>} or {rtscts=no} at <port>")
    assert hint.settings == [("settle", None), ("option", "<option>"), ("rtscts", "no")]
    assert hint.filled(option="basic", port="/dev/x").told() == 'try settle, option="basic" or rtscts=False at /dev/x'
    assert hint.filled(port="{n1}").told(lambda name, value: name) == "try settle, option or rtscts at {n1}"
    assert all(hint.id == id for id, hint in HINTS.items())
