"""A second reading of the control channel, written from 27.010 §5.4.6 octet by octet: with nothing of the first one.

It is strict: what does not have the form of §5.4.6.3 ends the reading. Fields are numbers as they are coded, in the
order of the tables; flags that belong together are one number.
"""

from __future__ import annotations

from dataclasses import dataclass

NAMES = {
    0x80: "PN",
    0x40: "PSC",
    0xC0: "CLD",
    0x20: "Test",
    0xA0: "FCon",
    0x60: "FCoff",
    0xE0: "MSC",
    0x10: "NSC",
    0x90: "RPN",
    0x50: "RLS",
    0xD0: "SNC",
}
"""§5.4.6.3: bits 3 to 8 of the type octet."""

SIZES = {
    "PN": (8,),
    "PSC": (0,),
    "CLD": (0,),
    "FCon": (0,),
    "FCoff": (0,),
    "MSC": (2, 3),
    "NSC": (1,),
    "RPN": (1, 8),
    "RLS": (2,),
    "SNC": (1, 3),
}
"""How many value octets a message has; those of Test are free."""


@dataclass(frozen=True)
class Said:
    """One message."""

    octet: int
    """Its type octet."""
    command: bool
    name: str | None
    """None: 27.010 has no such type."""
    value: bytes
    fields: tuple[object, ...] | None
    """None: the type is unknown, or the octets do not suffice."""
    exact: bool
    """It is as long as it says, and as §5.4.6.3 wants it."""


def read(info: bytes) -> list[Said]:
    """Read an information field of DLCI 0 up to its end, or to the first message that is not exact."""
    found: list[Said] = []
    at = 0
    while at < len(info):
        octet = info[at]
        name = NAMES.get(octet & 0xFC) if octet & 1 else None
        at += 1
        length: int | None = None
        if at < len(info):
            length = info[at] >> 1
            more = info[at] & 1 == 0  # EA: a second octet has the upper eight bits
            at += 1
            if more and at == len(info):
                length = None
            elif more and length is not None:
                length += info[at] << 7
                at += 1
        value = info[at : at + (length or 0)]
        at += length or 0
        whole = length is not None and len(value) == length
        exact = whole and (name is None or name == "Test" or len(value) in SIZES[name])
        found.append(Said(octet, bool(octet & 2), name, value, None if name is None else fields(name, value), exact))
        if not exact:
            break
    return found


def fields(name: str, value: bytes) -> tuple[object, ...] | None:
    """Read value octets; None: there are too few."""
    if name in ("CLD", "FCon", "FCoff"):
        return ()
    if name in ("Test", "PSC"):
        return (value,)
    if not value:
        return None
    if name == "NSC":
        return (value[0],)
    if name == "PN":  # tables 3 to 5
        if len(value) < 8:
            return None
        kind = {0: "UIH", 1: "UI", 2: "I"}.get(value[1] & 0x0F)
        n1 = value[4] + 256 * value[5]
        return value[0] & 0x3F, kind, (value[1] >> 4) + 1, value[2] & 0x3F, value[3], n1, value[6], value[7] & 7
    dlci = value[0] >> 2
    if name == "MSC":  # figures 9 and 10
        if len(value) < 2:
            return None
        on = len(value) > 2 and bool(value[2] & 2)
        return dlci, value[1] & 0b11001110, value[2] >> 4 if on else None
    if name == "RLS":
        if len(value) < 2:
            return None
        return dlci, value[1] & 0b1110 if value[1] & 1 else 0
    if name == "SNC":
        return dlci, value[1] if len(value) > 1 else None, value[2] if len(value) > 2 else None
    if len(value) < 8:  # RPN: it asks
        return (dlci,)
    data, stop, parity = value[2] & 3, value[2] >> 2 & 1, value[2] >> 3 & 1
    kind_of_parity = value[2] >> 4 & 3 if parity else None
    mask = (value[6] & 0x7F) + 256 * (value[7] & 0x3F)
    return dlci, _rate(value[1]), data, stop, kind_of_parity, value[3] & 0x3F, value[4], value[5], mask


def _rate(code: int) -> int | None:
    """Table 12."""
    rates = (2400, 4800, 7200, 9600, 19200, 38400, 57600, 115200, 230400)
    return rates[code] if code < len(rates) else None
