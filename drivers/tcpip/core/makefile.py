"""A session as a file, like that of `socket.socket.makefile`."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


class Stream(Protocol):
    """The methods of a session that a file needs."""

    def recv_into(self, buffer: bytearray | memoryview, size: int = 0) -> int:
        """Fill a buffer with received data."""

    def send(self, data: bytes | bytearray | memoryview) -> int:
        """Send some octets."""


class SessionFile(io.RawIOBase):
    """A session as a raw file; closing it leaves the session open.

    Args:
        session: the session that it reads from and writes to.
        reading: whether it can be read.
        writing: whether it can be written.
    """

    def __init__(self, session: Stream, *, reading: bool, writing: bool) -> None:
        self._session = session
        self._reading = reading
        self._writing = writing

    def __repr__(self) -> str:
        ways = [way for way, has in (("reading", self._reading), ("writing", self._writing)) if has]
        state = "closed" if self.closed else f"for {' and '.join(ways)}"
        return f"<{type(self).__name__} of {self._session!r}: {state}>"

    def readable(self) -> bool:
        """Whether it can be read."""
        return self._reading and not self.closed

    def writable(self) -> bool:
        """Whether it can be written."""
        return self._writing and not self.closed

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill a buffer; see `Session.recv_into`."""
        if not self.readable():
            raise io.UnsupportedOperation("the file is not open for reading")
        return self._session.recv_into(memoryview(buffer))

    def write(self, data: ReadableBuffer, /) -> int:
        """Send octets; see `Session.send`."""
        if not self.writable():
            raise io.UnsupportedOperation("the file is not open for writing")
        return self._session.send(memoryview(data).cast("B"))


def open_file(
    session: Stream, mode: str, buffering: int | None, *, encoding: str | None, errors: str | None, newline: str | None
) -> io.IOBase:
    """Return a file over a session; see `Session.makefile`."""
    if not mode or set(mode) - set("rwb"):
        raise ValueError(f"a mode is made of r, w and b, not {mode!r}")
    writing, binary = "w" in mode, "b" in mode
    reading = "r" in mode or not writing
    raw = SessionFile(session, reading=reading, writing=writing)
    if buffering == 0:
        if not binary:
            raise ValueError("only a binary file can be without a buffer")
        return raw
    size = io.DEFAULT_BUFFER_SIZE if buffering is None or buffering < 0 else buffering
    if reading and writing:
        pair = io.BufferedRWPair(raw, raw, size)
        return pair if binary else io.TextIOWrapper(pair, encoding, errors, newline)  # type: ignore[type-var]
    if reading:
        reader = io.BufferedReader(raw, size)
        return reader if binary else io.TextIOWrapper(reader, encoding, errors, newline)
    writer = io.BufferedWriter(raw, size)
    return writer if binary else io.TextIOWrapper(writer, encoding, errors, newline)
