"""Tells when a path is opened by anybody: inotify of Linux, which Python's standard library does not have."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Final

_IN_OPEN: Final = 0x20
_EVENTS: Final = 4096


class OpenWatch:
    """Notices that a path is opened; `fileno` is readable then, until `opened` is asked.

    Args:
        path: what to watch.

    Raises:
        OSError: the system is not Linux, or has no watch to give.
    """

    def __init__(self, path: str) -> None:
        if sys.platform != "linux":
            raise OSError("to notice who opens a path needs Linux")
        library = ctypes.CDLL(None, use_errno=True)
        self._fd: int = _checked(library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC), path)
        try:
            _checked(library.inotify_add_watch(self._fd, os.fsencode(path), _IN_OPEN), path)
        except OSError:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"<OpenWatch {self._fd}>"

    def fileno(self) -> int:
        """Return the descriptor, for a poll."""
        return self._fd

    def opened(self) -> bool:
        """Tell whether the path was opened since this was asked last."""
        try:
            return bool(os.read(self._fd, _EVENTS))
        except BlockingIOError:
            return False

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
