"""The tables of a DLC are whole, agree with each other, and are what it goes by."""

from __future__ import annotations

from itertools import product

import pytest
from rows import each

from cmux.protocol.actions import ACTIONS
from cmux.protocol.config import Config, Parameters
from cmux.protocol.dlc import Dlc
from cmux.protocol.dlc_table import (
    AS_TOLD,
    AWAITED,
    CLOSING_CAUSE,
    DELIVERING,
    FLAGS,
    IGNORED,
    NO_ANSWER_COMES,
    OPEN_FOR_PEER,
    TRANSITIONS,
    VALUES,
    Action,
    Fact,
    Flag,
    Input,
    State,
)
from cmux.protocol.wire import FrameType

PAIRS = list(product(State, Input))

# Carried out where the data, the signals, the end of the session are: not by `ACTIONS`.
ELSEWHERE = {
    Input.DATA: {Action.DELIVER, Action.DISCARD, Action.DISCARD_BUT_STATUS, Action.SEND_DM_ONCE_PER_T1},
    Input.CLD: {Action.DELIVER},
    Input.SIGNALS: {Action.TELL_SIGNALS, Action.NOTE_SIGNALS, Action.KEEP_SIGNALS},
    Input.DROPPED: {Action.DROPPED, Action.FORGET},
}
TELL_CLOSED = {*CLOSING_CAUSE, Action.PARKED, Action.DROPPED}
TELL_OPEN = {Action.OPENED, Action.OPENED_BY_PEER, Action.RESUME, Action.KEEP_OPEN}
OPEN_FOR_OWNER = {State.OPEN, State.DRAINING}
OVER_FOR_OWNER = {State.CLOSED, State.PARKED, State.CLEARING}
"""Our owner has had its `Closed`, and has not asked for anything since."""


def ways() -> dict[State, tuple[Input, ...]]:
    """The shortest way to each state from a DLC that has just been made."""
    found: dict[State, tuple[Input, ...]] = {State.CLOSED: ()}
    for state in (queue := [State.CLOSED]):
        for what in Input:
            after, _ = TRANSITIONS.get((state, what), (state, ()))
            if after not in found:
                found[after] = (*found[state], what)
                queue.append(after)
    return found


WAYS = ways()


def dlc_in(state: State) -> Dlc:
    dlc = Dlc(1, Config())
    for what in WAYS[state]:
        dlc.apply(what)
    assert dlc.state is state
    return dlc


def names(dlc: Dlc) -> set[str]:
    return {*(getattr(dlc, "__mypyc_attrs__", None) or vars(dlc))}


def fields(dlc: Dlc) -> dict[str, object]:
    values = {name: getattr(dlc, name) for name in names(dlc)}
    return {name: getattr(value, "copy", lambda value=value: value)() for name, value in values.items()}


@each(("pair", PAIRS))
def test_every_pair_is_a_transition_or_ignored_for_a_reason(pair: tuple[State, Input]) -> None:
    assert (pair in TRANSITIONS) != (pair in IGNORED)
    assert IGNORED.get(pair, "a reason")


@each(("pair", PAIRS))
def test_a_dlc_goes_by_the_tables_and_nothing_that_is_ignored_leaves_a_trace(pair: tuple[State, Input]) -> None:
    state, what = pair
    dlc = dlc_in(state)
    before = fields(dlc)
    after, actions = TRANSITIONS.get(pair, (state, ()))
    assert dlc.apply(what) == actions
    assert dlc.state is after
    assert dlc.is_open is (after in OPEN_FOR_PEER)
    assert dlc.delivers is (after in DELIVERING)
    if pair in IGNORED:
        assert fields(dlc) == before


def test_every_action_is_carried_out_and_nowhere_twice() -> None:
    told = {Input(what): set[Action]() for what in Input}
    for (_, what), (_, actions) in TRANSITIONS.items():
        told[what].update(actions)
    for what, here in ELSEWHERE.items():
        assert told.pop(what) == here
    assert set().union(*told.values()) == set(ACTIONS)
    assert set(ACTIONS).union(*ELSEWHERE.values()) == set(Action)


def test_every_state_can_be_reached_and_left() -> None:
    assert set(WAYS) == set(State)
    assert {state for (state, _), (after, _) in TRANSITIONS.items() if after is not state} == set(State)


each_transition = each(("pair, step", TRANSITIONS.items()))


class TestEachTransition:
    Pair = tuple[State, Input]
    Step = tuple[State, tuple[Action, ...]]

    @each_transition
    def test_our_owner_gets_one_closed_when_it_is_over_for_it_and_no_other(self, pair: Pair, step: Step) -> None:
        before, after = pair[0], step[0]
        over = before not in OVER_FOR_OWNER and after in OVER_FOR_OWNER
        over |= (before, after) == (State.REOPENING, State.NEGOTIATING)  # the one before is over, the next one waits
        assert len(TELL_CLOSED.intersection(step[1])) == over

    @each_transition
    def test_our_owner_gets_one_opened_when_it_is_open_for_it_and_no_other(self, pair: Pair, step: Step) -> None:
        before, after = pair[0], step[0]
        opened = after in OPEN_FOR_OWNER and before not in OPEN_FOR_OWNER
        opened |= (before, after) == (State.DRAINING, State.OPEN)  # it was told that it was closing
        assert len(TELL_OPEN.intersection(step[1])) == opened

    @each_transition
    def test_the_command_that_a_state_awaits_an_answer_to_has_been_sent(self, pair: Pair, step: Step) -> None:
        before, (after, actions) = pair[0], step
        sent = {Action.SEND_SABM: FrameType.SABM, Action.SEND_DISC: FrameType.DISC}
        commands = [sent[one] for one in actions if one in sent]
        due = after in AWAITED and (AWAITED[after] is not AWAITED.get(before) or pair[1] is Input.T1)
        assert commands == ([AWAITED[after]] if due else [])

    @each_transition
    def test_a_frame_that_demands_an_answer_gets_one(self, pair: Pair, step: Step) -> None:
        """27.010 5.4.4.1: UA or DM, whatever else."""
        answers = [one for one in step[1] if one in (Action.SEND_UA, Action.SEND_DM)]
        assert len(answers) == (pair[1] in (Input.SABM, Input.UNWANTED_SABM, Input.DISC))

    @each_transition
    def test_data_and_signals_move_nothing(self, pair: Pair, step: Step) -> None:
        assert step[0] is pair[0] or pair[1] not in (Input.DATA, Input.CLD, Input.SIGNALS)

    @each_transition
    def test_the_end_of_the_session_closes_it(self, pair: Pair, step: Step) -> None:
        assert (step[0] is State.CLOSED) or pair[1] is not Input.DROPPED


