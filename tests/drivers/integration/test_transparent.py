"""Transparent mode: data mode and the ways out of it (app note 3.3, 5.2)."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from driver_lab import BG96, KINDS, M10, Kind, Lab, Peer, QuickClock, client_of, exactly, laboratory

from drivers.errors import AtError, SessionFinished, TcpipError
from drivers.tcpip import TcpipDriver, Transparent

LONG = 100.0  # seconds of the quick clock
NASTY = bytes(range(256)) + b"\r\nOK\r\n\r\n+QIRDI: 0,1,0\r\nERROR\r\n> \r\nCONNECT\r\n"


@pytest.fixture
def quick() -> Iterator[Lab]:
    with laboratory(clock=QuickClock(5.0)) as lab:
        yield lab


@pytest.fixture(params=KINDS, ids=lambda kind: kind.model)
def each(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Such a laboratory for a module of each family."""
    with laboratory(clock=QuickClock(5.0), kind=request.param) as lab:
        yield lab


WAYS = pytest.mark.parametrize("way", ["+++", "dtr"])


@pytest.mark.requirement("S3.8", "S3.19", "S3.21", "S3.23", "S3.24")
@WAYS
def test_all_octets_pass_in_data_mode(each: Lab, echo_server: Peer, way: str) -> None:
    with each.driver(1, 0, transparent=Transparent(3, 0.2, 512, way)) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        assert driver.online
        session.sendall(NASTY)
        assert exactly(session, len(NASTY), LONG) == NASTY
        made = {
            M10.model: [f"AT+QITCFG=3,2,512,{int(way == '+++')}"],
            BG96.model: ['AT+QICFG="transpktsize",512', 'AT+QICFG="transwaittm",2'],
        }
        assert set(made[each.kind.model]) <= set(each.commands(1))
        assert ("AT&D1" in each.commands(1)) is (way == "dtr")


ASKED = {
    M10.model: ("AT+QIMODE?", "+QIMODE: 1"),
    BG96.model: ('AT+QICFG="transwaittm"', '+QICFG: "transwaittm",2'),
}
"""A question in command mode, and its answer."""


@pytest.mark.requirement("S3.22", "S3.25", "S3.28", "S3.29", "S3.30")
@WAYS
def test_a_few_commands_in_between(each: Lab, echo_server: Peer, way: str) -> None:
    question, answer = ASKED[each.kind.model]
    with each.driver(1, 0, transparent=Transparent(escape=way)) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.sendall(b"before")
        assert exactly(session, 6, LONG) == b"before"
        with driver.command_mode() as channel:
            assert not driver.online
            assert channel.command(question).lines == (answer,)
            assert session.acknowledged().sent == 6
            if each.kind is M10:  # the session of an LTE module is one of AT+QISEND meanwhile
                with pytest.raises(TcpipError, match="command mode"):
                    session.send(b"no")
            echo_server.connection().sendall(b"kept by the module")
        assert driver.online
        assert exactly(session, 18, LONG) == b"kept by the module"
        session.sendall(b"after")
        assert exactly(session, 5, LONG) == b"after"
        assert (b"+++" in each.heard(1)) is (way == "+++")
        assert b"ATO\r" in each.heard(1)


def test_a_command_in_data_mode_is_refused_instead_of_sent_to_the_peer(each: Lab, echo_server: Peer) -> None:
    with each.driver(1, 0, transparent=True) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        with pytest.raises(AtError, match="data mode"):
            driver.state()
        session.sendall(b"unharmed")
        assert exactly(session, 8, LONG) == b"unharmed"


@pytest.mark.requirement("S3.12")
def test_what_may_leave_data_mode_of_an_m10_is_refused_unless_dtr_does_that(quick: Lab, echo_server: Peer) -> None:
    with quick.driver(1, 0, transparent=True) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        with pytest.raises(ValueError, match=r"cannot contain \+\+\+"):
            session.sendall(b"a+++b")
        session.sendall(b"a+")
        with pytest.raises(ValueError, match=r"cannot contain \+\+\+"):
            session.sendall(b"++")
        assert exactly(session, 2, LONG) == b"a+"


