"""Tells a service manager what the command is doing (sd_notify), if one has started the process and wants to know."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping
from typing import Final

_LONGEST: Final = 1.0  # seconds that a message may wait for a manager that reads none
_SHARE: Final = 3.0  # of the time in which the manager wants to hear: a slow turn or two end nothing


class ServiceManager:
    """The service manager of this process; without one nothing happens.

    Args:
        environment: the variables that it has set: NOTIFY_SOCKET, a path or, behind ``@``, an abstract name;
            WATCHDOG_USEC, the microseconds in which it wants to hear; WATCHDOG_PID, the process that this is about.
        clock: returns seconds.
    """

    def __init__(
        self, environment: Mapping[str, str] = os.environ, clock: Callable[[], float] = time.monotonic
    ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = address if address[:1] in ("/", "@") and hasattr(socket, "AF_UNIX") else ""
        self._clock = clock
        self._interval = _interval(environment) if self._address else None
        self._due: float | None = None

    def ready(self) -> None:
        """Tell that what the command offers is there; from now on it is to be told that the lines are alive."""
        self._tell(b"READY=1")
        if self._interval is not None:
            self._due = self._clock()

    def stopping(self) -> None:
        """Tell that the command is about to end."""
        self._due = None
        self._tell(b"STOPPING=1")

    def left(self) -> float | None:
        """Return the seconds until `look` is to be called; None: never."""
        return None if self._due is None else max(0.0, self._due - self._clock())

    def look(self, turned: Callable[[], bool]) -> None:
        """Tell that the lines are alive if it is time for that, and if they are.

        Args:
            turned: tells whether all threads have turned since it was last called; it is called when it is time.
        """
        if self._due is None or self._interval is None or self._clock() < self._due:
            return
        if turned():
            self._tell(b"WATCHDOG=1")
        self._due = self._clock() + self._interval

    def _tell(self, message: bytes) -> None:
        if not self._address:
            return
        address = self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as messenger:
            messenger.settimeout(_LONGEST)
            messenger.sendto(message, address.replace("@", "\0", 1) if address.startswith("@") else address)


def _interval(environment: Mapping[str, str]) -> float | None:
    """Return the seconds between two messages; None if the manager wants none from this process."""
    microseconds, process = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if process and process != str(os.getpid()):
        return None
    if not (microseconds.isascii() and microseconds.isdigit()) or int(microseconds) == 0:
        return None
    return int(microseconds) / 1e6 / _SHARE
