"""What PN has agreed for SABM goes by its table, and SABM means it."""

from __future__ import annotations

from collections.abc import Callable
from operator import methodcaller

import pytest

from cmux.protocol.config import Config, Parameters
from cmux.protocol.dlc import Dlc
from cmux.protocol.dlc_table import (
    AGREEMENTS,
    MEANT_BY_LATEST,
    MEANT_BY_NEXT,
    PN_INPUTS,
    Agreement,
    Fact,
    Input,
    PnInput,
    State,
)

FIRST, SECOND, THIRD = Parameters(n1=40), Parameters(n1=50), Parameters(n1=60)
DEFAULTS = Dlc(1, Config()).parameters


def open_by(dlc: Dlc, *inputs: Input) -> None:
    for what in inputs or (Input.OPEN, Input.SETTLED):
        dlc.apply(what)


AGREED: dict[Agreement, tuple[Callable[[Dlc], None], ...]] = {
    Agreement.DEFAULTS: (open_by,),
    Agreement.AHEAD: (open_by, methodcaller("agree", FIRST)),
    Agreement.UNDER_WAY: (methodcaller("agree", FIRST), open_by),
    Agreement.REPLACED: (methodcaller("agree", FIRST), open_by, methodcaller("agree", SECOND)),
    Agreement.REVOKED: (methodcaller("agree", FIRST), open_by, methodcaller("disagree", 1)),
}
"""How each agreement comes about, for a DLC whose SABM is under way."""

SABM_MEANS = {
    Agreement.DEFAULTS: (DEFAULTS, DEFAULTS),
    Agreement.AHEAD: (DEFAULTS, FIRST),
    Agreement.UNDER_WAY: (FIRST, FIRST),
    Agreement.REPLACED: (FIRST, SECOND),
    Agreement.REVOKED: (FIRST, DEFAULTS),
}
"""What the SABM that is under way means, and what the next one means."""


def named(latest: Parameters, following: Parameters) -> Agreement:
    if latest is DEFAULTS:
        return Agreement.DEFAULTS if following is DEFAULTS else Agreement.AHEAD
    if following is DEFAULTS:
        return Agreement.REVOKED
    return Agreement.UNDER_WAY if following is latest else Agreement.REPLACED


def agreeing(agreement: Agreement) -> Dlc:
    dlc = Dlc(1, Config())
    for step in AGREED[agreement]:
        step(dlc)
    assert (dlc.agreement, dlc.state) == (agreement, State.OPENING)
    return dlc


