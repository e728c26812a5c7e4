"""Closes every open `Mux` when the process ends."""

from __future__ import annotations

import atexit
import weakref
from typing import Protocol

from .. import forks


class Living(forks.Inherited, Protocol):
    """An object that has to be closed when the process ends."""

    def close(self) -> None:
        """Close it."""


_living: weakref.WeakSet[Living] = weakref.WeakSet()


def begin(one: Living) -> None:
    """Register an object that has locks, and has to be closed when the process ends."""
    forks.register(one)
    _living.add(one)


def end(one: Living) -> None:
    """Note that an object is closed."""
    _living.discard(one)


def _close_all() -> None:
    for one in list(_living):
        one.close()


def watch() -> None:
    """Wait for the end of the process.

    `cmux` calls this when it is imported. What a program registers with `atexit` after that runs before lines are
    closed, even if it registers that before it opens one.
    """
    atexit.register(_close_all)
