"""The division of a long text into the user data of several messages (23.040 §9.2.3.24.1)."""

from __future__ import annotations

from collections.abc import Iterator

from . import alphabet
from .coding import Alphabet
from .user_data import MOST_OCTETS, MOST_SEPTETS, Concatenation, UserData

MOST_PARTS = 255


def divide(text: str, kind: Alphabet | None, *, reference: int = 0, wide: bool = False) -> list[UserData]:
    """Divide a text into as many messages as it needs; no character is divided.

    Args:
        text: the text; for 8 bit data the hexadecimal digits.
        kind: the alphabet; None for 7 bit where it has all of the characters, else UCS-2.
        reference: what the parts have in common, where they are more than one: 0 to 255, or to 65535.
        wide: whether the reference has 16 bits.

    Raises:
        ValueError: the alphabet lacks a character, the reference is out of its range, or the parts are more than 255.
    """
    if kind is None:
        kind = Alphabet.GSM7 if alphabet.fits(text) else Alphabet.UCS2
    if not 0 <= reference <= (0xFFFF if wide else 0xFF):
        raise ValueError(f"a reference of {16 if wide else 8} bits is not {reference}")
    payload = encode_text(text, kind)
    if len(payload) <= _most(kind):
        return [UserData(kind, payload)]
    room = _room(kind, Concatenation(0, 1, 1, wide).encode())
    pieces = list(_pieces(payload, kind, room))
    if len(pieces) > MOST_PARTS:
        raise ValueError(f"a text of {len(pieces)} parts is more than {MOST_PARTS}")
    return [
        UserData(kind, piece, Concatenation(reference, len(pieces), number, wide).encode())
        for number, piece in enumerate(pieces, start=1)
    ]


def encode_text(text: str, kind: Alphabet) -> bytes:
    """Return a text as septets, one an octet, or as octets.

    Raises:
        ValueError: the alphabet lacks a character; for 8 bit data, it is not hexadecimal.
    """
    if kind is Alphabet.GSM7:
        return alphabet.encode(text)
    if kind is Alphabet.UCS2:
        return text.encode("utf-16-be")
    return bytes.fromhex(text)


def _most(kind: Alphabet) -> int:
    return MOST_SEPTETS if kind is Alphabet.GSM7 else MOST_OCTETS


def _room(kind: Alphabet, header: bytes) -> int:
    """Return how much stands beside a header."""
    return _most(kind) - UserData(kind, b"", header).length


def _pieces(payload: bytes, kind: Alphabet, room: int) -> Iterator[bytes]:
    at = 0
    while at < len(payload):
        end = min(len(payload), at + (room if kind is not Alphabet.UCS2 else room // 2 * 2))
        if end < len(payload):
            end -= _belongs_together(payload, end, kind)
        yield payload[at:end]
        at = end


def _belongs_together(payload: bytes, end: int, kind: Alphabet) -> int:
    """Return how much of the character that would be divided stands before a place."""
    if kind is Alphabet.GSM7:
        return int(payload[end - 1] == alphabet.ESCAPE)
    return 2 * int(kind is Alphabet.UCS2 and 0xD8 <= payload[end - 2] <= 0xDB)
