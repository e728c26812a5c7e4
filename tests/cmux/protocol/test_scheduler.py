"""Who sends next: the urgent ones, then fair turns, a new flow before the old ones; and nobody waits long."""

from __future__ import annotations

import itertools

import pytest
from core_pair import Pair
from hypothesis import given
from hypothesis import strategies as st

from cmux.protocol import Config, Frame, FrameType, encode
from cmux.protocol.config import Parameters, PriorityOrder, default_priority
from cmux.protocol.frames import BasicDecoder
from cmux.protocol.scheduler import Scheduler

N1 = 31


def order(pair: Pair, frames: int | None = None) -> list[int]:
    """The DLCIs of the data frames that the host hands out next, one call a frame."""
    sent: list[int] = []
    while frames is None or len(sent) < frames:
        octets = pair.host.mux.data_to_send(pair.now, limit=0)
        if not octets:
            break
        sent += [frame.dlci for frame in BasicDecoder().receive_data(octets) if isinstance(frame, Frame) and frame.dlci]
    return sent


def test_control_frames_go_first() -> None:
    pair = Pair().open(1)
    pair.host.mux.send(1, bytes(N1 * 10), pair.now)
    pair.host.mux.open(2, pair.now)
    octets = pair.host.mux.data_to_send(pair.now, limit=0)
    assert BasicDecoder().receive_data(octets) == [Frame(2, True, FrameType.SABM, True)]


def test_an_idle_channel_is_served_next() -> None:
    """A keystroke does not queue behind files."""
    pair = Pair().open(1, 2, 3, 4)
    for dlci in (1, 2, 3):
        pair.host.mux.send(dlci, bytes(N1 * 50), pair.now)
    order(pair, 10)
    pair.host.mux.send(4, b"k", pair.now)
    assert order(pair, 1) == [4]


def test_an_idle_channel_is_served_next_in_every_idle_period() -> None:
    pair = Pair().open(1, 2, 3, 4)
    for dlci in (1, 2, 3):
        pair.host.mux.send(dlci, bytes(N1 * 50), pair.now)
    for _ in range(5):
        order(pair, 8)
        pair.host.mux.send(4, b"k", pair.now)
        assert order(pair, 1) == [4]


@pytest.mark.parametrize("n1", [N1, 64])
def test_once_per_idle_period(n1: int) -> None:
    """Sending little and often gives no more than a fair turn."""
    pair = Pair().start()
    pair.host.mux.negotiate(3, Parameters(n1=n1), pair.now)
    pair.open(1, 2, 3)
    for dlci in (1, 2):
        pair.host.mux.send(dlci, bytes(N1 * 50), pair.now)
    order(pair, 4)
    turns = []
    for _ in range(20):
        if not pair.host.mux.unsent(3):
            pair.host.mux.send(3, b"k", pair.now)
        turns += order(pair, 1)
    assert turns[0] == 3
    assert turns.count(3) <= 20 // 3 + 2


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("send"), st.integers(1, 6), st.integers(1, N1 * 4)),
            st.tuples(st.just("hand out"), st.integers(1, 5), st.just(0)),
        ),
        max_size=60,
    )
)
def test_no_channel_waits_longer_than_the_busy_channels_and_one_more(steps: list[tuple[str, int, int]]) -> None:
    pair = Pair().open(1, 2, 3, 4, 5, 6)
    mux = pair.host.mux
    waited = dict.fromkeys(range(1, 7), 0)
    for what, number, size in steps:
        if what == "send":
            mux.send(number, bytes(size), pair.now)
            continue
        for _ in range(number):
            busy = [dlci for dlci in waited if mux.unsent(dlci)]
            for dlci in order(pair, 1):
                for other in busy:
                    waited[other] += 1
                waited[dlci] = 0
            assert all(waited[dlci] <= 6 + 1 for dlci in busy)
            waited.update({dlci: 0 for dlci in waited if not mux.unsent(dlci)})


