"""Hex dumps of a file, for ``decode``: xxd, hexdump, od, in any base, with the lines that they leave out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from .decode_text import DumpLine, dump_line, shows

_BASES: Final = (16, 8, 10)
_OCTAL: Final = {3: 1, 6: 2}  # od without -t x1: digits of a group, and how many octets they are
_BEGINS = re.compile(r"\s*(?:0{6,16}:?\s+[0-9A-Fa-f]{2}|0{4,16}:?\s+[0-9A-Fa-f]{2}(?:\s|$))")  # nobody writes octets so
_BINARY = re.compile(r"[01]{8}")
_LEFT_OUT = "*"
_MOST_LEFT_OUT = 1 << 24  # octets that all * of a dump may stand for: else a short text could make work for hours
_PIECE = 65536
_WIDTH_OF_OD, _WORD_OF_HEXDUMP = 7, 4  # digits of an octal offset, if it is not hexdump's, which writes words


class BadDump(ValueError):
    """A line that does not belong to the dump; the text says why."""


def looks_like_a_dump(text: Iterable[str]) -> bool:
    """Tell whether lines are a hex dump: each begins with an offset, and the offsets count the octets."""
    filled = [*islice((line for line in text if line.strip() and line.strip() != _LEFT_OUT), 2), "", ""]
    if _BEGINS.match(filled[0]):
        return True
    line = dump_line(filled[0])
    if line is None or line.tag.strip() or not line.groups:
        return False
    if line.sure:
        return True
    after = dump_line(filled[1])
    if after is None or len(after.offset) != len(line.offset):
        return False
    try:
        count = len(_octets(line))
    except BadDump:
        return False
    return any(_distance(line.offset, after.offset, base) == count for base in _BASES)


def _distance(before: str, after: str, base: int) -> int:
    try:
        return int(after, base) - int(before, base)
    except ValueError:
        return -1


def has_words(text: Iterable[str]) -> bool:
    """Tell whether the groups behind a colon are words (xxd -e), by the characters beside them."""
    for line in filter(None, map(dump_line, text)):
        if line.colon and {len(group) for group in line.groups} - {2}:
            try:
                straight, swapped = _octets(line), _octets(line, words=True)
            except BadDump:
                return False
            if not shows(straight, line.characters):
                return shows(swapped, line.characters)
    return False


def _octets(line: DumpLine, *, words: bool = False) -> bytes:
    """Return the octets of a line: in their order behind a colon (xxd), otherwise as words of this kind of machine.

    Args:
        line: the line.
        words: they are words behind a colon, too.
    """
    sizes = {len(group) for group in line.groups}
    try:
        if line.colon and all(_BINARY.fullmatch(group) for group in line.groups):  # xxd -b
            return bytes(int(group, 2) for group in line.groups)
        if (line.colon and not words) or sizes <= {2}:
            return bytes.fromhex("".join(line.groups))
        if line.colon:
            return b"".join(bytes.fromhex(group)[::-1] for group in line.groups)
        (size,) = sizes
        if size in _OCTAL:
            return b"".join(int(group, 8).to_bytes(_OCTAL[size], "little") for group in line.groups)
        return b"".join(bytes.fromhex(group)[::-1] for group in line.groups)
    except (ValueError, OverflowError):
        raise BadDump(f"{' '.join(line.groups)!r} at offset {line.offset} are not whole octets") from None


class DumpReader:
    """Reads a dump line by line.

    A line is held until the next one has told the base of the offsets, and how many of its octets are padding.

    Args:
        words: see `has_words`.
    """

    def __init__(self, *, words: bool = False) -> None:
        self._swapped = words
        self._base: int | None = None
        self._held = b""
        self._offset = ""
        self._left_out = self._words = False
        self._may_be_left_out = _MOST_LEFT_OUT

    def read(self, text: str) -> Iterator[bytes]:
        """Return the octets that are certain with this line.

        Raises:
            BadDump: it is not a line of a dump.
        """
        if not text.strip():
            return
        if text.strip() == _LEFT_OUT:
            self._left_out = True
            return
        line = dump_line(text)
        if line is None or line.tag.strip():
            raise BadDump(f"{text[:40]!r} is not a line of a hex dump")
        octets = _octets(line, words=self._swapped)
        if self._held:
            yield from self._until(line.offset)
        self._held, self._offset, self._left_out = octets, line.offset, False
        self._words = any(len(group) == _WORD_OF_HEXDUMP for group in line.groups)

    def finish(self) -> Iterator[bytes]:
        """Return the octets of the last line."""
        held, self._held = self._held, b""
        yield held

    def _until(self, offset: str) -> Iterator[bytes]:
        """Return the octets of the line that is held, and of those left out behind it, up to an offset."""
        size = len(self._held)
        if self._base is None:
            self._base = self._found_base(offset)
        count = _distance(self._offset, offset, self._base)
        if not self._left_out or count < size:  # the offsets may begin again, or leave a gap
            yield self._held[: count if 0 < count < size else size]
            return
        self._may_be_left_out -= count - size
        if self._may_be_left_out < 0:
            raise BadDump(
                f"{_LEFT_OUT} stands for {count - size} octets; what is left out may be {_MOST_LEFT_OUT} octets in all"
            )
        piece = self._held * max(1, _PIECE // size)
        while count > 0:
            yield piece[:count]
            count -= len(piece)

    def _found_base(self, offset: str) -> int:
        """Return the base in which two offsets are as far apart as they should be."""
        size = len(self._held)
        usual = 8 if len(offset) == _WIDTH_OF_OD and not self._words else 16
        for base in sorted(_BASES, key=lambda one: one != usual):
            distance = _distance(self._offset, offset, base)
            if distance == size or (self._left_out and distance > 0 and distance % size == 0):
                return base
        return usual
