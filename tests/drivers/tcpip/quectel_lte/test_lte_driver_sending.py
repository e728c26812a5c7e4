"""Sending on an LTE module: the prompt, the three endings, SEND FAIL, ERROR, and what ends the wait."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from driver_lab import PATIENCE
from lte_script import CLAIM, DOWN, LISTED, OPEN, OPENED, UP, connected, error, line, opened, play, sent, urc
from scripted_port import ERROR, OK, CommandPort
from stepped_clock import SteppedClock

from drivers.errors import SendFailed, SessionClosed, SessionFinished, SessionReset
from drivers.tcpip import TcpipDriver
from drivers.tcpip.core.socket_state import Acknowledged

FAIL = b"\r\nSEND FAIL\r\n"
SENT_OK = b"\r\nSEND OK\r\n"


@pytest.mark.parametrize("prompt", [b"\r\n> ", b"\r\n>", b"\r\n>\r\n"])
def test_a_piece_is_sent_by_its_length_whatever_its_octets_are(prompt: bytes) -> None:
    """LTE L35: nothing is behind the octets. LTE L18: the prompt has no line end."""
    octets = bytes(range(256)) + b"\r\nSEND OK\r\n+++\x1a\x1b"
    rows = [(1, ">", b"AT+QISEND=0,%d\r" % len(octets)), (1, "<", prompt), (1, ">", octets), (1, "<", SENT_OK)]
    with connected(*rows) as (_, session):
        session.sendall(octets)


@pytest.mark.requirement("L4.12")
def test_a_long_text_goes_in_pieces_of_1460() -> None:
    octets = b"x" * 3000
    rows = [*sent(0, b"x" * 1460), *sent(0, b"x" * 1460), *sent(0, b"x" * 80)]
    with connected(*rows) as (_, session):
        session.sendall(octets)


@pytest.mark.requirement("L4.12")
def test_two_sessions_of_a_channel_take_turns() -> None:
    """A piece of one that waits meanwhile comes between two pieces of the other."""
    second = ('AT+QIOPEN=1,1,"TCP","10.0.0.2",80,0,0', opened(1))
    begun = [(1, ">", b"AT+QISEND=0,1460\r"), (1, ">", b"a" * 1460), (1, "<", SENT_OK)]
    ends = [("AT+QICLOSE=0,2", OK), ("AT+QICLOSE=1,2", OK), *DOWN]
    rows = [*CLAIM, *UP, *OPENED, second, *begun, *sent(1, b"b"), *sent(0, b"aa"), *ends]
    with play(*rows) as one, ThreadPoolExecutor(2) as pool:
        first, other = one.connect(), one.driver.connect("TCP", "10.0.0.2", 80)
        asked = threading.Event()
        one.driver.channel.on_octets(lambda way, octets: asked.set() if b"QISEND" in octets and way == "tx" else None)
        long = pool.submit(first.sendall, b"a" * 1462)
        assert asked.wait(PATIENCE)
        short = pool.submit(other.sendall, b"b")
        turns = one.driver.channel._turns
        with turns._changed:
            assert turns._changed.wait_for(lambda: len(turns._tickets) == 2, PATIENCE)
        one.port.say(b"\r\n> ")
        long.result(PATIENCE)
        short.result(PATIENCE)


def test_ctrl_z_ends_a_piece_and_cannot_be_in_it() -> None:
    rows = [(1, ">", b"AT+QISEND=0\r"), (1, "<", b"\r\n> "), (1, ">", b"abc\x1a"), (1, "<", SENT_OK)]
    with connected(*rows) as (_, session):
        session.sendall(b"abc", end="ctrl-z")
        for octets in (b"a\x1a", b"\x1bb"):
            with pytest.raises(ValueError, match="send it by length"):
                session.sendall(octets, end="ctrl-z")
        with pytest.raises(ValueError, match=r"Quectel BG96 has no end='timer'"):
            session.sendall(b"abc", end="timer")


def test_hexadecimal_text_goes_in_pieces_of_255_octets() -> None:
    """LTE L36: 512 digits were refused, 510 are taken."""
    octets = bytes(range(256)) + b"\xff"
    rows = [
        (f'AT+QISENDEX=0,"{octets[:255].hex().upper()}"', SENT_OK),
        ('AT+QISENDEX=0,"FFFF"', SENT_OK),
    ]
    assert len(rows[0][0]) == len('AT+QISENDEX=0,""') + 510
    with connected(*rows) as (_, session):
        session.sendall(octets, end="hex")


@pytest.mark.requirement("L4.11")
def test_send_fail_is_a_full_buffer_and_the_piece_is_sent_again_after_a_pause() -> None:
    clock = SteppedClock()
    with (
        connected(*sent(0, b"abc", FAIL), *sent(0, b"abc"), clock=clock) as (_, session),
        ThreadPoolExecutor(1) as pool,
    ):
        call = pool.submit(session.sendall, b"abc")
        clock.await_wait(1.0)
        clock.advance(1.0)
        call.result(PATIENCE)


@pytest.mark.requirement("L4.11")
def test_a_buffer_that_stays_full_is_an_error_after_the_timeout_of_the_caller() -> None:
    clock = SteppedClock()
    rows = [row for _ in range(3) for row in sent(0, b"abc", FAIL)]
    with connected(*rows, clock=clock) as (_, session), ThreadPoolExecutor(1) as pool:
        session.settimeout(2.5)
        call = pool.submit(session.sendall, b"abc")
        for _ in range(2):
            clock.await_wait(1.0)
            clock.advance(1.0)
        with pytest.raises(SendFailed, match="SEND FAIL"):
            call.result(PATIENCE)


@pytest.mark.requirement("L4.11", "L1.8")
@pytest.mark.parametrize(
    "refusal", [[("AT+QISEND=0,3", ERROR), *error(558)], [("AT+QISEND=0,3", line("+CME ERROR: 558"))]]
)
def test_error_in_place_of_the_prompt_ends_the_session_with_the_code(refusal: list[tuple[str, bytes]]) -> None:
    with connected(*refusal) as (_, session):
        with pytest.raises(SendFailed, match="558") as failed:
            session.sendall(b"abc")
        assert failed.value.code == 558
        with pytest.raises(SessionReset) as ended:
            session.recv(1)
        assert ended.value.code == 558


@pytest.mark.requirement("L4.11")
def test_error_behind_the_octets_ends_the_session() -> None:
    with connected(*sent(0, b"abc", ERROR), *error(559)) as (_, session):
        with pytest.raises(SendFailed) as failed:
            session.sendall(b"abc")
        assert failed.value.code == 559
        assert not session.open


@pytest.mark.requirement("L6.5", "L4.11")
def test_567_is_the_end_by_the_other_side_whose_data_can_still_be_read() -> None:
    left = ("AT+QIRD=0,1500", line("+QIRD: 2") + b"hi\r\n" + OK)
    rows = [("AT+QISEND=0,3", ERROR), *error(567), left, ("AT+QIRD=0,1500", line("+QIRD: 0") + OK)]
    with connected(*rows) as (_, session):
        with pytest.raises(SessionFinished):
            session.sendall(b"abc")
        assert (session.recv(10), session.recv(10)) == (b"hi", b"")


@pytest.mark.requirement("L4.14")
@pytest.mark.parametrize("end", [urc('"closed",0'), urc('"pdpdeact",1')])
@pytest.mark.parametrize("then", [b"", FAIL, ERROR])
def test_the_end_of_the_session_ends_the_wait_for_the_result(end: bytes, then: bytes) -> None:
    clock = SteppedClock()
    dropped = b"pdp" in end
    rows = [*CLAIM, *UP, *OPENED, *sent(0, b"abc", end + then)]
    rows += DOWN if dropped else [("AT+QICLOSE=0,2", OK), *DOWN]
    with play(*rows, clock=clock) as one, ThreadPoolExecutor(1) as pool:
        session = one.connect()
        call = pool.submit(session.sendall, b"abc")
        if not then:
            clock.await_wait(1.0)
            clock.advance(1.0)
        with pytest.raises(SessionClosed, match="ended while 3 octets were sent"):
            call.result(PATIENCE)
        assert session.remote_closed or not session.open


@pytest.mark.requirement("L4.13", "L4.14")
@pytest.mark.parametrize("end", [urc('"closed",0'), urc('"pdpdeact",1')])
def test_a_promised_length_is_delivered_although_the_session_ends_right_behind_the_prompt(end: bytes) -> None:
    """Until then the module takes commands for data."""
    asked = [(1, ">", b"AT+QISEND=0,3\r"), (1, "<", b"\r\n> " + end), (1, ">", b"abc"), (1, "<", ERROR)]
    rows = [*CLAIM, *UP, *OPENED, *asked, *([] if b"pdp" in end else [("AT+QICLOSE=0,2", OK)]), *DOWN]
    with play(*rows) as one:
        session = one.connect()
        with pytest.raises(SessionClosed, match="ended while 3 octets were sent"):
            session.sendall(b"abc")


class Slow(CommandPort):
    """A module whose prompt the test gives."""

    def __init__(self) -> None:
        answers = {"AT+QIACT?": LISTED, OPEN: opened(), "ATE0": b"ATE0\r" + OK, "AT+QISEND=0,3": b""}
        super().__init__(lambda text: answers.get(text, OK))
        self.asked, self.delivered = threading.Event(), threading.Event()

    def on_write(self, data: bytes) -> None:
        if data == b"abc":
            self.delivered.set()
            self.say(SENT_OK)
            return
        if data.startswith(b"AT+QISEND"):
            self.asked.set()
        super().on_write(data)


@pytest.mark.requirement("L4.13")
def test_the_length_that_was_promised_is_delivered_although_its_call_was_given_up() -> None:
    port = Slow()
    with TcpipDriver(port, dialect="bg96") as driver, ThreadPoolExecutor(2) as pool:
        session = driver.connect("TCP", "10.0.0.1", 80)
        sending = pool.submit(session.sendall, b"abc")
        assert port.asked.wait(PATIENCE)
        closing = pool.submit(session.close)
        session.rest(PATIENCE)
        assert session.closed
        port.say(b"\r\n> ")
        closing.result(PATIENCE)
        assert port.delivered.is_set()
        assert isinstance(sending.exception(PATIENCE), SessionClosed | None)


def test_acknowledgements_are_asked_for_by_a_length_of_0() -> None:
    answer = line("+QISEND: 10,7, 3") + OK
    with connected(("AT+QISEND=0,0", answer)) as (_, session):
        assert session.acknowledged() == Acknowledged(10, 7, 3)


def test_a_session_that_the_module_lists_otherwise_is_dead_only_if_its_acknowledgements_are_refused() -> None:
    """LTE L1: never because of QISTATE alone."""
    closing = line('+QISTATE: 0,"TCP","10.0.0.1",80,65514,4,1,0,0,"cmux1"') + OK
    asked = ("AT+QISEND=0,0", line("+QISEND: 0,0,0") + OK)
    rows = [("AT+QISTATE=1,0", closing), asked, asked, *sent(0, b"TCP detect"), asked]
    clock = SteppedClock()
    with connected(*rows, clock=clock) as (_, session), ThreadPoolExecutor(1) as pool:
        call = pool.submit(session.check)
        clock.await_wait(5.0)
        clock.advance(5.0)
        call.result(PATIENCE)


@pytest.mark.parametrize("listed", [OK, line('+QISTATE: 0,"TCP","10.0.0.1",80,65514,4,1,0,0,"cmux1"') + OK])
def test_a_session_is_dead_that_is_not_connected_and_has_no_acknowledgements(listed: bytes) -> None:
    rows = [("AT+QISTATE=1,0", listed), ("AT+QISEND=0,0", ERROR), *error(567)]
    with connected(*rows) as (_, session), pytest.raises(SessionReset, match=r"AT\+QISTATE"):
        session.check()
