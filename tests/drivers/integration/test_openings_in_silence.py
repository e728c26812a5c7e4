"""A session that is opened while the network is silent (app note 10.1): both shells, a plain UART and a channel."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from driver_lab import PATIENCE, Peer, QuickClock
from every_way import MakeWay
from stepped_clock import SteppedClock

from drivers.emulator.environment import Network
from drivers.errors import CommandError, ConnectTimeout
from drivers.tcpip import KeepAlive
from drivers.tcpip.quectel_gsm.timeouts import deadline

QUICK = KeepAlive(period=10.0, first=5.0, then=5.0, repeats=2)
LONG = 1000.0  # seconds of a clock that is quick


@pytest.mark.requirement("S10.1")
@pytest.mark.parametrize("muxip", [False, True])
def test_it_succeeds_as_soon_as_the_network_is_back(way: MakeWay, echo_server: Peer, muxip: bool) -> None:
    there = way(clock=QuickClock(20.0))
    with there.driver(muxip=muxip) as driver, ThreadPoolExecutor() as pool:
        driver.activate()
        there.set_network(Network(silent=True))
        opening = pool.submit(driver.connect, "TCP", "127.0.0.1", echo_server.port)
        there.wait_for(b"AT+QIOPEN=")
        there.set_network(Network())
        session = opening.result(PATIENCE)
        session.settimeout(LONG)
        session.sendall(b"s")
        assert session.recv(1) == b"s"


@pytest.mark.requirement("S10.1")
def test_it_fails_after_75_seconds_of_silence(way: MakeWay, echo_server: Peer) -> None:
    clock = SteppedClock()
    there = way(clock=clock)
    with there.driver() as driver, ThreadPoolExecutor() as pool:
        driver.activate()
        there.set_network(Network(silent=True))
        opening = pool.submit(driver.connect, "TCP", "127.0.0.1", echo_server.port)
        clock.await_wait(75)
        clock.await_wait(deadline("CONNECT OK"))
        clock.advance(74)
        there.round_trip()
        assert b"CONNECT FAIL" not in there.sent
        clock.advance(1)
        with pytest.raises(ConnectTimeout, match="after 75 s"):
            opening.result(PATIENCE)
        there.set_network(Network())
        driver.connect("TCP", "127.0.0.1", echo_server.port)


OPENINGS = {
    "activate": (b"AT+QIACT", ()),
    "listen": (b"AT+QISERVER", ()),
    "resolve": (b"AT+QIDNSGIP=", ("www.quectel.com",)),
    "connect": (b"AT+QIOPEN=", ("TCP", "127.0.0.1", 1)),
}


@pytest.mark.requirement("S10.1")
@pytest.mark.parametrize("name", OPENINGS)
def test_a_context_is_activated_as_soon_as_the_network_is_back(way: MakeWay, echo_server: Peer, name: str) -> None:
    there = way(clock=QuickClock(20.0))
    text, arguments = OPENINGS[name]
    there.set_network(Network(silent=True))
    with there.driver() as driver, ThreadPoolExecutor() as pool:
        waiting = pool.submit(getattr(driver, name), *(echo_server.port if one == 1 else one for one in arguments))
        there.wait_for(text)
        there.set_network(Network())
        waiting.result(PATIENCE)
        assert driver.state() != "IP INITIAL"


@pytest.mark.requirement("S10.1")
def test_an_activation_fails_after_150_seconds_of_silence(way: MakeWay) -> None:
    clock = SteppedClock()
    there = way(clock=clock)
    there.set_network(Network(silent=True))
    with there.driver() as driver, ThreadPoolExecutor() as pool:
        activating = pool.submit(driver.activate)
        clock.await_wait(150)
        clock.await_wait(deadline("QIACT"))
        clock.advance(149)
        there.round_trip()
        assert b"ERROR" not in there.sent
        clock.advance(1)
        with pytest.raises(CommandError, match="QIACT"):
            activating.result(PATIENCE)
        assert driver.state() == "IP INITIAL"
        there.set_network(Network())
        driver.activate()


@pytest.mark.requirement("S10.1")
def test_datagrams_need_no_answer(way: MakeWay, echo_server: Peer) -> None:
    there = way()
    with there.driver() as driver:
        driver.activate()
        there.set_network(Network(silent=True))
        driver.connect("UDP", "127.0.0.1", echo_server.port).sendall(b"lost")


@pytest.mark.requirement("S10.1", "S10.4", "S10.8")
def test_a_dead_connection_is_re_established_by_an_opening_that_began_in_silence(
    way: MakeWay, echo_server: Peer
) -> None:
    clock = SteppedClock()
    there = way(clock=clock)
    dead, again = threading.Event(), threading.Event()
    with there.driver() as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        watch = driver.keep_alive(
            session,
            QUICK,
            reconnect=True,
            on_dead=lambda *_: dead.set(),
            on_reconnected=lambda *_: again.set(),
        )
        with watch:
            there.set_network(Network(silent=True))
            assert clock.pass_until(dead.wait, QUICK.bound + 1, 5.0)
            there.wait_for(b"AT+QIOPEN=", 2)
            there.set_network(Network())
            assert again.wait(PATIENCE)
            assert there.heard.count(b"AT+QIOPEN=") == 2
            assert watch.session is not session
            watch.session.settimeout(LONG)
            watch.session.sendall(b"again")
            assert watch.session.recv(1) == b"a"
