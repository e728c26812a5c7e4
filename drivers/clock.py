"""The source of time in ``drivers``: the system's clock, or one that tests advance by hand."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio

__all__ = ["Clock", "FakeClock", "SystemClock", "Timer"]


class Timer(Protocol):
    """A callback that is scheduled, and can be cancelled."""

    def cancel(self) -> None:
        """Cancel the callback; has no effect if it was cancelled before or has already run."""


class Clock(Protocol):
    """A source of time for threads and event loops."""

    def now(self) -> float:
        """Return the time in seconds. It never goes back; only differences are meaningful."""

    def wait(self, condition: threading.Condition, timeout: float | None) -> bool:
        """Wait on a condition that the caller holds.

        Args:
            condition: the condition, acquired by the caller.
            timeout: seconds of this clock, or None to wait without limit.

        Returns:
            False if the time ran out, True if the condition was notified (or may have been: check again).
        """

    def call_later(self, loop: asyncio.AbstractEventLoop, delay: float, callback: Callable[[], None]) -> Timer:
        """Run a callback in an event loop after a delay.

        Args:
            loop: the loop whose thread calls this.
            delay: seconds of this clock.
            callback: what to run, without arguments.

        Returns:
            A handle whose ``cancel()`` cancels the callback.
        """


class SystemClock:
    """The computer's own monotonic clock."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def now(self) -> float:
        """See `Clock.now`."""
        return time.monotonic()

    def wait(self, condition: threading.Condition, timeout: float | None) -> bool:
        """See `Clock.wait`."""
        return condition.wait(timeout)

    def call_later(self, loop: asyncio.AbstractEventLoop, delay: float, callback: Callable[[], None]) -> Timer:
        """See `Clock.call_later`."""
        return loop.call_later(delay, callback)


class _FakeTimer:
    """One callback of a `FakeClock`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._cancelled = False

    def cancel(self) -> None:
        self._cancelled = True

    def fire(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._run)

    def _run(self) -> None:
        if not self._cancelled:
            self._cancelled = True
            self._callback()


class FakeClock:
    """A clock that stands still until a test advances it.

    Args:
        start: what `now` returns at first, in seconds.
    """

    def __init__(self, start: float = 1000.0) -> None:
        self._lock = threading.Lock()
        self._now = start
        self._serial = itertools.count()
        self._waiting: dict[int, threading.Condition] = {}
        self._timers: list[tuple[float, int, _FakeTimer]] = []
        self._arrivals = threading.Condition(self._lock)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self.now():g} s>"

    def now(self) -> float:
        """See `Clock.now`."""
        with self._lock:
            return self._now

    def wait(self, condition: threading.Condition, timeout: float | None) -> bool:
        """See `Clock.wait`."""
        with self._lock:
            if timeout is not None and timeout <= 0:
                return False
            deadline = None if timeout is None else self._now + timeout
            key = next(self._serial)
            self._waiting[key] = condition
            self._arrivals.notify_all()
        try:
            condition.wait()
        finally:
            with self._lock:
                self._waiting.pop(key, None)
                late = deadline is not None and self._now >= deadline
        return not late

    def call_later(self, loop: asyncio.AbstractEventLoop, delay: float, callback: Callable[[], None]) -> Timer:
        """See `Clock.call_later`."""
        timer = _FakeTimer(loop, callback)
        with self._lock:
            heapq.heappush(self._timers, (self._now + delay, next(self._serial), timer))
            self._arrivals.notify_all()
        return timer

    def advance(self, seconds: float) -> None:
        """Advance the clock and wake everything that waits on it; waiters check their deadlines themselves.

        Args:
            seconds: by how much, 0 or more.
        """
        due: list[_FakeTimer] = []
        with self._lock:
            self._now += seconds
            while self._timers and self._timers[0][0] <= self._now:
                due.append(heapq.heappop(self._timers)[2])
            conditions = list(self._waiting.values())
            self._waiting.clear()  # they wait again once they have looked: `await_waiters` counts them then
        for timer in due:
            timer.fire()
        for condition in conditions:
            with condition:
                condition.notify_all()

    def await_waiters(self, count: int = 1, timeout: float = 10.0) -> None:
        """Block until a number of threads or timers wait on this clock, so that a test does not advance it too early.

        Args:
            count: the number of threads and timers.
            timeout: real seconds after which this fails.

        Raises:
            TimeoutError: fewer than that wait on it.
        """
        with self._arrivals:
            if not self._arrivals.wait_for(lambda: len(self._waiting) + len(self._timers) >= count, timeout):
                raise TimeoutError(f"{len(self._waiting) + len(self._timers)} of {count} wait on the clock")
