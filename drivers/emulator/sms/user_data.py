"""The user data of a message: a header, and septets or octets behind it (23.040 §9.2.3.24)."""

from __future__ import annotations

from dataclasses import dataclass

from . import alphabet
from .coding import Alphabet

MOST_SEPTETS = 160
MOST_OCTETS = 140
_SHORT_REFERENCE = 0x00  # elements of the header: concatenation with a reference of 8 bits
_LONG_REFERENCE = 0x08  # and of 16 bits


@dataclass(frozen=True, slots=True)
class Concatenation:
    """Which part of which message one is (23.040 §9.2.3.24.1 and §9.2.3.24.8).

    Args:
        reference: what all parts have in common, 0 to 255 or 65535.
        total: the number of parts, 1 to 255.
        number: which one it is, 1 to ``total``.
        wide: whether the reference has 16 bits.
    """

    reference: int
    total: int
    number: int
    wide: bool = False

    def encode(self) -> bytes:
        """Return it as an element of the header."""
        if self.wide:
            return bytes([_LONG_REFERENCE, 4, *self.reference.to_bytes(2, "big"), self.total, self.number])
        return bytes([_SHORT_REFERENCE, 3, self.reference, self.total, self.number])


@dataclass(frozen=True, slots=True)
class UserData:
    """The user data of one message.

    Args:
        alphabet: what it consists of.
        payload: septets, one an octet, or octets.
        header: the elements of its header; empty for none.
    """

    alphabet: Alphabet
    payload: bytes
    header: bytes = b""

    @property
    def text(self) -> str:
        """The text; of 8 bit data the hexadecimal digits."""
        return text_of(self.alphabet, self.payload)

    @property
    def length(self) -> int:
        """TP-UDL: septets or octets with the header."""
        head = len(self.header) + 1 if self.header else 0
        return len(self.payload) + ((8 * head + 6) // 7 if self.alphabet is Alphabet.GSM7 else head)

    @property
    def concatenation(self) -> Concatenation | None:
        """Which part of which message it is, or None when it is one by itself."""
        at, found = 0, None
        while at + 2 <= len(self.header):
            kind, size = self.header[at], self.header[at + 1]
            value = self.header[at + 2 : at + 2 + size]
            at += 2 + size
            wide = kind == _LONG_REFERENCE
            if (kind, len(value)) not in ((_SHORT_REFERENCE, 3), (_LONG_REFERENCE, 4)):
                continue
            part = Concatenation(int.from_bytes(value[:-2], "big"), value[-2], value[-1], wide)
            if 1 <= part.number <= part.total:  # else the element is to be ignored
                found = part
        return found

    def encode(self) -> bytes:
        """Return TP-UDL and TP-UD.

        Raises:
            ValueError: it is longer than a message.
        """
        most = MOST_SEPTETS if self.alphabet is Alphabet.GSM7 else MOST_OCTETS
        if self.length > most:
            raise ValueError(f"{self.length} are more than {most} of {self.alphabet.value}")
        head = bytes([len(self.header)]) + self.header if self.header else b""
        if self.alphabet is not Alphabet.GSM7:
            return bytes([self.length]) + head + self.payload
        return bytes([self.length]) + head + alphabet.pack(self.payload, -8 * len(head) % 7)


def read_user_data(octets: bytes, kind: Alphabet, *, has_header: bool) -> UserData:
    """Read TP-UDL and TP-UD, to the end of the TPDU.

    Args:
        octets: both.
        kind: what it consists of.
        has_header: TP-UDHI.

    Raises:
        ValueError: the length is not that of what follows, or the header is longer than everything.
    """
    if not octets:
        raise ValueError("the length of the user data is missing")
    count, octets = octets[0], octets[1:]
    septets = kind is Alphabet.GSM7
    if count > (MOST_SEPTETS if septets else MOST_OCTETS):
        raise ValueError("the user data is longer than a message")
    if len(octets) != ((7 * count + 7) // 8 if septets else count):
        raise ValueError("the user data is not as long as it says")
    head = 0
    if has_header:
        if not octets or octets[0] + 1 > len(octets):
            raise ValueError("the header is longer than the user data")
        head = octets[0] + 1
    header = octets[1:head]
    if not septets:
        return UserData(kind, octets[head:], header)
    left = count - (8 * head + 6) // 7
    if left < 0:
        raise ValueError("the header is longer than the user data")
    return UserData(kind, alphabet.unpack(octets[head:], left, -8 * head % 7), header)


def text_of(kind: Alphabet, payload: bytes) -> str:
    """Return the text of user data, or of that of several parts one behind the other; of 8 bit data the digits."""
    if kind is Alphabet.GSM7:
        return alphabet.decode(payload)
    if kind is Alphabet.UCS2:
        return payload[: len(payload) // 2 * 2].decode("utf-16-be", "replace")
    return payload.hex().upper()
