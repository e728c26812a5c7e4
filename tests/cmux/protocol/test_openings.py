"""How a DLC is opened for a user: parameters, patience, and whose end an end is, with a clock that the test turns."""

import pytest
from core_pair import Pair, deaf

from cmux.protocol import waits
from cmux.protocol.commands import Signals
from cmux.protocol.config import Config, Parameters
from cmux.protocol.errors import StateError
from cmux.protocol.events import Cause, Closed, Opened, SignalsChanged
from cmux.protocol.openings import Opening

SMALL, SMALLER = Parameters(n1=20), Parameters(n1=10)
CONFIG = Config(t1=0.1, t2=0.3, n2=3)


def test_a_dlc_is_opened_with_our_signals_and_the_peer_hears_them() -> None:
    pair, opening = Pair().open(), Opening(1)
    assert not opening.begin(pair.host.mux, pair.now, Signals(rtc=False))
    pair.settle()
    assert pair.host.of(Opened)
    assert pair.host.mux.is_open(1)
    assert pair.module.of(SignalsChanged)[-1].signals == Signals(rtc=False)


def test_one_that_the_peer_has_opened_is_open_already_and_gets_our_signals_too() -> None:
    pair, opening = Pair().open(), Opening(1)
    pair.module.mux.open(1, pair.now)
    pair.settle()
    assert opening.begin(pair.host.mux, pair.now, Signals(rtc=False))
    pair.settle()
    assert pair.module.of(SignalsChanged)[-1].signals == Signals(rtc=False)


def test_parameters_are_negotiated_each_time_before_it_is_opened() -> None:
    pair, opening = Pair().open(), Opening(1)
    opening.require(SMALL, None)
    for _ in range(2):
        assert not opening.begin(pair.host.mux, pair.now, None)
        pair.settle()
        opening.over()
        assert pair.module.mux.parameters(1).n1 == 20
        pair.host.mux.close(1, pair.now)
        pair.settle()
        assert not pair.host.mux.is_open(1)


def test_one_that_is_open_with_other_parameters_has_to_be_closed_first() -> None:
    opening = Opening(3)
    opening.require(SMALL, None)
    opening.require(SMALL, Parameters(n1=15))  # what the peer granted for that
    opening.require(Parameters(n1=15), Parameters(n1=15))
    with pytest.raises(StateError, match=r"DLCI 3 is open with Parameters\(n1=15, .*, not with .*n1=10.*: close it"):
        opening.require(SMALLER, Parameters(n1=15))
    opening.require(SMALLER, None)


def test_the_answer_is_waited_for_as_long_as_sabm_may_take_and_pn_if_there_is_any() -> None:
    opening = Opening(1)
    assert opening.patience(CONFIG) == waits.opening(CONFIG) == pytest.approx(4 * 0.1 + 5)
    opening.require(SMALL, None)
    assert opening.patience(CONFIG) == pytest.approx(waits.opening(CONFIG) + 4 * 0.3 + 5)
    assert opening.not_sent(CONFIG) == Closed(1, Cause.TIMEOUT, "SABM was not sent within 11.6 s")


def test_the_core_has_given_up_before_patience_runs_out() -> None:
    pair, opening = Pair(CONFIG).open(), Opening(1)
    opening.require(SMALL, None)
    pair.to_module = deaf
    opening.begin(pair.host.mux, pair.now, None)
    pair.pass_time(opening.patience(CONFIG))
    assert [event.cause for event in pair.host.of(Closed)] == [Cause.TIMEOUT]


@pytest.mark.parametrize("cause", Cause)
def test_while_it_is_opened_a_closing_of_either_side_is_that_of_the_one_before(cause: Cause) -> None:
    opening, closed = Opening(1), Closed(1, cause, "")
    assert not opening.is_of_previous(closed)
    opening.begin(Pair().open().host.mux, 0.0, None)
    assert opening.is_of_previous(closed) is (cause in (Cause.LOCAL, Cause.PEER))
    opening.over()
    assert not opening.is_of_previous(closed)


def test_an_end_that_comes_after_the_opening_is_its_own() -> None:
    pair, opening = Pair().open(), Opening(1)
    ended = Closed(1, Cause.PEER, "the peer closed it")
    opening.begin(pair.host.mux, pair.now, None)
    assert opening.is_of_previous(ended)
    pair.settle()
    opening.over()
    assert not opening.is_of_previous(ended)
    assert opening.begin(pair.host.mux, pair.now, None)  # it is open already
    assert not opening.is_of_previous(ended)