def mixed(*lengths: int, priority: int = 7) -> Pair:
    """DLCs 1, 2, … with these N1, each with a full queue."""
    pair = Pair().start()
    for dlci, n1 in enumerate(lengths, 1):
        pair.host.mux.negotiate(dlci, Parameters(n1=n1, priority=priority), pair.now)
        pair.settle()
    pair.open(*range(1, len(lengths) + 1))
    for dlci in range(1, len(lengths) + 1):
        assert pair.host.mux.send(dlci, bytes(16000), pair.now) == 16000
    return pair


def test_octets_and_not_frames_are_shared_fairly() -> None:
    """A channel with long frames cuts them to the turn of its neighbours: nobody waits long, and octets are shared."""
    pair = mixed(31, 310, 1500)
    assert order(pair, 300) == [1, 2, 3] * 100
    assert [pair.host.mux.unsent(dlci) for dlci in (1, 2, 3)] == [16000 - 31 * 100] * 3


def test_frames_are_long_again_as_soon_as_only_long_ones_are_busy() -> None:
    pair = mixed(31, 1500, 1500)
    pair.host.mux.discard(1)
    order(pair, 2)
    assert [pair.host.mux.unsent(dlci) for dlci in (2, 3)] == [14500, 14500]


def test_no_frame_is_cut_shorter_than_the_default_n1() -> None:
    """One channel with frames of an octet must not fill the line with headers for all."""
    pair = mixed(1, 310)
    assert order(pair, 20) == [1, 2] * 10
    assert [pair.host.mux.unsent(dlci) for dlci in (1, 2)] == [16000 - 10, 16000 - 310]


def test_data_thrown_away_give_no_place_further_in_front() -> None:
    """Sending, throwing away and sending again is no way to be served before those that wait."""
    pair = Pair().open(1, 2, 3)
    for dlci in (1, 2):
        pair.host.mux.send(dlci, bytes(N1 * 50), pair.now)
    turns = []
    for _ in range(20):
        pair.host.mux.discard(3)
        pair.host.mux.send(3, bytes(N1 * 2), pair.now)
        turns += order(pair, 1)
    assert turns.count(3) <= 20 // 3 + 1


def test_a_stopped_channel_stalls_no_other() -> None:
    pair = Pair().open(1, 2, 3)
    pair.module.mux.pause_reading(2, pair.now)
    pair.settle()
    for dlci in (1, 2, 3):
        pair.host.mux.send(dlci, bytes(N1 * 3), pair.now)
    assert order(pair) == [1, 3] * 3
    pair.module.mux.resume_reading(2, pair.now)
    pair.host.events += pair.host.mux.receive_data(pair.module.mux.data_to_send(pair.now), pair.now)
    assert order(pair) == [2] * 3


def let_go(pair: Pair, dlci: int) -> None:
    """The host learns that it may send on a channel again; its own answer leaves."""
    pair.module.mux.resume_reading(dlci, pair.now)
    pair.host.mux.receive_data(pair.module.mux.data_to_send(pair.now), pair.now)
    pair.module.mux.receive_data(pair.host.mux.data_to_send(pair.now, limit=0), pair.now)


def test_channels_that_are_let_go_one_after_the_other_do_not_all_overtake_one_that_waits() -> None:
    """Three may send at any time, so nobody waits for more than four frames."""
    pair = Pair().open(*range(1, 13))
    for dlci in range(3, 13):
        pair.module.mux.pause_reading(dlci, pair.now)
        pair.settle()
        pair.host.mux.send(dlci, b"k", pair.now)
    for dlci in (1, 2):
        pair.host.mux.send(dlci, bytes(N1 * 50), pair.now)
    turns = order(pair, 2)
    for dlci in range(3, 13):
        let_go(pair, dlci)
        while pair.host.mux.unsent(dlci):
            turns += order(pair, 1)
    for dlci in (1, 2):
        places = [place for place, one in enumerate(turns) if one == dlci]
        assert max(after - before for before, after in itertools.pairwise(places)) <= 5


