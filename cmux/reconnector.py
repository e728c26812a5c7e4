"""Reopens a line that died, until that succeeds or is no longer wanted."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from .errors import CmuxError
from .logs import port_logger

FIRST_DELAY = 0.5
"""Seconds until the first attempt."""
LONGEST_DELAY = 30.0
"""The most seconds between attempts; each wait is twice as long as the one before."""

_BY_ID = "/dev/serial/by-id"


def stable_name(path: str, directory: str = _BY_ID) -> str | None:
    """Return the name by which udev finds a device again, whatever number it gets then.

    Args:
        path: the present path of the device.
        directory: the directory of the links that udev makes.

    Returns:
        The link, or None if there is none.
    """
    try:
        links = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError:
        return None
    real = os.path.realpath(path)
    return next((link.path for link in links if os.path.realpath(link.path) == real), None)


class Backoff:
    """Computes how long to wait before the next attempt."""

    def __init__(self) -> None:
        self.delay: float = FIRST_DELAY
        """Seconds until the next attempt."""

    def failed(self, name: str, error: Exception) -> None:
        """Note that an attempt failed."""
        port_logger(name).info("not yet back: %s", error)
        self.delay = min(2 * self.delay, LONGEST_DELAY)

    def succeeded(self) -> None:
        """Note that an attempt succeeded, even if not for long."""
        self.delay = FIRST_DELAY


class Reconnector:
    """A thread that makes attempts until one succeeds.

    Args:
        name: the name of the line.
        attempt: makes one attempt; raises CmuxError or OSError if it fails, and returns whether it has succeeded.
    """

    def __init__(self, name: str, attempt: Callable[[], bool]) -> None:
        self._name = name
        self._attempt = attempt
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"cmux reconnector {name}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        backoff = Backoff()
        while not self._ending.wait(backoff.delay):
            try:
                if self._attempt():
                    return
                backoff.succeeded()
            except (CmuxError, OSError) as error:
                backoff.failed(self._name, error)

    def end(self) -> None:
        """Make no more attempts; cutting short the present one is left to the caller."""
        self._ending.set()

    @property
    def ending(self) -> bool:
        """Whether `end` was called."""
        return self._ending.is_set()

    @property
    def alive(self) -> bool:
        """Whether its thread is there."""
        return self._thread.is_alive()

    def join(self) -> None:
        """Wait for the thread, unless it calls this itself."""
        if threading.current_thread() is not self._thread:
            self._thread.join()