@pytest.mark.requirement("S3.12", "L8.2")
@pytest.mark.parametrize(("kind", "way"), [(M10, "dtr"), (BG96, "dtr"), (BG96, "+++")])
def test_plus_signs_are_data_where_they_do_not_leave_data_mode(kind: Kind, way: str, echo_server: Peer) -> None:
    """On an LTE module they do so between two silences only, on an M10 not at all if DTR does."""
    made = laboratory(clock=QuickClock(5.0), kind=kind)
    with made as lab, lab.driver(1, 0, transparent=Transparent(escape=way)) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        for parts in ([b"+++"], [b"+", b"++"], [b"++", b"+"], [b"+"] * 3, [b"++++"], [b"a+++b"]):
            for part in parts:
                session.sendall(part)
            whole = b"".join(parts)
            assert exactly(session, len(whole), LONG) == whole


ENDS = {M10.model: b"data\r\nCLOSED\r\n", BG96.model: b"data\r\nNO CARRIER\r\n"}


@pytest.mark.requirement("S3.23", "L8.5")
def test_the_end_of_the_session_is_told_from_data_that_looks_like_it(each: Lab) -> None:
    go_on, end = threading.Event(), threading.Event()

    def closing_words(connection: object) -> None:
        connection.sendall(ENDS[each.kind.model])  # type: ignore[attr-defined]
        go_on.wait(10)
        connection.sendall(b"more")  # type: ignore[attr-defined]
        end.wait(10)

    with Peer(closing_words) as peer, each.driver(1, 0, transparent=True) as driver:
        session = driver.connect("TCP", "127.0.0.1", peer.port)
        assert exactly(session, len(ENDS[each.kind.model]), LONG) == ENDS[each.kind.model]
        go_on.set()
        assert exactly(session, 4, LONG) == b"more"
        end.set()
        assert session.recv(1) == b""
        assert not driver.online
        with pytest.raises(SessionFinished):
            session.send(b"x")
        assert driver.state() == each.kind.resting


@pytest.mark.requirement("S5.1", "S5.7", "S5.11")
def test_a_transparent_server_is_in_data_mode_with_its_client(quick: Lab) -> None:
    with quick.driver(1, 0, transparent=True) as driver:
        listener = driver.listen()
        address = driver.local_address
        with client_of(listener, address) as visitor:
            session = listener.accept(LONG)
            quick.wait_for(1, b"\r\nCONNECT\r\n")
            visitor.sendall(NASTY)
            assert exactly(session, len(NASTY), LONG) == NASTY
            session.sendall(b"and back")
            assert visitor.recv(100) == b"and back"
        assert session.recv(1) == b""
        with client_of(listener, address) as again:
            session = listener.accept(LONG)
            again.sendall(b"second")
            assert exactly(session, 6, LONG) == b"second"


@pytest.mark.requirement("S8.5")
def test_transparent_mode_on_one_uart_and_another_context_on_another(each: Lab, echo_server: Peer) -> None:
    with each.driver(1, 0, transparent=True) as one, each.driver(2, 1) as two:
        streams = [driver.connect("TCP", "127.0.0.1", echo_server.port) for driver in (one, two)]
        for session in streams:
            session.sendall(b"hello")
        for session in streams:
            assert exactly(session, 5, LONG) == b"hello"


@pytest.mark.requirement("S7.6")
def test_transparent_mode_is_refused_with_two_contexts_on_one_uart(quick: Lab, echo_server: Peer) -> None:
    with quick.driver(1, 1) as other:
        other.activate()
        driver: TcpipDriver = quick.driver(1, 0, transparent=True)
        with pytest.raises(TcpipError, match=r"app note 7\.2"):
            driver.connect("TCP", "127.0.0.1", echo_server.port)
        driver.close()


@pytest.mark.requirement("S4.2", "S6.2")
def test_transparent_mode_is_refused_with_muxip(quick: Lab) -> None:
    with pytest.raises(ValueError, match="MUXIP"):
        quick.driver(1, 0, transparent=True, muxip=True)


@pytest.mark.requirement("S3.25", "S3.26")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.model)
def test_the_silence_before_the_plus_signs_is_kept_also_right_behind_data(echo_server: Peer, kind: Kind) -> None:
    """On a clock that does not hurry: what a busy computer takes from the silence must not count for more there."""
    with laboratory(kind=kind) as lab, lab.driver(1, 0, transparent=True) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.sendall(b"x")
        driver.escape()
        assert lab.heard(1).count(b"+++") == 1  # heard at the first attempt
        driver.resume()
        assert exactly(session, 1, LONG) == b"x"
