"""A lock, and whom to wake when what it protects has changed. Does not wait itself: the shells do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Wake = Callable[[], object]
"""Wakes one who waits; called with the lock held, maybe from another thread, so it only leaves a note."""


class Changes:
    """A lock with a list of waiters; sessions, listeners and tables of contexts have one each.

    ``with changes:`` is the lock; whoever has changed something calls `notify` before letting it go.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: set[Wake] = set()

    def __repr__(self) -> str:
        return f"<Changes: {len(self._waiting)} wait>"

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *exc: object) -> None:
        self._lock.release()

    def notify(self) -> None:
        """Wake all who wait; called with the lock held."""
        for wake in self._waiting:
            wake()

    @contextmanager
    def waking(self, wake: Wake) -> Iterator[None]:
        """Have somebody woken at every change; called without the lock."""
        with self:
            self._waiting.add(wake)
        try:
            yield
        finally:
            with self:
                self._waiting.discard(wake)
