"""A call with a timeout for all of it: its procedure runs in the background, and the caller leaves when time is up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from .changes import Changes
from .procedure import Procedure, Progress

T = TypeVar("T")
_ANSWER = 0.5
Stay = Callable[[], None]
"""Called by a procedure when it has made what its caller wants; raises if the caller has left."""

Expired = Callable[[str], Exception]
"""Makes the exception for a caller whose time is up, from the name of what was waited for; empty for a turn."""


def with_answer(timeout: float) -> float | None:
    """Return the limit of a call that asks until its time is up: it gets half a second more for the last answer.

    Args:
        timeout: seconds; 0: the call asks only once, and its answer is waited for without this limit.
    """
    return timeout + _ANSWER if timeout > 0 else None


class Bounded(Generic[T]):
    """A procedure and its caller, who waits no longer than a limit; what is left to clean up is done without him.

    Args:
        make: returns the procedure; see `Stay`.
        expired: makes the exception for the caller; see `Expired`.
    """

    def __init__(self, make: Callable[[Stay], Procedure[T]], expired: Expired) -> None:
        self.changes: Changes = Changes()
        self.progress: Progress[T] = Progress(make(self._stay))
        """The procedure."""
        self.failure: BaseException | None = None
        """The exception that it has raised."""
        self._expired = expired
        self._late: Exception | None = None
        self._kept = self._over = False

    def over(self) -> bool | None:
        """Return True if the procedure has ended, otherwise None."""
        return self._over or None

    def ended(self, failure: BaseException | None) -> None:
        """Note that the procedure has ended."""
        with self.changes:
            self.failure, self._over = failure, True
            self.changes.notify()

    def leave(self) -> bool:
        """Let the caller leave, unless the procedure has made what he wants; return whether he has left."""
        with self.changes:
            if self._kept or self._over:
                return False
            self._late = self._expired(self.progress.waits_for)
        self.progress.abandon(self._late)
        return True

    def result(self) -> T:
        """Return the result for the caller, or raise the exception for him."""
        if self._late is not None:
            raise self._late
        if self.failure is not None:
            raise self.failure
        return self.progress.result

    def _stay(self) -> None:
        with self.changes:
            if self._late is not None:
                raise self._late
            self._kept = True
