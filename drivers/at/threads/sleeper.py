"""Threads that wait for a change or for a time: each is woken only for what it waits for."""

from __future__ import annotations

import math
import threading

from ...clock import Clock


class Sleeper:
    """What one thread at a time waits on.

    Args:
        lock: what is released during the wait.
        clock: the source of time.
    """

    def __init__(self, lock: threading.RLock, clock: Clock) -> None:
        self._condition = threading.Condition(lock)
        self._clock = clock
        self._until = math.inf

    def sleep(self, until: float | None = None) -> None:
        """Wait until it is woken, or until a time; called with the lock.

        Args:
            until: the time; None: without limit.
        """
        self._until = math.inf if until is None else until
        self._clock.wait(self._condition, None if until is None else until - self._clock.now())

    def wake(self) -> None:
        """Wake the thread that waits; called with the lock."""
        self._condition.notify_all()

    def due(self, at: float | None) -> None:
        """Wake the thread that waits if something is due before it wakes by itself; called with the lock.

        Args:
            at: when that is due; None: nothing is.
        """
        if at is not None and at < self._until:
            self.wake()
