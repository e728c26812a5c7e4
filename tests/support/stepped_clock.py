"""A clock that goes on by small steps, each when the module has done what was due: no luck with the computer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from drivers.clock import FakeClock

STEP = 0.02
PAUSE = 0.004  # real seconds between steps: for threads that do not wait on the clock, as those of sockets


@contextmanager
def stepping(clock: FakeClock, settle: Callable[[], None]) -> Iterator[None]:
    """Let a clock go on while the block runs.

    Args:
        clock: the clock of the module and its driver.
        settle: returns when what was due is done.
    """
    over = threading.Event()

    def step() -> None:
        while not over.wait(PAUSE):
            settle()
            clock.advance(STEP)

    thread = threading.Thread(target=step, name="steps of a clock")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
