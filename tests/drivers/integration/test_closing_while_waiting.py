"""Closing abandons what waits: what is closed is closed within 2 s of the module's own answers, in both shells."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from driver_lab import PATIENCE, Peer
from every_way import NAMES, Way, way_named

from drivers.emulator import Behaviour
from drivers.emulator.environment import Network
from drivers.errors import SessionClosed
from drivers.tcpip import KeepAlive

SOON = 2.0  # seconds
QUICK = KeepAlive(period=0.1, first=0.1, then=0.1, repeats=0)
EVERYWHERE = pytest.mark.parametrize("where", NAMES)


@contextmanager
def soon() -> Iterator[None]:
    """What is done here does not take long."""
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < SOON


class Call(threading.Thread):
    """A call in a thread of its own, and what it raised."""

    def __init__(self, function: Callable[..., object], *arguments: object, **options: object) -> None:
        super().__init__(daemon=True)
        self._call = lambda: function(*arguments, **options)
        self.raised: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._call()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.raised = error

    def ended_with(self, words: str) -> None:
        self.join(SOON)
        assert not self.is_alive(), "still waits"
        assert isinstance(self.raised, SessionClosed), self.raised
        assert words in str(self.raised)


def until(there: Way, text: bytes) -> None:
    """Wait until the module has got something."""
    deadline = time.monotonic() + PATIENCE
    while text not in there.heard:
        assert time.monotonic() < deadline, there.heard
        time.sleep(0.01)
    time.sleep(0.1)  # until its OK has come


def works_again(there: Way, port: int) -> None:
    """Another driver in the same place has a session."""
    there.module.set_network(Network())
    with there.driver() as driver:
        session = driver.connect("TCP", "127.0.0.1", port)
        session.sendall(b"still here")
        session.settimeout(PATIENCE)
        assert session.recv(100) == b"still here"
        session.close()


OPTIONS: list[dict[str, Any]] = [{}, {"muxip": True}, {"transparent": True}]


@EVERYWHERE
@pytest.mark.requirement("S3.50")
@pytest.mark.parametrize("options", OPTIONS, ids=["single", "muxip", "transparent"])
def test_a_driver_is_closed_while_it_connects(echo_server: Peer, where: str, options: dict[str, Any]) -> None:
    with way_named(where) as there:
        driver = there.driver(**options)
        driver.activate()
        there.module.set_network(Network(silent=True))
        connecting = Call(driver.connect, "TCP", "127.0.0.1", echo_server.port)
        until(there, b"AT+QIOPEN")
        with soon():
            driver.close()
        connecting.ended_with("the driver was closed")
        works_again(there, echo_server.port)


@EVERYWHERE
@pytest.mark.parametrize("name", ["listen", "resolve", "connect"])
def test_a_driver_is_closed_while_the_network_takes_its_time(echo_server: Peer, where: str, name: str) -> None:
    arguments = {"listen": ("UDP",), "resolve": ("localhost",), "connect": ("UDP", "127.0.0.1", echo_server.port)}
    with way_named(where, Behaviour.parse(["activation_time=60"])) as there:
        driver = there.driver()
        waiting = Call(getattr(driver, name), *arguments[name])
        until(there, {"listen": b"AT+QISERVER", "resolve": b"AT+QIDNSGIP", "connect": b"AT+QIOPEN"}[name])
        with soon():
            driver.close()
        waiting.ended_with("the driver was closed")


@EVERYWHERE
def test_a_command_in_flight_is_answered_before_the_driver_is_closed(echo_server: Peer, where: str) -> None:
    with way_named(where, Behaviour.parse(["activation_time=1"])) as there:
        driver = there.driver()
        activating = Call(driver.activate)
        until(there, b"AT+QIACT")
        with soon():
            driver.close()
        activating.ended_with("the driver was closed")
        assert b"AT+QIACT\rAT+QIDEACT\r" in there.heard  # nothing was typed while the module was busy
        works_again(there, echo_server.port)


@EVERYWHERE
def test_a_driver_is_closed_while_it_waits_for_its_context(where: str) -> None:
    with way_named(where) as there:
        holder, driver = there.driver(), there.driver()
        holder.claim()
        claiming = Call(driver.claim, timeout=60)
        queued = Call(driver.state)  # waits for its turn behind that
        time.sleep(0.2)
        with soon():
            driver.close()
        claiming.ended_with("the driver was closed")
        queued.ended_with("the driver was closed")
        holder.close()


@EVERYWHERE
def test_what_waits_on_a_session_or_a_listener_ends_with_the_driver(echo_server: Peer, where: str) -> None:
    with way_named(where) as there:
        driver = there.driver()
        session = driver.connect("UDP", "127.0.0.1", echo_server.port)
        listener = driver.listen()
        waiting = [Call(session.recv, 1), Call(listener.accept), Call(session.rest, 60)]
        sending = Call(session.sendall, b"later", end="timer", period=60)
        until(there, b"later")
        with soon():
            driver.close()
        for one in (sending, *waiting[:2]):
            one.ended_with("the driver was closed")
        works_again(there, echo_server.port)


@EVERYWHERE
@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
def test_a_session_is_closed_while_it_waits_for_the_timer_of_what_it_sends(
    echo_server: Peer, where: str, protocol: str
) -> None:
    with way_named(where) as there, there.driver() as driver:
        session = driver.connect(protocol, "127.0.0.1", echo_server.port)
        sending = Call(session.sendall, b"later", end="timer", period=60)
        until(there, b"later")
        with soon():
            session.close()
        sending.ended_with("the session was closed here")
        assert b"later\x1b" in there.heard


@EVERYWHERE
@pytest.mark.requirement("S10.8")
@pytest.mark.parametrize("muxip", [False, True])
def test_a_watch_is_closed_while_it_opens_the_session_again(echo_server: Peer, where: str, muxip: bool) -> None:
    with way_named(where) as there, there.driver(muxip=muxip) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        there.module.set_network(Network(silent=True))
        watch = driver.keep_alive(session, QUICK, reconnect=True)
        opened = there.heard.count(b"AT+QIOPEN")
        deadline = time.monotonic() + PATIENCE
        while there.heard.count(b"AT+QIOPEN") == opened:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.1)
        with soon():
            watch.close()
        there.module.set_network(Network())
        with driver.connect("TCP", "127.0.0.1", echo_server.port) as again:
            again.sendall(b"x")


@EVERYWHERE
@pytest.mark.requirement("S10.8")
def test_a_watch_ends_with_its_driver_and_reports_nothing(echo_server: Peer, where: str) -> None:
    told: list[object] = []
    with way_named(where) as there:
        driver = there.driver()
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        there.module.set_network(Network(silent=True))
        driver.keep_alive(session, QUICK, reconnect=True, on_dead=lambda *_: told.append("dead"))
        opened = there.heard.count(b"AT+QIOPEN")
        while there.heard.count(b"AT+QIOPEN") == opened:
            time.sleep(0.01)
        time.sleep(0.1)
        with soon():
            driver.close()
        works_again(there, echo_server.port)
    assert told == ["dead"]


@EVERYWHERE
def test_a_watch_is_closed_while_another_call_of_the_driver_waits(echo_server: Peer, where: str) -> None:
    with way_named(where) as there:
        driver = there.driver(muxip=True)
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        watch = driver.keep_alive(session, KeepAlive(period=0.5, first=0.1, then=0.1, repeats=0), reconnect=True)
        there.module.set_network(Network(silent=True))
        connecting = Call(driver.connect, "TCP", "127.0.0.1", echo_server.port)
        time.sleep(1.0)  # the watch wants its turn of the channel now
        with soon():
            watch.close()
        assert connecting.is_alive()
        with soon():
            driver.close()
        connecting.ended_with("the driver was closed")


@EVERYWHERE
@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
def test_a_session_is_used_and_closed_while_another_one_is_opened(echo_server: Peer, where: str, protocol: str) -> None:
    with way_named(where) as there, there.driver(muxip=True) as driver:
        session = driver.connect(protocol, "127.0.0.1", echo_server.port)
        there.module.set_network(Network(silent=True))
        connecting = Call(driver.connect, "TCP", "127.0.0.1", echo_server.port)
        there.wait_for(b"AT+QIOPEN=1")
        with soon():
            session.sendall(b"meanwhile")
        with soon():
            session.close()
        assert connecting.is_alive()
        with soon():
            driver.close()
        connecting.ended_with("the driver was closed")
        assert there.heard.count(b"AT+QICLOSE=0") == there.heard.count(b"AT+QICLOSE=1") == 1


@EVERYWHERE
@pytest.mark.parametrize("active", [True, False])
def test_a_driver_is_used_and_closed_while_another_one_of_its_uart_connects(
    echo_server: Peer, where: str, *, active: bool
) -> None:
    with way_named(where) as there, there.driver(0) as first, there.driver(1) as second:
        session = first.connect("TCP", "127.0.0.1", echo_server.port)
        if active:
            second.activate()
        there.module.set_network(Network(silent=True))
        connecting = Call(second.connect, "TCP", "127.0.0.1", echo_server.port)
        there.wait_for(b"AT+QIOPEN", 2)
        with soon():
            session.sendall(b"meanwhile")
        with soon():
            first.close()
        assert connecting.is_alive()
        with soon():
            second.close()
        connecting.ended_with("the driver was closed")
        works_again(there, echo_server.port)


@EVERYWHERE
def test_one_session_is_opened_after_the_other_on_one_uart(echo_server: Peer, where: str) -> None:
    with way_named(where) as there, there.driver(0) as first, there.driver(1) as second:
        first.activate()
        second.activate()
        there.module.set_network(Network(silent=True))
        waiting = Call(first.connect, "TCP", "127.0.0.1", echo_server.port)
        there.wait_for(b"AT+QIOPEN")
        later = Call(second.connect, "TCP", "127.0.0.1", echo_server.port)
        with soon():
            first.close()
        waiting.ended_with("the driver was closed")
        there.module.set_network(Network())
        later.join(PATIENCE)
        assert later.raised is None
        one, _, other = there.heard.partition(b"AT+QICLOSE")
        assert one.count(b"AT+QIOPEN") == other.count(b"AT+QIOPEN") == 1  # CONNECT FAIL would name neither


@EVERYWHERE
def test_a_driver_may_be_closed_by_two_at_once(echo_server: Peer, where: str) -> None:
    with way_named(where) as there:
        driver = there.driver()
        driver.activate()
        there.module.set_network(Network(silent=True))
        connecting = Call(driver.connect, "TCP", "127.0.0.1", echo_server.port)
        until(there, b"AT+QIOPEN")
        closing = [Call(driver.close) for _ in range(3)]
        for one in closing:
            one.join(SOON)
            assert not one.is_alive()
            assert one.raised is None
        connecting.ended_with("the driver was closed")
        works_again(there, echo_server.port)
