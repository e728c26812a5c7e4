"""A session that is opened while the network is silent (app note 10.1): both shells, a plain UART and a channel."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from driver_lab import BG96, M10, PATIENCE, Peer, QuickClock
from every_way import EACH_KIND, ONE_OR_SEVERAL, MakeWay
from stepped_clock import SteppedClock

from drivers.emulator.environment import Network
from drivers.errors import CommandError, ConnectTimeout
from drivers.tcpip import KeepAlive
from drivers.tcpip.quectel_gsm import timeouts as of_gsm
from drivers.tcpip.quectel_lte.dialogues import LINGER
from drivers.tcpip.quectel_lte.opening import LOOK

QUICK = KeepAlive(period=10.0, first=5.0, then=5.0, repeats=2)
LONG = 1000.0  # seconds of a clock that is quick


@pytest.mark.requirement("S10.1")
@ONE_OR_SEVERAL
def test_it_succeeds_as_soon_as_the_network_is_back(way: MakeWay, echo_server: Peer, several: bool) -> None:
    there = way(clock=QuickClock(20.0))
    with there.driver(several=several) as driver, ThreadPoolExecutor() as pool:
        driver.activate()
        there.set_network(Network(silent=True))
        opening = pool.submit(driver.connect, "TCP", "127.0.0.1", echo_server.port)
        there.wait_for(b"AT+QIOPEN=")
        there.set_network(Network())
        session = opening.result(PATIENCE)
        session.settimeout(LONG)
        session.sendall(b"s")
        assert session.recv(1) == b"s"


AWAITED = {M10.model: of_gsm.deadline("CONNECT OK"), BG96.model: LOOK}
FAILED = {M10.model: (b"CONNECT FAIL", "after 75 s"), BG96.model: (b"+QIOPEN: 0,569", "569")}


@pytest.mark.requirement("S10.1", "L3.12")
@EACH_KIND
def test_it_fails_after_75_seconds_of_silence(way: MakeWay, echo_server: Peer) -> None:
    clock = SteppedClock()
    there = way(clock=clock)
    text, words = FAILED[there.kind.model]
    with there.driver() as driver, ThreadPoolExecutor() as pool:
        driver.activate()
        there.set_network(Network(silent=True))
        opening = pool.submit(driver.connect, "TCP", "127.0.0.1", echo_server.port)
        clock.await_wait(75)
        clock.await_wait(AWAITED[there.kind.model])
        clock.advance(74)
        there.round_trip()
        assert text not in there.sent
        clock.advance(1)
        with pytest.raises(ConnectTimeout, match=words):
            opening.result(PATIENCE)
        there.set_network(Network())
        driver.connect("TCP", "127.0.0.1", echo_server.port)


OPENINGS = {
    "activate": (b"AT+QIACT", ()),
    "listen": (b"AT+QISERVER", ("TCP", 2020)),
    "resolve": (b"AT+QIDNSGIP=", ("www.quectel.com",)),
    "connect": (b"AT+QIOPEN=", ("TCP", "127.0.0.1", 1)),
}


@pytest.mark.requirement("S10.1")
@EACH_KIND
@pytest.mark.parametrize("name", OPENINGS)
def test_a_context_is_activated_as_soon_as_the_network_is_back(way: MakeWay, echo_server: Peer, name: str) -> None:
    there = way(clock=QuickClock(20.0))
    text, arguments = OPENINGS[name]
    if there.kind is not M10:
        text = b"AT+QIACT="  # before anything else
    there.set_network(Network(silent=True))
    with there.driver() as driver, ThreadPoolExecutor() as pool:
        waiting = pool.submit(getattr(driver, name), *(echo_server.port if one == 1 else one for one in arguments))
        there.wait_for(text)
        there.set_network(Network())
        waiting.result(PATIENCE)
        assert driver.state() != there.kind.down


@pytest.mark.requirement("S10.1", "L2.15")
@EACH_KIND
def test_an_activation_fails_after_150_seconds_of_silence(way: MakeWay) -> None:
    clock = SteppedClock()
    there = way(clock=clock)
    there.set_network(Network(silent=True))
    with there.driver() as driver, ThreadPoolExecutor() as pool:
        activating = pool.submit(driver.activate)
        clock.await_wait(150)
        clock.await_wait(of_gsm.deadline("QIACT"))
        clock.advance(149)
        there.round_trip()
        assert not there.sent.endswith(b"ERROR\r\n")
        clock.advance(1)
        with pytest.raises(CommandError, match="QIACT"):
            activating.result(PATIENCE)
        assert driver.state() == there.kind.down
        there.set_network(Network())
        driver.activate()


@pytest.mark.requirement("S10.1")
@EACH_KIND
def test_datagrams_need_no_answer(way: MakeWay, echo_server: Peer) -> None:
    there = way()
    with there.driver() as driver:
        driver.activate()
        there.set_network(Network(silent=True))
        driver.connect("UDP", "127.0.0.1", echo_server.port).sendall(b"lost")


@pytest.mark.requirement("S10.1", "S10.4", "S10.8")
@EACH_KIND
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
            assert clock.pass_until(dead.wait, QUICK.bound + 1 + LINGER, 5.0)
            assert clock.pass_until(lambda seconds: there.has_come(b"AT+QIOPEN=", 2, seconds), 2 * LINGER, LINGER)
            there.set_network(Network())
            assert again.wait(PATIENCE)
            assert there.heard.count(b"AT+QIOPEN=") == 2
            assert watch.session is not session
            watch.session.settimeout(LONG)
            watch.session.sendall(b"again")
            assert watch.session.recv(1) == b"a"
