"""Waits for changes in a thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cmux.conditions import Condition

from ...clock import Clock
from ..core.changes import Changes

T = TypeVar("T")


class _Bell:
    """Wakes the thread that waits for it."""

    def __init__(self) -> None:
        self._condition = Condition()
        self._rung = False

    def ring(self) -> None:
        with self._condition:
            self._rung = True
            self._condition.notify_all()

    def wait(self, clock: Clock, seconds: float | None) -> None:
        with self._condition:
            if not self._rung:
                clock.wait(self._condition, seconds)
            self._rung = False


def until(clock: Clock, changes: Changes, ready: Callable[[], T | None], seconds: float | None) -> T | None:
    """Wait until `ready` has a result, and return it; return None if the time runs out.

    Args:
        clock: the source of time.
        changes: the state on whose changes `ready` is called again.
        ready: called without a lock; None means not yet.
        seconds: the most seconds to wait; None: without limit.
    """
    deadline = None if seconds is None else clock.now() + seconds
    if (result := ready()) is not None:
        return result
    bell = _Bell()
    with changes.waking(bell.ring):
        while (result := ready()) is None:
            left = None if deadline is None else deadline - clock.now()
            if left is not None and left <= 0:
                return None
            bell.wait(clock, left)
        return result
