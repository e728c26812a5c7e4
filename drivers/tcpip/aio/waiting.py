"""Waits for changes in a task."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from ...clock import Clock
from ..core.changes import Changes

T = TypeVar("T")


async def until(clock: Clock, changes: Changes, ready: Callable[[], T | None], seconds: float | None) -> T | None:
    """Wait until `ready` has a result, and return it; return None if the time runs out.

    Args:
        clock: the source of time.
        changes: the state on whose changes, maybe from another thread, `ready` is called again.
        ready: None means not yet.
        seconds: the most seconds to wait; None: without limit.
    """
    deadline = None if seconds is None else clock.now() + seconds
    if (result := ready()) is not None:
        return result
    loop, bell, here = asyncio.get_running_loop(), asyncio.Event(), threading.get_ident()

    def ring() -> None:
        if threading.get_ident() == here:  # at once: a waiter that wakes a round later gets its turn later
            bell.set()
        else:
            loop.call_soon_threadsafe(bell.set)

    with changes.waking(ring):
        while (result := ready()) is None:
            left = None if deadline is None else deadline - clock.now()
            if left is not None and left <= 0:
                return None
            bell.clear()
            timer = None if left is None else clock.call_later(loop, left, bell.set)
            try:
                await bell.wait()
            finally:
                if timer is not None:
                    timer.cancel()
        return result
