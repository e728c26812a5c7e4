"""PN, SABM and DISC of both stations in any order: a layer that only one of them goes by would spoil data."""

from __future__ import annotations

import pytest
from core_pair import Pair, Station, deaf
from hypothesis import given
from hypothesis import strategies as st

from cmux.protocol import Config, Frame, FrameType, encode
from cmux.protocol.config import Parameters
from cmux.protocol.events import ParametersChanged

PLAIN = Parameters(n1=100)
LAYER_2 = Parameters(n1=64, convergence=2)


def cross(pair: Pair, rounds: int = 1000) -> None:
    """Let what both stations say meet on the way, as often as asked or until they are silent."""
    for _ in range(rounds):
        said = [one.mux.data_to_send(pair.now) for one in (pair.host, pair.module)]
        for one, octets in zip((pair.module, pair.host), said, strict=True):
            one.events += one.mux.receive_data(octets, pair.now)
        if not any(said):
            return


def opening_with(settled: Parameters) -> Pair:
    """Two stations, of which the host opens DLCI 1 after PN settled what it is to go by; SABM has not left yet."""
    pair = Pair().start()
    pair.host.mux.negotiate(1, settled, pair.now)
    pair.settle()
    pair.host.mux.open(1, pair.now)
    return pair


def assert_alike(pair: Pair) -> None:
    """Both go by the same layer, and data cross both ways."""
    mine, theirs = pair.host.mux.parameters(1), pair.module.mux.parameters(1)
    assert (mine.n1, mine.frame_type, mine.convergence) == (theirs.n1, theirs.frame_type, theirs.convergence)
    payload = b"\x83\x07" + bytes(200)
    for sender, receiver in ((pair.host, pair.module), (pair.module, pair.host)):
        before = len(receiver.data(1))
        sender.mux.send(1, payload, pair.now)
        pair.settle()
        assert receiver.data(1)[before:] == payload


@pytest.mark.clause("5.4.6.3.1")
def test_what_is_settled_while_sabm_is_under_way_holds_from_the_next_sabm_on() -> None:
    pair = Pair().start()
    pair.host.mux.negotiate(1, LAYER_2, pair.now)
    pair.module.mux.open(1, pair.now)
    cross(pair)
    assert pair.host.mux.parameters(1).convergence == 1
    assert_alike(pair)
    pair.host.mux.close(1, pair.now)
    pair.settle()
    pair.open(1)
    assert pair.host.mux.parameters(1).convergence == 2
    assert_alike(pair)


@pytest.mark.parametrize("settled", [PLAIN, LAYER_2], ids=["N1", "layer 2"])
def test_what_was_settled_for_an_opening_that_was_given_up_does_not_hold_for_the_next(settled: Parameters) -> None:
    """The peer has opened and closed it by then, and goes by the defaults."""
    pair = opening_with(settled)
    pair.host.mux.close(1, pair.now)
    pair.settle()
    pair.open(1)
    assert_alike(pair)


@pytest.mark.parametrize("lost", [0, 1], ids=["SABM arrived", "SABM was lost"])
def test_an_opening_that_was_given_up_unanswered_leaves_no_doubt(lost: int) -> None:
    pair = opening_with(LAYER_2)
    pair.to_host = deaf
    pair.to_module = deaf if lost else pair.to_module
    pair.settle()
    pair.to_host = pair.to_module = lambda octets: octets
    pair.host.mux.close(1, pair.now)
    pair.pass_time(1)
    pair.open(1)
    assert_alike(pair)


@pytest.mark.parametrize("lost", [0, 1], ids=["SABM arrived", "SABM was lost"])
def test_an_opening_that_nobody_answered_leaves_no_doubt(lost: int) -> None:
    """N2 ran out: the peer has opened it by the layer that was settled, or waits for SABM to do so."""
    pair = opening_with(LAYER_2)
    pair.to_host = deaf
    pair.to_module = deaf if lost else pair.to_module
    pair.pass_time(1)
    pair.to_host = pair.to_module = lambda octets: octets
    if not lost:
        pair.module.mux.close(1, pair.now)
    pair.pass_time(1)
    pair.open(1)
    assert_alike(pair)


def test_an_opening_that_was_refused_leaves_no_doubt() -> None:
    """DM may come from before: the peer takes the SABM behind it."""
    pair = opening_with(LAYER_2)
    stale = encode(Frame(1, False, FrameType.DM, True))
    sabm = pair.host.mux.data_to_send(pair.now)
    pair.host.mux.receive_data(stale, pair.now)
    pair.module.mux.receive_data(sabm, pair.now)
    pair.settle()
    pair.module.mux.close(1, pair.now)
    pair.settle()
    pair.open(1)
    assert_alike(pair)


