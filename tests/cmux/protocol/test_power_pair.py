"""Two stations that sleep and wake in any order: the invariants of `power_pair`."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from power_pair import CONFIGS, PowerPair, machine

from cmux.protocol.power import PowerSaving


@pytest.mark.clause("5.4.7", "5.4.6.3.2", "5.7.6")
@pytest.mark.parametrize("name", CONFIGS)
def test_no_order_of_psc_data_flags_and_losses_ends_a_session_whose_line_works(name: str) -> None:
    run_state_machine_as_test(machine(name), settings=settings(max_examples=20, stateful_step_count=30, deadline=None))


def test_the_machine_sees_a_session_that_ends_without_need(monkeypatch: pytest.MonkeyPatch) -> None:
    """One lost answer to wake-up flags, to a station that thinks it has answered them."""
    monkeypatch.setattr(PowerSaving, "hears_flags", lambda power, data, *, partial: False)
    monkeypatch.setattr(PowerPair, "config", CONFIGS["slow"])
    pair = PowerPair()
    pair.sleep(host=True)
    pair.advance(3)
    pair.wake(host=True)
    pair.say(host=True, limited=False)
    pair.hear(host=True, size=1000)
    pair.lose(host=False, plan=[8])
    pair.say(host=False, limited=False)
    pair.advance(11)
    assert pair.over
    with pytest.raises(AssertionError):
        pair.teardown()
