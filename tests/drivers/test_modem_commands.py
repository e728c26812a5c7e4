"""What the general commands send, and what becomes of every form of answer; in both shells."""

from __future__ import annotations

import asyncio
import datetime
import inspect
import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from leaping import SHELLS, Bench, bench
from scripted_port import OK, CommandPort, await_rest
from silent_module import SilentModule, lines

from drivers import modem as on_threads
from drivers.clock import FakeClock
from drivers.errors import CmeError, CommandError, UnexpectedAnswer
from drivers.modem import Modem, NetworkTimeout, Registered, Signal, aio

UTC = datetime.UTC
in_both_shells = pytest.mark.parametrize("shell", SHELLS)


class Answering(SilentModule):
    """A module that answers by a function."""

    def __init__(self, answer: Callable[[str], bytes]) -> None:
        super().__init__()
        self._answer = answer

    def _usual(self, text: str) -> bytes:
        return self._answer(text)


@contextmanager
def answering(shell: str, answer: Callable[[str], bytes]) -> Iterator[tuple[Any, Answering, Bench]]:
    """A modem on a module that answers by a function."""
    module = Answering(answer)
    with bench(shell, module) as made:
        modem = made.modem()
        with modem:
            yield modem, module, made


def saying(answers: Mapping[str, str]) -> Callable[[str], bytes]:
    """Answer some commands with a line and OK, and all others with OK; a text that has its own lines is all of it."""

    def answer(text: str) -> bytes:
        line = answers.get(text, "")
        return line.encode() if line.startswith("\r\n") else (lines(line) if line else b"") + OK

    return answer


@in_both_shells
@pytest.mark.parametrize(
    ("command", "answer", "ask", "result"),
    [
        ("AT+CSQ", "+CSQ: 0,7", "signal", Signal(-113, 7)),
        ("AT+CSQ", "+CSQ: 31, 0", "signal", Signal(-51, 0)),
        ("AT+CSQ", "+CSQ: 99,99", "signal", Signal(None, None)),
        ("AT+CSQ", "+CSQ: 100,99", "signal", Signal(-116, None)),
        ("AT+CSQ", "+CSQ: 191,99", "signal", Signal(-25, None)),
        ("AT+CSQ", "+CSQ: 199,99", "signal", Signal(None, None)),
        ("AT+COPS?", "+COPS: 0,2,26201,7", "operator", "26201"),
        ("AT+CREG?", "+CREG: 0,1", "registration", Registered.HOME),
        ("AT+CREG?", '+CREG: 2,5,"1806","2F1E"', "registration", Registered.ROAMING),
        ("AT+CREG?", "+CREG: 2", "registration", Registered.SEARCHING),
        ("AT+CREG?", "+CREG: 0,6", "registration", Registered.SMS_ONLY_HOME),
        ("AT+CREG?", '+CREG: 2,7,"1806","2F1E",7', "registration", Registered.SMS_ONLY_ROAMING),
        ("AT+CREG?", "+CREG: 0, 8", "registration", Registered.EMERGENCY_ONLY),
        ("AT+CREG?", "+CREG: 1,9", "registration", Registered.CSFB_NOT_PREFERRED_HOME),
        ("AT+CREG?", "+CREG: 1,10", "registration", Registered.CSFB_NOT_PREFERRED_ROAMING),
        ("AT+CREG?", "+CREG: 10", "registration", Registered.CSFB_NOT_PREFERRED_ROAMING),
        ("AT+CREG?", "+CREG: 0,12", "registration", Registered.UNKNOWN),
        ("AT+CGREG?", "+CGREG: 0,10", "packet_registration", Registered.CSFB_NOT_PREFERRED_ROAMING),
        ("AT+CGREG?", "+CGREG: 0, 3", "packet_registration", Registered.DENIED),
        ("AT+COPS?", '+COPS: 0,0,"CHINA MOBILE"', "operator", "CHINA MOBILE"),
        ("AT+COPS?", "+COPS: 0", "operator", None),
        ("AT+CGATT?", "+CGATT: 1", "attached", True),
        ("AT+CGATT?", "+CGATT: 0", "attached", False),
        ("AT+CPIN?", "+CPIN: SIM PUK", "sim", "SIM PUK"),
        ("AT+CIMI", "460023210226023", "imsi", "460023210226023"),
        ("AT+QCCID", "898600220909A0206023", "iccid", "898600220909A0206023"),
        ("AT+QCCID", "+QCCID: 89860012345678901234", "iccid", "89860012345678901234"),  # LTE modules
        ("AT+CCLK?", '+CCLK: "26/11/23,07:30:15"', "clock", datetime.datetime(2026, 11, 23, 7, 30, 15)),
        (
            "AT+CCLK?",
            '+CCLK: "26/11/23,07:30:15-14"',
            "clock",
            datetime.datetime(2026, 11, 23, 7, 30, 15, tzinfo=datetime.timezone(-datetime.timedelta(hours=3.5))),
        ),
    ],
)
def test_what_an_answer_means(shell: str, command: str, answer: str, ask: str, result: object) -> None:
    with answering(shell, saying({command: answer})) as (modem, module, _):
        assert getattr(modem, ask)() == result
        assert [asked for asked in module.commands if asked != "AT+CEREG?"] == ["ATE0", command]


