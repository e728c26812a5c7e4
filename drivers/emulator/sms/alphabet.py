"""The GSM 7 bit default alphabet with its extension table, and the packing of septets (23.038 §6)."""

from __future__ import annotations

ESCAPE = 0x1B
"""Stands before a septet of the extension table."""
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
_CODES = {character: bytes([code]) for code, character in enumerate(_BASIC) if code != ESCAPE}
_CODES |= {character: bytes([ESCAPE, code]) for code, character in _EXTENSION.items()}


def fits(text: str) -> bool:
    """Return whether the alphabet has every character of a text."""
    return all(character in _CODES for character in text)


def encode(text: str) -> bytes:
    """Encode a text, one septet an octet; a character of the extension table takes two (23.038 §6.2.1).

    Raises:
        ValueError: the alphabet lacks a character.
    """
    try:
        return b"".join(_CODES[character] for character in text)
    except KeyError as error:
        raise ValueError(f"the GSM 7 bit default alphabet has no {error.args[0]!r}") from None


def decode(codes: bytes) -> str:
    """Decode septets, one an octet, 0 to 127.

    What the extension table lacks is read as in the basic table, and an escape with nothing behind it, or behind
    another one, is a blank (23.038 §6.2.1.1).
    """
    characters: list[str] = []
    escaped = False
    for code in codes:
        if escaped:
            escaped = False
            characters.append(" " if code == ESCAPE else _EXTENSION.get(code, _BASIC[code]))
        elif code == ESCAPE:
            escaped = True
        else:
            characters.append(_BASIC[code])
    return "".join(characters) + " " * escaped


def pack(codes: bytes, fill: int = 0) -> bytes:
    """Pack septets into octets (23.038 §6.1.2.1).

    Args:
        codes: one septet an octet, 0 to 127.
        fill: zero bits before the first, 0 to 6.
    """
    value = 0
    for code in reversed(codes):
        value = value << 7 | code
    return (value << fill).to_bytes((7 * len(codes) + fill + 7) // 8, "little")


def unpack(octets: bytes, count: int, fill: int = 0) -> bytes:
    """Unpack septets, one an octet.

    Args:
        octets: what they are packed into.
        count: how many there are.
        fill: bits before the first, 0 to 6.
    """
    value = int.from_bytes(octets, "little") >> fill
    return bytes(value >> 7 * place & 0x7F for place in range(count))
