"""The frame check sequence: x^8 + x^2 + x + 1, reflected (27.010 §5.2.1.6, annex B)."""

from __future__ import annotations

from collections.abc import Callable

import crcmod
from crcmod.crcmod import _usingExtension

# crcmod XORs initCrc with xorOut before it starts: 0 here is the preset FF of annex B.
_crc: Callable[[bytes], int] = crcmod.mkCrcFun(0x107, initCrc=0, rev=True, xorOut=0xFF)

crcmod_in_c: bool = _usingExtension
"""Whether crcmod was installed with its extension in C."""


def fcs(octets: bytes) -> int:
    """Return the frame check sequence of the octets that it covers for the type of the frame (27.010 §5.2.1.6).

    Args:
        octets: address, control, the length octets of the basic option and, except for UIH, the information field.

    Returns:
        The octet that follows the information field on the line, before transparency.
    """
    return _crc(octets)
