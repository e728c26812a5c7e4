"""Frames that are built in one go are, octet for octet, those that were built one by one."""

from __future__ import annotations

from typing import Any

import pytest
from core_pair import Pair
from hypothesis import given, settings
from hypothesis import strategies as st
from one_by_one import Transmitter as OneByOne

from cmux.protocol import Config, Option
from cmux.protocol.commands import Signals
from cmux.protocol.config import PriorityOrder
from cmux.protocol.errors import StateError
from cmux.protocol.wire import FrameType

CHANNELS = (1, 2, 9)
PATTERN = bytes(range(251))

CONFIGS = st.builds(
    Config,
    option=st.sampled_from(Option),
    n1=st.sampled_from((16, 31, 64, 127, 128, 1500)),
    frame_type=st.sampled_from((FrameType.UIH, FrameType.UIH, FrameType.UI)),
    shared_flags=st.booleans(),
    keep_open=st.booleans(),
    priority_order=st.sampled_from(PriorityOrder),
    queue_high=st.sampled_from((0, 3000)),
)
DLCIS = st.sampled_from(CHANNELS)
SEND = st.tuples(st.just("send"), DLCIS, st.sampled_from((1, 31, 126, 127, 1500, 4096, 40_000)))
TAKE = st.tuples(st.just("take"), st.sampled_from((None, 0, 1, 100, 700, 4096)))
CALLS = st.lists(
    st.one_of(
        *(SEND, TAKE) * 4,
        st.tuples(st.just("drain"), DLCIS),
        st.tuples(st.just("discard"), DLCIS),
        st.tuples(st.just("stop"), DLCIS, st.booleans()),
        st.tuples(st.just("signals"), DLCIS, st.booleans()),
        st.tuples(st.just("open"), DLCIS),
        st.tuples(st.just("test")),
        st.tuples(st.just("settle")),
    ),
    min_size=5,
    max_size=40,
)


