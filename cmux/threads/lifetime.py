"""What lives as long as the process: every `Mux` is closed at its end, and disconnected in the child after a fork."""

from __future__ import annotations

import atexit
import os
import weakref
from typing import Protocol


class Living(Protocol):
    """What has an end of its own."""

    def close(self) -> None:
        """End in order."""

    def abandon(self) -> None:
        """Disconnect from the parent's line and threads, in the child after a fork."""


_living: weakref.WeakSet[Living] = weakref.WeakSet()


def begin(one: Living) -> None:
    """Take note of something that has to be closed with the process."""
    _living.add(one)


def end(one: Living) -> None:
    """Forget it: it is closed."""
    _living.discard(one)


def _close_all() -> None:
    for one in list(_living):
        one.close()


def _after_fork() -> None:
    for one in list(_living):
        one.abandon()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
