"""What an LTE module may do at a bad moment: refuse, say nothing, be late, give an id away; nothing is lost by that."""

from __future__ import annotations

import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from driver_lab import PATIENCE
from lte_script import CLAIM, DOWN, LISTED, OPEN, UP, connected, line, opened, play, read, urc
from scripted_port import ERROR, OK, CommandPort
from stepped_clock import SteppedClock

from drivers.errors import AtTimeout, CommandError, ConnectFailed, ConnectTimeout, SessionReset, UnexpectedAnswer
from drivers.tcpip import TcpipDriver
from drivers.tcpip.core.socket_state import SocketId
from drivers.tcpip.quectel_lte.state import Module

START = [*CLAIM, *UP]
CLOSE = ("AT+QICLOSE=0,2", OK)
NOTHING = ("AT+QIRD=0,1500", line("+QIRD: 0") + OK)


def opening(id: int) -> str:
    return OPEN.replace("=1,0,", f"=1,{id},")


class Table(CommandPort):
    """A module with a table of sockets, which may say nothing for a while, or have sockets of others."""

    def __init__(self) -> None:
        super().__init__(self.answer)
        self.sockets: set[int] = set()
        self.silent = ""
        """The commands that it does not answer: a regular expression."""

    def answer(self, text: str) -> bytes:
        if self.silent and re.match(self.silent, text):
            return b""
        number = int(found[1]) if (found := re.match(r"AT\+QICLOSE=(\d+)", text)) else None
        if number is not None:
            self.sockets.discard(number)
        if found := re.match(r"AT\+QIOPEN=1,(\d+)", text):
            code = 563 if int(found[1]) in self.sockets else 0
            self.sockets.add(int(found[1]))
            return opened(int(found[1]), code)
        if text == "AT+QISTATE?":
            return b"".join(map(self.entry, sorted(self.sockets))) + OK
        return {"ATE0": b"ATE0\r" + OK, "AT+QIACT?": LISTED}.get(text, OK)

    def entry(self, id: int) -> bytes:
        return line(f'+QISTATE: {id},"TCP","10.0.0.1",80,1024,2,1,0,0,"cmux1"')


@pytest.mark.requirement("L3.10")
def test_ids_of_sessions_whose_close_was_not_answered_are_found_again() -> None:
    """LTE L11, L17: ids were used up."""
    port, clock = Table(), SteppedClock()
    with TcpipDriver(port, dialect="bg96", clock=clock) as driver:
        for _ in range(12):
            session = driver.connect("TCP", "10.0.0.1", 80)
            port.silent = "AT(E[01])?$|.*QICLOSE"
            with pytest.raises(AtTimeout), clock.passing(1000.0, 30.0):
                session.close()
            port.silent = ""
        assert port.sockets == set(range(12))
        assert driver.connect("TCP", "10.0.0.1", 80).index == 0
        assert port.sockets == {0}


@pytest.mark.requirement("L3.12")
def test_ids_that_others_had_are_used_when_they_have_them_no_longer() -> None:
    port = Table()
    with TcpipDriver(port, dialect="bg96") as driver:
        driver.activate()
        port.sockets = set(range(12))
        for _ in range(2):
            with pytest.raises(ConnectFailed, match="all 12 sockets are open already"):
                driver.connect("TCP", "10.0.0.1", 80)
        port.sockets = {3}
        assert [driver.connect("TCP", "10.0.0.1", 80).index for _ in range(4)] == [0, 1, 2, 4]


@pytest.mark.requirement("L7.6")
def test_an_id_that_a_client_took_while_it_was_opened_is_free_after_the_client() -> None:
    listening = ('AT+QIOPEN=1,0,"TCP LISTENER","127.0.0.1",0,2020,0', opened())
    taken = OK + urc('"incoming",1,0,"10.0.0.9",4444') + line("+QIOPEN: 1,563")
    rows = [*START, listening, (opening(1), taken), (opening(2), opened(2)), ("AT+QICLOSE=1,2", OK)]
    rows += [(opening(1), opened(1)), ("AT+QICLOSE=1,2", OK), ("AT+QICLOSE=2,2", OK), *DOWN]
    with play(*rows) as one:
        listener = one.driver.listen("TCP", 2020)
        assert one.connect().index == 2
        with listener.accept() as client:
            assert client.index == 1
        assert one.connect().index == 1


