"""What the general commands send, and what becomes of every form of answer."""

from __future__ import annotations

import datetime
import itertools
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from scripted_port import ERROR, OK, CommandPort, await_rest, pass_time
from stepped_clock import SteppedClock

from drivers.clock import FakeClock
from drivers.errors import CmeError, UnexpectedAnswer
from drivers.modem import Modem, NetworkTimeout, Registered, Signal

UTC = datetime.UTC


def modem_that_says(answers: Mapping[str, str], clock: FakeClock | None = None) -> tuple[Modem, CommandPort]:
    """A modem that answers some commands with a line and OK, and all others with OK."""

    def answer(text: str) -> bytes:
        line = answers.get(text, "")
        return line.encode() if line.startswith("\r\n") else (f"\r\n{line}\r\n".encode() if line else b"") + OK

    port = CommandPort(answer)
    return Modem(port, clock=clock), port


@pytest.mark.parametrize(
    ("command", "answer", "ask", "result"),
    [
        ("AT+CSQ", "+CSQ: 0,7", Modem.signal, Signal(-113, 7)),
        ("AT+CSQ", "+CSQ: 31, 0", Modem.signal, Signal(-51, 0)),
        ("AT+CSQ", "+CSQ: 99,99", Modem.signal, Signal(None, None)),
        ("AT+CSQ", "+CSQ: 100,99", Modem.signal, Signal(-116, None)),
        ("AT+CSQ", "+CSQ: 191,99", Modem.signal, Signal(-25, None)),
        ("AT+CSQ", "+CSQ: 199,99", Modem.signal, Signal(None, None)),
        ("AT+COPS?", "+COPS: 0,2,26201,7", Modem.operator, "26201"),
        ("AT+CREG?", "+CREG: 0,1", Modem.registration, Registered.HOME),
        ("AT+CREG?", '+CREG: 2,5,"1806","2F1E"', Modem.registration, Registered.ROAMING),
        ("AT+CREG?", "+CREG: 2", Modem.registration, Registered.SEARCHING),
        ("AT+CREG?", "+CREG: 0,6", Modem.registration, Registered.SMS_ONLY_HOME),
        ("AT+CREG?", '+CREG: 2,7,"1806","2F1E",7', Modem.registration, Registered.SMS_ONLY_ROAMING),
        ("AT+CREG?", "+CREG: 0, 8", Modem.registration, Registered.EMERGENCY_ONLY),
        ("AT+CREG?", "+CREG: 1,9", Modem.registration, Registered.CSFB_NOT_PREFERRED_HOME),
        ("AT+CREG?", "+CREG: 1,10", Modem.registration, Registered.CSFB_NOT_PREFERRED_ROAMING),
        ("AT+CREG?", "+CREG: 10", Modem.registration, Registered.CSFB_NOT_PREFERRED_ROAMING),
        ("AT+CREG?", "+CREG: 0,12", Modem.registration, Registered.UNKNOWN),
        ("AT+CGREG?", "+CGREG: 0,10", Modem.packet_registration, Registered.CSFB_NOT_PREFERRED_ROAMING),
        ("AT+CGREG?", "+CGREG: 0, 3", Modem.packet_registration, Registered.DENIED),
        ("AT+COPS?", '+COPS: 0,0,"CHINA MOBILE"', Modem.operator, "CHINA MOBILE"),
        ("AT+COPS?", "+COPS: 0", Modem.operator, None),
        ("AT+CGATT?", "+CGATT: 1", Modem.attached, True),
        ("AT+CGATT?", "+CGATT: 0", Modem.attached, False),
        ("AT+CPIN?", "+CPIN: SIM PUK", Modem.sim, "SIM PUK"),
        ("AT+CIMI", "460023210226023", Modem.imsi, "460023210226023"),
        ("AT+QCCID", "898600220909A0206023", Modem.iccid, "898600220909A0206023"),
        ("AT+CCLK?", '+CCLK: "26/11/23,07:30:15"', Modem.clock, datetime.datetime(2026, 11, 23, 7, 30, 15)),
        (
            "AT+CCLK?",
            '+CCLK: "26/11/23,07:30:15-14"',
            Modem.clock,
            datetime.datetime(2026, 11, 23, 7, 30, 15, tzinfo=datetime.timezone(-datetime.timedelta(hours=3.5))),
        ),
    ],
)
def test_what_an_answer_means(command: str, answer: str, ask: Callable[[Modem], object], result: object) -> None:
    modem, port = modem_that_says({command: answer})
    with modem:
        assert ask(modem) == result
    assert port.commands == ["ATE0", command]


@pytest.mark.parametrize("text", ["357862090123456", '"357862090123456"', '+CGSN: "357862090123456"'])
def test_the_imei_in_every_dress(text: str) -> None:
    modem, _ = modem_that_says({"ATI": "Telit\r\nME910\r\n1", "AT+GSN": ERROR.decode(), "AT+CGSN": text})
    with modem:
        assert modem.identity().imei == "357862090123456"


def test_a_question_that_is_not_answered_hides_no_other() -> None:
    answers = {"ATI": b"", "AT+CGMM": b"\r\nME910\r\n" + OK}
    clock = SteppedClock()
    with Modem(CommandPort(lambda text: answers.get(text, OK)), clock=clock) as modem, ThreadPoolExecutor(1) as pool:
        told = pool.submit(modem.identity)
        assert clock.pass_until(lambda seconds: not wait((told,), seconds).not_done, 60.0, 1.0)
        assert told.result().model == "ME910"


