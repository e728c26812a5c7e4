"""Times in PDUs as semi-octets (23.040 §9.2.3.11), and the forms in which commands show them (27.005 §3.1)."""

from __future__ import annotations

import re

LENGTH = 7
"""Octets of a time."""
_TEXT = re.compile(r"(\d\d)/(\d\d)/(\d\d),(\d\d):(\d\d):(\d\d)([+-])(\d\d)")
_NEGATIVE = 0x08  # in the octet of the zone, whose unit is a quarter of an hour
_GREATEST_ZONE = 79


def encode_time(text: str) -> bytes:
    """Encode ``yy/MM/dd,hh:mm:ss±zz`` as 7 octets.

    Raises:
        ValueError: it is not such a text, or its zone is more than 79 quarters of an hour.
    """
    found = _TEXT.fullmatch(text)
    if found is None or int(found[8]) > _GREATEST_ZONE:
        raise ValueError(f"{text!r} is not yy/MM/dd,hh:mm:ss±zz")
    octets = bytes(int(pair[0]) | int(pair[1]) << 4 for pair in (*found.groups()[:6], found[8]))
    return octets[:-1] + bytes([octets[-1] | _NEGATIVE * (found[7] == "-")])


def decode_time(octets: bytes) -> str:
    """Decode 7 octets as ``yy/MM/dd,hh:mm:ss±zz``.

    Raises:
        ValueError: they are fewer, or have something that is no digit.
    """
    sign, octets = ("-" if octets[6:7] and octets[6] & _NEGATIVE else "+"), bytes(octets)
    if len(octets) != LENGTH:
        raise ValueError("a time is cut off")
    zone = octets[6] & ~_NEGATIVE
    digits = [f"{octet & 0xF:X}{octet >> 4:X}" for octet in (*octets[:6], zone)]
    if not "".join(digits).isdecimal():
        raise ValueError("a time has something that is no digit")
    return "{}/{}/{},{}:{}:{}{}{}".format(*digits[:6], sign, digits[6])


def manuals_form(text: str) -> str:
    """Return ``yy/MM/dd,hh:mm:ss±zz`` as the examples of the M35's manual print it: ``yyyy/MM/dd hh:mm:ss±zz``."""
    return "20" + text.replace(",", " ")
