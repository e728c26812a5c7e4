"""State machines as targets: pytest collects the test case, `run.py` runs the machine."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine


def case(machine: type[RuleBasedStateMachine], *, examples: int, steps: int) -> Any:
    """Return the test case of a state machine.

    Args:
        machine: its class.
        examples: how many `make test` runs.
        steps: the most steps of one of them.
    """
    made: Any = machine.TestCase
    made.settings = settings(max_examples=examples, stateful_step_count=steps, deadline=None)
    made.machine = machine
    return made
