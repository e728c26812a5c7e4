"""Closes every open `Mux` when the process ends, and disconnects it in the child after a fork."""

from __future__ import annotations

import atexit
import os
import weakref
from typing import Protocol


class Living(Protocol):
    """An object that has to be closed when the process ends."""

    def close(self) -> None:
        """Close it."""

    def _abandon(self) -> None:
        """Disconnect from the parent's line and threads, in the child after a fork."""


_living: weakref.WeakSet[Living] = weakref.WeakSet()
_locking: weakref.WeakSet[Living] = weakref.WeakSet()  # closed ones, too: a child may call them, and has their locks


def begin(one: Living) -> None:
    """Register an object that has locks, and has to be closed when the process ends."""
    _locking.add(one)
    _living.add(one)


def end(one: Living) -> None:
    """Note that an object is closed."""
    _living.discard(one)


def _close_all() -> None:
    for one in list(_living):
        one.close()


def _after_fork() -> None:
    for one in list(_locking):
        one._abandon()


def watch() -> None:
    """Wait for the end of the process, and for forks.

    `cmux` calls this when it is imported. What a program registers with `atexit` after that runs before lines are
    closed, even if it registers that before it opens one.
    """
    atexit.register(_close_all)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)
