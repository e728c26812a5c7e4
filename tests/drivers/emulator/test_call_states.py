"""The table of a voice call's states."""

from __future__ import annotations

from drivers.emulator.calls.states import CALL_TRANSITIONS, CallAction, CallInput, CallState


def test_every_state_input_and_action_is_in_the_table() -> None:
    assert {state for state, _ in CALL_TRANSITIONS} == set(CallState)
    assert {step[0] for step in CALL_TRANSITIONS.values()} == set(CallState)
    assert {what for _, what in CALL_TRANSITIONS} == set(CallInput)
    assert {action for step in CALL_TRANSITIONS.values() for action in step[1]} == set(CallAction)


def test_every_call_ends_when_it_is_hung_up_on_either_side_or_lost() -> None:
    for state in CallState:
        if state is not CallState.IDLE:
            for what in (CallInput.HANG_UP, CallInput.RELEASED, CallInput.LOST):
                assert CALL_TRANSITIONS[state, what][0] is CallState.IDLE


def test_who_ends_a_call_tells_the_other_side_and_who_is_told_does_not() -> None:
    telling = {CallAction.RELEASE, CallAction.REFUSE}
    own = {CallInput.HANG_UP, CallInput.EXPIRED, CallInput.LOST}
    for (_, what), (state, actions) in CALL_TRANSITIONS.items():
        if state is CallState.IDLE:
            assert bool(telling & set(actions)) == (what in own)
