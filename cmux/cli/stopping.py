"""How a command that runs until it is told to stop hears about it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class Stop:
    """A request to stop, by signal; `wake` is set by it, and may be set by others."""

    def __init__(self) -> None:
        self.wake: threading.Event = threading.Event()
        """Set when the command should look around."""
        self.asked: bool = False
        """A signal came."""
        self.interrupts = True
        """The first signal raises KeyboardInterrupt in the main thread: while something is being opened."""

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Take a signal."""
        again, self.asked = self.asked, True
        self.wake.set()
        if self.interrupts and not again:
            raise KeyboardInterrupt


@contextmanager
def stop_by_signal() -> Iterator[Stop]:
    """Let SIGINT, SIGTERM and SIGHUP end the command in an orderly way, for as long as the context lasts."""
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