@in_both_shells
@pytest.mark.parametrize(("ask", "first"), [("registration", "AT+CREG?"), ("packet_registration", "AT+CGREG?")])
@pytest.mark.parametrize(
    ("gsm", "lte", "result"),
    [
        ("0,1", "0,2", Registered.HOME),
        ("0,0", '2,5,"1806","2F1E",7', Registered.ROAMING),
        ("0,0", "0,2", Registered.SEARCHING),
        ("0,3", "0,1", Registered.HOME),
        ("0,3", "0,0", Registered.DENIED),
        ("0,2", None, Registered.SEARCHING),
    ],
)
def test_a_module_is_registered_if_it_is_in_any_network(
    shell: str, ask: str, first: str, gsm: str, lte: str | None, result: Registered
) -> None:
    there = "\r\nERROR\r\n" if lte is None else f"+CEREG: {lte}"
    answers = {first: f"{first[2:-1]}: {gsm}", "AT+CEREG?": there}
    with answering(shell, saying(answers)) as (modem, module, _):
        assert [getattr(modem, ask)() for _ in range(2)] == [result] * 2
        asked = module.commands.count("AT+CEREG?")
        assert asked == (0 if gsm == "0,1" else 1 if lte is None else 2)  # one that is not known is asked once


@in_both_shells
def test_what_a_module_says_while_it_starts_is_no_part_of_its_identity(shell: str) -> None:
    words = lines("APP RDY", "Quectel", "+QIND: SMS DONE", "BG96", "+QUSIM: 1", "Revision: BG96MAR02A07M1G", "+CFUN: 1")
    with answering(shell, saying({"ATI": (words + OK).decode(), "AT+GSN": "866425030000017"})) as (modem, _, _):
        found = modem.identity()
    assert (found.manufacturer, found.model, found.revision) == ("Quectel", "BG96", "BG96MAR02A07M1G")


@in_both_shells
def test_the_last_words_of_an_lte_module_may_take_a_minute(shell: str) -> None:
    with answering(shell, saying({"AT+QPOWD=1": "\r\nOK\r\n"})) as (modem, _, made):
        begun = made.now()
        modem.power_off()
        assert 65.0 <= made.now() - begun < 75.0  # it has never said any


@in_both_shells
@pytest.mark.parametrize("text", ["357862090123456", '"357862090123456"', '+CGSN: "357862090123456"'])
def test_the_imei_in_every_dress(shell: str, text: str) -> None:
    answers = {"ATI": "Telit\r\nME910\r\n1", "AT+GSN": "\r\nERROR\r\n", "AT+CGSN": text}
    with answering(shell, saying(answers)) as (modem, _, _):
        assert modem.identity().imei == "357862090123456"


@in_both_shells
def test_a_question_that_is_not_answered_hides_no_other(shell: str) -> None:
    answers = {"ATI": b"", "AT+CGMM": b"\r\nME910\r\n" + OK}
    with answering(shell, lambda text: answers.get(text, OK)) as (modem, _, _):
        assert modem.identity().model == "ME910"


