"""Who sends next: priority, then fair turns, and a new flow before the old ones."""

from __future__ import annotations

from core_pair import Pair
from hypothesis import given
from hypothesis import strategies as st

from cmux.protocol import Config, Frame, FrameType
from cmux.protocol.config import Parameters, PriorityOrder, default_priority
from cmux.protocol.frames import BasicDecoder

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


def test_once_per_idle_period() -> None:
    """Sending little and often gives no more than a fair turn."""
    pair = Pair().open(1, 2, 3)
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


def test_octets_and_not_frames_are_shared_fairly() -> None:
    pair = Pair().start()
    pair.host.mux.negotiate(2, Parameters(n1=310), pair.now)
    pair.open(1, 2)
    for dlci in (1, 2):
        pair.host.mux.send(dlci, bytes(3100), pair.now)
    order(pair, 55)
    assert abs(pair.host.mux.unsent(1) - pair.host.mux.unsent(2)) <= 310


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


def test_channels_that_were_not_negotiated_are_alike() -> None:
    pair = Pair().open(1, 9, 61)
    for dlci in (1, 9, 61):
        pair.host.mux.send(dlci, bytes(N1 * 2), pair.now)
    assert order(pair) == [1, 9, 61] * 2


def test_default_priorities_of_the_specification() -> None:
    told = {dlci: default_priority(dlci) for dlci in (0, 1, 7, 8, 15, 16, 48, 55, 56, 61)}
    assert told == {0: 0, 1: 7, 7: 7, 8: 15, 15: 15, 16: 23, 48: 55, 55: 55, 56: 61, 61: 61}
