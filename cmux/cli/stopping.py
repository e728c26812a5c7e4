"""How a command that runs until it is stopped learns that it has to stop."""

from __future__ import annotations

import contextlib
import queue
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_LOOK = (
    1.0  # seconds: a signal that comes at the very moment when a wait begins does not end it, and is handled behind it
)


class Stop:
    """A request to stop, by signal, and the wait for it, which others may end as well."""

    def __init__(self) -> None:
        # Not an Event: a signal may come while the main thread, in wait(), holds the lock that set() needs.
        self._wakes: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.asked: bool = False
        """A signal has come."""
        self.interrupts = True
        """The first signal raises KeyboardInterrupt in the main thread: used while something is being opened."""

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        again, self.asked = self.asked, True
        self.wake()
        if self.interrupts and not again:
            raise KeyboardInterrupt

    def wake(self) -> None:
        """Let the command check its state."""
        if self._wakes.empty():
            self._wakes.put(None)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the command should check its state.

        Args:
            timeout: seconds; None waits until it should.

        Returns:
            False when the time was over first.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = _LOOK if deadline is None else min(_LOOK, max(0.0, deadline - time.monotonic()))
            with contextlib.suppress(queue.Empty):
                self._wakes.get(timeout=left)
                return True
            if self.asked:
                return True
            if deadline is not None and time.monotonic() >= deadline:
                return False


@contextmanager
def stop_by_signal() -> Iterator[Stop]:
    """Within the context, let SIGINT, SIGTERM and SIGHUP end the command in an orderly way."""
    stop = Stop()
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        numbers.remove(signal.SIGHUP)  # under nohup
    before = {number: signal.signal(number, stop.handle) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
