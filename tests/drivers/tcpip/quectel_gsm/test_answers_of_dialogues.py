"""Single dialogues of the driver, and answers that no manual has: what they are taken for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hurried_clock import HurriedClock
from scripted_port import ERROR, OK, CommandPort

from drivers.at import AtChannel
from drivers.at.core import Dialogue, Framing, LinePattern
from drivers.errors import SettingRefused, UnexpectedAnswer
from drivers.tcpip import data_mode
from drivers.tcpip.quectel_gsm import dialogues, transfer
from drivers.tcpip.quectel_gsm.data_mode import TIMING
from drivers.tcpip.quectel_gsm.unsolicited import CLOSED

INITIAL = "IP INITIAL"


def line(text: str) -> bytes:
    return b"\r\n%b\r\n" % text.encode("latin-1")


class Module:
    """Answers by a table, in which a command may have several answers, one after the other; the last one stays."""

    def __init__(self, answers: dict[str, bytes | list[bytes]]) -> None:
        self._answers = answers
        self.port = CommandPort(self._answer)

    def _answer(self, text: str) -> bytes:
        answer = self._answers.get(text, OK)
        if isinstance(answer, list):
            return answer.pop(0) if len(answer) > 1 else answer[0]
        return answer


@pytest.fixture
def run() -> Iterator[Callable[..., Any]]:
    channels: list[AtChannel] = []

    def run(
        dialogue: Dialogue[Any],
        answers: dict[str, bytes | list[bytes]],
        at_once: bytes = b"",
        clock: HurriedClock | None = None,
    ) -> Any:
        port = Module(answers).port
        channels.append(AtChannel(port, clock=clock))
        channels[-1].command("AT")
        if at_once:
            port.say(at_once)
        return channels[-1].run(dialogue)

    yield run
    for channel in channels:
        channel.close()


def initial() -> Dialogue[str]:
    """The state of a context that nobody uses, without asking for it."""
    return INITIAL
    yield  # type: ignore[unreachable]


# --- Sending ---


@pytest.mark.parametrize("line", ["1, CLOSED", "0, CLOSED"])
def test_the_end_of_another_session_is_not_the_result_of_sending(line: str) -> None:
    """It may come before SEND OK where the module interleaves news; a server may have the index of a client."""

    class Interleaving(CommandPort):
        def on_write(self, data: bytes) -> None:
            if data == b"abc":
                self.say(f"\r\n{line}\r\n\r\n0, SEND OK\r\n".encode())
            super().on_write(data.removeprefix(b"abc"))

    answers = {"AT+QISEND=0,3": b"\r\n> "}
    with AtChannel(Interleaving(lambda text: answers.get(text, OK))) as channel:
        channel.add_sink(Closings())
        assert channel.run(transfer.send(b"abc", index=0)) == "SEND OK"


class Closings:
    """A sink for the ends of sessions."""

    lines = CLOSED
    framing = Framing()
    congested = False

    def take_line(self, text: str) -> bool:
        return True

    def take_data(self, header: str, data: bytes) -> bool:
        return False

    def lost(self, cause: Exception) -> None:
        return


# --- Values ---


@pytest.mark.parametrize(
    ("dialogue", "command", "value"),
    [
        (dialogues.read_foreground, "QIFGCNT", "7, 1"),
        (dialogues.read_foreground, "QIFGCNT", "0, 999"),
        (dialogues.read_foreground, "QIFGCNT", ""),
        (dialogues.read_foreground, "QIFGCNT", "0,²"),
        (dialogues.read_service, "QISRVC", "3"),
        (dialogues.read_service, "QISRVC", ""),
        (dialogues.read_server, "QISERVER", "0"),
        (dialogues.read_server, "QISERVER", "2, 1"),
        (dialogues.read_server, "QISERVER", "1, 99"),
    ],
)
def test_a_value_that_no_manual_has_is_an_unexpected_answer_that_names_it(
    run: Callable[..., Any], dialogue: Callable[[], Dialogue[object]], command: str, value: str
) -> None:
    with pytest.raises(UnexpectedAnswer, match=rf"AT\+{command}\? was answered '{value}'"):
        run(dialogue(), {f"AT+{command}?": line(f"+{command}: {value}") + OK})


def test_a_count_that_is_missing_is_an_unexpected_answer(run: Callable[..., Any]) -> None:
    with pytest.raises(UnexpectedAnswer, match=r"AT\+QISACK=2 was answered OK without"):
        run(transfer.acknowledged(2), {})


# --- The state, asked for when +PDP DEACT has come ---

AWAITED = LinePattern("SERVER OK")


def wait() -> Dialogue[str]:
    came = yield from dialogues.await_unless_deactivated(AWAITED, timeout=5.0, what="SERVER OK", after="AT+QISERVER")
    return came.final


DEACTIVATED = line("+PDP DEACT")
LISTED = line('+QISTAT: 0,"TCP","10.0.0.1","80","CONNECTED"')
SESSIONS = line('+QISTATE: 0,"TCP","10.0.0.1","80","CONNECTED"') + 5 * line('+QISTATE: 1,"","","","INITIAL"')
STATES: list[tuple[str, dict[str, bytes | list[bytes]], str]] = [
    ("it was this context", {"AT+QISTAT": OK + line("STATE: PDP DEACT")}, "+PDP DEACT"),
    ("it was the other one", {"AT+QISTAT": OK + line("STATE: IP STATUS") + line("SERVER OK")}, "SERVER OK"),
    ("the line came before the state", {"AT+QISTAT": OK + line("SERVER OK") + line("STATE: IP STATUS")}, "SERVER OK"),
    ("the line came before OK", {"AT+QISTAT": line("SERVER OK") + OK + line("STATE: IP STATUS")}, "SERVER OK"),
    (
        "with MUXIP on, where sessions are listed",
        {"AT+QISTAT": LISTED + OK, "AT+QISTATE": OK + line("STATE: PDP DEACT") + SESSIONS + OK},
        "+PDP DEACT",
    ),
    (
        "with MUXIP on, and the line came among them",
        {
            "AT+QISTAT": line("SERVER OK") + LISTED + OK,
            "AT+QISTATE": OK + line("STATE: IP PROCESSING") + SESSIONS + OK,
        },
        "SERVER OK",
    ),
]


@pytest.mark.parametrize(("answers", "came"), [row[1:] for row in STATES], ids=[row[0] for row in STATES])
def test_who_waits_learns_whether_pdp_deact_was_about_this_context(
    run: Callable[..., Any], answers: dict[str, bytes | list[bytes]], came: str
) -> None:
    assert run(wait(), answers, DEACTIVATED) == came


def test_a_module_that_says_pdp_deact_without_end_does_not_keep_who_waits_without_end(run: Callable[..., Any]) -> None:
    still = OK + line("STATE: IP STATUS") + DEACTIVATED
    assert run(wait(), {"AT+QISTAT": still}, DEACTIVATED) == "+PDP DEACT"


# --- Settings that are refused: the rule is named as far as it can be known ---


@pytest.mark.parametrize(
    ("name", "value", "answers", "why"),
    [
        ("QIMUX", "1", {"AT+QIMUX?": line("+QIMUX: 0") + OK, "AT+QIMODE?": line("+QIMODE: 1") + OK}, "exclude each"),
        ("QIMODE", "1", {"AT+QIMODE?": line("+QIMODE: 0") + OK, "AT+QIMUX?": line("+QIMUX: 1") + OK}, "exclude each"),
        ("QIMODE", "1", {"AT+QIMODE?": line("+QIMODE: 0") + OK, "AT+QIMUX?": line("+QIMUX: 0") + OK}, "another cont"),
        ("QIMUX", "1", {"AT+QIMUX?": line("+QIMUX: 0") + OK, "AT+QIMODE?": line("+QIMODE: 0") + OK}, "IP INITIAL)"),
        ("QIHEAD", "1", {"AT+QIHEAD?": line("+QIHEAD: 0") + OK}, "IP INITIAL)"),
    ],
)
def test_a_setting_that_is_refused_in_ip_initial_names_what_excludes_it(
    run: Callable[..., Any], name: str, value: str, answers: dict[str, bytes | list[bytes]], why: str
) -> None:
    with pytest.raises(SettingRefused) as refused:
        run(dialogues.setting(name, value, initial), {f"AT+{name}={value}": ERROR, **answers})
    assert why in str(refused.value)


# --- Data mode ---


@pytest.mark.requirement("S3.25")
def test_an_escape_that_the_module_does_not_answer_is_repeated_three_times_at_most(run: Callable[..., Any]) -> None:
    left: list[None] = []
    mute = HurriedClock(50.0)  # nothing comes that could be late
    assert run(data_mode.escape_by_plus(TIMING, lambda: left.append(None), lambda: False), {}, clock=mute) is False
    assert left == []


def test_a_line_is_clear_when_the_module_answers_at_and_is_asked_twice_at_most(run: Callable[..., Any]) -> None:
    assert run(data_mode.clear_line(), {"AT": [OK, ERROR, OK]}) is None
    assert run(data_mode.clear_line(), {"AT": [OK, ERROR]}) is None


@pytest.mark.parametrize(
    ("answer", "commands"), [(OK, True), (ERROR, True), (b"", False)], ids=["OK", "ERROR", "nothing"]
)
def test_a_module_that_answers_at_in_any_way_is_in_command_mode(
    run: Callable[..., Any], answer: bytes, commands: bool
) -> None:
    mute = None if answer else HurriedClock(50.0)
    assert run(data_mode.in_command_mode(), {"AT": [OK, answer] if answer else [OK, b""]}, clock=mute) is commands
