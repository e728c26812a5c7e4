"""The transition table of a DLC is whole."""

from __future__ import annotations

from itertools import product

import pytest

from cmux.protocol.config import Config
from cmux.protocol.dlc import CLOSING_CAUSE, IGNORED, TRANSITIONS, Action, Dlc, Input, State
from cmux.protocol.session import _ACTIONS


@pytest.mark.parametrize("pair", list(product(State, Input)), ids=lambda pair: f"{pair[0]}-{pair[1]}")
def test_every_pair_is_a_transition_or_ignored_for_a_reason(pair: tuple[State, Input]) -> None:
    assert (pair in TRANSITIONS) != (pair in IGNORED)
    assert IGNORED.get(pair, "a reason")


def test_every_action_is_carried_out() -> None:
    data_actions = {Action.DELIVER, Action.DISCARD, Action.SEND_DM_SELDOM}
    assert set(_ACTIONS) | set(CLOSING_CAUSE) | data_actions == set(Action)


def test_every_state_can_be_reached_and_left() -> None:
    assert {after for after, _ in TRANSITIONS.values()} == set(State)
    assert {state for (state, _), (after, _) in TRANSITIONS.items() if after is not state} == set(State)


def test_ignored_input_changes_nothing() -> None:
    for state, what in IGNORED:
        dlc = Dlc(1, Config())
        dlc.state = state
        assert dlc.apply(what) == ()
        assert dlc.state is state
