"""Data mode of an LTE module: CONNECT begins it, +++ between two silences leaves it, NO CARRIER ends it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from driver_lab import PATIENCE, exactly
from lte_script import (
    CLAIM,
    DOWN,
    LISTED,
    OPENED,
    RESYNCHRONISED,
    UP,
    Pair,
    Play,
    error,
    line,
    opened,
    play,
    read,
    sent,
    urc,
)
from scripted_port import ERROR, OK
from stepped_clock import SteppedClock

from drivers.errors import (
    AtError,
    AtTimeout,
    ConnectFailed,
    ConnectRefused,
    NameNotFound,
    SessionFinished,
    SessionReset,
)
from drivers.tcpip import Session, Transparent

ONLINE = 'AT+QIOPEN=1,0,"TCP","10.0.0.1",80,0,2'
CONNECT = b"\r\nCONNECT\r\n"
CLOSE = ("AT+QICLOSE=0,2", OK)
PLUS = [(1, ">", b"+++")]
"""What leaves data mode; the module answers after a second of silence, see `ESCAPE`."""
SILENCE, DEAF = 1.1, 1.1 * 0.75
"""Seconds of silence before and after +++, and how long OK is still data after it."""
Step = float | tuple[float, bytes]
"""A time that passes because the driver waits for it, or one within which the module says something."""
ANSWER = (2.0, OK)
ESCAPE = (SILENCE, DEAF, ANSWER, SILENCE - DEAF)
"""What happens while data mode is left."""
NO_ANSWER = (SILENCE, DEAF, 2.0)
"""The same where the module is in command mode already, and so does not answer."""
CLEARING = (0.3,)
END: list[Pair | tuple[int, str, bytes]] = [*PLUS, (1, ">", b"\r"), ("AT", OK)]
"""How the driver finds out that NO CARRIER was no data: it is not answered, and commands are."""
ENDED = [*END, ("AT+QIACT?", LISTED)]
"""The same, and that it was not the loss of the context."""


class Timed:
    """A driver on a clock that stands still unless it is told to go on.

    Args:
        rows: the script behind the claim.
        options: those of `Play`.
    """

    def __init__(self, *rows: Pair | tuple[int, str, bytes], **options: Any) -> None:
        self.clock = SteppedClock()
        self.sent: list[tuple[float, bytes]] = []
        self._pool = ThreadPoolExecutor(1)
        self.play = Play(*CLAIM, *rows, clock=self.clock, **options)
        self.driver = self.play.driver
        self.driver.channel.on_octets(self._note)

    def _note(self, way: str, octets: bytes) -> None:
        if way == "tx":
            self.sent.append((self.clock.now(), octets))

    def call(self, function: Callable[..., Any], *arguments: Any, steps: tuple[Step, ...] = ESCAPE) -> Any:
        """Call something, and let happen meanwhile what it waits for."""
        running: Future[Any] = self._pool.submit(function, *arguments)
        for step in steps:
            if isinstance(step, float):
                self.clock.await_wait(step)
                self.clock.advance(step)
            else:
                self.clock.await_wait(step[0])
                self.play.port.say(step[1])
        return running.result(PATIENCE)

    def finish(self, *steps: Step) -> None:
        """Close the driver; the script has to be at its end then."""
        self.call(self.play.finish, steps=steps)
        self._pool.shutdown()


def online(*rows: Pair | tuple[int, str, bytes], answer: bytes = CONNECT, **options: Any) -> tuple[Timed, Session]:
    """A driver whose session is in data mode."""
    made = Timed(*UP, (ONLINE, answer), *rows, **options)
    return made, made.play.connect(receive="transparent")


@pytest.mark.requirement("L8.8")
@pytest.mark.parametrize("chunk", [1, 65536])
def test_octets_right_behind_connect_are_data(chunk: int) -> None:
    """LTE L33: the other side may speak at once."""
    rows = [*PLUS, CLOSE, *DOWN]
    one, session = online(*rows, answer=CONNECT + b"hello\r\nOK\r\nbye", chunk=chunk)
    got = b""
    while len(got) < 14:
        got += session.recv(100)
    assert got == b"hello\r\nOK\r\nbye"
    one.finish(*ESCAPE)


def test_data_goes_out_as_it_is_and_commands_are_refused_meanwhile() -> None:
    one, session = online((1, ">", b"GET / HTTP/1.0\r\n\r\n"), *PLUS, CLOSE, *DOWN)
    session.sendall(b"GET / HTTP/1.0\r\n\r\n")
    with pytest.raises(AtError, match="data mode"):
        one.driver.channel.command("AT")
    one.finish(*ESCAPE)


@pytest.mark.requirement("L8.2")
def test_plus_signs_are_data_unless_there_is_silence_around_three_of_them_so_three_alone_are_parted_by_one() -> None:
    rows = [(1, ">", b"a+++b"), (1, ">", b"+++"), *PLUS]
    one, session = online(*rows, CLOSE, *DOWN)
    session.sendall(b"a+++b")
    one.call(session.sendall, b"+++", steps=(SILENCE,))
    (_, first), (before, second), (behind, third) = one.sent[-3:]
    assert (first, second, third) == (b"a+++b", b"++", b"+")
    assert behind - before > 1.0
    one.finish(*ESCAPE)


@pytest.mark.requirement("L8.7")
def test_the_silence_before_and_after_the_escape_is_kept() -> None:
    """LTE L32: exactly 1 s was too short, and the answer says whether it worked."""
    rows = [(1, ">", b"data"), *PLUS, ("AT", OK), CLOSE, *DOWN]
    one, session = online(*rows)
    session.sendall(b"data")
    one.call(one.driver.escape)
    assert not one.driver.online
    one.driver.channel.command("AT")
    (data, _), (plus, _), (command, _) = one.sent[-3:]
    assert plus - data >= SILENCE
    assert command - plus >= SILENCE
    one.finish()


def test_a_session_that_has_left_data_mode_is_fetched_from_and_sent_on_by_commands() -> None:
    rows = [*PLUS, read(0, b"kept"), *sent(0, b"abc"), ("ATO", CONNECT + b"more"), *PLUS]
    one, session = online(*rows, CLOSE, *DOWN)
    one.call(one.driver.escape)
    assert session.receive == "buffered"
    one.play.port.say(urc('"recv",0'))
    assert session.recv(10) == b"kept"
    session.sendall(b"abc")
    one.driver.resume()
    assert (session.receive, one.driver.online) == ("transparent", True)
    assert session.recv(10) == b"more"
    one.finish(*ESCAPE)


def test_a_kept_session_goes_to_data_mode_and_back() -> None:
    switch = ("AT+QISWTMD=0,2", CONNECT + b"data")
    one = Timed(*UP, *OPENED, switch, *PLUS, ("AT+QISWTMD=0,1", OK), CLOSE, *DOWN)
    session = one.play.connect()
    session.set_receive("transparent")
    assert session.recv(10) == b"data"
    one.call(session.set_receive, "pushed")
    assert session.receive == "pushed"
    one.finish()


def test_the_way_back_where_the_module_has_forgotten_it_is_to_switch_again() -> None:
    """LTE L32: ATO resumes a dead session, or none."""
    rows = [*PLUS, ("ATO", b"\r\nNO CARRIER\r\n"), ("AT+QISWTMD=0,2", CONNECT), *PLUS, CLOSE, *DOWN]
    one, session = online(*rows)
    one.call(one.driver.escape)
    one.driver.resume()
    assert session.receive == "transparent"
    one.finish(*ESCAPE)


def test_a_session_that_has_ended_meanwhile_is_not_resumed() -> None:
    rows = [*PLUS, ("ATO", b"\r\nNO CARRIER\r\n"), ("AT+QISWTMD=0,2", ERROR), *error(567), CLOSE, *DOWN]
    one, session = online(*rows)
    one.call(one.driver.escape)
    with pytest.raises(SessionFinished):
        one.driver.resume()
    assert session.recv(1) == b""
    session.close()
    one.finish()


@pytest.mark.requirement("L6.5")
def test_no_carrier_ends_the_session_which_is_then_closed_here_too() -> None:
    one, session = online((1, "<", b"last words\r\nNO CARRIER\r\n"), *ENDED, CLOSE, *DOWN)
    assert session.recv(100) == b"last words"
    assert one.call(session.recv, 1, steps=(*NO_ANSWER, *CLEARING)) == b""
    assert not one.driver.online
    session.close()
    one.finish()


@pytest.mark.requirement("L6.5")
def test_a_firmware_may_say_behind_no_carrier_that_it_is_closed() -> None:
    end = b'\r\nNO CARRIER\r\n\r\n+QIURC: "closed",0\r\n'
    one, session = online((1, "<", end), *ENDED, CLOSE, *DOWN)
    assert one.call(session.recv, 1, steps=(*NO_ANSWER, *CLEARING)) == b""
    session.close()
    one.finish()


@pytest.mark.requirement("L2.13")
def test_the_loss_of_the_context_that_is_told_behind_no_carrier_is_the_reason() -> None:
    end = b'data\r\nNO CARRIER\r\n\r\n+QIURC: "pdpdeact",1\r\n'
    one, session = online((1, "<", end), *END, ("AT+QIACT?", OK), *DOWN)
    assert session.recv(100) == b"data"
    with pytest.raises(SessionReset, match="pdpdeact"):
        one.call(session.recv, 1, steps=(*NO_ANSWER, *CLEARING))
    session.close()
    one.finish()


@pytest.mark.requirement("L2.13")
def test_the_loss_of_the_context_that_nobody_has_told_is_found_out_behind_no_carrier() -> None:
    """States of the reference, §5: news that a channel in data mode would get are lost in some firmware."""
    one, session = online((1, "<", b"data\r\nNO CARRIER\r\n"), *END, ("AT+QIACT?", OK), *DOWN)
    assert session.recv(100) == b"data"
    with pytest.raises(SessionReset, match=r"AT\+QIACT"):
        one.call(session.recv, 1, steps=(*NO_ANSWER, *CLEARING))
    session.close()
    one.finish()


def test_news_of_other_sockets_behind_no_carrier_are_theirs() -> None:
    """They have waited for the end of data mode."""
    other = ('AT+QIOPEN=1,0,"TCP","10.0.0.2",80,0,1', opened(0))
    third = ('AT+QIOPEN=1,1,"TCP","10.0.0.3",80,0,0', opened(1))
    online = (ONLINE.replace("1,0", "1,2", 1), CONNECT)
    push = b'\r\n+QIURC: "recv",0,9\r\n\r\nOK\r\nabc'
    end = b"last\r\nNO CARRIER\r\n" + urc('"recv",1') + push + line("+CREG: 1")
    closing = [("AT+QICLOSE=0,2", OK), ("AT+QICLOSE=1,2", OK), ("AT+QICLOSE=2,2", OK)]
    one = Timed(*UP, other, third, online, (1, "<", end), *ENDED, read(1, b"kept"), *closing, *DOWN)
    pushed, kept = (
        one.driver.connect("TCP", f"10.0.0.{host}", 80, receive=mode) for host, mode in ((2, "pushed"), (3, "buffered"))
    )
    session = one.play.connect(receive="transparent")
    assert session.recv(100) == b"last"
    assert one.call(session.recv, 1, steps=(*NO_ANSWER, *CLEARING)) == b""
    assert pushed.recv(100) == b"\r\nOK\r\nabc"
    assert kept.recv(100) == b"kept"
    one.finish()


def test_no_more_is_read_than_can_be_kept_until_it_is_known_whether_no_carrier_was_data() -> None:
    """As for a session that nobody reads: 256 KiB."""
    size = 1460
    other = ('AT+QIOPEN=1,0,"TCP","10.0.0.2",80,0,1', opened(0))
    online = (ONLINE.replace("1,0", "1,1", 1), CONNECT)
    closing = [("AT+QICLOSE=0,2", OK), ("AT+QICLOSE=1,2", OK)]
    one = Timed(*UP, other, online, *ENDED, *closing, *DOWN)
    pushed = one.driver.connect("TCP", "10.0.0.2", 80, receive="pushed")
    session = one.play.connect(receive="transparent")
    sink = one.driver._context._demultiplexer
    assert sink.take_line("NO CARRIER")
    count = 0
    while not sink.congested:
        assert sink.take_data(f'+QIURC: "recv",0,{size}', bytes(size))
        count += 1
        assert count * size < 260 * 1024
    assert count * size > 250 * 1024
    assert one.call(session.recv, 1, steps=(*NO_ANSWER, *CLEARING)) == b""
    assert exactly(pushed, size * count) == bytes(size * count)
    assert not sink.congested
    one.finish()


def test_what_looks_like_news_behind_no_carrier_in_the_data_is_data() -> None:
    data = b'\r\nNO CARRIER\r\n\r\n+QIURC: "pdpdeact",1\r\n\r\n+CREG: 1\r\n'
    one, session = online((1, "<", data), *PLUS, ("ATO", CONNECT + b"more"), *PLUS, CLOSE, *DOWN)
    assert one.call(exactly, session, len(data)) == data
    assert session.recv(100) == b"more"
    one.finish(*ESCAPE)


def test_a_line_that_looks_like_the_end_of_a_kept_session_is_data() -> None:
    line = b'\r\n+QIURC: "closed",0\r\n'
    one, session = online((1, "<", line + b"more"), *PLUS, CLOSE, *DOWN)
    assert exactly(session, len(line) + 4) == line + b"more"
    one.finish(*ESCAPE)


def test_no_carrier_in_the_data_is_data() -> None:
    """LTE L37: there it is found out by +++, which only data mode answers."""
    rows = [(1, "<", b"\r\nNO CARRIER\r\n"), *PLUS, ("ATO", CONNECT + b"more"), *PLUS, CLOSE, *DOWN]
    one, session = online(*rows)
    assert one.call(exactly, session, 14) == b"\r\nNO CARRIER\r\n"
    assert session.recv(100) == b"more"
    one.finish(*ESCAPE)


def in_the_silence(one: Timed, octets: bytes, *steps: Step) -> None:
    """Leave data mode, and let the module say something in the silence before +++."""
    with ThreadPoolExecutor(1) as pool:
        leaving = pool.submit(one.driver.escape)
        one.clock.await_wait(SILENCE)
        one.play.port.say(octets)
        assert one.play.port.drained()
        one.clock.advance(SILENCE)
        one.call(leaving.result, PATIENCE, steps=steps)


@pytest.mark.requirement("L6.5", "L8.7")
def test_a_session_that_ends_in_the_silence_before_the_escape_is_closed_and_so_is_the_driver() -> None:
    """The module is in command mode then, and does not answer +++."""
    one, session = online(*ENDED, CLOSE, *DOWN)
    in_the_silence(one, b"\r\nNO CARRIER\r\n", *NO_ANSWER[1:], *CLEARING)
    assert not one.driver.online
    assert session.recv(1) == b""
    one.finish()


@pytest.mark.requirement("L5.12", "L8.7")
def test_a_line_in_the_silence_before_the_escape_that_was_no_end_is_data() -> None:
    one, session = online(*PLUS, CLOSE, *DOWN)
    in_the_silence(one, b"\r\nNO CARRIER\r\n", *ESCAPE[1:])
    assert session.recv(100) == b"\r\nNO CARRIER\r\n"
    assert session.open
    one.finish()


@pytest.mark.requirement("L3.10", "L3.12")
@pytest.mark.parametrize(("code", "kind"), [(565, NameNotFound), (566, ConnectRefused), (553, ConnectFailed)])
def test_error_in_place_of_connect_has_its_reason(code: int, kind: type[Exception]) -> None:
    rows: list[Pair] = [(ONLINE, ERROR), *error(code), ("AT+QICLOSE=0,0", OK), *DOWN]
    with play(*CLAIM, *UP, *rows) as one:
        with pytest.raises(kind, match=str(code)) as failed:
            one.connect(receive="transparent")
        assert failed.value.code == code  # type: ignore[attr-defined]


@pytest.mark.requirement("L3.12")
def test_a_number_that_is_taken_is_left_alone_in_data_mode_too() -> None:
    rows = [
        (ONLINE, ERROR),
        *error(563),
        (ONLINE.replace("=1,0", "=1,1"), CONNECT),
        *PLUS,
        ("AT+QICLOSE=1,2", OK),
        *DOWN,
    ]
    one = Timed(*UP, *rows)
    assert one.play.connect(receive="transparent").index == 1
    one.finish(*ESCAPE)


def test_data_mode_is_left_by_dtr_where_that_is_asked_for_and_data_may_be_anything_then() -> None:
    settings = [('AT+QICFG="transpktsize",1024', OK), ('AT+QICFG="transwaittm",2', OK), ("AT&D1", OK)]
    rows = [*settings, *UP, (ONLINE, CONNECT), (1, ">", b"+++"), CLOSE, *DOWN]
    one = Timed(*rows, transparent=Transparent(escape="dtr"))
    one.play.port.dtr = True  # type: ignore[attr-defined]
    session = one.play.connect()
    one.call(session.sendall, b"+++", steps=(SILENCE,))
    assert [octets for _, octets in one.sent[-2:]] == [b"++", b"+"]
    assert one.sent[-1][0] - one.sent[-2][0] >= 1.1  # AT&D1 does not turn +++ off: three within a second are no data
    one.call(one.driver.escape, steps=(ANSWER,))
    assert session.receive == "buffered"
    assert one.play.port.dtr  # type: ignore[attr-defined]
    one.finish()


def test_a_port_without_dtr_is_refused_before_anything_is_sent() -> None:
    one = Timed(transparent=Transparent(escape="dtr"))
    with pytest.raises(AtError, match="DTR"):
        one.driver.claim()
    one.play.port.die()
    one.driver.close()


@pytest.mark.requirement("L3.10")
def test_an_opening_that_its_caller_gives_up_is_closed_in_command_mode() -> None:
    """It may have succeeded meanwhile, so the module is asked for its mode first; here AT goes to the other side."""
    rows = [(1, ">", ONLINE.encode() + b"\r"), (1, ">", b"AT\r"), *PLUS, ("AT", OK), ("AT+QICLOSE=0,0", OK)]
    one = Timed(*UP, *rows, *RESYNCHRONISED, *DOWN)
    one.driver.activate()

    def connect() -> None:
        with pytest.raises(AtTimeout, match=r"AT\+QIOPEN=1,0"):
            one.driver.connect("TCP", "10.0.0.1", 80, receive="transparent", timeout=3.0)

    one.call(connect, steps=(3.0,))
    one.finish(0.3, 1.0, SILENCE, DEAF, ANSWER, SILENCE - DEAF, 0.3)


def test_the_settings_of_transparent_sessions_are_made_once_when_they_are_given() -> None:
    settings = [('AT+QICFG="transpktsize",512', OK), ('AT+QICFG="transwaittm",5', OK)]
    rows = [*settings, *UP, (ONLINE, CONNECT), *PLUS, CLOSE, *DOWN]
    one = Timed(*rows, transparent=Transparent(size=512, wait=0.5))
    assert one.play.connect().receive == "transparent"
    one.finish(*ESCAPE)