@pytest.mark.parametrize("state", State)
class TestEachState:
    def test_t1_runs_where_an_answer_is_awaited(self, state: State) -> None:
        assert ((state, Input.T1) in TRANSITIONS) is ((state, Input.N2) in TRANSITIONS) is (state in AWAITED)
        dlc = dlc_in(state)
        dlc.handed_out(5.0)
        assert (dlc.deadline is not None) is (state in AWAITED)

    def test_uih_is_delivered_at_once_just_where_the_table_says_so(self, state: State) -> None:
        after, actions = TRANSITIONS[state, Input.DATA]
        assert dlc_in(state).delivers is (after is state and actions == (Action.DELIVER,))
        assert Action.DELIVER not in actions or actions == (Action.DELIVER,)

    def test_the_end_of_the_session_leaves_nothing_for_the_next(self, state: State) -> None:
        dlc = dlc_in(state)
        dlc.agree(Parameters(n1=40))
        dlc.note(Fact.LAYER_UNSURE)
        dlc.handed_out(5.0)
        dlc.apply(Input.DROPPED)
        assert (dlc.doubtful, dlc.deadline, dlc.tries, dlc.is_open) == (False, None, 0, False)
        for what in (Input.OPEN, Input.SETTLED):
            dlc.apply(what)
        dlc.handed_out(6.0)
        assert not dlc.answered(), "an answer from the session before is awaited still"
        dlc.apply(Input.UA)
        dlc.begin(opened=True)
        assert dlc.parameters == Dlc(1, Config()).parameters

    def test_it_is_shown_to_our_owner_as_one_that_it_knows(self, state: State) -> None:
        known = {State.CLOSED, State.OPENING, State.OPEN, State.DRAINING, State.CLOSING}
        assert dlc_in(state).state_as_told is AS_TOLD.get(state, state)
        assert dlc_in(state).state_as_told in known


class TestAnswersUnderWay:
    def opening(self) -> Dlc:
        dlc = dlc_in(State.OPENING)
        dlc.handed_out(0.0)
        return dlc

    def test_the_answer_to_one_command_is_no_older_one(self) -> None:
        assert not self.opening().answered()

    def test_of_two_commands_that_left_the_first_answer_is_the_older_one(self) -> None:
        dlc = self.opening()
        dlc.apply(Input.CLOSE)
        dlc.handed_out(0.01)
        assert (dlc.answered(), dlc.answered()) == (True, False)

    @pytest.mark.parametrize("what", sorted(NO_ANSWER_COMES))
    def test_what_has_not_come_within_t1_does_not_come(self, what: Input) -> None:
        dlc = self.opening()
        dlc.apply(what)
        dlc.handed_out(1.0)
        assert not dlc.answered()

    def test_one_that_nobody_waits_for_makes_no_debt(self) -> None:
        dlc = dlc_in(State.CLOSED)
        dlc.answered()
        dlc.answered()
        for what in (Input.OPEN, Input.SETTLED):
            dlc.apply(what)
        dlc.handed_out(0.0)
        dlc.handed_out(0.1)
        assert dlc.answered()


def test_every_field_is_the_state_an_agreement_a_flag_or_named_with_the_reason_why_it_is_none() -> None:
    named = ["state", "agreement", *Flag, *(field for fields in VALUES.values() for field in fields)]
    assert sorted(named) == sorted(names(Dlc(1, Config())))


class TestFlags:
    def test_each_fact_stands_in_the_table(self) -> None:
        assert set(FLAGS) == set(Fact)

    @pytest.mark.parametrize("flag", Flag)
    def test_each_flag_is_lowered_first_and_can_be_raised_and_lowered(self, flag: Flag) -> None:
        assert getattr(Dlc(1, Config()), flag) is False
        assert {one[flag] for one in FLAGS.values() if flag in one} == {True, False}

    @pytest.mark.parametrize("raised", [True, False])
    @pytest.mark.parametrize("fact", Fact)
    def test_a_fact_changes_what_the_table_says_and_nothing_else(self, fact: Fact, raised: bool) -> None:
        dlc = Dlc(1, Config())
        if raised:
            for one in (Fact.USED, Fact.LAYER_UNSURE, Fact.TOOK_LESS):
                dlc.note(one)
        before = fields(dlc)
        dlc.note(fact)
        assert fields(dlc) == before | {flag.value: value for flag, value in FLAGS[fact].items()}

    def test_an_opening_that_is_given_up_leaves_doubt_about_the_layer_that_it_was_for(self) -> None:
        dlc = Dlc(1, Config())
        dlc.agree(Parameters(n1=31, convergence=2))
        for what in (Input.OPEN, Input.SETTLED, Input.CLOSE):
            dlc.apply(what)
        assert dlc.doubtful
        dlc.note(Fact.DEFAULTS_ASKED)
        assert not dlc.doubtful