@in_both_shells
@pytest.mark.parametrize(
    ("answers", "ask"),
    [
        ({"AT+CSQ": "+CSQ: many"}, "signal"),
        ({"AT+CSQ": "+CSQ: 32,0"}, "signal"),  # 27.007 8.5: 0 to 31, 99
        ({"AT+CSQ": "+CSQ: 192,99"}, "signal"),
        ({"AT+CSQ": "+CSQ: 20,8"}, "signal"),
        ({"AT+CREG?": "+CREG: x"}, "registration"),
        ({"AT+CREG?": ""}, "registration"),
        ({"AT+CCLK?": '+CCLK: "00/00/00,00:00:00"'}, "clock"),
        ({"AT+CCLK?": '+CCLK: "yesterday"'}, "clock"),
        ({"AT+CIMI": ""}, "imsi"),
        ({"ATI": ""}, "identity"),
        ({"ATI": "\r\nERROR\r\n"}, "identity"),
    ],
)
def test_an_answer_that_is_none_is_named(shell: str, answers: dict[str, str], ask: str) -> None:
    with (
        answering(shell, saying(answers)) as (modem, _, _),
        pytest.raises(UnexpectedAnswer, match=r"module: AT.* was answered"),
    ):
        getattr(modem, ask)()


@in_both_shells
@pytest.mark.parametrize(
    ("act", "sent"),
    [
        (lambda modem: modem.unlock("1234"), 'AT+CPIN="1234"'),
        (lambda modem: modem.unlock("12345678", "4321"), 'AT+CPIN="12345678","4321"'),
        (lambda modem: modem.attach(), "AT+CGATT=1"),
        (lambda modem: modem.attach(on=False), "AT+CGATT=0"),
        (
            lambda modem: modem.set_clock(datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
            'AT+CCLK="26/01/02,03:04:05+00"',
        ),
        (lambda modem: modem.set_clock(datetime.datetime(2026, 1, 2, 3, 4, 5)), 'AT+CCLK="26/01/02,03:04:05+00"'),
    ],
)
def test_what_is_sent(shell: str, act: Callable[[Any], object], sent: str) -> None:
    with answering(shell, saying({})) as (modem, module, _):
        act(modem)
        assert module.commands == ["ATE0", sent]


@in_both_shells
@pytest.mark.parametrize("pin", ["", "12", "123456789", '12"4', "12a4"])
def test_a_pin_that_cannot_be_is_refused_before_anything_is_sent(shell: str, pin: str) -> None:
    with answering(shell, saying({})) as (modem, module, _):
        with pytest.raises(ValueError, match="4 to 8 digits"):
            modem.unlock(pin)
        assert module.commands == []


@in_both_shells
@pytest.mark.parametrize(
    "words", ["NORMAL POWER DOWN", "POWERED DOWN", "UNDER_VOLTAGE POWER DOWN", "OVER-VOLTAGE POWER DOWN"]
)
@pytest.mark.parametrize("before", ["", "\r\nOK\r\n"])
def test_switching_off_ends_with_the_modules_last_words(shell: str, before: str, words: str) -> None:
    with answering(shell, saying({"AT+QPOWD=1": f"{before}\r\n{words}\r\n"})) as (modem, module, made):
        begun = made.now()
        modem.power_off()
        assert module.commands[-1] == "AT+QPOWD=1"
        assert made.now() - begun < 5.0  # nothing else is waited for


@in_both_shells
def test_a_wrong_pin_is_not_told(shell: str) -> None:
    with (
        answering(shell, saying({'AT+CPIN="9876"': "\r\n+CME ERROR: 16\r\n"})) as (modem, _, _),
        pytest.raises(CmeError, match="incorrect password") as wrong,
    ):
        modem.unlock("9876")
    assert wrong.value.code == 16
    assert "9876" not in str(wrong.value) + wrong.value.command
    assert wrong.value.__cause__ is None


@in_both_shells
def test_waiting_asks_once_a_second_until_it_is_so(shell: str) -> None:
    asked: list[float] = []
    states = iter(["\r\n+CME ERROR: 14\r\n", "+CPIN: SIM PIN", "+CPIN: READY"])

    def answer(text: str) -> bytes:
        if text != "AT+CPIN?":
            return OK
        asked.append(made.now())
        return saying({text: next(states)})(text)

    with answering(shell, answer) as (modem, _, made):
        assert modem.wait_for_sim(10.0) is None
    assert [b - a for a, b in itertools.pairwise(asked)] == pytest.approx([1.0, 1.0], abs=0.01)


@in_both_shells
@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"AT+CGREG?": "+CGREG: 0,2"}, "the network is SEARCHING"),
        ({"AT+CGREG?": "+CGREG: 0,1", "AT+CGATT?": "+CGATT: 0"}, "the network is HOME, but not attached"),
    ],
)
def test_waiting_in_vain_tells_what_was_found(shell: str, answers: dict[str, str], told: str) -> None:
    with answering(shell, saying({"AT+CPIN?": "+CPIN: SIM PIN", **answers})) as (modem, _, _):
        with pytest.raises(TimeoutError, match=f"after 5 s {told}") as late:
            modem.wait_for_network(5.0)
        assert isinstance(late.value, NetworkTimeout)
        with pytest.raises(NetworkTimeout, match="after 0 s") as later:
            modem.wait_for_sim(0.0)
        assert "the network" not in str(later.value)  # what was found before is old


