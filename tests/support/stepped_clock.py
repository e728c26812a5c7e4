"""A clock that goes on in small steps: no luck with the computer."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from driver_lab import PATIENCE

from drivers.clock import FakeClock, Timer

STEP = 0.1
FOR_EVER = 10_000.0
SMALL = 0.02
PAUSE = 0.004  # real seconds between small steps: for threads that do not wait on the clock, as those of sockets
BREATH = 0.02  # real seconds after each step, in which others do what it was about
LATE = 1.25  # times its length that a breath may take, or it is taken again
LARGE = 0.5  # seconds from which on a step needs a second breath: octets may be inside the kernel, seen by nobody


def others_run() -> bool:
    """Tell whether a thread of this process has something to do (proc_pid_stat(5): state R)."""
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # it has ended meanwhile
            state = (task / "stat").read_text().rpartition(")")[2].split()[0]
            if state == "R" and int(task.name) != threading.get_native_id():
                return True
    return False


class SteppedClock(FakeClock):
    """A `FakeClock` that knows until when somebody waits on it."""

    def __init__(self) -> None:
        super().__init__()
        self._keys = itertools.count()
        self._dues: dict[int, tuple[float, Timer | None]] = {}
        self._noted = threading.Condition()

    def _note(self, due: float, timer: Timer | None) -> int:
        with self._noted:
            key = next(self._keys)
            self._dues[key] = due, timer
            self._noted.notify_all()
        return key

    def wait(self, condition: threading.Condition, timeout: float | None) -> bool:
        """See `Clock.wait`."""
        if timeout is None:
            return super().wait(condition, None)
        key = self._note(self.now() + timeout, None)
        try:
            return super().wait(condition, timeout)
        finally:
            with self._noted:
                del self._dues[key]

    def call_later(self, loop: asyncio.AbstractEventLoop, delay: float, callback: Callable[[], None]) -> Timer:
        """See `Clock.call_later`."""
        timer = super().call_later(loop, delay, callback)
        self._note(self.now() + delay, timer)
        return timer

    def _left(self) -> list[float]:
        """Return the seconds that each waiter still has to wait, where the condition is held."""
        over = [key for key, (_, timer) in self._dues.items() if timer is not None and timer._cancelled]  # type: ignore[attr-defined]
        for key in over:
            del self._dues[key]
        return [due - self.now() for due, _ in self._dues.values()]

    def await_wait(self, seconds: float) -> None:
        """Wait until somebody waits for just so many seconds from now."""
        with self._noted:
            assert self._noted.wait_for(lambda: any(abs(left - seconds) < 1e-6 for left in self._left()), PATIENCE), (
                f"nobody waits for {seconds:g} s: {sorted(self._left())}"
            )

    def pass_until(self, over: Callable[[float], bool], most: float, step: float = STEP) -> bool:
        """Let time pass, a step whenever somebody waits for it, until something is over.

        A busy computer may take long for each step: that is no time of this clock.

        Args:
            over: waits so many real seconds for it, and tells whether it is.
            most: the most seconds of this clock.
            step: how many of them at once.

        Returns:
            Whether it is over; False: nothing happened for very long.
        """
        end = self.now() + most
        quiet = 0
        for _ in range(int(PATIENCE / BREATH)):
            begun = time.monotonic()
            if over(BREATH):
                return True
            if time.monotonic() - begun > BREATH * LATE or others_run():
                quiet = 0
                continue  # the computer is busy: not everyone has had a turn
            quiet += 1
            if step >= LARGE and quiet < 2:
                continue
            quiet = 0
            with self._noted:
                awaited = any(self.now() + left <= end for left in self._left())
            if awaited:
                self.advance(min(step, end - self.now()))
        return over(0)

    @contextmanager
    def passing(self, most: float, step: float) -> Iterator[None]:
        """Let time pass meanwhile as `pass_until` does; what is not over then runs into its own limits."""
        over = threading.Event()

        def work() -> None:
            if not self.pass_until(over.wait, most, step):
                self.advance(FOR_EVER)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@contextmanager
def stepping(clock: FakeClock, settle: Callable[[], None]) -> Iterator[None]:
    """Let a clock go on while the block runs, whether somebody waits for it or not.

    Args:
        clock: the clock of the module and its driver.
        settle: returns when what was due is done.
    """
    over = threading.Event()

    def step() -> None:
        while not over.wait(PAUSE):
            settle()
            if not others_run():
                clock.advance(SMALL)

    thread = threading.Thread(target=step, name="steps of a clock")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