def test_channels_that_send_a_little_one_after_the_other_do_not_all_overtake_one_that_waits() -> None:
    """Each keeps its place until all others had their turn, but its wait begins with its data."""
    pair = Pair().open(*range(1, 8))
    mux = pair.host.mux
    waited = dict.fromkeys(range(1, 8), 0)
    most_busy = dict(waited)
    mux.send(1, bytes(N1 * 200), pair.now)
    for step in range(200):
        mux.send(step % 7 + 1, b"k", pair.now)
        busy = [dlci for dlci in waited if mux.unsent(dlci)]
        (turn,) = order(pair, 1)
        for dlci in busy:
            most_busy[dlci] = max(most_busy[dlci], len(busy))
            waited[dlci] += 1
        waited[turn] = most_busy[turn] = 0
        assert all(waited[dlci] <= most_busy[dlci] + 1 for dlci in busy)


def test_a_channel_that_begins_anew_with_data_waiting_has_its_new_frame_length_at_once() -> None:
    pair = Pair().open(1)
    pair.host.mux.send(1, bytes(300), pair.now)
    pair.module.mux.negotiate(1, Parameters(n1=100), pair.now)
    pair.host.mux.receive_data(pair.module.mux.data_to_send(pair.now), pair.now)
    pair.host.mux.receive_data(encode(Frame(1, False, FrameType.SABM, True)), pair.now)
    sent = BasicDecoder().receive_data(pair.host.mux.data_to_send(pair.now))
    assert [len(frame.info) for frame in sent if isinstance(frame, Frame) and frame.dlci and frame.info] == [100] * 3


def priorities(config: Config, first: int, second: int) -> list[int]:
    pair = Pair(config).start()
    pair.host.mux.negotiate(1, Parameters(n1=N1, priority=first), pair.now)
    pair.host.mux.negotiate(2, Parameters(n1=N1, priority=second), pair.now)
    pair.settle()
    pair.open(1, 2)
    for dlci in (1, 2):
        pair.host.mux.send(dlci, bytes(N1 * 2), pair.now)
    return order(pair)


def test_priority_of_pn_goes_first_and_its_direction_is_a_setting() -> None:
    assert priorities(Config(), 20, 5) == [2, 2, 1, 1]
    assert priorities(Config(priority_order=PriorityOrder.HIGH_FIRST), 20, 5) == [1, 1, 2, 2]
    assert priorities(Config(priority_order=PriorityOrder.NONE), 20, 5) == [1, 2, 1, 2]


def with_priorities(*numbers: int) -> Pair:
    pair = Pair().start()
    for dlci, number in enumerate(numbers, 1):
        pair.host.mux.negotiate(dlci, Parameters(n1=N1, priority=number), pair.now)
        pair.settle()
    return pair.open(*range(1, len(numbers) + 1))


def test_urgent_channels_leave_the_others_one_turn_each() -> None:
    """Priority does not starve: two channels wait no longer than three frames, the urgent one gets the rest."""
    pair = with_priorities(0, 7)
    for dlci in (1, 2):
        pair.host.mux.send(dlci, bytes(N1 * 50), pair.now)
    assert order(pair, 20) == [1, 1, 1, 2] * 5
    pair = with_priorities(0, 7, 63)
    for dlci in (1, 2, 3):
        pair.host.mux.send(dlci, bytes(N1 * 50), pair.now)
    turns = order(pair, 50)
    assert [turns.count(dlci) for dlci in (1, 2, 3)] == [30, 10, 10]


def test_what_is_urgent_and_was_idle_goes_next() -> None:
    pair = with_priorities(7, 7, 7, 0)
    for dlci in (1, 2, 3):
        pair.host.mux.send(dlci, bytes(N1 * 50), pair.now)
    order(pair, 10)
    pair.host.mux.send(4, b"k", pair.now)
    assert order(pair, 1) == [4]


def test_urgent_frames_are_not_cut_for_those_that_are_not() -> None:
    pair = Pair().start()
    pair.host.mux.negotiate(1, Parameters(n1=310, priority=0), pair.now)
    pair.open(1, 2)
    for dlci in (1, 2):
        pair.host.mux.send(dlci, bytes(3100), pair.now)
    order(pair, 1)
    assert pair.host.mux.unsent(1) == 3100 - 310


