"""A lock with waiters that are woken when the protected state changes. It does not wait itself: the shells do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cmux.forks import Lock

Wake = Callable[[], object]
"""Wakes one waiter. It is called with the lock held, maybe from another thread, so it must not wait or lock."""


class Changes(Lock):
    """A lock with a list of waiters; sessions, listeners and tables of contexts have one each.

    ``with changes:`` acquires the lock; after a change, `notify` is called before it is released.
    """

    def __init__(self) -> None:
        super().__init__()
        self._waiting: set[Wake] = set()

    def __repr__(self) -> str:
        return f"<Changes: {len(self._waiting)} wait>"

    def _abandon(self) -> None:
        super()._abandon()
        self._waiting.clear()  # threads of the parent

    def notify(self) -> None:
        """Wake all waiters; called with the lock held."""
        for wake in self._waiting:
            wake()

    @contextmanager
    def waking(self, wake: Wake) -> Iterator[None]:
        """Call `wake` at every change inside of the ``with`` block; called without the lock.

        Args:
            wake: called with the lock held, maybe by another thread; it must not wait.
        """
        with self:
            self._waiting.add(wake)
        try:
            yield
        finally:
            with self:
                self._waiting.discard(wake)
