"""Opening sockets of an LTE module: what is sent, what counts as the result, and what each code means."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from driver_lab import PATIENCE
from lte_script import CLAIM, DOWN, LISTED, OPEN, OPENED, RESYNCHRONISED, UP, Pair, error, line, opened, play, urc
from scripted_port import ERROR, OK, CommandPort
from stepped_clock import SteppedClock

from drivers.errors import ConnectFailed, ConnectRefused, ConnectTimeout, ContextLost, NameNotFound
from drivers.tcpip import KeepAlive, TcpipDriver

CLOSE, ABORT = ("AT+QICLOSE=0,2", OK), ("AT+QICLOSE=0,0", OK)
START = [*CLAIM, *UP]


def opening(id: int, *, mode: int = 0) -> str:
    return f'AT+QIOPEN=1,{id},"TCP","10.0.0.1",80,0,{mode}'


@pytest.mark.parametrize(
    ("call", "sent"),
    [
        (("TCP", "10.0.0.1", 80), '"TCP","10.0.0.1",80,0,0'),
        (("UDP", "10.0.0.1", 123), '"UDP","10.0.0.1",123,0,0'),
        (("TCP", "www.example.org", 443), '"TCP","www.example.org",443,0,0'),
    ],
)
def test_a_session_is_opened_in_an_active_context_by_name_or_address(call: tuple[str, str, int], sent: str) -> None:
    with play(*START, (f"AT+QIOPEN=1,0,{sent}", opened()), CLOSE, *DOWN) as one:
        assert one.driver.connect(*call).open


@pytest.mark.parametrize(("receive", "mode"), [("buffered", 0), ("pushed", 1)])
@pytest.mark.parametrize("of", ["driver", "session"])
def test_a_socket_has_the_receive_mode_that_is_asked_for(receive: str, mode: int, of: str) -> None:
    options, more = ({"receive": receive}, {}) if of == "driver" else ({}, {"receive": receive})
    with play(*START, (opening(0, mode=mode), opened()), CLOSE, *DOWN, **options) as one:
        one.connect(**more)


@pytest.mark.requirement("L3.9")
def test_the_result_counts_that_comes_before_ok() -> None:
    """LTE L12: the result decides, OK is optional; LTE L8: it is the result of this socket only."""
    answer = line("+QIOPEN: 11,566") + line("+QIOPEN: 0,0") + OK
    with play(*START, (OPEN, answer), CLOSE, *DOWN) as one:
        assert one.connect().open


@pytest.mark.requirement("L3.9")
def test_the_result_counts_that_comes_without_ok() -> None:
    """LTE L12: only `+QIOPEN` was seen."""
    clock = SteppedClock()
    rows = [*START, (OPEN, line("+QIOPEN: 0,0")), *RESYNCHRONISED, CLOSE, *DOWN]
    with play(*rows, clock=clock) as one, ThreadPoolExecutor(1) as pool:
        one.driver.activate()
        call = pool.submit(one.connect)
        clock.await_wait(2.0)
        clock.advance(2.0)
        assert call.result(PATIENCE).open


@pytest.mark.requirement("L1.9")
@pytest.mark.parametrize("form", ["+QIOPEN:0,0", "+QIOPEN: 0, 0", "+QIOPEN:  0 , 0 "])
def test_blanks_in_the_result_do_not_matter(form: str) -> None:
    with play(*START, (OPEN, OK + line(form)), CLOSE, *DOWN) as one:
        assert one.connect().open


@pytest.mark.requirement("L3.10", "L3.12")
@pytest.mark.parametrize(
    ("code", "kind", "also"),
    [
        (550, ConnectFailed, OSError),
        (551, ConnectFailed, OSError),
        (552, ConnectFailed, OSError),
        (553, ConnectFailed, OSError),
        (554, ConnectFailed, OSError),
        (555, ConnectFailed, OSError),
        (556, ConnectFailed, OSError),
        (557, ConnectFailed, OSError),
        (558, ConnectFailed, OSError),
        (559, ConnectFailed, OSError),
        (560, ConnectFailed, OSError),
        (561, ConnectFailed, OSError),
        (564, ConnectFailed, OSError),
        (565, NameNotFound, socket.gaierror),
        (566, ConnectRefused, ConnectionRefusedError),
        (567, ConnectFailed, OSError),
        (568, ConnectFailed, OSError),
        (569, ConnectTimeout, TimeoutError),
        (571, ConnectFailed, OSError),
        (572, ConnectFailed, OSError),
        (573, ConnectFailed, OSError),
        (574, ConnectFailed, OSError),
    ],
)
@pytest.mark.parametrize("answer", ["after OK", "ERROR", "+CME ERROR"])
def test_each_code_is_an_exception_and_the_number_is_closed(
    code: int, kind: type[Exception], also: type[Exception], answer: str
) -> None:
    """LTE L11, L40: a failed open keeps its number until QICLOSE; 565 is a name that was not found."""
    failure: list[Pair] = {
        "after OK": [(OPEN, opened(code=code))],
        "ERROR": [(OPEN, ERROR), *error(code)],
        "+CME ERROR": [(OPEN, line(f"+CME ERROR: {code}"))],
    }[answer]
    with play(*START, *failure, ABORT, (OPEN, opened()), CLOSE, *DOWN) as one:
        with pytest.raises(kind, match=str(code)) as failed:
            one.connect()
        assert type(failed.value) is kind
        assert isinstance(failed.value, also)
        assert failed.value.code == code  # type: ignore[attr-defined]
        one.connect()


@pytest.mark.requirement("L3.12")
def test_error_without_a_code_is_a_failure_too() -> None:
    with play(*START, (OPEN, ERROR), ("AT+QIGETERROR", ERROR), ABORT, *DOWN) as one:
        with pytest.raises(ConnectFailed, match="was answered ERROR") as failed:
            one.connect()
        assert failed.value.code is None


@pytest.mark.requirement("L3.12", "L2.13")
def test_570_is_the_loss_of_the_context_which_is_deactivated_before_the_next_use() -> None:
    rows = [(OPEN, opened(code=570)), ABORT, *DOWN, *CLAIM, *UP, *OPENED, CLOSE, *DOWN]
    with play(*START, *rows) as one:
        with pytest.raises(ContextLost, match="the network has deactivated it") as failed:
            one.connect()
        assert failed.value.code == 570
        one.connect()


@pytest.mark.requirement("L3.12")
@pytest.mark.parametrize("code", [562, 563])
@pytest.mark.parametrize("by_error", [False, True])
def test_a_number_that_somebody_has_is_left_alone_and_the_next_one_is_tried(code: int, by_error: bool) -> None:
    refusal = [(OPEN, ERROR), *error(code)] if by_error else [(OPEN, opened(code=code))]
    with play(*START, *refusal, (opening(1), opened(1)), ("AT+QICLOSE=1,2", OK), *DOWN) as one:
        assert one.connect().index == 1


def test_when_all_numbers_are_taken_that_is_said_with_the_code() -> None:
    refusals = [(opening(id), opened(id, 563)) for id in range(12)]
    with play(*START, *refusals, *DOWN) as one:
        with pytest.raises(ConnectFailed, match="all 12 sockets are open already") as failed:
            one.connect()
        assert failed.value.code == 563


def test_a_number_may_be_chosen() -> None:
    rows = [(opening(7), opened(7)), (opening(3), opened(3, 563)), ("AT+QICLOSE=7,2", OK), *DOWN]
    with play(*START, *rows) as one:
        assert one.connect(index=7).index == 7
        with pytest.raises(ConnectFailed, match="socket 3 is open already") as failed:
            one.connect(index=3)
        assert failed.value.code == 563
        for index in (-1, 12, "1"):
            with pytest.raises(ValueError, match="0 to 11"):
                one.connect(index=index)


@pytest.mark.requirement("L3.11")
def test_an_opening_that_the_module_does_not_answer_ends_after_its_time_and_closes_the_number() -> None:
    clock = SteppedClock()
    rows = [(OPEN, OK), ("AT+QISTATE=1,0", listed(1)), ABORT, *DOWN]
    with play(*START, *rows, clock=clock) as one, ThreadPoolExecutor(1) as pool:
        call = pool.submit(one.connect)
        for seconds in (10.0, 140.0 + 5.0):  # the module is asked in between, and gets a little more than 150 s
            clock.await_wait(seconds)
            clock.advance(seconds)
        with pytest.raises(ConnectTimeout, match=r"\+QIOPEN after AT\+QIOPEN=.* did not come"):
            call.result(PATIENCE)


def listed(state: int, id: int = 0, kind: str = "TCP", port: str = "usbmodem") -> bytes:
    return line(f'+QISTATE: {id},"{kind}","10.0.0.1",80,65514,{state},1,0,0,"{port}"') + OK


@pytest.mark.parametrize("state", [2, 3])
def test_a_socket_is_open_that_the_module_lists_so_although_its_result_went_elsewhere(state: int) -> None:
    """LTE L1, L21: a BG96 shows 3 for a connected client; a result may go to another port."""
    clock = SteppedClock()
    rows = [(OPEN, OK), ("AT+QISTATE=1,0", listed(state)), CLOSE, *DOWN]
    with play(*START, *rows, clock=clock) as one, ThreadPoolExecutor(1) as pool:
        call = pool.submit(one.connect)
        clock.await_wait(10.0)
        clock.advance(10.0)
        assert call.result(PATIENCE).open


def test_the_port_of_unsolicited_results_is_changed_where_they_went_elsewhere() -> None:
    """LTE L21: from the factory it is another port than the one in use; what they said meanwhile is asked for."""
    clock = SteppedClock()
    answers = {
        "AT+QIACT?": LISTED,
        OPEN: OK,
        "AT+QISTATE=1,0": listed(2, port="uart1"),
        "AT+QIRD=0,1500": line("+QIRD: 2") + b"hi\r\n" + OK,
    }
    port = CommandPort(lambda text: answers.get(text, OK))
    with TcpipDriver(port, dialect="bg96", clock=clock) as driver, ThreadPoolExecutor(1) as pool:
        call = pool.submit(driver.connect, "TCP", "10.0.0.1", 80)
        clock.await_wait(10.0)
        clock.advance(10.0)
        session = call.result(PATIENCE)
        assert session.recv(10) == b"hi"
        assert 'AT+QURCCFG="urcport","uart1"' in port.commands


@pytest.mark.parametrize("id", [0, 11])
def test_a_number_is_freed_although_the_firmware_knows_no_close_at_once(id: int) -> None:
    text = OPEN.replace("=1,0", f"=1,{id}")
    rows = [(text, opened(id, 566)), (f"AT+QICLOSE={id},0", ERROR), (f"AT+QICLOSE={id},2", OK)]
    with play(*START, *rows, *DOWN) as one, pytest.raises(ConnectRefused):
        one.connect(index=id)


# -- keep-alive --------------------------------------------------------------------------------------------------------


def test_a_module_that_has_it_keeps_the_connection_alive_by_itself() -> None:
    rows = [*OPENED, ('AT+QICFG="tcp/keepalive",1,7,25,3', OK), (1, "<", urc('"closed",0')), ("AT+QIRD=0,1500", NONE)]
    with play(*START, *rows, CLOSE, *DOWN, dialect="ec25") as one:
        dead = threading.Event()
        session = one.connect()
        with one.driver.keep_alive(session, KeepAlive(period=420), on_dead=lambda *_: dead.set()):
            assert session.recv(1) == b""
            assert dead.wait(PATIENCE)


NONE = line("+QIRD: 0") + OK