class TestAgreement:
    def test_every_pair_stands_in_the_table(self) -> None:
        assert set(AGREEMENTS) == set(PnInput)
        assert all(set(row) == set(Agreement) for row in AGREEMENTS.values())

    def test_each_one_can_be_reached_and_left(self) -> None:
        moves = {(before, after) for row in AGREEMENTS.values() for before, after in row.items() if before != after}
        assert {before for before, _ in moves} == {after for _, after in moves} == set(Agreement)

    @pytest.mark.parametrize("agreement", Agreement)
    @pytest.mark.parametrize("what", PnInput)
    def test_the_table_says_what_becomes_of_what_the_two_sabm_mean(self, what: PnInput, agreement: Agreement) -> None:
        latest, following = SABM_MEANS[agreement]
        done = (DEFAULTS, DEFAULTS if following is latest else following)
        becomes = {
            PnInput.ANSWERED: (latest, THIRD),
            PnInput.UNANSWERED: (latest, DEFAULTS),
            PnInput.SABM: (following, following),
            PnInput.BEGUN: done,
            PnInput.GIVEN_UP: done,
            PnInput.DROPPED: (DEFAULTS, DEFAULTS),
        }
        assert AGREEMENTS[what][agreement] is named(*becomes[what])

    def test_what_is_agreed_is_what_the_names_say(self) -> None:
        latest = {one for one, (meant, _) in SABM_MEANS.items() if meant != DEFAULTS}
        following = {one for one, (_, meant) in SABM_MEANS.items() if meant != DEFAULTS}
        assert latest == set(MEANT_BY_LATEST)
        assert following == set(MEANT_BY_NEXT)

    def test_every_sabm_is_one_for_the_table_and_so_is_an_opening_that_comes_to_nothing(self) -> None:
        told: dict[PnInput, set[tuple[State, Input]]] = {}
        for pair, what in PN_INPUTS.items():
            told.setdefault(what, set()).add(pair)
        assert told == {
            PnInput.SABM: {
                *((state, what) for state in State for what in (Input.SABM, Input.UNWANTED_SABM)),
                (State.NEGOTIATING, Input.SETTLED),
                (State.OPENING, Input.T1),
            },
            PnInput.GIVEN_UP: {
                (State.OPENING, what) for what in (Input.CLOSE, Input.PARK, Input.DRAIN, Input.DM, Input.N2)
            },
            PnInput.DROPPED: {(state, Input.DROPPED) for state in State},
        }

    @pytest.mark.parametrize("agreement", Agreement)
    @pytest.mark.parametrize("what", Input)
    def test_a_dlc_goes_by_the_table(self, what: Input, agreement: Agreement) -> None:
        dlc = agreeing(agreement)
        about_pn = PN_INPUTS.get((State.OPENING, what))
        dlc.apply(what)
        assert dlc.agreement is (agreement if about_pn is None else AGREEMENTS[about_pn][agreement])

    @pytest.mark.parametrize("agreement", Agreement)
    @pytest.mark.parametrize(
        ("what", "call"),
        [
            (PnInput.ANSWERED, lambda dlc: dlc.agree(SECOND)),
            (PnInput.UNANSWERED, lambda dlc: dlc.disagree(1)),
            (PnInput.BEGUN, lambda dlc: dlc.begin(opened=True)),
        ],
    )
    def test_its_methods_go_by_the_table(
        self, agreement: Agreement, what: PnInput, call: Callable[[Dlc], None]
    ) -> None:
        dlc = agreeing(agreement)
        call(dlc)
        assert dlc.agreement is AGREEMENTS[what][agreement]

    @pytest.mark.clause("5.4.6.3.1", "5.4.1")
    @pytest.mark.parametrize("agreement", Agreement)
    def test_an_opening_that_is_accepted_is_what_its_sabm_meant_and_the_next_what_was_agreed_since(
        self, agreement: Agreement
    ) -> None:
        dlc = agreeing(agreement)
        latest, following = SABM_MEANS[agreement]
        dlc.apply(Input.UA)
        dlc.begin(opened=True)
        assert dlc.parameters == latest
        if agreement is Agreement.UNDER_WAY:  # what was agreed for a SABM that is done is not agreed for another
            following = DEFAULTS
        open_by(dlc, Input.CLOSE, Input.UA, Input.OPEN, Input.SETTLED, Input.UA)
        dlc.begin(opened=True)
        assert dlc.parameters == following

    @pytest.mark.parametrize("agreement", Agreement)
    def test_a_sabm_that_is_repeated_means_what_is_agreed_by_then(self, agreement: Agreement) -> None:
        dlc = agreeing(agreement)
        open_by(dlc, Input.T1, Input.UA)
        dlc.begin(opened=True)
        assert dlc.parameters == SABM_MEANS[agreement][1]

    @pytest.mark.parametrize("agreement", Agreement)
    @pytest.mark.parametrize("used", [False, True], ids=["unused", "used"])
    def test_a_peer_that_repeats_sabm_means_the_same_as_long_as_it_has_not_used_the_connection(
        self, used: bool, agreement: Agreement
    ) -> None:
        dlc = agreeing(agreement)
        dlc.apply(Input.SABM)
        dlc.begin(opened=True)
        before = dlc.parameters
        if used:
            dlc.note(Fact.USED)
        dlc.apply(Input.SABM)
        dlc.begin(opened=False)
        assert dlc.parameters == (DEFAULTS if used else before)