def test_closing_ends_the_waiting() -> None:
    clock = FakeClock()
    modem = Modem(CommandPort(saying({"AT+CREG?": "+CREG: 0,2"})), clock=clock)
    results: list[object] = []

    def run() -> None:
        try:
            results.append(modem.wait_for_network(500.0, packet=False))
        except NetworkTimeout as late:
            results.append(late)

    thread = threading.Thread(target=run)
    thread.start()
    assert await_rest(clock, modem.channel, lambda: not thread.is_alive())
    modem.close()
    thread.join(10)
    assert isinstance(results[0], NetworkTimeout)
    modem.close()


def test_closing_ends_the_waiting_of_a_task() -> None:
    asked = asyncio.Event()

    def answer(text: str) -> bytes:
        asked.set()
        return saying({"AT+CREG?": "+CREG: 0,2"})(text)

    async def close_while_waiting(modem: aio.Modem) -> BaseException | None:
        waiting = asyncio.ensure_future(modem.wait_for_network(500.0, packet=False))
        await asked.wait()
        await modem.close()
        await asyncio.wait((waiting,))
        await modem.close()
        return waiting.exception()

    with answering("aio", answer) as (modem, _, made):
        begun = made.now()
        assert isinstance(modem._call(lambda: close_while_waiting(modem._inner)), NetworkTimeout)
        assert made.now() - begun < 10.0


@in_both_shells
def test_an_error_of_a_module_that_has_no_such_command_is_told(shell: str) -> None:
    with (
        answering(shell, saying({"AT+QCCID": "\r\nERROR\r\n"})) as (modem, _, _),
        pytest.raises(CommandError, match=r"AT\+QCCID was answered ERROR"),
    ):
        modem.iccid()


# --- The two shells ---

METHODS = [name for name, value in vars(Modem).items() if inspect.isfunction(value) and not name.startswith("_")]


def test_both_packages_have_the_same_names() -> None:
    assert aio.__all__ == on_threads.__all__
    assert {name for name in aio.__all__ if getattr(aio, name) is not getattr(on_threads, name)} == {"Modem"}
    assert {name for name in dir(Modem) if not name.startswith("_")} == {
        name for name in dir(aio.Modem) if not name.startswith("_")
    }


@pytest.mark.parametrize("name", METHODS)
def test_what_waits_is_a_coroutine_with_the_same_arguments(name: str) -> None:
    waits, awaited = getattr(Modem, name), getattr(aio.Modem, name)
    assert inspect.iscoroutinefunction(awaited)
    assert inspect.signature(awaited) == inspect.signature(waits)
