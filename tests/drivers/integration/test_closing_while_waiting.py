"""Closing abandons what waits: what is closed is closed within 2 s of the module's own answers, in both shells.

Module and driver have a clock that stands still but for those 2 s, so whatever waits longer is seen. What holds for
both families is shown on a module of each.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from driver_lab import BG96, M10, PATIENCE, Peer, exactly
from every_way import EACH_KIND, ONE_OR_SEVERAL, MakeWay, Way, only
from stepped_clock import SteppedClock

from drivers.emulator import Behaviour
from drivers.emulator.environment import Network
from drivers.errors import SessionClosed
from drivers.tcpip import KeepAlive
from drivers.tcpip.core.exclusion import Claimant, Exclusion
from drivers.tcpip.quectel_gsm import timeouts as of_gsm
from drivers.tcpip.quectel_lte.dialogues import LINGER
from drivers.tcpip.quectel_lte.opening import LOOK

SOON = 2.0  # seconds
QUICK = KeepAlive(period=0.1, first=0.1, then=0.1, repeats=0)
DEAD = {M10.model: 1.0, BG96.model: 1.0 + LINGER}
"""Seconds that are more than enough for it; an LTE module waits for the other side while it closes the dead one."""


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

    def over(self, seconds: float = PATIENCE) -> bool:
        """Wait for its end; tell whether that has come."""
        self.join(seconds)
        return not self.is_alive()

    def succeeded(self) -> None:
        assert self.over(), "still waits"
        assert self.raised is None, self.raised

    def ended_with(self, words: str) -> None:
        assert self.over(), "still waits"
        assert isinstance(self.raised, SessionClosed), self.raised
        assert words in str(self.raised)


@pytest.fixture
def clock() -> SteppedClock:
    """The clock of module and drivers."""
    return SteppedClock()


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], bool]:
    """What waits so many real seconds until one more call has to wait behind another one, and tells whether it has."""
    came = threading.Semaphore(0)
    claiming = Exclusion.claiming

    @contextmanager
    def noting(exclusion: Exclusion, caller: object) -> Iterator[Claimant]:
        with claiming(exclusion, caller) as claimant:
            if exclusion._holder not in (None, caller) or exclusion._queue[0] is not claimant:
                came.release()
            yield claimant

    def wait(seconds: float) -> bool:
        return came.acquire(timeout=seconds)

    monkeypatch.setattr(Exclusion, "claiming", noting)
    return wait


def soon(clock: SteppedClock, *calls: Call) -> None:
    """No call takes more than 2 s of the clock, which goes on where somebody waits for it."""
    begun = clock.now()
    for call in calls:
        assert clock.pass_until(call.over, begun + SOON - clock.now()), f"still waits after {clock.now() - begun:g} s"
        assert call.raised is None, call.raised
    assert clock.now() <= begun + SOON


def works_again(there: Way, port: int) -> None:
    """Another driver in the same place has a session."""

    def use() -> None:
        with there.driver() as driver:
            session = driver.connect("TCP", "127.0.0.1", port)
            session.sendall(b"still here")
            assert exactly(session, 10) == b"still here"
            session.close()

    there.set_network(Network())
    Call(use).succeeded()


def connecting(there: Way, driver: Any, port: int) -> Call:
    """Connect in a silent network: CONNECT OK is waited for."""
    there.set_network(Network(silent=True))
    return Call(driver.connect, "TCP", "127.0.0.1", port)


OPENS = {M10.model: of_gsm.deadline("CONNECT OK"), BG96.model: LOOK}
"""Seconds that are waited for the result of opening; an LTE module is asked for it after that."""


def await_opening(there: Way, clock: SteppedClock) -> None:
    """Wait until the result of opening a session is waited for."""
    clock.await_wait(OPENS[there.kind.model])


def closed_while_it_connects(there: Way, clock: SteppedClock, port: int, **options: Any) -> None:
    """Connect in a silent network, and close the driver."""
    driver = there.driver(**options)
    driver.activate()
    waiting = connecting(there, driver, port)
    await_opening(there, clock)
    soon(clock, Call(driver.close))
    waiting.ended_with("the driver was closed")
    works_again(there, port)


@pytest.mark.requirement("S3.50")
@ONE_OR_SEVERAL
def test_a_driver_is_closed_while_it_connects(
    way: MakeWay, clock: SteppedClock, echo_server: Peer, *, several: bool
) -> None:
    closed_while_it_connects(way(clock=clock), clock, echo_server.port, several=several)


@pytest.mark.requirement("S3.50")
def test_a_transparent_driver_is_closed_while_it_connects(way: MakeWay, clock: SteppedClock, echo_server: Peer) -> None:
    closed_while_it_connects(way(clock=clock), clock, echo_server.port, transparent=True)


@pytest.mark.parametrize(
    ("name", "answer"), [("listen", "SERVER OK"), ("resolve", "QIDNSGIP"), ("connect", "CONNECT OK")]
)
def test_a_driver_is_closed_while_the_network_takes_its_time(
    way: MakeWay, clock: SteppedClock, echo_server: Peer, name: str, answer: str
) -> None:
    """The commands that open activate the context of an M10; with an LTE module that is a command of its own."""
    arguments = {"listen": ("UDP",), "resolve": ("localhost",), "connect": ("UDP", "127.0.0.1", echo_server.port)}
    driver = way(behaviour=Behaviour(activation_time=60.0), clock=clock).driver()
    waiting = Call(getattr(driver, name), *arguments[name])
    clock.await_wait(of_gsm.deadline(answer))
    soon(clock, Call(driver.close))
    waiting.ended_with("the driver was closed")


ACTIVATES = {M10.model: (b"AT+QIACT\r", b"AT+QIDEACT\r"), BG96.model: (b"AT+QIACT=1\r", b"AT+QIDEACT=1\r")}


@EACH_KIND
def test_a_command_in_flight_is_answered_before_the_driver_is_closed(way: MakeWay, clock: SteppedClock) -> None:
    there = way(behaviour=Behaviour(activation_time=1.0), clock=clock)
    driver = there.driver()
    activating = Call(driver.activate)
    up, down = ACTIVATES[there.kind.model]
    there.wait_for(up)
    soon(clock, Call(driver.close))
    activating.ended_with("the driver was closed")
    assert up + down in there.heard  # nothing was typed while the module was busy


@EACH_KIND
def test_a_driver_is_closed_while_it_waits_for_its_context(
    way: MakeWay, clock: SteppedClock, queued: Callable[[float], bool]
) -> None:
    there = way(clock=clock)
    holder, driver = there.driver(), there.driver()
    holder.claim()
    claiming = Call(driver.claim, timeout=60)
    clock.await_wait(60)
    behind = Call(driver.state)
    assert queued(PATIENCE)
    soon(clock, Call(driver.close))
    claiming.ended_with("the driver was closed")
    behind.ended_with("the driver was closed")
    holder.close()


@EACH_KIND
def test_what_waits_on_a_session_or_a_listener_ends_with_the_driver(
    way: MakeWay, clock: SteppedClock, echo_server: Peer
) -> None:
    there = way(clock=clock)
    driver = there.driver()
    session = driver.connect("UDP", "127.0.0.1", echo_server.port)
    session.settimeout(70)
    listener = driver.listen(port=2020)
    waiting = [Call(session.recv, 1), Call(listener.accept, 80)]
    resting = Call(session.rest, 90)
    for seconds in (70, 80, 90):
        clock.await_wait(seconds)
    soon(clock, Call(driver.close))
    for one in waiting:
        one.ended_with("the driver was closed")
    assert resting.over()
    works_again(there, echo_server.port)


@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
@pytest.mark.parametrize(
    ("closed", "words"), [("session", "the session was closed here"), ("driver", "the driver was closed")]
)
def test_a_session_or_its_driver_is_closed_while_it_waits_for_the_timer_of_what_it_sends(
    way: MakeWay, clock: SteppedClock, echo_server: Peer, protocol: str, closed: str, words: str
) -> None:
    there = way(clock=clock)
    with there.driver() as driver:
        session = driver.connect(protocol, "127.0.0.1", echo_server.port)
        sending = Call(session.sendall, b"later", end="timer", period=60)
        there.wait_for(b"later")
        soon(clock, Call({"session": session, "driver": driver}[closed].close))
        sending.ended_with(words)
        assert b"later\x1b" in there.heard


def opened_again(there: Way, clock: SteppedClock) -> None:
    """Let time pass until a watch opens a session again that it has found dead, in a silent network."""
    assert clock.pass_until(lambda seconds: there.has_come(b"AT+QIOPEN", 2, seconds), DEAD[there.kind.model], 0.25)
    await_opening(there, clock)


@pytest.mark.requirement("S10.8")
@ONE_OR_SEVERAL
def test_a_watch_is_closed_while_it_opens_the_session_again(
    way: MakeWay, clock: SteppedClock, echo_server: Peer, *, several: bool
) -> None:
    there = way(clock=clock)
    with there.driver(several=several) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        there.set_network(Network(silent=True))
        watch = driver.keep_alive(session, QUICK, reconnect=True)
        opened_again(there, clock)
        soon(clock, Call(watch.close))
        there.set_network(Network())
        with driver.connect("TCP", "127.0.0.1", echo_server.port) as again:
            again.sendall(b"x")


@pytest.mark.requirement("S10.8")
@EACH_KIND
def test_a_watch_ends_with_its_driver_and_reports_nothing(way: MakeWay, clock: SteppedClock, echo_server: Peer) -> None:
    told: list[object] = []
    there = way(clock=clock)
    driver = there.driver()
    session = driver.connect("TCP", "127.0.0.1", echo_server.port)
    there.set_network(Network(silent=True))
    driver.keep_alive(session, QUICK, reconnect=True, on_dead=lambda *_: told.append("dead"))
    opened_again(there, clock)
    soon(clock, Call(driver.close))
    works_again(there, echo_server.port)
    assert told == ["dead"]


@EACH_KIND
def test_a_watch_is_closed_while_another_call_of_the_driver_waits(
    way: MakeWay, clock: SteppedClock, echo_server: Peer, queued: Callable[[float], bool]
) -> None:
    there = way(clock=clock)
    driver = there.driver(several=True)
    session = driver.connect("TCP", "127.0.0.1", echo_server.port)
    watch = driver.keep_alive(session, QUICK, reconnect=True)
    waiting = connecting(there, driver, echo_server.port)
    await_opening(there, clock)
    assert clock.pass_until(lambda seconds: there.has_come(b"AT+QICLOSE=0", 1, seconds), DEAD[there.kind.model])
    assert clock.pass_until(queued, DEAD[there.kind.model], 0.25)  # the watch wants to open the session again
    soon(clock, Call(watch.close))
    assert waiting.is_alive()
    soon(clock, Call(driver.close))
    waiting.ended_with("the driver was closed")


@EACH_KIND
@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
def test_a_session_is_used_and_closed_while_another_one_is_opened(
    way: MakeWay, clock: SteppedClock, echo_server: Peer, protocol: str
) -> None:
    there = way(clock=clock)
    with there.driver(several=True) as driver:
        session = driver.connect(protocol, "127.0.0.1", echo_server.port)
        waiting = connecting(there, driver, echo_server.port)
        await_opening(there, clock)
        soon(clock, Call(session.sendall, b"meanwhile"))
        soon(clock, Call(session.close))
        assert waiting.is_alive()
        soon(clock, Call(driver.close))
        waiting.ended_with("the driver was closed")
        assert there.heard.count(b"AT+QICLOSE=0") == there.heard.count(b"AT+QICLOSE=1") == 1


def used_and_closed_while_another_connects(there: Way, clock: SteppedClock, port: int, *, active: bool) -> None:
    """Use and close a driver while another one of its UART connects, in a context that is active or not."""
    with there.driver(0) as first, there.driver(1) as second:
        session = first.connect("TCP", "127.0.0.1", port)
        if active:
            second.activate()
        waiting = connecting(there, second, port)
        await_opening(there, clock)
        soon(clock, Call(session.sendall, b"meanwhile"))
        soon(clock, Call(first.close))
        assert waiting.is_alive()
        soon(clock, Call(second.close))
        waiting.ended_with("the driver was closed")
        works_again(there, port)


@EACH_KIND
def test_a_driver_is_used_and_closed_while_another_one_of_its_uart_connects(
    way: MakeWay, clock: SteppedClock, echo_server: Peer
) -> None:
    used_and_closed_while_another_connects(way(clock=clock), clock, echo_server.port, active=True)


def test_a_driver_is_used_and_closed_while_another_one_of_its_uart_activates_by_connecting(
    way: MakeWay, clock: SteppedClock, echo_server: Peer
) -> None:
    used_and_closed_while_another_connects(way(clock=clock), clock, echo_server.port, active=False)


def test_one_session_is_opened_after_the_other_on_one_uart(
    way: MakeWay, clock: SteppedClock, echo_server: Peer, queued: Callable[[float], bool]
) -> None:
    there = way(clock=clock)
    with there.driver(0) as first, there.driver(1) as second:
        first.activate()
        second.activate()
        waiting = connecting(there, first, echo_server.port)
        await_opening(there, clock)
        later = Call(second.connect, "TCP", "127.0.0.1", echo_server.port)
        assert queued(PATIENCE)
        soon(clock, Call(first.close))
        waiting.ended_with("the driver was closed")
        there.set_network(Network())
        later.succeeded()
        one, _, other = there.heard.partition(b"AT+QICLOSE")
        assert one.count(b"AT+QIOPEN") == other.count(b"AT+QIOPEN") == 1  # CONNECT FAIL would name neither


@only(kinds=(BG96,))
def test_two_sessions_are_opened_at_once_on_one_uart_where_results_have_numbers(
    way: MakeWay, clock: SteppedClock, echo_server: Peer
) -> None:
    there = way(clock=clock)
    with there.driver(0) as first, there.driver(1) as second:
        first.activate()
        second.activate()
        waiting = connecting(there, first, echo_server.port)
        later = Call(second.connect, "TCP", "127.0.0.1", echo_server.port)
        there.wait_for(b"AT+QIOPEN=", 2)
        await_opening(there, clock)
        soon(clock, Call(first.close))
        waiting.ended_with("the driver was closed")
        assert later.is_alive()
        there.set_network(Network())
        later.succeeded()


@EACH_KIND
def test_a_driver_may_be_closed_by_two_at_once(way: MakeWay, clock: SteppedClock, echo_server: Peer) -> None:
    there = way(clock=clock)
    driver = there.driver()
    driver.activate()
    waiting = connecting(there, driver, echo_server.port)
    await_opening(there, clock)
    soon(clock, *(Call(driver.close) for _ in range(3)))
    waiting.ended_with("the driver was closed")
    works_again(there, echo_server.port)
