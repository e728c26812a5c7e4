"""What the far end of a channel does with octets: the same in the module of these measurements and on a bare pty.

``echo`` sends them back. ``transfer`` obeys requests of nine octets: ``U`` and a number in hexadecimal digits, so many
octets follow, to be answered with their CRC-32; ``D`` and a number, so many octets are asked for. ``flood`` never stops
sending once it has heard anything, and throws away what comes.
"""

from __future__ import annotations

import zlib

PATTERN = bytes(range(256)) * 257
"""All octets in order, 64 KiB from any of the first 256 on."""
LONGEST = 1 << 16
REQUEST = 9


def expected(octets: int) -> int:
    """Return the CRC-32 of that many octets of the pattern."""
    crc, whole = 0, PATTERN[:LONGEST]
    for _ in range(octets // LONGEST):
        crc = zlib.crc32(whole, crc)
    return zlib.crc32(whole[: octets % LONGEST], crc)


class Answerer:
    """The far end of one channel."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.received = 0
        self._pending = bytearray()
        """What is to be sent."""
        self._asked = b""
        self._coming = self._owed = self._given = self._crc = 0

    def receive(self, data: bytes) -> None:
        """Take octets that came."""
        self.received += len(data)
        if self.kind == "echo":
            self._pending += data
        elif self.kind == "transfer":
            while data:
                data = self._upload(data) if self._coming else self._request(data)

    def _request(self, data: bytes) -> bytes:
        missing = REQUEST - len(self._asked)
        self._asked += data[:missing]
        if len(self._asked) == REQUEST:
            number = int(self._asked[1:], 16)
            if self._asked[:1] == b"U":
                self._coming, self._crc = number, 0
            else:
                self._owed, self._given = number, 0
            self._asked = b""
        return data[missing:]

    def _upload(self, data: bytes) -> bytes:
        part, rest = (data, b"") if len(data) <= self._coming else (data[: self._coming], data[self._coming :])
        self._crc = zlib.crc32(part, self._crc)
        self._coming -= len(part)
        if not self._coming:
            self._pending += b"%08x" % self._crc
        return rest

    def waiting(self, limit: int) -> bytes:
        """Return what is to be sent next; `sent` says how much of it was."""
        if self._pending:
            return bytes(self._pending[:limit])
        if self.kind == "flood":
            return PATTERN[:limit] if self.received else b""
        start = self._given % 256
        return PATTERN[start : start + min(limit, self._owed)] if self._owed else b""

    def sent(self, octets: int) -> None:
        """Note how much of what was waiting has gone."""
        if self._pending:
            del self._pending[:octets]
        elif self._owed:
            self._owed -= octets
            self._given += octets
