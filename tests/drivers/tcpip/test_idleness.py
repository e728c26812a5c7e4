"""A watched session with any traffic and round trip: one that lives is never closed, a dead one is found in time."""

from __future__ import annotations

import bisect
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.at import Dialogue
from drivers.tcpip import Acknowledged, KeepAlive
from drivers.tcpip.core import Procedure, SocketId, SocketState
from drivers.tcpip.core.context import Context
from drivers.tcpip.core.keepalive import Watched
from drivers.tcpip.core.procedure import OnChannel, Progress, Wait
from drivers.tcpip.core.socket_state import CONGESTED

EVER = 1e9


class Wire:
    """A TCP connection with a round trip time, over which both sides send at given moments; it may die.

    It is the module, the network and the other side in one: it counts what was sent, and when that is acknowledged.

    Args:
        round_trip: seconds until an octet is acknowledged.
        traffic: moments and which side sends an octet then.
        dies_at: from when on nothing passes.
    """

    def __init__(self, round_trip: float, traffic: list[tuple[float, str]], dies_at: float = EVER) -> None:
        self.now = 0.0
        self.round_trip = round_trip
        self.dies_at = dies_at
        self.signs_of_life = [0.0]
        self.probed: list[float] = []
        self.gone: str | None = None
        self._sent: list[float] = []
        self._traffic = sorted(traffic)
        self.session = SocketState(name="test", protocol="TCP", role="client", remote=("10.0.0.1", 7), id=SocketId(0))
        self.session.used(0.0, heard=True)

    # -- the module

    def examine(self, session: SocketState) -> Procedure[str | None]:
        yield from ()
        return self.gone

    def keep_alive(self, session: SocketState, period: float) -> Procedure[bool]:
        yield from ()
        return False

    def send(self, session: SocketState, piece: bytes, ending: str, period: int) -> Dialogue[str | None]:
        yield from ()
        self.probed.append(self.now)
        self._sent.append(self.now)
        return None

    def acknowledged(self, session: SocketState) -> Dialogue[Acknowledged]:
        yield from ()
        done = min(
            bisect.bisect_right(self._sent, self.now - self.round_trip),
            bisect.bisect_left(self._sent, self.dies_at - self.round_trip),
        )
        return Acknowledged(len(self._sent), done, len(self._sent) - done)

    # -- time

    def sleep(self, until: float) -> None:
        """Let time pass, and with it the traffic."""
        while self._traffic and self._traffic[0][0] <= until:
            self.now, side = self._traffic.pop(0)
            if side == "here":
                self._sent.append(self.now)
                self.session.used(self.now, heard=False)
            elif self.now < self.dies_at:
                self.signs_of_life.append(self.now)
                self.session.used(self.now, heard=True)
        self.now = until

    def last_sign_of_life(self) -> float:
        acknowledged = [at + self.round_trip for at in self._sent if at + self.round_trip < self.dies_at]
        return max([at for at in (*self.signs_of_life, *acknowledged) if at <= self.now], default=0.0)


def watch(wire: Wire, settings: KeepAlive, until: float) -> str:
    """Watch a session for so long; return why it was found dead, or nothing."""
    stack = SimpleNamespace(
        send=wire.send, acknowledged=wire.acknowledged, examine=wire.examine, keep_alive=wire.keep_alive,
        transparent=lambda session: False, FETCH_AHEAD=CONGESTED, send_size=1460, answer_time=0.0,
    )  # fmt: skip
    context = SimpleNamespace(
        name="test", stack=stack, now=lambda: wire.now, check_held=lambda: None, words=lambda what: "",
        claim=SimpleNamespace(port="test", broken=False), end_session=lambda session: iter(()), closing=False,
        table=SimpleNamespace(sessions={wire.session.id: wire.session}),
    )  # fmt: skip
    dead: list[Exception] = []
    watched: Watched[Any] = Watched(
        cast(Context, context),
        SimpleNamespace(_state=wire.session, role="client"),
        settings,
        again=lambda state: state,
        tell=lambda callback: callback(),
        stopped=lambda: wire.now >= until,
        on_dead=lambda which, why: dead.append(why),
    )
    progress = Progress(watched.watch())
    while (request := progress.next_request()) is not None:
        with progress:
            take(wire, request, until)
    return str(dead[0]) if dead else ""


