"""Lines of AT text out of the data of a channel, however it is divided into frames, for ``decode``."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

LONGEST_TEXT: Final = 4096
"""Characters after which a line is shown as two."""

_ENDS: Final = re.compile(rb"([\r\n\x1a\x1b])")
_TEXT: Final = re.compile(rb"[\t\x20-\x7e]*")
_PROMPTS: Final = re.compile(rb"(?:> )*")  # 27.005 3.5.1: no end of a line follows
_KEYS: Final = {b"\x1a": "^Z", b"\x1b": "^["}  # 27.005 3.5.1: they end the text of a message, or give it up
_FINAL: Final = re.compile(r"(?:[A-Z]+ )?(?:OK|FAIL|ERROR)|\+CM[ES] ERROR: .*|NO CARRIER|CONNECT(?: .*)?")
_ESCAPES: Final = {ord("\r"): "\\r", ord("\n"): "\\n", ord("\t"): "\\t"}


class Joined(NamedTuple):
    """What the data of one frame adds to the text of its channel."""

    lines: tuple[str, ...]
    """The lines that it ends, whole; empty ones are left out."""
    seen: bool
    """Whether all of the first of them was the `rest` of one earlier frame: this one had only its end."""
    rest: str
    """Its part of a line that goes on: with an ellipsis behind it, and one before it if it is not the beginning."""
    binary: bool
    """Whether it has a part of a line that is no text."""


class LineJoiner:
    """Joins what passes one way on one channel into lines.

    The lines are the same for any division into frames. A line ends with CR, LF, Ctrl-Z, ESC, or as the prompt ``> ``.
    One in which an octet is no text (ASCII and tabs) is left out.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Forget the beginning of a line: what comes next does not continue it."""
        self._line = b""
        self._parts = 0  # the frames that it began in
        self._binary = False
        self._ended = False

    def end(self) -> None:
        """End a line that has begun, without CR or LF: data by count, after which the other side has answered."""
        self._ended = self._line != b"" or self._binary

    def take(self, octets: bytes) -> Joined:
        """Take the data of the next frame.

        Args:
            octets: any number of octets.
        """
        lines: list[str] = []
        seen, binary, new = False, False, b""
        if self._ended and octets:
            if self._line:
                lines.append(_shown(self._line))
                seen = self._parts == 1
            self.forget()
        for piece in _ENDS.split(octets):
            if not _ENDS.fullmatch(piece):
                new = self._text(piece, lines) if piece else b""
                binary = binary or (self._binary and piece != b"")
            elif piece in b"\r\n":
                if self._line:
                    seen = seen or (self._parts == 1 and not new and not lines)
                    lines.append(_shown(self._line))
                self.forget()
                new = b""
            elif self._binary:
                binary = True
            else:
                lines.append(_shown(self._line) + _KEYS[piece])
                self.forget()
                new = b""
        rest = ""
        if new:
            rest = f"{'… ' if self._parts else ''}{_shown(new)} …"
            self._parts += 1
        return Joined(tuple(lines), seen, rest, binary)

    def _text(self, piece: bytes, lines: list[str]) -> bytes:
        """Add octets without the end of a line, and return those of them that wait for it."""
        if self._binary:
            return b""
        found = _TEXT.match(piece)
        new = piece if found is None else found[0]
        self._line += new
        while True:
            prompts = _PROMPTS.match(self._line)
            if prompts is not None and prompts[0]:
                lines += [">"] * (len(prompts[0]) // 2)
                self._cut(len(prompts[0]))
            if len(self._line) < LONGEST_TEXT:
                break
            lines.append(_shown(self._line[:LONGEST_TEXT]))
            self._cut(LONGEST_TEXT)
        if len(new) < len(piece):
            self.forget()
            self._binary = True
        return new[max(0, len(new) - len(self._line)) :]

    def _cut(self, count: int) -> None:
        self._line, self._parts = self._line[count:], 0


def _shown(octets: bytes) -> str:
    return octets.decode("ascii").replace("\t", "\\t")


def is_final_result(line: str) -> bool:
    """Tell whether a line ends what a module has to say to a command or to data (V.250 5.7.1, 27.007 9.1)."""
    return _FINAL.fullmatch(line) is not None


def escaped(octets: bytes) -> str:
    """Return octets that are no more than the ends of lines as text on one line."""
    return octets.decode("latin-1").translate(_ESCAPES)
