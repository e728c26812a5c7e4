"""The child after a fork: it has the locks and the lines of its parent, but none of the threads."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Protocol


class Inherited(Protocol):
    """An object that is of no use in the child after a fork, because its threads and its line are the parent's."""

    def _abandon(self) -> None:
        """Renew its locks, and make it unusable; called in the child."""


_inherited: weakref.WeakSet[Inherited] = weakref.WeakSet()  # closed ones, too: a child may call them


def register(one: Inherited) -> None:
    """Register an object that has locks, for as long as it exists."""
    _inherited.add(one)


def _after_fork() -> None:
    for one in list(_inherited):
        one._abandon()


class Lock:
    """A lock that is free in the child after a fork, whoever had it in the parent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        register(self)

    @property
    def __enter__(self) -> Callable[[], bool]:  # as in `cmux.conditions`, no interrupt comes between
        """Take the lock."""
        return self._lock.__enter__

    @property
    def __exit__(self) -> Callable[[type[BaseException] | None, BaseException | None, TracebackType | None], None]:
        """Release the lock."""
        return self._lock.__exit__

    def _abandon(self) -> None:
        self._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
