"""Descriptors that are closed with their owner, wherever an interrupt strikes it."""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from itertools import chain, repeat, starmap


class Descriptors:
    """Opens descriptors for an object, and closes them with it, at the latest when the object is forgotten.

    An interrupt comes between two bytecodes: a number that a call has returned and nobody has stored yet would stay
    open for ever. So opening and storing are one call here, and so are taking out and closing.
    """

    def __init__(self) -> None:
        self._open: list[int] = []

    def pipe(self) -> tuple[int, int]:
        """Open a non-blocking pipe.

        Returns:
            Its end to read from and its end to write to.
        """
        self._open.extend(chain.from_iterable(starmap(os.pipe, ((),))))
        for descriptor in self._open[-2:]:
            os.set_blocking(descriptor, False)
        return self._open[-2], self._open[-1]

    def eventfd(self) -> int:
        """Open a non-blocking eventfd, and return it.

        Raises:
            OSError: there are too many.
        """
        self._open.extend(map(os.eventfd, (0,), (os.EFD_NONBLOCK | os.EFD_CLOEXEC,)))
        return self._open[-1]

    def open(self, path: str | os.PathLike[str], flags: int) -> int:
        """Open a file without waiting for it, and return its descriptor, which no program that is started gets.

        Args:
            path: the file.
            flags: as for `os.open`, beside O_NONBLOCK and O_CLOEXEC.

        Raises:
            OSError: it cannot be opened.
        """
        self._open.extend(map(os.open, (path,), (flags | os.O_NONBLOCK | os.O_CLOEXEC,)))
        return self._open[-1]

    def close(self) -> None:
        """Close them; a second call does nothing."""
        with suppress(AttributeError, IndexError):  # it was not finished, or none is left
            deque(map(os.close, starmap(self._open.pop, repeat(()))), 0)

    __del__ = close
