"""Receiving on an LTE module: kept data is fetched when a reader wants it, pushed data is counted, nothing is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from driver_lab import PATIENCE
from lte_script import CLAIM, DOWN, OPEN, OPENED, UP, Play, connected, line, opened, play, read, sent, urc
from scripted_port import ERROR, OK

from drivers.errors import SessionFinished, SessionReset, TcpipError
from drivers.tcpip import Session

RECV = urc('"recv",0')
NONE = read(0, b"")
CLOSE = ("AT+QICLOSE=0,2", OK)
TRAPS = (
    b'\r\n+QIURC: "closed",0\r\n\r\nOK\r\n\r\n+QIRD: 3\r\n\r\nNO CARRIER\r\n\r\nERROR\r\n> \x00\x1a\x1b'
    b'\r\n+QIURC: "recv",0,5\r\n\r\n+QIURC: "pdpdeact",1\r\n\r\nRDY\r\nSEND OK\r\n'
)
"""Octets that look like anything that the module may say."""
PUSHING = 'AT+QIOPEN=1,0,"TCP","10.0.0.1",80,0,1'


def push(octets: bytes, id: int = 0, form: bytes = b'+QIURC: "recv",%d,%d') -> bytes:
    return b"\r\n" + form % (id, len(octets)) + b"\r\n" + octets


def pushing(*rows: tuple[str, bytes] | tuple[int, str, bytes], **options: object) -> tuple[Play, Session]:
    script = [*CLAIM, *UP, (PUSHING, opened()), *rows, CLOSE, *DOWN]
    made = Play(*script, receive="pushed", **options)
    return made, made.connect()


# -- kept by the module ------------------------------------------------------------------------------------------------


@pytest.mark.requirement("L5.10")
@pytest.mark.parametrize("size", [1, 7, 1500])
def test_all_octets_come_whatever_the_size_of_the_reads_is(size: int) -> None:
    """LTE L2: QIRD without a length gave everything; LTE L3: a reader that reads once stalls."""
    data = bytes(range(256)) * 10
    rows = [(1, "<", RECV), read(0, data[:1500]), read(0, data[1500:]), NONE, (1, "<", urc('"closed",0')), NONE]
    with connected(*rows) as (_, session):
        got = b""
        while piece := session.recv(size):
            assert len(piece) <= size
            got += piece
        assert got == data


@pytest.mark.requirement("L5.14")
def test_nothing_is_fetched_before_a_reader_wants_it() -> None:
    """LTE L6: what nobody reads stays in the module, which stops the other side."""
    with connected((1, "<", RECV), *sent(0, b"still here"), read(0, b"kept")) as (_, session):
        session.sendall(b"still here")
        assert session.recv(100) == b"kept"


@pytest.mark.requirement("L5.14")
def test_what_has_been_fetched_is_read_before_more_is_fetched() -> None:
    with connected((1, "<", RECV), read(0, b"x" * 1500), *sent(0, b"y"), read(0, b"z" * 10)) as (_, session):
        assert session.recv(1) == b"x"
        session.sendall(b"y")
        assert session.recv(1499) == b"x" * 1499
        assert session.recv(100) == b"z" * 10


@pytest.mark.requirement("L5.11")
def test_data_that_is_announced_between_the_octets_and_ok_is_not_forgotten() -> None:
    first = ("AT+QIRD=0,1500", b"\r\n+QIRD: 3\r\nabc\r\n" + RECV + OK)
    with connected((1, "<", RECV), first, read(0, b"def")) as (_, session):
        assert (session.recv(3), session.recv(3)) == (b"abc", b"def")


@pytest.mark.requirement("L5.11")
def test_data_that_is_announced_while_the_module_says_that_it_has_none_is_not_forgotten() -> None:
    empty = ("AT+QIRD=0,1500", line("+QIRD: 0") + RECV + OK)
    with connected((1, "<", RECV), empty, read(0, b"def")) as (_, session):
        assert session.recv(3) == b"def"


@pytest.mark.requirement("L5.12")
@pytest.mark.parametrize("chunk", [1, 3, 65536])
def test_octets_that_look_like_lines_are_data_when_they_are_fetched(chunk: int) -> None:
    """LTE L37: payload is counted, never searched."""
    with connected((1, "<", RECV), read(0, TRAPS), chunk=chunk) as (_, session):
        assert session.recv(1500) == TRAPS
        assert session.open


@pytest.mark.requirement("L5.13")
@pytest.mark.parametrize(
    "form", ['"recv",0', '"recv",0,4', '"recv", 0', '"recv" ,0 , 4', '"recv",0,4,"10.0.0.1",80'], ids=str
)
def test_data_is_announced_with_and_without_a_length(form: str) -> None:
    """LTE L3: a driver waited for a size that did not come."""
    with connected((1, "<", urc(form)), read(0, b"data")) as (_, session):
        assert session.recv(10) == b"data"


@pytest.mark.requirement("L1.9")
@pytest.mark.parametrize("head", ["+QIRD: 4", "+QIRD:4", "+QIRD:  4 ", '+QIRD: 4 , "10.0.0.1" , 80'])
def test_blanks_in_the_header_do_not_matter(head: str) -> None:
    with connected((1, "<", RECV), ("AT+QIRD=0,1500", line(head) + b"data\r\n" + OK)) as (_, session):
        assert session.recv(10) == b"data"


@pytest.mark.requirement("L1.7")
@pytest.mark.parametrize("chunk", [1, 2, 5])
def test_an_unsolicited_result_in_pieces_and_between_answers_counts_once(chunk: int) -> None:
    """LTE L19, L20: it stayed in the buffer and was taken for the next answer."""
    answer = urc('"recv",0') + line("+QISEND: 1,1,0") + RECV + OK
    with connected(("AT+QISEND=0,0", answer), read(0, b"data"), ("AT+QISEND=0,0", line("+QISEND: 2,2,0") + OK)) as (
        one,
        session,
    ):
        assert session.acknowledged().sent == 1
        assert session.recv(10) == b"data"
        assert session.acknowledged().sent == 2
        assert {"unclaimed", "stale"}.isdisjoint(one.driver.channel.stats())


@pytest.mark.requirement("L6.5")
def test_what_is_left_comes_after_the_end_and_then_nothing() -> None:
    """LTE L4, L5: `closed` wakes the reader; after the rest comes b"", as of any socket."""
    rows = [(1, "<", RECV + urc('"closed",0')), read(0, b"the rest"), NONE]
    with connected(*rows) as (_, session):
        assert (session.recv(100), session.recv(100), session.recv(100)) == (b"the rest", b"", b"")
        with pytest.raises(SessionFinished):
            session.sendall(b"x")


@pytest.mark.requirement("L6.5")
def test_the_end_wakes_a_reader() -> None:
    with connected((1, ">", b"AT+QISEND=0,0\r"), NONE) as (one, session), ThreadPoolExecutor(2) as pool:
        reading, asking = pool.submit(session.recv, 1), pool.submit(session.acknowledged)
        one.port.say(line("+QISEND: 0,0,0") + OK)
        asking.result(PATIENCE)
        one.port.say(urc('"closed",0'))
        assert reading.result(PATIENCE) == b""


# Nothing is closed in the module when a socket is gone: its number may be another program's by now.


def test_a_socket_that_is_gone_after_the_other_side_has_closed_has_ended() -> None:
    rows = [(1, "<", urc('"closed",0')), ("AT+QIRD=0,1500", ERROR), ("AT+QISTATE?", OK)]
    with play(*CLAIM, *UP, *OPENED, *rows, *DOWN) as one:
        assert one.connect().recv(1) == b""


def test_a_socket_that_somebody_else_has_closed_is_broken() -> None:
    """Only AT+QICLOSE and AT+QIDEACT remove a socket: what it had is lost, so this is not its end."""
    rows = [(1, "<", RECV), ("AT+QIRD=0,1500", line("+QIRD: 2") + b"hi\r\n" + OK), ("AT+QIRD=0,1500", ERROR)]
    with play(*CLAIM, *UP, *OPENED, *rows, ("AT+QISTATE?", OK), *DOWN) as one:
        session = one.connect()
        assert session.recv(2) == b"hi"
        with pytest.raises(SessionReset, match="somebody else"):
            session.recv(1)


@pytest.mark.requirement("L3.10")
def test_a_number_is_closed_after_the_other_side_has_closed() -> None:
    """LTE L11: without QICLOSE the next open gets 563."""
    rows = [(1, "<", urc('"closed",0')), NONE, CLOSE, (OPEN, opened())]
    with connected(*rows) as (one, session):
        assert session.recv(1) == b""
        session.close()
        assert one.connect().index == 0


# -- pushed ------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("L5.12")
@pytest.mark.parametrize("chunk", [1, 4, 65536])
def test_octets_that_look_like_lines_are_data_when_they_are_pushed(chunk: int) -> None:
    """LTE L7: the parser counts as soon as the header has ended."""
    one, session = pushing((1, "<", push(TRAPS) + push(b"more")), chunk=chunk)
    got = b""
    while len(got) < len(TRAPS) + 4:
        got += session.recv(1500)
    assert got == TRAPS + b"more"
    one.finish()


@pytest.mark.requirement("L1.9")
@pytest.mark.parametrize("form", [b'+QIURC:"recv",%d,%d', b'+QIURC: "recv" , %d , %d ', b'+QIURC:  "recv", %d, %d'])
def test_blanks_in_the_header_of_pushed_data_do_not_matter(form: bytes) -> None:
    one, session = pushing((1, "<", push(b"data", form=form)))
    assert session.recv(10) == b"data"
    one.finish()


@pytest.mark.requirement("L5.13")
def test_a_socket_that_should_push_and_only_announces_is_fetched_from() -> None:
    one, session = pushing((1, "<", RECV), read(0, b"data"))
    assert session.recv(10) == b"data"
    one.finish()


@pytest.mark.requirement("L5.10", "L5.12")
def test_data_that_is_pushed_between_a_command_and_its_answer_belongs_to_no_answer() -> None:
    asked = ("AT+QISEND=0,0", push(TRAPS) + line("+QISEND: 1,1,0") + push(b"more") + OK)
    one, session = pushing(asked)
    assert session.acknowledged().sent == 1
    assert session.recv(1500) == TRAPS + b"more"
    one.finish()


def test_the_receive_mode_of_a_session_is_changed_while_it_is_open() -> None:
    switched = ("AT+QISWTMD=0,1", OK + push(b"pushed"))
    back = ("AT+QISWTMD=0,0", OK + RECV)
    with connected(switched, back, read(0, b"kept")) as (_, session):
        session.set_receive("pushed")
        assert session.recv(10) == b"pushed"
        session.set_receive("buffered")
        assert session.recv(10) == b"kept"


# -- datagrams ---------------------------------------------------------------------------------------------------------

UDP = 'AT+QIOPEN=1,0,"UDP","10.0.0.1",123,0,0'
SERVICE = 'AT+QIOPEN=1,0,"UDP SERVICE","127.0.0.1",0,3030,%d'


def test_a_connected_udp_session_answers_the_peer_that_was_given() -> None:
    """LTE L38: two kinds of UDP; this one has no address in QIRD."""
    rows = [(UDP, opened()), (1, "<", RECV), read(0, b"one"), read(0, b"two"), CLOSE, *DOWN]
    with play(*CLAIM, *UP, *rows) as one:
        session = one.driver.connect("UDP", "10.0.0.1", 123)
        assert session.recvfrom(100) == (b"one", ("10.0.0.1", 123))
        assert session.recvfrom(100) == (b"two", ("10.0.0.1", 123))


def test_a_udp_service_tells_where_each_datagram_comes_from_and_sends_it_where_it_is_told() -> None:
    """LTE L38, L39: the other kind, of IPv4."""
    came = ("AT+QIRD=0", line('+QIRD: 3,"10.0.0.9",4040') + b"abc\r\n" + OK)
    rows = [
        (SERVICE % 0, opened()),
        (1, "<", RECV),
        came,
        (1, ">", b'AT+QISEND=0,2,"10.0.0.9",4040\r'),
        (1, "<", b"\r\n> "),
        (1, ">", b"hi"),
        (1, "<", b"\r\nSEND OK\r\n"),
    ]
    with play(*CLAIM, *UP, *rows, CLOSE, *DOWN) as one:
        service = one.driver.udp_service(3030)
        data, sender = service.recvfrom(100)
        assert (data, sender) == (b"abc", ("10.0.0.9", 4040))
        assert service.sendto(b"hi", sender) == 2


def test_pushed_datagrams_have_their_address_too() -> None:
    came = b'\r\n+QIURC: "recv",0,3,"10.0.0.9",4040\r\nabc' + b'\r\n+QIURC: "recv",0,2, "10.0.0.8" ,5\r\nde'
    with play(*CLAIM, *UP, (SERVICE % 1, opened()), (1, "<", came), CLOSE, *DOWN) as one:
        service = one.driver.udp_service(3030, receive="pushed")
        assert service.recvfrom(100) == (b"abc", ("10.0.0.9", 4040))
        assert service.recvfrom(100) == (b"de", ("10.0.0.8", 5))


def test_a_refused_datagram_does_not_end_the_service() -> None:
    refused = [('AT+QISEND=0,2,"10.0.0.9",4040', line("+CME ERROR: 552"))]
    came = ("AT+QIRD=0", line('+QIRD: 3,"10.0.0.9",4040') + b"abc\r\n" + OK)
    with play(*CLAIM, *UP, (SERVICE % 0, opened()), *refused, (1, "<", RECV), came, CLOSE, *DOWN) as one:
        service = one.driver.udp_service(3030)
        with pytest.raises(TcpipError, match="552") as refusal:
            service.sendto(b"hi", ("10.0.0.9", 4040))
        assert refusal.value.code == 552
        assert service.recv(100) == b"abc"
