"""Helpers for calls that wait: a deadline, and a descriptor for ``select``."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable

from ..conditions import Condition

_FILL = bytes(4096)


class Deadline:
    """The moment at which a call stops waiting.

    Args:
        seconds: from now; None: never.
    """

    def __init__(self, seconds: float | None) -> None:
        self._at = None if seconds is None else time.monotonic() + seconds

    def left(self) -> float | None:
        """Return the seconds that are left, at least 0; None if there is no limit."""
        return None if self._at is None else max(0.0, self._at - time.monotonic())


class ChannelCondition(Condition):
    """A condition that those wait on, too, who poll the line for the channel meanwhile.

    Args:
        kick: called when octets have come; lets who polls look again.
    """

    def __init__(self, kick: Callable[[], None], lock: threading.RLock | None = None) -> None:
        lock = threading.RLock() if lock is None else lock
        super().__init__(lock)
        self.room: Condition = Condition(lock)
        """For who waits for room to write, with the same lock: octets that come do not wake it."""
        self.notified: int = 0
        """How often who waits for octets was notified."""
        self.watchers: list[Callable[[], object]] = []
        """Called at every notification, with the condition held: they may not wait."""
        self._kick = kick

    def notify_all(self) -> None:
        """Wake all who wait: the state of the channel has changed."""
        self.room.notify_all()
        self.notify_octets()

    def notify_octets(self) -> None:
        """Wake all who wait for octets."""
        self.notified += 1
        super().notify_all()
        self._kick()
        for watcher in self.watchers:
            watcher()

    def notify_room(self) -> None:
        """Wake all who wait for room to write."""
        self.room.notify_all()
        for watcher in self.watchers:
            watcher()


class ReadyFlag:
    """A descriptor that ``select`` finds readable while the flag is set, and writable unless `set_writable` says no.

    The caller makes sure that only one thread at a time changes it.
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
        """Set whether ``select`` finds the descriptor writable: it is not while the socket pair is full."""
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
