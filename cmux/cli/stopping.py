"""How a command that runs until it is stopped learns that it has to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class Stop:
    """A request to stop, by signal; it sets `wake`, which others may set as well."""

    def __init__(self) -> None:
        self.wake: threading.Event = threading.Event()
        """Set when the command should check its state."""
        self.asked: bool = False
        """A signal has come."""
        self.interrupts = True
        """The first signal raises KeyboardInterrupt in the main thread: used while something is being opened."""

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        again, self.asked = self.asked, True
        self.wake.set()
        if self.interrupts and not again:
            raise KeyboardInterrupt


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