def take(wire: Wire, request: object, until: float) -> None:
    match request:
        case OnChannel():
            with pytest.raises(StopIteration) as stop:
                next(request.dialogue)
            request.result = stop.value.value
        case Wait():
            wire.sleep(min(until, wire.now + (until if request.seconds is None else request.seconds)))
            request.result = request.ready()


SIDES = st.sampled_from(["here", "there"])
TRAFFIC = st.lists(st.tuples(st.floats(0, 3000), SIDES), max_size=60)
STEADY = st.builds(lambda step, side: [(step * n, side) for n in range(int(3000 / step))], st.floats(5.0, 400.0), SIDES)
SETTINGS = st.builds(
    KeepAlive,
    period=st.floats(5, 600),
    first=st.floats(0.5, 20),
    then=st.floats(0.5, 20),
    repeats=st.integers(0, 12),
)


@pytest.mark.requirement("S10.1", "S10.4", "S10.10")
@given(SETTINGS, st.floats(0.0, 0.999), TRAFFIC | STEADY)
def test_a_session_that_lives_is_never_closed(
    settings: KeepAlive, share: float, traffic: list[tuple[float, str]]
) -> None:
    wire = Wire(share * (settings.first + settings.repeats * settings.then), traffic)
    assert watch(wire, settings, 4000.0) == ""


@pytest.mark.requirement("S10.2", "S10.8", "S10.11")
@given(SETTINGS, st.floats(0.0, 0.999), TRAFFIC | STEADY, st.floats(0, 3000))
def test_a_session_that_is_dead_is_closed_within_the_bound(
    settings: KeepAlive, share: float, traffic: list[tuple[float, str]], dies_at: float
) -> None:
    wire = Wire(share * (settings.first + settings.repeats * settings.then), traffic, dies_at)
    assert "not acknowledged" in watch(wire, settings, 20_000.0)
    assert wire.now - wire.last_sign_of_life() <= settings.bound + 1e-6


@pytest.mark.requirement("S10.1")
@given(st.floats(10, 600), TRAFFIC)
def test_the_network_sees_an_octet_in_each_period(period: float, traffic: list[tuple[float, str]]) -> None:
    """A small packet keeps an idle connection: from octet to octet it is never longer than a period."""
    wire = Wire(0.0, traffic)
    assert watch(wire, KeepAlive(period=period, first=0.001, then=0.001), 4000.0) == ""
    seen = sorted([0.0, *(at for at, _ in traffic), *wire.probed])
    assert max(later - earlier for earlier, later in zip(seen, [*seen[1:], 4000.0], strict=True)) <= period + 0.01


@pytest.mark.requirement("S10.1")
def test_octets_that_are_under_way_when_the_period_ends_are_waited_for() -> None:
    """As it was found in the field: 16 octets sent, 11 acknowledged, 5 sent 40 ms ago."""
    wire = Wire(1.5, [(420.0 - 0.04, "here")])
    assert watch(wire, KeepAlive(), 500.0) == ""


@pytest.mark.requirement("S10.9")
def test_a_session_that_the_other_side_has_closed_is_not_dead_while_its_data_is_fetched() -> None:
    wire = Wire(0.0, [])
    wire.gone = "the module says IP CLOSE"
    wire.session.closing = True  # the module keeps the rest
    wire.session.deliver(b"its last words")
    assert watch(wire, KeepAlive(), 4000.0) == ""
    assert wire.session.take(100) == (b"its last words", wire.session.remote_address)
