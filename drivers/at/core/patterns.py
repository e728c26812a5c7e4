"""Patterns of known lines and data headers; each also tells whether incomplete octets may still become a match."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LinePattern:
    """One form of line: a fixed beginning and a tail of bounded length.

    Args:
        prefix: the beginning of the line.
        tail: a regular expression for the rest; empty if there is none.
        room: the longest tail in octets.
        heads: whether the line precedes data, so that the next such line has no CR LF of its own before it.
    """

    prefix: str
    tail: str = ""
    room: int = 0
    heads: bool = False
    _line: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _start: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_line", re.compile(re.escape(self.prefix) + f"(?:{self.tail})", re.ASCII))
        object.__setattr__(self, "_start", self.prefix.encode("ascii"))

    def match(self, line: str) -> re.Match[str] | None:
        """Match a whole line, given without its CR LF.

        Args:
            line: the line.

        Returns:
            The match, with the groups of the tail; None: it does not have this form.
        """
        if not line.startswith(self.prefix) or len(line) > len(self.prefix) + self.room:
            return None
        return self._line.fullmatch(line)

    def _may_become(self, part: bytes) -> bool:
        """Tell whether an incomplete line (a CR at its end is allowed) can still become this one."""
        if len(part) <= len(self._start):
            return self._start.startswith(part)
        if not part.startswith(self._start):
            return False
        tail = part[len(self._start) :]
        return len(tail.removesuffix(b"\r")) <= self.room and b"\r" not in tail[:-1] and b"\n" not in tail


@dataclass(frozen=True, slots=True)
class Header:
    """One form of header that contains the number of octets of data behind it.

    Args:
        prefix: the beginning of the header.
        tail: a regular expression for the rest, with a group named ``count``.
        room: the longest tail in octets.
        breaks: the number of line ends in the header.
    """

    prefix: bytes
    tail: bytes
    room: int
    breaks: int = 0
    _header: re.Pattern[bytes] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_header", re.compile(re.escape(self.prefix) + self.tail))

    def match(self, octets: bytes) -> re.Match[bytes] | None:
        """Match a whole header at the beginning of the octets.

        Args:
            octets: the octets, from the header on.

        Returns:
            The match, with the group ``count``; None: they do not begin with this header.
        """
        return self._header.match(octets)

    def _may_become(self, part: bytes) -> bool:
        """Tell whether an incomplete header can still become this one."""
        if len(part) <= len(self.prefix):
            return self.prefix.startswith(part)
        short = len(part) < len(self.prefix) + self.room
        ends = self.breaks - self.tail.endswith(rb"\r\n")  # where the last line end is its end, it is no part of it
        return part.startswith(self.prefix) and short and part.count(b"\n") <= ends


def any_match(patterns: tuple[LinePattern, ...], line: str) -> bool:
    """Tell whether a line has one of these forms."""
    return any(pattern.match(line) for pattern in patterns)