@pytest.mark.requirement("L3.11")
@pytest.mark.parametrize("receive", ["buffered", "transparent"])
def test_an_opening_in_silence_is_told_as_that_and_not_as_its_cleaning_up(receive: str) -> None:
    port, clock = Table(), SteppedClock()
    with TcpipDriver(port, dialect="bg96", clock=clock) as driver:
        driver.activate()
        port.silent = ".*"
        with pytest.raises(ConnectTimeout, match=r"AT\+QIOPEN=1,0"), clock.passing(1000.0, 30.0):
            driver.connect("TCP", "10.0.0.1", 80, receive=receive)
        port.silent = ""
        assert driver.connect("TCP", "10.0.0.1", 80).open


@pytest.mark.requirement("L3.11")
def test_a_transparent_opening_that_the_module_does_not_answer_ends_after_its_time_and_closes_the_number() -> None:
    """It has no ``+QIOPEN``: until CONNECT the UART is nobody else's, so the module is asked nothing meanwhile."""
    port, clock = Table(), SteppedClock()
    with TcpipDriver(port, dialect="bg96", clock=clock) as driver, ThreadPoolExecutor(1) as pool:
        driver.activate()
        port.silent = r"AT\+QIOPEN"
        call = pool.submit(driver.connect, "TCP", "10.0.0.1", 80, receive="transparent")
        clock.await_wait(150.0 + 5.0)
        clock.advance(150.0)
        assert port.commands[-1].startswith("AT+QIOPEN")
        clock.advance(5.0)
        clock.await_wait(0.3)  # CONNECT may be on its way; then it is in command mode, and closes
        clock.advance(0.3)
        with pytest.raises(ConnectTimeout, match=r"AT\+QIOPEN=1,0.*155 s"):
            call.result(PATIENCE)
        assert port.commands[-2:] == ["AT", "AT+QICLOSE=0,0"]
        port.silent = ""
        assert driver.connect("TCP", "10.0.0.1", 80).index == 0


@pytest.mark.requirement("L3.11")
def test_a_module_that_says_nothing_at_all_keeps_a_transparent_opening_for_no_more_than_25_seconds_more() -> None:
    """Three times it may be in data mode; then the number is left for later."""
    port, clock = Table(), SteppedClock()
    with TcpipDriver(port, dialect="bg96", clock=clock) as driver, ThreadPoolExecutor(1) as pool:
        driver.activate()
        port.silent = ".*"
        call = pool.submit(driver.connect, "TCP", "10.0.0.1", 80, receive="transparent")
        clock.await_wait(150.0 + 5.0)
        clock.advance(150.0 + 5.0)
        begun = clock.now()
        over = threading.Event()
        call.add_done_callback(lambda _: over.set())
        assert clock.pass_until(over.wait, 60.0, 0.2)
        assert clock.now() - begun < 25.0
        with pytest.raises(ConnectTimeout):
            call.result(0)
        port.silent = ""
        assert driver.connect("TCP", "10.0.0.1", 80).index == 1


@pytest.mark.requirement("L5.13")
def test_data_that_the_module_refuses_to_give_is_asked_for_again() -> None:
    """The module announces it only once."""
    rows = [(1, "<", urc('"recv",0')), ("AT+QIRD=0,1500", line("+CME ERROR: 568")), listed(), read(0, b"late")]
    with connected(*rows) as (_, session):
        assert session.recv(100) == b"late"


@pytest.mark.requirement("L6.5")
def test_data_that_the_module_refuses_to_give_when_the_other_side_has_closed_is_asked_for_again() -> None:
    """What is left of it is no less there than before."""
    told = (1, "<", urc('"recv",0') + urc('"closed",0'))
    asked = [("AT+QIRD=0,1500", line("+CME ERROR: 568")), listed(4), read(0, b"late"), read(0, b"")]
    with connected(told, *asked) as (_, session):
        assert (session.recv(100), session.recv(100)) == (b"late", b"")


