"""The data coding scheme of a message: alphabet, class, and whether it only says that others wait (23.038 §4)."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Alphabet(enum.Enum):
    """What the user data of a message consists of."""

    GSM7 = "7 bit"
    DATA = "8 bit"
    UCS2 = "UCS-2"


_ALPHABETS = (Alphabet.GSM7, Alphabet.DATA, Alphabet.UCS2, Alphabet.GSM7)  # reserved ones are read as 7 bit
_CODES = {Alphabet.GSM7: 0x00, Alphabet.DATA: 0x04, Alphabet.UCS2: 0x08}
_COMPRESSED = 0x20
_HAS_CLASS = 0x10


@dataclass(frozen=True, slots=True)
class Coding:
    """What a data coding scheme says.

    Args:
        alphabet: what the user data consists of; data that is compressed is 8 bit.
        message_class: 0 to 3, or None.
        waiting: whether it indicates waiting messages and is to be stored.
    """

    alphabet: Alphabet
    message_class: int | None = None
    waiting: bool = False


def coding_of(dcs: int) -> Coding:
    """Return what a data coding scheme, 0 to 255, says."""
    group = dcs >> 4
    if group < 0x8:  # general, and marked for automatic deletion
        alphabet = Alphabet.DATA if dcs & _COMPRESSED else _ALPHABETS[dcs >> 2 & 3]
        return Coding(alphabet, dcs & 3 if dcs & _HAS_CLASS else None)
    if group == 0xF:
        return Coding(Alphabet.DATA if dcs & 4 else Alphabet.GSM7, dcs & 3)
    if group == 0xE:
        return Coding(Alphabet.UCS2, waiting=True)
    return Coding(Alphabet.GSM7, waiting=group == 0xD)


def scheme_of(alphabet: Alphabet, message_class: int | None = None) -> int:
    """Return the data coding scheme for an alphabet, and a class of 0 to 3 or None."""
    return _CODES[alphabet] | (0 if message_class is None else _HAS_CLASS | message_class)
