"""Numbers in PDUs: addresses of subscribers (23.040 §9.1.2.5) and of service centres (24.011 §8.2.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from . import alphabet

INTERNATIONAL = 145
UNKNOWN = 129
_DIGITS = "0123456789*#abc"
_NUMBER = re.compile(r"\+?([0-9*#]{1,20})")
_LONGEST = 20  # semi-octets of a TP address
_LONGEST_CENTRE = 11  # octets of a service centre's address with its type


@dataclass(frozen=True, slots=True)
class Address:
    """A number as it is shown, and its type.

    Args:
        number: digits, with a plus sign where it is international; or a name, where the type says so.
        kind: the octet of its type: 145 international, 129 unknown, 208 a name.
    """

    number: str
    kind: int = UNKNOWN

    @classmethod
    def parse(cls, text: str, kind: int | None = None) -> Address:
        """Read what somebody typed.

        Args:
            text: 1 to 20 digits, ``*`` and ``#``, perhaps behind a plus sign, which makes it international.
            kind: the octet of its type, 128 to 255; None for 145 behind a plus sign, 129 without.

        Raises:
            ValueError: it is not a number, or the type is out of its range.
        """
        found = _NUMBER.fullmatch(text)
        if found is None or (kind is not None and not 128 <= kind <= 255):
            raise ValueError(f"{text!r} is not a number")
        if text.startswith("+"):
            return cls(text, kind if kind is not None and _is_international(kind) else INTERNATIONAL)
        kind = UNKNOWN if kind is None else kind
        if _is_name(kind):
            raise ValueError(f"{text!r} is not a name")
        return cls(f"+{text}" if _is_international(kind) else text, kind)

    @property
    def digits(self) -> str:
        """The number without its plus sign."""
        return self.number.removeprefix("+")

    def encode(self) -> bytes:
        """Return it as an address of a TPDU: the number of semi-octets, the type, the semi-octets."""
        if _is_name(self.kind):
            codes = alphabet.encode(self.number)
            return bytes([(7 * len(codes) + 3) // 4, self.kind]) + alphabet.pack(codes)
        return bytes([len(self.digits), self.kind]) + _semi_octets(self.digits)

    def encode_centre(self) -> bytes:
        """Return it as the address of a service centre: the number of octets behind this one, the type, the digits."""
        octets = bytes([self.kind]) + _semi_octets(self.digits)
        return bytes([len(octets)]) + octets


def read_address(octets: bytes) -> tuple[Address, int]:
    """Read an address of a TPDU.

    Args:
        octets: the address and what follows.

    Returns:
        The address, and how many octets it has.

    Raises:
        ValueError: it is cut off, too long, or has something that is no digit.
    """
    if len(octets) < 2:
        raise ValueError("an address is cut off")
    count, kind = octets[0], octets[1]
    end = 2 + (count + 1) // 2
    if count > _LONGEST or len(octets) < end or not kind & 0x80:
        raise ValueError("an address is too long, cut off, or of no type")
    if _is_name(kind):
        return Address(alphabet.decode(alphabet.unpack(octets[2:end], count * 4 // 7)), kind), end
    return Address(_shown(octets[2:end], count, kind), kind), end


def read_centre(octets: bytes) -> tuple[Address | None, int]:
    """Read the address of a service centre.

    Args:
        octets: the address and what follows.

    Returns:
        The address, None where there is none and that of AT+CSCA serves; and how many octets it has.

    Raises:
        ValueError: it is cut off, too long, or has something that is no digit.
    """
    if not octets:
        raise ValueError("there is no service centre")
    count = octets[0]
    if count == 0:
        return None, 1
    body = octets[2 : 1 + count]
    if not 2 <= count <= _LONGEST_CENTRE or len(octets) < 1 + count or not octets[1] & 0x80:
        raise ValueError("the service centre's address is too long, cut off, or of no type")
    digits = 2 * len(body) - (body[-1] >> 4 == 0xF)
    return Address(_shown(body, digits, octets[1]), octets[1]), 1 + count


def _is_international(kind: int) -> bool:
    return kind & 0x70 == 0x10


def _is_name(kind: int) -> bool:
    return kind & 0x70 == 0x50


def _shown(octets: bytes, count: int, kind: int) -> str:
    nibbles = [nibble for octet in octets for nibble in (octet & 0xF, octet >> 4)]
    if 0xF in nibbles[:count]:
        raise ValueError("a number ends before its end")
    return "+" * _is_international(kind) + "".join(_DIGITS[nibble] for nibble in nibbles[:count])


def _semi_octets(digits: str) -> bytes:
    nibbles = [_DIGITS.index(digit) for digit in digits] + [0xF] * (len(digits) % 2)
    return bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))
