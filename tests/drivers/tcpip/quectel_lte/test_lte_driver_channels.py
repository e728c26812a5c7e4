"""One LTE module on several channels: whoever hears a result, it has one effect; what others use is left alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from driver_lab import PATIENCE
from lte_script import BEARER, CLAIM, DOWN, LISTED, OPENED, SETTINGS, SURVEY, UP, Pair, line, opened, play, read, urc
from scripted_port import OK, Conversation, exchange
from stepped_clock import SteppedClock

from drivers.errors import ContextBusy, SessionReset, SessionTimeout
from drivers.tcpip import TcpipDriver

Row = tuple[int, str, bytes]
SECOND = [(command.replace("QICSGP=1", "QICSGP=2"), answer) for command, answer in CLAIM]
SECOND_UP: list[Pair] = [
    ("AT+QIACT?", LISTED),
    ("AT+QIACT=2", OK),
    ("AT+QIACT?", line('+QIACT: 1,1,1,"10.7.158.1"') + line('+QIACT: 2,1,1,"10.8.0.1"') + OK),
]
CLOSE = ("AT+QICLOSE=0,2", OK)


def on(uart: int, *pairs: Pair, begin: bool = False) -> list[Row]:
    return exchange(*pairs, uart=uart, set_up=begin)


@contextmanager
def two(rows: list[Row], *contexts: int, **options: Any) -> Iterator[tuple[Conversation, list[TcpipDriver]]]:
    """Play a script with a driver for a context on each of the channels 1 and 2."""
    talk = Conversation(rows)
    with ExitStack() as stack:
        drivers = [
            TcpipDriver(talk.ports[uart], context, dialect="bg96", **options)
            for uart, context in zip((1, 2), contexts, strict=True)
        ]
        for driver in drivers:
            stack.callback(driver.close)
        yield talk, drivers
    talk.finish()


BOTH_UP = [*on(1, *CLAIM, *UP, *OPENED, begin=True), *on(2, *SECOND, *SECOND_UP, begin=True)]
BOTH_DOWN = [*on(2, ("AT+QIDEACT=2", OK)), *on(1, CLOSE, *DOWN)]


@pytest.mark.requirement("L9.9")
def test_data_that_is_announced_on_two_channels_is_fetched_once() -> None:
    told = [(1, "<", urc('"recv",0')), (2, "<", urc('"recv",0'))]
    rows = [*BOTH_UP, *told, *on(1, read(0, b"once")), *BOTH_DOWN]
    with two(rows, 1, 2) as (talk, (one, other)):
        session = one.connect("TCP", "10.0.0.1", 80)
        other.activate()
        assert talk.ports[2].drained()
        assert session.recv(100) == b"once"


@pytest.mark.requirement("L9.9")
@pytest.mark.parametrize("uarts", [(2,), (1, 2), (2, 1)])
def test_the_end_of_a_session_counts_once_on_whatever_channel_it_is_told(uarts: tuple[int, ...]) -> None:
    told = [(uart, "<", urc('"closed",0')) for uart in uarts]
    with two([*BOTH_UP, *told, *on(1, read(0, b"")), *BOTH_DOWN], 1, 2) as (talk, (one, other)):
        session = one.connect("TCP", "10.0.0.1", 80)
        other.activate()
        assert talk.ports[1].drained()
        assert session.recv(1) == b""


@pytest.mark.requirement("L9.9")
def test_an_opening_is_answered_on_another_channel() -> None:
    opening = 'AT+QIOPEN=2,0,"TCP","10.0.0.1",80,0,0'
    rows = [*on(1, *CLAIM, *UP, begin=True), *on(2, *SECOND, *SECOND_UP, (opening, OK), begin=True)]
    rows += [(1, "<", line("+QIOPEN: 0,0")), (2, "<", line("+QIOPEN: 0,0"))]
    rows += [*on(2, CLOSE, ("AT+QIDEACT=2", OK)), *on(1, *DOWN)]
    with two(rows, 1, 2) as (_, (one, other)):
        one.activate()
        assert other.connect("TCP", "10.0.0.1", 80).open


@pytest.mark.requirement("L9.9")
def test_pushed_data_that_comes_on_two_channels_is_delivered_once() -> None:
    pushed = b'\r\n+QIURC: "recv",0,4\r\nonce'
    opening = ('AT+QIOPEN=1,0,"TCP","10.0.0.1",80,0,1', opened())
    rows = [*on(1, *CLAIM, *UP, opening, begin=True), *on(2, *SECOND, *SECOND_UP, begin=True)]
    rows += [(1, "<", pushed), (2, "<", pushed), (1, "<", pushed.replace(b"once", b"more"))]
    with two([*rows, *BOTH_DOWN], 1, 2) as (talk, (one, other)):
        session = one.connect("TCP", "10.0.0.1", 80, receive="pushed")
        other.activate()
        assert talk.ports[2].drained()
        assert talk.ports[1].drained()
        got = b""
        while len(got) < 8:
            got += session.recv(100)
        assert got == b"oncemore"


PUSHED = ('AT+QIOPEN=1,0,"TCP","10.0.0.1",80,0,1', opened())
TRAP = b"\r\nRDY\r\n"
ALIVE = [("AT", OK), ("AT", OK)]
"""Asked on a channel so that all that it was told before has had its effect, before the script goes on."""


def ask(driver: TcpipDriver) -> None:
    """Send what `ALIVE` has."""
    for command, _ in ALIVE:
        driver.channel.command(command)


def heard(driver: TcpipDriver, octets: bytes) -> threading.Event:
    """Return what is set when octets have come on the channel of a driver."""
    came, all_of_it = bytearray(), threading.Event()

    def note(way: str, some: bytes) -> None:
        came.extend(some if way == "rx" else b"")
        if octets in came:
            all_of_it.set()

    driver.channel.on_octets(note)
    return all_of_it


def push(octets: bytes, id: int = 0) -> bytes:
    return b'\r\n+QIURC: "recv",%d,%d\r\n%b' % (id, len(octets), octets)


@pytest.mark.requirement("L9.9", "L5.12")
def test_what_a_channel_repeats_of_pushed_data_when_its_number_has_another_socket_is_data_still() -> None:
    """A command holds it up there; that other socket may be one whose data the module keeps."""
    rows = [*on(1, *CLAIM, *UP, PUSHED, begin=True), *on(2, *SECOND, *SECOND_UP, begin=True), (1, "<", push(TRAP))]
    rows += [*on(1, CLOSE, *OPENED), (2, "<", push(TRAP) + urc('"closed",0')), *on(2, *ALIVE)]
    with two([*rows, *BOTH_DOWN], 1, 2) as (_, (one, other)):
        former = one.connect("TCP", "10.0.0.1", 80, receive="pushed")
        other.activate()
        assert former.recv(100) == TRAP
        former.close()
        session = one.connect("TCP", "10.0.0.1", 80)
        ask(other)
        assert session.open
        session.settimeout(0)
        with pytest.raises(SessionTimeout):
            session.recv(1)


@pytest.mark.requirement("L5.13")
def test_data_that_is_announced_with_its_length_is_fetched_where_other_data_was_pushed_before() -> None:
    opening = ('AT+QIOPEN=1,0,"TCP","10.0.0.1",80,0,0', opened())
    rows = [*CLAIM, *UP, PUSHED, CLOSE, opening, (1, "<", urc('"recv",0,5')), read(0, b"hello")]
    with play(*rows, CLOSE, *DOWN) as one:
        one.connect(receive="pushed").close()
        assert one.connect().recv(100) == b"hello"


@pytest.mark.requirement("L9.9", "L5.12")
def test_data_of_a_client_that_its_own_channel_has_not_heard_of_is_data() -> None:
    """A command holds the news up there; another channel has them, and what the client sends."""
    serving = ('AT+QIOPEN=1,0,"TCP LISTENER","127.0.0.1",0,2020,1', opened())
    news, later = (urc(f'"incoming",{id},0,"10.0.0.9",{id}') for id in (11, 10))
    rows = [*on(1, *CLAIM, *UP, serving, begin=True), *on(2, *SECOND, *SECOND_UP, begin=True), (1, "<", news)]
    rows += [*on(1, *ALIVE), (2, "<", later + push(TRAP, 10)), *on(2, *ALIVE), (1, "<", later + push(TRAP, 10))]
    ends = [(f"AT+QICLOSE={id},{seconds}", OK) for id, seconds in ((11, 2), (10, 2))]
    with two([*rows, *on(2, ("AT+QIDEACT=2", OK)), *on(1, *ends, *DOWN)], 1, 2) as (_, (one, other)):
        listener = one.listen(port=2020, receive="pushed")
        other.activate()
        ask(one)
        ask(other)
        listener.accept(PATIENCE)
        assert listener.accept(PATIENCE).recv(100) == TRAP


@pytest.mark.requirement("L9.9")
@pytest.mark.parametrize("late", [urc('"closed",0'), urc('"recv",0'), push(b"old")])
def test_what_a_channel_repeats_of_a_former_socket_is_not_about_one_that_is_being_opened(late: bytes) -> None:
    opening, result = PUSHED[0], line("+QIOPEN: 0,0")
    rows = [*on(1, *CLAIM, *UP, begin=True), *on(2, *SECOND, *SECOND_UP, begin=True), *on(1, (opening, OK))]
    rows += [(2, "<", late), *on(2, *ALIVE), (1, "<", result + push(b"new"))]
    with two([*rows, *BOTH_DOWN], 1, 2) as (_, (one, other)), ThreadPoolExecutor(1) as pool:
        one.activate()
        other.activate()
        told = heard(other, late)
        connecting = pool.submit(one.connect, "TCP", "10.0.0.1", 80, receive="pushed")
        assert told.wait(PATIENCE)
        ask(other)
        session = connecting.result(PATIENCE)
        assert session.recv(100) == b"new"
        assert session.open


@pytest.mark.requirement("L9.9", "L5.12")
def test_what_a_channel_announces_late_does_not_change_how_data_of_a_session_is_taken() -> None:
    rows = [*on(1, *CLAIM, *UP, PUSHED, begin=True), *on(2, *SECOND, *SECOND_UP, begin=True)]
    rows += [(2, "<", urc('"recv",0')), *on(2, *ALIVE), (1, "<", push(TRAP)), *on(1, *ALIVE)]
    with two([*rows, *BOTH_DOWN], 1, 2) as (_, (one, other)):
        session = one.connect("TCP", "10.0.0.1", 80, receive="pushed")
        other.activate()
        ask(other)
        ask(one)
        assert session.recv(100) == TRAP


@pytest.mark.requirement("L9.9", "L2.13")
def test_data_of_a_socket_that_has_the_number_of_a_session_whose_context_is_lost_is_not_its_own() -> None:
    told = push(b"old") + urc('"closed",0') + urc('"pdpdeact",1') + push(b"new")
    rows = [*CLAIM, *UP, PUSHED, (1, "<", told), *ALIVE, *DOWN]
    with play(*rows) as one:
        session = one.connect(receive="pushed")
        ask(one.driver)
        assert (session.recv(3), session.recv(100)) == (b"old", b"")


@pytest.mark.requirement("L9.9", "L2.13", "L5.12")
def test_what_comes_in_data_mode_after_another_channel_has_told_the_loss_of_the_context_is_data_still() -> None:
    """Data mode is left before the context is deactivated."""
    clock, guard = SteppedClock(), 1.1
    online = ('AT+QIOPEN=1,0,"TCP","10.0.0.1",80,0,2', b"\r\nCONNECT\r\n")
    rows = [*on(1, *CLAIM, *UP, online, begin=True), *on(2, *SECOND, *SECOND_UP, begin=True)]
    rows += [(2, "<", urc('"pdpdeact",1')), *on(2, *ALIVE), (1, "<", TRAP + b"more"), (1, ">", b"+++")]
    with (
        two([*rows, *on(1, *DOWN), *on(2, ("AT+QIDEACT=2", OK))], 1, 2, clock=clock) as (talk, (one, other)),
        ThreadPoolExecutor(1) as pool,
    ):
        session = one.connect("TCP", "10.0.0.1", 80, receive="transparent")
        other.activate()
        ask(other)
        with pytest.raises(SessionReset, match="pdpdeact"):
            session.recv(1)
        closing = pool.submit(one.close)
        for seconds in (guard, guard * 0.75):
            clock.await_wait(seconds)
            clock.advance(seconds)
        clock.await_wait(2.0)
        talk.ports[1].say(OK)
        clock.await_wait(guard - guard * 0.75)
        clock.advance(guard - guard * 0.75)
        closing.result(PATIENCE)
        assert other.lease is not None  # RDY was none


@pytest.mark.requirement("L9.9", "L5.12")
def test_what_comes_behind_the_end_of_data_mode_repeats_what_other_channels_have_said_of_their_sockets() -> None:
    """By the time that this is known to be the end, data has come twice, and the number has another socket."""
    clock, guard = SteppedClock(), 1.1
    online = ('AT+QIOPEN=1,0,"TCP","10.0.0.1",80,0,2', b"\r\nCONNECT\r\n")
    first, second = (('AT+QIOPEN=2,1,"TCP","10.0.0.2",80,0,1', opened(1)), ("AT+QICLOSE=1,2", OK))
    news = push(b"once", 1) + urc('"closed",1')
    rows = [*on(1, *CLAIM, *UP, online, begin=True), *on(2, *SECOND, *SECOND_UP, first, begin=True), (2, "<", news)]
    rows += [(1, "<", line("NO CARRIER") + news), *on(2, second, first)]
    end: list[Pair] = [("AT", OK), ("AT+QIACT?", LISTED)]
    rows += [
        (1, ">", b"+++"),
        (1, ">", b"\r"),
        *on(1, *end),
        *on(2, second, ("AT+QIDEACT=2", OK)),
        *on(1, CLOSE, *DOWN),
    ]
    with two(rows, 1, 2, clock=clock) as (_, (one, other)), ThreadPoolExecutor(1) as pool:
        ended = pool.submit(one.connect("TCP", "10.0.0.1", 80, receive="transparent").recv, 1)
        former = other.connect("TCP", "10.0.0.2", 80, receive="pushed")
        assert (former.recv(100), former.recv(100)) == (b"once", b"")
        clock.await_wait(guard)
        former.close()
        again = other.connect("TCP", "10.0.0.2", 80, receive="pushed")
        clock.advance(guard)
        for seconds in (guard * 0.75, 2.0, 0.3):
            clock.await_wait(seconds)
            clock.advance(seconds)
        assert ended.result(PATIENCE) == b""
        assert again.open
        again.settimeout(0)
        with pytest.raises(SessionTimeout):
            again.recv(1)


@pytest.mark.requirement("L9.9")
def test_a_number_stays_with_its_channel_as_long_as_there_are_others() -> None:
    """Another channel may be late with news of a socket that had it before."""
    second = ('AT+QIOPEN=2,1,"TCP","10.0.0.1",80,0,0', opened(1))
    rows = [*BOTH_UP, *on(1, CLOSE), *on(2, second), *on(1, *OPENED)]
    with two([*rows, *on(2, ("AT+QICLOSE=1,2", OK)), *BOTH_DOWN], 1, 2) as (_, (one, other)):
        former = one.connect("TCP", "10.0.0.1", 80)
        other.activate()
        former.close()
        assert [driver.connect("TCP", "10.0.0.1", 80).index for driver in (other, one)] == [1, 0]


@pytest.mark.requirement("L9.9", "L2.13")
def test_the_loss_of_a_context_that_is_told_elsewhere_ends_its_sessions_only() -> None:
    told = [(2, "<", urc('"pdpdeact",1'))]
    rows = [*BOTH_UP, *told, *on(2, ("AT+QIDEACT=2", OK)), *on(1, *DOWN)]
    with two(rows, 1, 2) as (_, (one, other)):
        session = one.connect("TCP", "10.0.0.1", 80)
        other.activate()
        with pytest.raises(SessionReset, match="pdpdeact"):
            session.recv(1)


@pytest.mark.requirement("L2.14")
def test_a_context_that_another_channel_uses_is_refused_and_not_deactivated() -> None:
    """LTE L16: nothing in the module would refuse it."""
    rows = [*on(1, *CLAIM, *UP, *OPENED, begin=True), (2, "<", b""), *on(1, CLOSE, *DOWN)]
    with two(rows, 1, 1) as (_, (one, other)):
        one.connect("TCP", "10.0.0.1", 80)
        with pytest.raises(ContextBusy, match="DLCI 1"):
            other.activate()


@pytest.mark.requirement("L2.14", "L9.11")
def test_of_two_channels_that_share_a_context_the_last_one_deactivates_it() -> None:
    opening = ('AT+QIOPEN=1,1,"TCP","10.0.0.2",80,0,0', opened(1))
    entry = line('+QISTATE: 0,"TCP","10.0.0.1",80,1024,2,1,0,0,"cmux1"')
    survey = [("AT+QISTATE?", entry + OK), ("AT+QIACT?", LISTED)]
    rows = [
        *on(1, *CLAIM, *UP, *OPENED, begin=True),
        *on(2, *survey, *SETTINGS, ("AT+QIACT?", LISTED), opening, begin=True),
    ]
    rows += [*on(2, ("AT+QICLOSE=1,2", OK)), *on(1, CLOSE, *DOWN)]
    with two(rows, 1, 1, share=True) as (_, (one, other)):
        session = one.connect("TCP", "10.0.0.1", 80)
        assert other.connect("TCP", "10.0.0.2", 80).index == 1
        other.close()
        assert session.open


# -- what others have left ---------------------------------------------------------------------------------------------

LEFT = line('+QISTATE: 0,"TCP","10.0.0.9",8009,65514,2,1,0,0,"uart1"')
LEFT_LISTENER = line('+QISTATE: 3,"TCP LISTENER","10.7.158.1",0,2020,3,1,3,0,"uart1"')
FOUND = [("AT+QISTATE?", LEFT + LEFT_LISTENER + OK), ("AT+QIACT?", LISTED)]


@pytest.mark.requirement("L11.3", "L9.11")
def test_what_is_left_over_is_reported_and_left_alone_and_its_numbers_are_not_used() -> None:
    """LTE L17: sockets of a previous run used the numbers up."""
    second = ('AT+QIOPEN=1,1,"TCP","10.0.0.1",80,0,0', opened(1))
    rows = [*FOUND, *BEARER, *SETTINGS, ("AT+QIACT?", LISTED), second, ("AT+QICLOSE=1,2", OK)]
    with play(*rows) as one:
        session = one.connect()
        assert session.index == 1
        kinds = {left.kind: left for left in one.driver.leftovers}
        assert set(kinds) == {"TCP", "TCP LISTENER", "context"}
        tcp, listener = kinds["TCP"], kinds["TCP LISTENER"]
        assert (tcp.id and tcp.id.number, tcp.address, tcp.local_port) == (0, ("10.0.0.9", 8009), 65514)
        assert (tcp.context, tcp.channel) == (1, "uart1")
        assert (listener.id and listener.id.number, listener.local_port) == (3, 2020)
        assert kinds["context"].address == ("10.7.158.1", 0)


@pytest.mark.requirement("L11.3")
def test_what_is_left_over_is_closed_when_that_is_asked_for() -> None:
    rows = [*FOUND, *BEARER, *SETTINGS, *FOUND, *DOWN, *UP, *OPENED, CLOSE, *DOWN]
    with play(*rows) as one:
        one.driver.reclaim()
        assert one.connect().index == 0


def test_sockets_of_others_in_the_list_with_blanks_are_understood() -> None:
    entry = '+QISTATE:0 , "TCP" , "10.0.0.9" , 8009 , 65514 , 2 , 1 , 0 , 0 , "uart1"'
    rows = [("AT+QISTATE?", line(entry) + OK), ("AT+QIACT?", OK), *BEARER, *SETTINGS]
    with play(*rows) as one:
        one.driver.claim()
        assert [left.kind for left in one.driver.leftovers] == ["TCP"]


def test_pushed_data_of_others_is_not_taken_for_lines() -> None:
    """LTE L37, on a channel that hears everything."""
    theirs = line('+QISTATE: 5,"TCP","10.0.0.9",8009,65514,2,2,0,1,"uart1"')
    trap = b'\r\n+QIURC: "closed",0\r\n'
    pushed = b'\r\n+QIURC: "recv",5,%d\r\n' % len(trap) + trap
    rows = [("AT+QISTATE?", theirs + OK), *SURVEY[1:], *BEARER, *SETTINGS, *UP, *OPENED, (1, "<", pushed)]
    with play(*rows, CLOSE, *DOWN) as one:
        session = one.connect()
        assert one.port.drained()
        assert not session.remote_closed
