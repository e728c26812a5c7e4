"""Chapter 10: an idle connection is kept, and a dead one is found."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest
from driver_lab import (
    BG96,
    EC25,
    EG91,
    KINDS,
    M10,
    PATIENCE,
    Kind,
    Lab,
    Peer,
    QuickClock,
    client_of,
    exactly,
    laboratory,
)
from every_way import MakeWay, Way, in_each_way, only
from families_lab import InLoop
from stepped_clock import SteppedClock

from drivers.at import LinePattern
from drivers.clock import FakeClock
from drivers.emulator import Behaviour
from drivers.emulator.environment import Network
from drivers.errors import SessionFinished, SessionReset, TcpipError
from drivers.tcpip import Acknowledged, KeepAlive, Session

CLOSE_OK = (LinePattern("CLOSE OK"),)
EACH_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.model)
QUICK = KeepAlive(period=10.0, first=5.0, then=5.0, repeats=2)


@pytest.mark.requirement("S10.3", "S10.5", "S10.6", "S10.11", "S10.13")
def test_a_connection_that_lives_is_found_alive_and_its_totals_grow(echo_server: Peer) -> None:
    with laboratory(clock=QuickClock(20.0)) as lab, lab.driver(1, 0) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        assert session.acknowledged() == Acknowledged(0, 0, 0)
        assert session.check(QUICK) == Acknowledged(10, 10, 0)
        assert session.check(QUICK) == Acknowledged(20, 20, 0)
        assert lab.heard(1).count(b"AT+QISTAT\r") == 2
        lab.wait_for(1, b"\r\nOK\r\n\r\nSTATE: CONNECT OK\r\n")


@pytest.mark.requirement("S10.7", "S10.8")
@EACH_KIND
def test_a_dead_connection_is_found_after_the_last_repeat(echo_server: Peer, kind: Kind) -> None:
    with laboratory(clock=QuickClock(20.0), kind=kind) as lab, lab.driver(1, 0) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        lab.module.set_network(Network(silent=True))
        with pytest.raises(SessionReset, match="not acknowledged within 15 s"):
            session.check(QUICK)
        asked = b"AT+QISACK\r" if kind is M10 else b"AT+QISEND=0,0\r"
        assert lab.heard(1).count(asked) == 1 + 1 + 2


@pytest.mark.requirement("S10.4", "S10.10")
@EACH_KIND
def test_octets_that_were_never_acknowledged_are_enough(echo_server: Peer, kind: Kind) -> None:
    with laboratory(clock=QuickClock(20.0), kind=kind) as lab, lab.driver(1, 0) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        lab.module.set_network(Network(silent=True))
        session.sendall(b"into the void")
        with pytest.raises(SessionReset, match="13 octets were not acknowledged"):
            session.check(QUICK)


@pytest.mark.requirement("S10.4", "S10.10")
def test_octets_that_are_on_their_way_are_waited_for(echo_server: Peer) -> None:
    """A round trip takes seconds: what has not been acknowledged yet says nothing of the connection."""
    with laboratory(clock=QuickClock(20.0)) as lab, lab.driver(1, 0) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        lab.module.set_network(Network(silent=True))
        session.sendall(b"on its way")
        asked = []

        def arrives(direction: str, octets: bytes) -> None:
            asked.extend([octets] * (direction == "tx" and octets == b"AT+QISACK\r"))
            if len(asked) == 2:
                lab.module.set_network(Network())

        driver.channel.on_octets(arrives)
        assert session.check(QUICK) == Acknowledged(20, 20, 0)
        assert len(asked) >= 3


@pytest.mark.requirement("S10.9")
def test_a_connection_that_the_module_knows_to_be_gone_is_not_probed(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(1, 0, receive="header") as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        driver.channel.command("AT+QICLOSE", success=CLOSE_OK)
        with pytest.raises(SessionReset, match="the module says IP CLOSE"):
            session.check(QUICK)


@pytest.mark.requirement("S10.12")
def test_with_muxip_the_session_is_named_by_its_index(echo_server: Peer) -> None:
    with laboratory(clock=QuickClock(20.0)) as lab, lab.driver(1, 0, muxip=True) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port, index=3)
        assert session.check(QUICK) == Acknowledged(10, 10, 0)
        assert b"AT+QISACK=3\r" in lab.heard(1)
        with pytest.raises(ValueError, match="for session 2"):
            session.check(KeepAlive(index=2))
        with pytest.raises(ValueError, match="for session 6, this is session 3"):
            driver.keep_alive(session, KeepAlive(index=6))
        with pytest.raises(ValueError, match="1460 octets at once, the probe has 1461"):
            session.check(KeepAlive(probe=bytes(1461)))


@EACH_KIND
def test_a_session_with_a_remote_client_is_examined_too(kind: Kind) -> None:
    with laboratory(kind=kind) as lab, lab.driver(1, 0) as driver:
        listener = driver.listen(port=2020)
        with client_of(listener, driver.local_address) as visitor:
            session = listener.accept(PATIENCE)
            quick = KeepAlive(probe=b"ping", first=0.2, then=0.2)
            assert session.check(quick).sent == 4
            assert visitor.recv(10) == b"ping"


@pytest.mark.requirement("S10.1", "S10.2")
@EACH_KIND
def test_a_watch_reports_a_dead_connection_within_the_bound_and_opens_it_again(echo_server: Peer, kind: Kind) -> None:
    clock = QuickClock(20.0)
    with laboratory(clock=clock, kind=kind) as lab, lab.driver(1, 0) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        reported: list[tuple[Session, Exception, float]] = []
        again = threading.Event()

        def dead(which: Session, why: Exception) -> None:
            reported.append((which, why, clock.now()))
            lab.module.set_network(Network())

        with driver.keep_alive(
            session, QUICK, reconnect=True, on_dead=dead, on_reconnected=lambda _: again.set()
        ) as watch:
            lab.module.set_network(Network(silent=True))
            since = clock.now()
            session.settimeout(1000)
            with pytest.raises(ConnectionResetError, match="not acknowledged"):
                session.recv(1)
            assert again.wait(30)
            assert reported[0][0] is session
            assert reported[0][2] - since <= watch.bound
            assert watch.session is not session
            watch.session.sendall(b"alive again")
            watch.session.settimeout(1000)
            assert watch.session.recv(100)


@EACH_KIND
def test_a_datagram_session_cannot_be_examined(echo_server: Peer, kind: Kind) -> None:
    with laboratory(kind=kind) as lab, lab.driver(1, 0) as driver:
        session = driver.connect("UDP", "127.0.0.1", echo_server.port)
        with pytest.raises(TcpipError, match="only a TCP session"):
            session.check()


def test_nor_can_a_transparent_one(echo_server: Peer) -> None:
    with laboratory(clock=QuickClock(5.0)) as lab, lab.driver(1, 0, transparent=True) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        with pytest.raises(TcpipError, match="not examined"):
            session.check()
        session.sendall(b"x")
        assert exactly(session, 1, 5 * PATIENCE) == b"x"


@pytest.mark.parametrize(
    "wrong",
    [{"period": 0}, {"first": -1}, {"probe": b""}, {"probe": b"a\x1b"}, {"repeats": 13}, {"index": -1}, {"index": "0"}],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        KeepAlive(**wrong)  # type: ignore[arg-type]


MUCH = 300_000


def much(connection: socket.socket) -> None:
    """Send more than host and module keep, and close."""
    connection.sendall(bytes(MUCH))


@pytest.mark.requirement("S10.9")
@in_each_way("muxip", (False,), (True,), (True,), (False,))
def test_what_the_other_side_has_sent_and_the_module_keeps_is_not_lost(way: MakeWay, muxip: bool) -> None:
    """It has closed then, and the reader takes its time; that is no dead connection."""
    clock = FakeClock()
    there = way(clock=clock)
    with Peer(much) as peer, there.driver(muxip=muxip) as driver:
        session = driver.connect("TCP", "127.0.0.1", peer.port)
        with driver.keep_alive(session, QUICK):
            while not (session._state.congested and session._state.unread):  # the rest stays in the module now
                there.round_trip()
            for _ in range(5):
                clock.advance(QUICK.period + 1)
                there.round_trip()
            got = 0
            while piece := session.recv(65536):
                got += len(piece)
            assert got == MUCH


@pytest.mark.requirement("S10.8")
def test_a_dead_session_can_be_closed_when_its_watch_was_closed_before_that(way: MakeWay, echo_server: Peer) -> None:
    there = way(clock=QuickClock(20.0))
    with there.driver(muxip=True) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        there.set_network(Network(silent=True))
        watch = driver.keep_alive(session, KeepAlive(period=1.0, first=1.0, then=1.0, repeats=0))
        inside = isinstance(watch, InLoop)

        def note(direction: str, data: bytes) -> None:
            if direction in ("tx", "received") and b"AT+QISRVC?" in data:
                closed.set()
                asyncio.ensure_future(watch._inner.close()) if inside else watch.close()

        closed = threading.Event()
        if inside:
            there.module.on_octets(lambda _, direction, data: note(direction, data))
        else:
            driver.channel.on_octets(note)
        assert closed.wait(PATIENCE)
        watch.close()
        there.set_network(Network())
        assert b"AT+QICLOSE" not in there.heard
        session.close()
        assert b"AT+QICLOSE=0" in there.heard
        again = driver.connect("TCP", "127.0.0.1", echo_server.port, index=0)
        again.sendall(b"again")
        assert exactly(again, 5) == b"again"


# -- by the module: AT+QICFG="tcp/keepalive" -----------------------------------------------------------------------

ASKED = b'AT+QICFG="tcp/keepalive",1,2,25,3\r'
BY_MODULE = KeepAlive(period=90.0)  # in whole minutes
IDLE, INTERVAL = 2 * 60.0, 25.0  # seconds until the first probe, and between those that are not answered
GIVEN_UP = IDLE + 3 * INTERVAL
PROBE = b"AT+QISEND=0,10\r"


def asked(there: Way, driver: Any, times: int = 1) -> None:
    """Wait until the module has been asked to probe, and its answer has been read."""
    there.wait_for(ASKED, times)
    assert driver.state() == "active"


@only(kinds=(EC25,))
def test_a_module_that_probes_by_itself_ends_the_session_of_a_silent_peer(way: MakeWay, echo_server: Peer) -> None:
    clock = SteppedClock()
    there = way(clock=clock)
    dead = threading.Event()
    with there.driver() as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.sendall(b"hello")
        assert exactly(session, 5) == b"hello"
        with driver.keep_alive(session, BY_MODULE, on_dead=lambda *_: dead.set()):
            asked(there, driver)
            there.set_network(Network(silent=True))
            begun = clock.now()
            clock.advance(IDLE)
            there.round_trip()
            assert clock.pass_until(dead.wait, GIVEN_UP, INTERVAL)
            assert clock.now() - begun == GIVEN_UP
            there.wait_for(b'\r\n+QIURC: "closed",0\r\n', direction="sent")
            assert session.recv(1) == b""
            with pytest.raises(SessionFinished):
                session.send(b"x")
        there.set_network(Network())
        assert PROBE not in there.heard
        assert b"AT+QICLOSE=0" in there.heard


@only(kinds=(EC25,))
def test_a_session_is_opened_again_when_the_module_has_given_it_up(way: MakeWay, echo_server: Peer) -> None:
    clock = SteppedClock()
    there = way(clock=clock)
    again = threading.Event()
    with there.driver() as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        with driver.keep_alive(session, BY_MODULE, reconnect=True, on_reconnected=lambda *_: again.set()) as watch:
            asked(there, driver)
            there.set_network(Network(silent=True))
            clock.advance(IDLE)
            there.round_trip()
            assert clock.pass_until(lambda seconds: there.has_come(b"AT+QIOPEN=", 2, seconds), GIVEN_UP, INTERVAL)
            there.set_network(Network())
            assert again.wait(PATIENCE)
            there.wait_for(ASKED, 2)
            watch.session.settimeout(1000)
            watch.session.sendall(b"again")
            assert watch.session.recv(5) == b"again"


@only("channel", kinds=(EC25,))
def test_where_the_setting_is_for_later_sessions_one_that_is_opened_after_it_has_it(
    way: MakeWay, echo_server: Peer
) -> None:
    clock = SteppedClock()
    there = way(clock=clock, behaviour=Behaviour.parse(["keepalive_applies=later"]))
    dead = [threading.Event() for _ in range(2)]
    with there.driver() as driver:
        for number, event in enumerate(dead, 1):
            session = driver.connect("TCP", "127.0.0.1", echo_server.port)
            driver.keep_alive(session, BY_MODULE, on_dead=lambda *_, event=event: event.set())
            asked(there, driver, number)
        there.set_network(Network(silent=True))
        clock.advance(IDLE)
        there.round_trip()
        assert clock.pass_until(dead[1].wait, GIVEN_UP, INTERVAL)
        assert not dead[0].is_set()
        assert b"AT+QICLOSE=0" not in there.heard
        there.set_network(Network())


@only(kinds=(EC25,))
def test_a_peer_that_lives_is_not_disturbed_by_a_module_that_probes_by_itself(way: MakeWay) -> None:
    clock = FakeClock()
    there = way(clock=clock)
    got = bytearray()
    ended = threading.Event()

    def listen(connection: socket.socket) -> None:
        while data := connection.recv(100):
            got.extend(data)
        ended.set()

    with Peer(listen) as peer, there.driver() as driver:
        session = driver.connect("TCP", "127.0.0.1", peer.port)
        with driver.keep_alive(session, BY_MODULE, on_dead=lambda *_: pytest.fail("it lives")):
            asked(there, driver)
            for _ in range(30):
                clock.advance(60)
                there.round_trip()
            before = len(there.heard)
            session.sendall(b"after half an hour")
            assert there.heard[before:] == b"AT+QISEND=0,18\rafter half an hour"
        peer.connection().shutdown(socket.SHUT_WR)
        assert ended.wait(PATIENCE)
        assert bytes(got) == b"after half an hour"


def probed_by_the_driver(there: Way, clock: SteppedClock, port: int, **options: Any) -> None:
    """Let the driver keep a session alive, and want the other side to get its probe."""
    with there.driver(**options) as driver:
        session = driver.connect("TCP", "127.0.0.1", port)
        there.round_trip()  # the module has done with opening it, which has a limit of its own
        with driver.keep_alive(session, BY_MODULE):
            clock.await_wait(BY_MODULE.period)
            clock.advance(BY_MODULE.period)
            session.settimeout(1000)
            assert exactly(session, 10) == b"TCP detect"
            assert PROBE in there.heard


@only(kinds=(EG91, BG96))
def test_a_module_of_which_it_is_not_known_has_its_sessions_probed_by_the_driver(
    way: MakeWay, echo_server: Peer
) -> None:
    clock = SteppedClock()
    there = way(clock=clock)
    probed_by_the_driver(there, clock, echo_server.port)
    assert b'AT+QICFG="tcp/keepalive"' not in there.heard


@only(kinds=(BG96,))
def test_so_has_one_that_refuses_the_setting(way: MakeWay, echo_server: Peer) -> None:
    clock = SteppedClock()
    there = way(clock=clock)
    probed_by_the_driver(there, clock, echo_server.port, dialect="ec25")
    assert ASKED in there.heard
