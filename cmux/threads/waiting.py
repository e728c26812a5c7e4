"""What calls that wait need: a moment to give up, and a descriptor for ``select``."""

from __future__ import annotations

import contextlib
import socket
import time

_FILL = bytes(4096)


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
    """A descriptor that ``select`` finds readable while the flag is set, and writable unless it was told otherwise.

    The caller sees to it that only one thread at a time sets anything.
    """

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._theirs.setblocking(False)
        self._set = False
        self._writable = True

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._theirs.fileno()

    def set(self, ready: bool) -> None:
        """Set or clear the flag."""
        if ready and not self._set:
            self._ours.send(b"x")
        elif self._set and not ready:
            self._theirs.recv(1)
        self._set = ready

    def set_writable(self, writable: bool) -> None:
        """Say whether ``select`` finds the descriptor writable: it is not while the pair is filled to the brim."""
        if writable == self._writable:
            return
        self._writable = writable
        with contextlib.suppress(BlockingIOError):
            while True:
                if writable:
                    self._ours.recv(65536)
                else:
                    self._theirs.send(_FILL)

    def close(self) -> None:
        """Close the descriptor."""
        self._ours.close()
        self._theirs.close()
