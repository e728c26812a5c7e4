"""The next deadline is kept while only data comes and goes, and it is always the one that all parts together give."""

from __future__ import annotations

from typing import Any

import looked_up_anew
import pytest
from core_pair import Pair
from hypothesis import given, settings
from hypothesis import strategies as st

from cmux.protocol import Config, Multiplexer, Option
from cmux.protocol.commands import Signals
from cmux.protocol.config import KeepAlive, Parameters, Wakeup
from cmux.protocol.errors import StateError
from cmux.protocol.session import ControlSession

CHANNELS = (1, 2, 9)
CONFIGS = st.builds(
    Config,
    option=st.sampled_from(Option),
    keep_alive=st.sampled_from(KeepAlive),
    keep_alive_interval=st.sampled_from((0.2, 2.0)),
    keep_open=st.booleans(),
    adm=st.booleans(),
    wakeup=st.sampled_from(Wakeup),
    sleeps_after=st.sampled_from((None, None, 0.5)),
    queue_high=st.sampled_from((100, 3000)),
)
DLCIS = st.sampled_from(CHANNELS)
SIDES = st.booleans()
CALLS = st.lists(
    st.one_of(
        *(st.tuples(st.just("send"), SIDES, DLCIS, st.sampled_from((1, 127, 4096))),) * 3,
        *(st.tuples(st.just("take"), SIDES, st.sampled_from((None, 0, 100))),) * 4,
        st.tuples(st.just("open"), SIDES, DLCIS),
        st.tuples(st.just("close"), SIDES, DLCIS, SIDES),
        st.tuples(st.just("discard"), SIDES, DLCIS),
        st.tuples(st.just("signals"), SIDES, DLCIS, SIDES),
        st.tuples(st.just("negotiate"), SIDES, DLCIS, st.sampled_from((1, 2))),
        st.tuples(st.just("hold"), SIDES, SIDES),
        st.tuples(st.just("say"), SIDES, st.sampled_from(("test", "sleep", "wake", "start", "shutdown"))),
        st.tuples(st.just("stalled"), SIDES, SIDES),
        st.tuples(st.just("noise"), SIDES, st.binary(max_size=12)),
        st.tuples(st.just("lost"), SIDES),
        st.tuples(st.just("pass"), st.sampled_from((0.01, 0.11, 0.31, 3.0))),
        st.tuples(st.just("settle")),
    ),
    min_size=5,
    max_size=40,
)


class Called(Pair):
    """A pair that is told what to do; what one of them sends is lost, or arrives, a portion at a time."""

    def do(self, what: str, *arguments: Any) -> None:
        if what == "settle":
            self.settle()
        elif what == "pass":
            self.pass_time(*arguments)
        else:
            mux = (self.module if arguments[0] else self.host).mux
            self._tell(mux, what, *arguments[1:])

    def _tell(self, mux: Multiplexer, what: str, *arguments: Any) -> None:
        now = self.now
        if what == "send":
            mux.send(arguments[0], bytes(arguments[1]), now)
        elif what == "take":
            octets = mux.data_to_send(now, *arguments)
            other = self.module if mux is self.host.mux else self.host
            other.events += other.mux.receive_data(octets, now)
        elif what == "open":
            mux.open(*arguments, now)
        elif what == "close":
            mux.close(arguments[0], now, drain=arguments[1])
        elif what == "discard":
            mux.discard(*arguments)
        elif what == "signals":
            mux.set_signals(arguments[0], Signals(fc=arguments[1]), now)
        elif what == "negotiate":
            mux.negotiate(arguments[0], Parameters(n1=50, convergence=arguments[1]), now)
        elif what == "hold":
            (mux.hold_all if arguments[0] else mux.release_all)(now)
        elif what == "say":
            said: dict[str, Any] = {"test": lambda now: mux.test(b"there?", now)}
            said.get(arguments[0], getattr(mux, arguments[0]))(now)
        elif what == "stalled":
            mux.stalled(now, *arguments)
        elif what == "noise":
            mux.receive_data(*arguments, now)
        else:
            mux.line_lost("unplugged", now)


@settings(max_examples=300)
@given(config=CONFIGS, calls=CALLS)
def test_what_is_kept_is_what_a_look_at_all_parts_finds(config: Config, calls: list[tuple[Any, ...]]) -> None:
    pair = Called(config)
    pair.start().pass_time(0.1)  # a peer that may sleep is woken first
    pair.open(*CHANNELS).pass_time(0.1)
    for what, *arguments in calls:
        try:
            pair.do(what, *arguments)
        except StateError:
            continue
        for station in (pair.host, pair.module):
            assert station.mux.next_timeout() == looked_up_anew.next_timeout(station.mux), what


@pytest.mark.parametrize("channels", [(1,), (1, 2, 3, 4)])
def test_timers_are_not_looked_at_while_only_data_comes_and_goes(
    monkeypatch: pytest.MonkeyPatch, channels: tuple[int, ...]
) -> None:
    pair = Pair().open(*channels)
    pair.pass_time(1)
    looks = 0
    looked = ControlSession._look_up_timers

    def counted(session: ControlSession) -> None:
        nonlocal looks
        looks += 1
        looked(session)

    monkeypatch.setattr(ControlSession, "_look_up_timers", counted)
    for at in range(100):
        pair.now += 0.01
        for dlci in channels:
            pair.host.mux.send(dlci, b"k" * (1 + at * 10), pair.now)
            pair.module.mux.send(dlci, b"k", pair.now)
        pair.settle()
    assert pair.module.data(1).endswith(b"k" * 991)
    assert looks == 0
