"""Tells who opens a path and who leaves: inotify of Linux, which Python's standard library does not have."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from typing import Final, NamedTuple

_IN_CLOSE: Final = 0x08 | 0x10  # what was open for writing, or not
_IN_OPEN: Final = 0x20
_EVENT: Final = struct.Struct("iIII")  # inotify_event of a file: the fourth field, the length of a name, is 0
_EVENTS: Final = _EVENT.size * 256


class Seen(NamedTuple):
    """What has happened since the last look."""

    came: bool
    """Somebody has opened it."""
    replaced: bool
    """Somebody has opened it after all who had it open had left."""
    emptied: bool
    """All who had it open have left, as far as the events tell, and nobody has come since."""
    left: bool
    """Somebody has left, and nobody has come since."""


class OpenWatch:
    """Notices that a path is opened and closed; `fileno` is readable then, until the next `look`.

    Args:
        path: what to watch.

    Raises:
        OSError: the system is not Linux, or has no watch to give.
    """

    def __init__(self, path: str) -> None:
        if sys.platform != "linux":
            raise OSError("to notice who opens a path needs Linux")
        library = ctypes.CDLL(None, use_errno=True)
        self.clients: int = 0
        """How many have it open, as far as the events tell: Linux tells two alike in a row as one."""
        self._fd: int = _checked(library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC), path)
        try:
            _checked(library.inotify_add_watch(self._fd, os.fsencode(path), _IN_OPEN | _IN_CLOSE), path)
        except OSError:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"<OpenWatch {self._fd}>"

    def fileno(self) -> int:
        """Return the descriptor, for a poll."""
        return self._fd

    def look(self) -> Seen:
        """Return what has happened since the last look."""
        came = emptied = replaced = left = False
        for mask in self._masks():
            if mask & _IN_OPEN:
                came, replaced, emptied, left = True, replaced or emptied, False, False
                self.clients += 1
            elif mask & _IN_CLOSE:
                self.clients = max(self.clients - 1, 0)
                emptied, left = not self.clients, True
        return Seen(came, replaced, emptied, left)

    def _masks(self) -> list[int]:
        masks: list[int] = []
        while True:
            try:
                events = os.read(self._fd, _EVENTS)
            except BlockingIOError:
                return masks
            masks += [mask for _, mask, _, _ in _EVENT.iter_unpack(events)]

    def close(self) -> None:
        """End the watch; a second call does nothing."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def _checked(result: int, path: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return result