def test_what_was_negotiated_anew_counts_at_once() -> None:
    """Also for a channel that keeps its place because it is closed and opened within one round."""
    scheduler = Scheduler(PriorityOrder.LOW_FIRST)
    for dlci in (1, 2, 3):
        scheduler.activate(dlci, 7, N1, waits=False)
        scheduler.sent(dlci)
    scheduler.activate(3, 0, 310, waits=True)
    assert scheduler.next(lambda dlci: True, lambda dlci: True) == (3, 310)
    scheduler.activate(3, 7, 310, waits=True)
    assert scheduler.next(lambda dlci: True, lambda dlci: True) == (1, N1)


class _Channel:
    """What the scheduler cannot see of a DLC, and how long it has waited."""

    def __init__(self) -> None:
        self.queue = 0
        self.stopped = False
        self.waited = 0
        self.most_busy = 0

    @property
    def may_send(self) -> bool:
        return self.queue > 0 and not self.stopped


_channels = st.integers(1, 9)


@given(
    st.sampled_from(list(PriorityOrder)),
    st.lists(st.tuples(st.sampled_from([5, 31, 310, 1500]), st.integers(0, 3)), min_size=9, max_size=9),
    st.lists(
        st.one_of(
            st.tuples(st.just("send"), _channels, st.integers(1, 400)),
            st.tuples(st.just("hand out"), st.just(0), st.integers(1, 12)),
            st.tuples(st.just("stop"), _channels, st.integers(0, 1)),
            st.tuples(st.just("throw away"), _channels, st.just(0)),
        ),
        max_size=80,
    ),
)
def test_the_wait_is_bounded_for_all_lengths_and_priorities(
    direction: PriorityOrder, kinds: list[tuple[int, int]], steps: list[tuple[str, int, int]]
) -> None:
    """From the moment when it may send, or its last turn: no more frames of others than were ever busy, and one."""
    scheduler = Scheduler(direction)
    channels = {dlci: _Channel() for dlci in range(1, 10)}

    def watch() -> set[int]:
        """A wait goes on for as long as a channel may send."""
        busy = {dlci for dlci, one in channels.items() if one.may_send}
        for dlci, one in channels.items():
            one.most_busy = max(one.most_busy, len(busy)) if dlci in busy else 0
            one.waited *= dlci in busy
        return busy

    for what, dlci, number in [*steps, ("hand out", 0, 400)]:
        if what != "hand out":
            channel = channels[dlci]
            waits = channel.may_send
            channel.queue = {"send": channel.queue + number, "stop": channel.queue, "throw away": 0}[what]
            channel.stopped = bool(number) if what == "stop" else channel.stopped
            if channel.may_send:
                scheduler.activate(dlci, kinds[dlci - 1][1], kinds[dlci - 1][0], waits=waits)
            watch()
            continue
        for _ in range(number):
            busy = watch()
            turn = scheduler.next(lambda dlci: channels[dlci].may_send, lambda dlci: channels[dlci].queue > 0)
            assert (turn is None) == (not busy)
            if turn is None:
                break
            assert turn.dlci in busy
            assert turn.longest >= min(kinds[turn.dlci - 1][0], 31)
            for dlci in busy:
                channels[dlci].waited += 1
                assert channels[dlci].waited - (dlci == turn.dlci) <= channels[dlci].most_busy + 1
            served = channels[turn.dlci]
            served.queue -= min(served.queue, turn.longest, kinds[turn.dlci - 1][0])
            served.waited = 0
            served.most_busy = 0
            scheduler.sent(turn.dlci)


def test_channels_that_were_not_negotiated_are_alike() -> None:
    pair = Pair().open(1, 9, 61)
    for dlci in (1, 9, 61):
        pair.host.mux.send(dlci, bytes(N1 * 2), pair.now)
    assert order(pair) == [1, 9, 61] * 2


def test_default_priorities_of_the_specification() -> None:
    told = {dlci: default_priority(dlci) for dlci in (0, 1, 7, 8, 15, 16, 48, 55, 56, 61)}
    assert told == {0: 0, 1: 7, 7: 7, 8: 15, 15: 15, 16: 23, 48: 55, 55: 55, 56: 61, 61: 61}
