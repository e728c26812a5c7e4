"""The right to do something that excludes others, as operations of one driver do. The shells wait for it."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from contextlib import contextmanager

from .changes import Changes


class Exclusion:
    """A right that callers take in the order in which they came; its holder may take it again."""

    def __init__(self) -> None:
        self.changes: Changes = Changes()
        self._queue: collections.deque[Claimant] = collections.deque()
        self._holder: object = None
        self._depth = 0

    @contextmanager
    def claiming(self, caller: object) -> Iterator[Claimant]:
        """Queue a caller, a thread or a task, and release what it has taken at the end of the ``with`` block."""
        claimant = Claimant(self, caller)
        with self.changes:
            self._queue.append(claimant)
        try:
            yield claimant
        finally:
            self._leave(claimant)

    def take(self, claimant: Claimant) -> bool | None:
        """Take the right; return None if it is another caller's turn."""
        with self.changes:
            if not claimant.taken and (self._holder is claimant.caller or self._is_next(claimant)):
                self._queue.remove(claimant)
                self._holder, claimant.taken = claimant.caller, True
                self._depth += 1
            return claimant.taken or None

    def _is_next(self, claimant: Claimant) -> bool:
        return self._holder is None and self._queue[0] is claimant

    def _leave(self, claimant: Claimant) -> None:
        with self.changes:
            if claimant.taken:
                self._depth -= 1
                self._holder = self._holder if self._depth else None
            else:
                self._queue.remove(claimant)
            self.changes.notify()


class Claimant:
    """One caller that wants the right, or has it.

    Args:
        exclusion: the right.
        caller: the thread or the task.
    """

    def __init__(self, exclusion: Exclusion, caller: object) -> None:
        self.caller: object = caller
        """The thread or the task."""
        self.taken: bool = False
        """Whether it has the right."""
        self.changes: Changes = exclusion.changes
        """The lock of the right."""
        self._exclusion = exclusion

    def take(self) -> bool | None:
        """See `Exclusion.take`."""
        return self._exclusion.take(self)
