"""Octets as hex digits, in portions of any size, for ``decode``."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import Final

_SEPARATORS = b" \t\r\n,;:-"
_HEX_INPUT = re.compile(rb"(?:0[xX]|\\x|[0-9A-Fa-f%b])+\Z" % re.escape(_SEPARATORS))
_COMMENT = re.compile(rb"(?:#|//)[^\r\n]*")
_OPEN_COMMENT = re.compile(rb"(?:#|//)[^\r\n]*\Z")
_BOM = codecs.BOM_UTF8  # editors put it before UTF-8
_TOKEN = re.compile(rb"(0[xX])?([0-9A-Fa-f]+)\Z")
_TO_SPACES: Final = bytes.maketrans(_SEPARATORS, b" " * len(_SEPARATORS))
_LONG = 65536


class NotHex(ValueError):
    """What stands there is not hexadecimal, or is half an octet; the text says which."""


def looks_hex(first: bytes) -> bool:
    """Tell whether the beginning of an input has nothing but hex digits, separators and remarks."""
    text = _COMMENT.sub(b"", first)
    return bool(_HEX_INPUT.match(text)) or (not text and first != b"")


def without_mark(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Leave out a byte order mark at the beginning."""
    head: bytes | None = b""
    for chunk in chunks:
        if head is not None:
            head += chunk
            if len(head) < len(_BOM) and _BOM.startswith(head):
                continue
            chunk, head = head.removeprefix(_BOM), None
        yield chunk
    if head:
        yield head


def without_comments(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Leave out remarks, from a # or // to the end of the line, and a byte order mark at the beginning."""
    carried = b""
    for chunk in without_mark(chunks):
        text = carried + chunk
        found = _OPEN_COMMENT.search(text)
        carried = (b"#" if found else b"/") if found or text.endswith(b"/") else b""
        yield _COMMENT.sub(b"", text if found or not carried else text[:-1])
    if carried == b"/":
        yield carried


def from_hex(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Turn hex digits into octets: pairs, or groups of pairs.

    A single digit is an octet where no octet is written with a leading zero, as by ``Serial.print(octet, HEX)``, and
    behind 0x; otherwise, and at the end of the input, it is half an octet.

    Raises:
        NotHex: something else stands there.
    """
    reader = _Pairs()
    carried = b""
    for chunk in chunks:
        text = carried + chunk
        # A group may continue in the next chunk; of a long one only the last digits have to wait for it.
        cut = max(text.rfind(bytes((separator,))) for separator in _SEPARATORS) + 1
        if len(text) - cut > _LONG:
            cut += (len(text) - cut - 4) & ~1
        carried = text[cut:]
        yield reader.read(text[:cut])
    yield reader.read(carried)
    reader.finish()


class _Pairs:
    """Reads groups of digits."""

    def __init__(self) -> None:
        self._done = 0
        self._padded = False
        self._single = ""
        self._last = False

    def read(self, text: bytes) -> bytes:
        """Return the octets of whole groups."""
        out = bytearray()
        for group in text.replace(rb"\x", b" 0x").translate(_TO_SPACES).split():
            token = _TOKEN.match(group)
            digits = token[2] if token else b""
            self._last = len(digits) == 1 and not (token and token[1])
            if self._last and not self._single:
                self._single = f"{group.decode()!r} after octet {self._done + len(out)}"
            self._padded = self._padded or (len(digits) == 2 and digits[:1] == b"0" and not (token and token[1]))
            if self._padded and self._single:
                raise NotHex(f"{self._single} is half an octet")
            if len(digits) == 1:
                digits = b"0" + digits
            if not digits or len(digits) % 2:
                shown = group[:20].decode("ascii", "backslashreplace")
                raise NotHex(f"{shown!r} after octet {self._done + len(out)} is not hexadecimal")
            out += bytes.fromhex(digits.decode("ascii"))
        self._done += len(out)
        return bytes(out)

    def finish(self) -> None:
        """Check what the input ends with."""
        if self._last:
            raise NotHex(f"the digit that it ends with, after octet {self._done - 1}, is half an octet")
