"""What calls that wait need: a moment to give up, and a descriptor for ``select``."""

from __future__ import annotations

import socket
import time


class Deadline:
    """The moment at which a call has waited long enough.

    Args:
        seconds: from now; None: never.
    """

    def __init__(self, seconds: float | None) -> None:
        self._at = None if seconds is None else time.monotonic() + seconds

    def left(self) -> float | None:
        """Return the seconds that are left, 0 at least; None when there is no end."""
        return None if self._at is None else max(0.0, self._at - time.monotonic())


class ReadyFlag:
    """A descriptor that ``select`` finds readable while the flag is set, and writable always."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._set = False

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._theirs.fileno()

    def set(self, ready: bool) -> None:
        """Set or clear the flag; the caller sees to it that only one thread does so at a time."""
        if ready and not self._set:
            self._ours.send(b"x")
        elif self._set and not ready:
            self._theirs.recv(1)
        self._set = ready

    def close(self) -> None:
        """Close the descriptor."""
        self._ours.close()
        self._theirs.close()
