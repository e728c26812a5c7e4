"""Files that are read while another program writes them, for ``decode --follow``."""

from __future__ import annotations

import io
import logging
import os
import stat
from collections.abc import Generator
from typing import BinaryIO, Final

from .app import CommandError
from .stopping import Stop

_log = logging.getLogger("cmux.decode")

_PAUSE: Final = 0.2
"""Seconds between two looks at a file that has not grown."""


class GrowingFile(io.BufferedIOBase):
    """A file whose end is where it does not grow any more: somebody stopped it, or it has become another file.

    Args:
        file: the open file. One that does not grow, such as a pipe, has its own end.
        path: where it is; None if it has no path, as standard input.
        stop: ends it at once.
    """

    def __init__(self, file: BinaryIO, path: str | None, stop: Stop) -> None:
        self._file = file
        self._path = path
        self._stop = stop
        self._grows = _is_regular(file)
        self.changed: str = ""
        """How it has become another file: ``replaced`` or ``truncated``; empty if it has not."""

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Wait for so many octets, and return them; fewer at the end."""
        wanted = -1 if size is None else size
        octets = bytearray()
        while len(octets) != wanted and (more := self.read1(wanted - len(octets) if wanted > 0 else -1)):
            octets += more
        return bytes(octets)

    def read1(self, size: int = -1, /) -> bytes:
        """Wait for octets, and return what has come; none at the end."""
        while not self._stop.asked and not self.changed:
            if octets := self._come(size):
                return octets
            if not self._grows:
                break
            change = self._change()
            if change and (octets := self._come(size)):  # written just before
                return octets
            self.changed = change
            if not change:
                self._stop.wait(_PAUSE)
        return b""

    def _come(self, size: int) -> bytes:
        """Return what has come; of what does not grow, wait for it until the signal to stop."""
        read = getattr(self._file, "read1", self._file.read)
        try:
            self._stop.interrupts = not self._grows
            octets: bytes = b"" if self._stop.asked else read(size)
        except KeyboardInterrupt:
            octets = b""
        finally:
            self._stop.interrupts = False
        return octets

    def _change(self) -> str:
        mine = os.fstat(self._file.fileno())
        if self._path is not None:
            try:
                there = os.stat(self._path)
            except OSError:  # renamed, and nothing has its name yet: the writer may go on
                there = mine
            if (there.st_dev, there.st_ino) != (mine.st_dev, mine.st_ino):
                return "replaced"
        return "truncated" if mine.st_size < self._file.tell() else ""


def _is_regular(file: BinaryIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    except OSError:  # not a file of the system
        return False


def followed(file: BinaryIO, path: str | None, stop: Stop) -> Generator[BinaryIO]:
    """Yield a file that grows, and each file that takes its place, from its beginning on.

    Args:
        file: the open file; it stays open.
        path: where it is; None if it has no path.
        stop: ends the last of them.

    Raises:
        CommandError: the file that has taken its place cannot be read.
    """
    current = file
    try:
        while True:
            growing = GrowingFile(current, path, stop)
            yield growing  # type: ignore[misc]  # it has what the readers use
            if not growing.changed:
                return
            _log.warning("%s was %s: what follows is from its beginning", path or "standard input", growing.changed)
            if growing.changed == "truncated":
                current.seek(0)
                continue
            assert path is not None  # noqa: S101 - nothing else can be replaced
            if current is not file:
                current.close()
            current = file
            if (new := _opened(path, stop)) is None:
                return
            current = new
    finally:
        if current is not file:
            current.close()


def _opened(path: str, stop: Stop) -> BinaryIO | None:
    """Open a file that may be gone for a moment; return None if the command is to stop instead."""
    while not stop.asked:
        try:
            return open(path, "rb")
        except FileNotFoundError:
            stop.wait(_PAUSE)
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}") from error
    return None