def test_an_opening_that_waits_for_a_closing_waits_for_pn_too() -> None:
    pair = Pair().start()
    pair.host.mux.open(1, pair.now)
    pair.host.mux.close(1, pair.now)
    pair.host.mux.negotiate(1, LAYER_2, pair.now)
    pair.host.mux.open(1, pair.now)
    pair.settle()
    assert pair.host.mux.parameters(1).convergence == 2
    assert_alike(pair)


@pytest.mark.parametrize("wanted", [PLAIN, LAYER_2], ids=["plain", "layer 2"])
@pytest.mark.parametrize("lost", [0, 1], ids=["PN arrived", "PN was lost"])
def test_after_a_second_pn_that_stayed_unanswered_neither_the_first_holds_nor_the_second(
    wanted: Parameters, lost: int
) -> None:
    pair = Pair().start()
    pair.host.mux.negotiate(1, LAYER_2, pair.now)
    pair.settle()
    pair.to_host = deaf
    pair.to_module = deaf if lost else pair.to_module
    pair.host.mux.negotiate(1, wanted, pair.now)
    pair.pass_time(2)
    pair.to_host = pair.to_module = lambda octets: octets
    pair.open(1)
    assert pair.host.mux.parameters(1).convergence == 1
    assert_alike(pair)


@pytest.mark.parametrize("asker", ["host", "module"])
def test_what_was_settled_since_leaves_no_doubt_about_an_earlier_pn(asker: str) -> None:
    pair = Pair().start()
    pair.to_host = deaf
    pair.host.mux.negotiate(1, LAYER_2, pair.now)
    pair.pass_time(2)
    pair.to_host = lambda octets: octets
    station: Station = getattr(pair, asker)
    station.mux.negotiate(1, PLAIN, pair.now)
    pair.settle()
    pair.host.events.clear()
    pair.open(1)
    assert pair.host.of(ParametersChanged) == []  # nothing had to be asked again
    assert pair.host.mux.parameters(1).n1 == pair.module.mux.parameters(1).n1 == 100


def test_what_is_asked_for_anew_is_not_undone_for_an_earlier_pn() -> None:
    pair = Pair().start()
    pair.to_host = deaf
    pair.host.mux.negotiate(1, LAYER_2, pair.now)
    pair.pass_time(2)
    pair.to_host = lambda octets: octets
    pair.host.mux.negotiate(1, LAYER_2, pair.now)
    pair.open(1)
    assert pair.host.mux.parameters(1).convergence == 2
    assert_alike(pair)


def test_a_pn_that_is_lost_leaves_the_doubt_of_the_one_before() -> None:
    pair = Pair().start()
    pair.to_host = deaf
    pair.host.mux.negotiate(1, LAYER_2, pair.now)  # granted, and the answer is lost
    pair.pass_time(2)
    pair.to_module = deaf
    pair.host.mux.negotiate(1, PLAIN, pair.now)
    pair.pass_time(2)
    pair.to_host = pair.to_module = lambda octets: octets
    pair.open(1)
    assert_alike(pair)


def test_opening_what_is_open_while_pn_is_out_opens_nothing_later() -> None:
    pair = Pair().open(1)
    pair.host.mux.negotiate(1, PLAIN, pair.now)
    pair.host.mux.open(1, pair.now)
    pair.settle()
    pair.module.mux.close(1, pair.now)
    pair.settle()
    assert not pair.host.mux.is_open(1)


_steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["plain", "layer 2", "open", "close"]), st.booleans()),
        st.tuples(st.just("cross"), st.integers(1, 3)),
    ),
    max_size=12,
)


@given(_steps)
def test_both_go_by_the_same_layer_whatever_crosses(steps: list[tuple[str, int]]) -> None:
    pair = Pair(Config(t1=0.5)).start()
    for what, number in steps:
        mux = (pair.host if number else pair.module).mux
        if what == "cross":
            cross(pair, number)
        elif what == "open":
            mux.open(1, pair.now)
        elif what == "close":
            mux.close(1, pair.now)
        else:
            mux.negotiate(1, PLAIN if what == "plain" else LAYER_2, pair.now)
    cross(pair)
    pair.pass_time(5)
    pair.open(1)
    assert_alike(pair)