@pytest.mark.parametrize(
    ("answers", "ask"),
    [
        ({"AT+CSQ": "+CSQ: many"}, Modem.signal),
        ({"AT+CSQ": "+CSQ: 32,0"}, Modem.signal),  # 27.007 8.5: 0 to 31, 99
        ({"AT+CSQ": "+CSQ: 192,99"}, Modem.signal),
        ({"AT+CSQ": "+CSQ: 20,8"}, Modem.signal),
        ({"AT+CREG?": "+CREG: x"}, Modem.registration),
        ({"AT+CREG?": ""}, Modem.registration),
        ({"AT+CCLK?": '+CCLK: "00/00/00,00:00:00"'}, Modem.clock),
        ({"AT+CCLK?": '+CCLK: "yesterday"'}, Modem.clock),
        ({"AT+CIMI": ""}, Modem.imsi),
        ({"ATI": ""}, Modem.identity),
        ({"ATI": "\r\nERROR\r\n"}, Modem.identity),
    ],
)
def test_an_answer_that_is_none_is_named(answers: dict[str, str], ask: Callable[[Modem], object]) -> None:
    modem, _ = modem_that_says(answers)
    with modem, pytest.raises(UnexpectedAnswer, match=r"module: AT.* was answered"):
        ask(modem)


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
def test_what_is_sent(act: Callable[[Modem], object], sent: str) -> None:
    modem, port = modem_that_says({})
    with modem:
        act(modem)
    assert port.commands == ["ATE0", sent]


@pytest.mark.parametrize("words", ["NORMAL POWER DOWN", "UNDER_VOLTAGE POWER DOWN", "OVER-VOLTAGE POWER DOWN"])
@pytest.mark.parametrize("before", ["", "\r\nOK\r\n"])
def test_switching_off_ends_with_the_modules_last_words(before: str, words: str) -> None:
    answer = f"{before}\r\n{words}\r\n"
    modem, port = modem_that_says({"AT+QPOWD=1": answer}, FakeClock())  # which stands still: nothing is waited for
    with modem:
        modem.power_off()
    assert port.commands[-1] == "AT+QPOWD=1"


def test_a_wrong_pin_is_not_told() -> None:
    modem, _ = modem_that_says({'AT+CPIN="9876"': "\r\n+CME ERROR: 16\r\n"})
    with modem, pytest.raises(CmeError, match="incorrect password") as wrong:
        modem.unlock("9876")
    assert wrong.value.code == 16
    assert "9876" not in str(wrong.value) + wrong.value.command
    assert wrong.value.__cause__ is None


def in_thread(work: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    results: list[object] = []

    def run() -> None:
        try:
            results.append(work())
        except NetworkTimeout as late:
            results.append(late)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


def test_waiting_asks_once_a_second_until_it_is_so() -> None:
    clock = FakeClock()
    asked: list[float] = []
    states = iter(["+CME ERROR: 14", "+CPIN: SIM PIN", "+CPIN: READY"])

    def answer(text: str) -> bytes:
        if text != "AT+CPIN?":
            return OK
        asked.append(clock.now())
        line = next(states)
        return f"\r\n{line}\r\n".encode() + (b"" if "ERROR" in line else OK)

    with Modem(CommandPort(answer), clock=clock) as modem:
        thread, results = in_thread(lambda: modem.wait_for_sim(10.0))
        pass_time(clock, modem.channel, lambda: not thread.is_alive(), 0.5, waiters=3)
        assert results == [None]
    assert [b - a for a, b in itertools.pairwise(asked)] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"AT+CGREG?": "+CGREG: 0,2"}, "the network is SEARCHING"),
        ({"AT+CGREG?": "+CGREG: 0,1", "AT+CGATT?": "+CGATT: 0"}, "the network is HOME, but not attached"),
    ],
)
def test_waiting_in_vain_tells_what_was_found(answers: dict[str, str], told: str) -> None:
    clock = FakeClock()
    modem, _ = modem_that_says(answers, clock)
    with modem:
        thread, results = in_thread(lambda: modem.wait_for_network(5.0))
        pass_time(clock, modem.channel, lambda: not thread.is_alive(), 0.5, waiters=3)
        assert isinstance(results[0], TimeoutError)
        assert f"after 5 s {told}" in str(results[0])


def test_closing_ends_the_waiting() -> None:
    clock = FakeClock()
    modem, _ = modem_that_says({"AT+CREG?": "+CREG: 0,2"}, clock)
    thread, results = in_thread(lambda: modem.wait_for_network(500.0, packet=False))
    assert await_rest(clock, modem.channel, lambda: not thread.is_alive())
    modem.close()
    thread.join(10)
    assert isinstance(results[0], NetworkTimeout)
    modem.close()


def test_an_error_of_a_module_that_has_no_such_command_is_told() -> None:
    modem, _ = modem_that_says({"AT+QCCID": ERROR.decode()})
    with modem, pytest.raises(Exception, match=r"AT\+QCCID was answered ERROR"):
        modem.iccid()