class Station:
    """A pair of stations, of which the host's transmitter is one or the other."""

    def __init__(self, config: Config, *, one_by_one: bool, channels: tuple[int, ...] = CHANNELS) -> None:
        self.pair = Pair(config)
        self.host = self.pair.host.mux
        session = self.host._session
        if one_by_one:
            old = session.transmitter
            session.transmitter = OneByOne(config, old._command_cr, session.dlcs, session._data_sent)  # type: ignore[assignment]
        self.pair.open(*channels)

    def do(self, what: str, *arguments: Any) -> object:
        """Do one thing; return what is to be seen of it."""
        try:
            return self._do(what, *arguments)
        except StateError as error:
            return str(error)

    def _do(self, what: str, *arguments: Any) -> object:
        host, now = self.host, self.pair.now
        if what == "send":
            dlci, size = arguments
            return host.send(dlci, (PATTERN * (size // len(PATTERN) + 1))[:size], now)
        if what == "take":
            octets = host.data_to_send(now, *arguments)
            self.pair.module.mux.receive_data(octets, now)
            return octets
        if what == "events":
            return host.handle_timeout(now)
        if what == "drain":
            return host.close(*arguments, now, drain=True)
        if what == "discard":
            return host.discard(*arguments)
        if what == "stop":
            self.pair.module.mux.set_signals(arguments[0], Signals(fc=arguments[1]), now)
            return None
        if what == "signals":
            return host.set_signals(arguments[0], Signals(rtc=arguments[1]), now)
        if what == "open":
            return host.open(*arguments, now)
        if what == "test":
            return host.test(b"there?", now)
        self.pair.settle()
        return [*self.pair.host.events], self.pair.host.line[-1:]


@settings(max_examples=100)
@given(config=CONFIGS, calls=CALLS)
def test_the_octets_are_the_same_for_the_same_calls(config: Config, calls: list[tuple[Any, ...]]) -> None:
    one, other = Station(config, one_by_one=False), Station(config, one_by_one=True)
    for what, *arguments in [*calls, ("settle",)]:
        assert one.do(what, *arguments) == other.do(what, *arguments), what
    assert one.host.stats() == other.host.stats()


@pytest.mark.parametrize("option", Option)
@pytest.mark.parametrize("n1", [31, 127, 128, 1500])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("limits", [(None,), (4096,), (100, 0, 4096, None)])
def test_a_lone_channel_is_no_exception(option: Option, n1: int, shared: bool, limits: tuple[int | None, ...]) -> None:
    config = Config(option=option, n1=n1, shared_flags=shared, queue_high=100_000)
    one, other = Station(config, one_by_one=False), Station(config, one_by_one=True)
    for size in (1, n1, 10 * n1, 20_000, 40 * n1 + 1):
        for limit in limits:
            for what, *arguments in [("send", 1, size), *[("take", limit)] * 12]:
                assert one.do(what, *arguments) == other.do(what, *arguments)


@pytest.mark.parametrize("n1", [31, 127])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("limit", [None, 4096, 700, 0])
@pytest.mark.parametrize("channels", [(1, 2), (1, 2, 3, 4), tuple(range(1, 12))])
def test_nor_are_several_that_never_run_empty(
    n1: int, shared: bool, limit: int | None, channels: tuple[int, ...]
) -> None:
    """They are offered more than they take, and get more when there is room: the order of `Writable` counts, too."""
    config = Config(n1=n1, shared_flags=shared, queue_high=6000)
    both = [Station(config, one_by_one=one_by_one, channels=channels) for one_by_one in (False, True)]
    seen = 0
    for step in range(25):
        calls: list[tuple[Any, ...]] = [("send", dlci, 2000 + 977 * dlci) for dlci in channels if (step + dlci) % 3]
        calls += [("take", limit)] * 4 + [("events",)]
        if step == 20:
            calls += [("drain", channels[-1]), ("stop", channels[0], True), ("signals", channels[0], True)]
        for what, *arguments in [*calls, *([("settle",)] if step > 20 else [])]:
            found, wanted = (one.do(what, *arguments) for one in both)
            assert found == wanted, what
            seen += len(found) if isinstance(found, bytes) else 0
    assert seen > 2500
    assert both[0].host.stats() == both[1].host.stats()


@pytest.mark.parametrize("limit", range(60, 130, 4))
def test_a_short_frame_has_room_behind_full_ones(limit: int) -> None:
    one, other = (Station(Config(), one_by_one=one_by_one, channels=(1, 2, 3, 4)) for one_by_one in (False, True))
    calls: list[tuple[Any, ...]] = [("send", 1, 310), ("send", 2, 310), ("send", 3, 310), ("send", 4, 1)]
    for what, *arguments in [*calls, *[("take", limit)] * 4]:
        assert one.do(what, *arguments) == other.do(what, *arguments), what


@pytest.mark.parametrize("frames", [1, 2, 5])
@pytest.mark.parametrize("octets", [0, 3])
@pytest.mark.parametrize("limit", [None, 4096, 700])
def test_the_end_of_a_channel_follows_its_last_octet_whatever_others_send(
    frames: int, octets: int, limit: int | None
) -> None:
    one, other = (Station(Config(queue_high=9000), one_by_one=one_by_one) for one_by_one in (False, True))
    calls: list[tuple[Any, ...]] = [("send", 1, 4000), ("send", 2, 31 * frames + octets), ("send", 9, 4000)]
    calls += [("take", 0)] * 3 + [("drain", 2), *[("take", limit)] * 9]
    for what, *arguments in calls:
        assert one.do(what, *arguments) == other.do(what, *arguments), what


@pytest.mark.pure("it counts the calls of a method that is put in place of another")
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("limit", [None, 4096])
@pytest.mark.parametrize("channels", [(1,), (1, 2, 3, 4)])
def test_channels_are_not_asked_for_each_frame(
    monkeypatch: pytest.MonkeyPatch, shared: bool, limit: int | None, channels: tuple[int, ...]
) -> None:
    one = Station(Config(n1=31, shared_flags=shared, queue_high=100_000), one_by_one=False, channels=channels)
    scheduler = one.host._session.transmitter._scheduler
    asked = 0
    following = scheduler.next

    def counted(*arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        return following(*arguments)

    monkeypatch.setattr(scheduler, "next", counted)
    for dlci in channels:
        one.do("send", dlci, 31 * 100)
    frames = 0
    while octets := one.host.data_to_send(one.pair.now, limit):
        frames += len(octets) // (36 if shared else 37)
        assert asked <= 5 + 4 * (len(channels) - 1)  # at the beginning, and when they run empty
        asked = 0
    assert frames == 100 * len(channels)