@pytest.mark.parametrize("told", [b"", urc('"closed",0')])
def test_a_session_whose_data_is_refused_always_is_broken(told: bytes) -> None:
    rows = [(1, "<", urc('"recv",0') + told), *[("AT+QIRD=0,1500", ERROR), listed()] * 5]
    with connected(*rows) as (_, session), pytest.raises(SessionReset, match="refuses"):
        session.recv(100)


def listed(state: int = 2) -> tuple[str, bytes]:
    return "AT+QISTATE?", line(f'+QISTATE: 0,"TCP","10.0.0.1",80,1024,{state},1,0,0,"cmux1"') + OK


@pytest.mark.requirement("L5.11", "L5.12")
def test_data_that_is_pushed_before_the_switch_to_it_is_answered_counts() -> None:
    """LTE L19: an unsolicited result comes between a command and its answer."""
    trap = b'\r\n+QIURC: "closed",0\r\n\r\nOK\r\n'
    pushed = b'\r\n+QIURC: "recv",0,%d\r\n' % len(trap) + trap
    with connected(("AT+QISWTMD=0,1", pushed + OK)) as (_, session):
        session.set_receive("pushed")
        assert session.recv(100) == trap


def test_a_switch_that_is_refused_changes_nothing() -> None:
    rows = [("AT+QISWTMD=0,1", line("+CME ERROR: 572")), (1, "<", urc('"recv",0,3')), read(0, b"abc")]
    with connected(*rows) as (_, session):
        with pytest.raises(CommandError, match="572"):
            session.set_receive("pushed")
        assert session.recv(100) == b"abc"


@pytest.mark.requirement("L5.6")
def test_an_empty_datagram_does_not_hide_those_behind_it() -> None:
    def got(data: bytes) -> tuple[str, bytes]:
        return "AT+QIRD=0", line(f'+QIRD: {len(data)},"10.0.0.9",99') + data + b"\r\n" + OK

    service = ('AT+QIOPEN=1,0,"UDP SERVICE","127.0.0.1",0,2020,0', opened())
    rows = [*START, service, (1, "<", urc('"recv",0')), got(b""), got(b"abc"), CLOSE, *DOWN]
    with play(*rows) as one:
        assert one.driver.udp_service(2020).recvfrom(100) == (b"abc", ("10.0.0.9", 99))


@pytest.mark.parametrize(
    "time", ["2026/13/45,12:00:00+00", "2026/11/30,25:61:00+00", "2026/11/30,12:00:00+99", "2026/11/30,12:00:00"]
)
def test_a_time_that_is_none_is_an_unexpected_answer(time: str) -> None:
    asked = ('AT+QNTP=1,"pool.ntp.org",123', OK + line(f'+QNTP: 0,"{time}"'))
    with play(*START, asked, *DOWN) as one, pytest.raises(UnexpectedAnswer, match="no time"):
        one.driver.network_time("pool.ntp.org")


def test_a_code_of_the_stack_shows_that_the_module_has_it() -> None:
    """A module that is busy is of the family, also where it does not tell its model."""
    rows = [("AT+QISTATE?", line("+CME ERROR: 568")), ("AT+CGMM", ERROR), ("ATI", ERROR)]
    with play(*rows) as one, pytest.raises(CommandError, match="568"):
        one.driver.claim()


def test_readers_look_at_the_drivers_of_a_module_while_others_come_and_go() -> None:
    """They ask with each line whose data is pushed."""

    class Stack:
        def __init__(self) -> None:
            self.table = self
            self.sessions: dict[SocketId, object] = {}

    module, stacks, over = Module(), [Stack() for _ in range(4)], threading.Event()
    port: Any = object()

    def come_and_go() -> None:
        while not over.is_set():
            for one in stacks:
                module.add(one)  # type: ignore[arg-type]
            for one in stacks:
                module.remove(one)  # type: ignore[arg-type]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(1) as pool:
            going = pool.submit(come_and_go)
            try:
                assert {module.pushing(port) for _ in range(2000)} == {frozenset()}
            finally:
                over.set()
            going.result(PATIENCE)
    finally:
        sys.setswitchinterval(interval)
