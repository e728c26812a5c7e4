"""A second decoder of both options, written from 27.010 §5.2 octet by octet: slow, and with nothing of the first one.

It gets all octets of a line at once, and knows that no more will come. What the specification leaves open is decided
as docs/reliability.md says: a frame that fails a check costs itself only, so the search goes on behind its opening
flag; of a run of flags the last one opens the frame; a header is judged when it has come as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SABM, UA, DM, DISC, UIH, UI, RR, RNR, REJ = 0x2F, 0x63, 0x0F, 0x43, 0xEF, 0x03, 0x01, 0x05, 0x09
NUMBERED_INFO = 0x00
P_OR_F = 0x10


@dataclass(frozen=True)
class Good:
    """A frame that passes every check of §5.2.3."""

    dlci: int
    cr: bool
    kind: int
    pf: bool
    info: bytes
    nr: int = 0
    ns: int = 0


@dataclass(frozen=True)
class Bad:
    """Octets behind a flag that are not a frame, and which check says so."""

    reason: str


@dataclass
class Found:
    """What is in a stream of octets."""

    items: list[tuple[int, Good | Bad]] = field(default_factory=list)
    """Each with the position of its opening flag."""
    skipped: int = 0
    """Octets between frames that are not flags."""


def check_sequence(octets: bytes) -> int:
    """The FCS of annex B, bit by bit: x^8 + x^2 + x + 1, the register preset to ones, the ones complement sent."""
    register = 0xFF
    for octet in octets:
        register ^= octet
        for _ in range(8):
            low = register & 1
            register >>= 1
            if low:
                register ^= 0xE0  # the polynomial, bit 1 first
    return 0xFF - register


def _control(octet: int, *, error_recovery: bool) -> tuple[int, bool, int, int] | None:
    """§5.2.1.3, table 2, and §6: type, P/F, N(R), N(S); None: no such type."""
    pf = bool(octet & P_OR_F)
    if error_recovery and octet & 1 == 0:
        return NUMBERED_INFO, pf, octet >> 5, octet >> 1 & 7
    if error_recovery and octet & 0x0F in (RR, RNR, REJ):
        return octet & 0x0F, pf, octet >> 5, 0
    kind = octet & ~P_OR_F
    return (kind, pf, 0, 0) if kind in (SABM, UA, DM, DISC, UIH, UI) else None


def basic(octets: bytes, n1: int) -> Found:
    """§5.2.6: F9, address, control, one or two length octets, information, FCS, F9."""
    found = Found()
    at = 0
    while at < len(octets):
        if octets[at] != 0xF9:
            found.skipped += 1
            at += 1
            continue
        if at + 1 < len(octets) and octets[at + 1] == 0xF9:  # fill between frames (§5.2.5)
            at += 1
            continue
        if at + 1 == len(octets):
            break
        item, end = _basic_frame(octets, at + 1, n1)
        found.items.append((at, item))
        at = end if isinstance(item, Good) else at + 1
    return found


def _basic_frame(octets: bytes, at: int, n1: int) -> tuple[Good | Bad, int]:
    """Return the frame whose address is at an index, and the index of its closing flag."""
    begin = at
    if len(octets) - at < 3:
        return Bad("truncated"), at
    address, control, length = octets[at], octets[at + 1], octets[at + 2] >> 1
    at += 3
    if octets[at - 1] & 1 == 0:  # EA of the length: another octet with the upper eight bits
        if at == len(octets):
            return Bad("truncated"), at
        length += octets[at] << 7
        at += 1
    header = octets[begin:at]
    if address & 1 == 0:
        return Bad("address"), at
    kind = _control(control, error_recovery=False)
    if kind is None:
        return Bad("control"), at
    if length and kind[0] not in (UIH, UI):
        return Bad("length"), at
    if length > n1:
        return Bad("too_long"), at
    if len(octets) < at + length + 2:
        return Bad("truncated"), at
    info = octets[at : at + length]
    at += length
    if octets[at + 1] != 0xF9:
        return Bad("no_closing_flag"), at
    covered = header + info if kind[0] == UI else header  # §5.2.1.6
    if octets[at] != check_sequence(covered):
        return Bad("fcs"), at
    return Good(address >> 2, bool(address & 2), kind[0], kind[1], info), at + 1


def advanced(octets: bytes, n1: int) -> Found:
    """§5.2.7: 7E, address, control, information, FCS, 7E; 7D before what is not to look like a flag."""
    found = Found()
    at = 0
    while at < len(octets) and octets[at] != 0x7E:
        found.skipped += 1
        at += 1
    while at < len(octets):
        opening = at
        at += 1
        between = bytearray()
        while at < len(octets) and octets[at] != 0x7E:
            between.append(octets[at])
            at += 1
        if not between:  # fill (§5.2.5), or the end
            continue
        most = 2 * (n1 + 3)  # address, control and FCS, every octet with 7D before it
        if len(between) > most:
            found.skipped += len(between) - most
            found.items.append((opening, Bad("too_long")))
        elif at == len(octets):
            found.skipped += len(between)
            found.items.append((opening, Bad("truncated")))
        else:
            found.items.append((opening, _advanced_frame(bytes(between), n1)))
    return found


def _advanced_frame(between: bytes, n1: int) -> Good | Bad:
    body = bytearray()
    escaped = False
    for octet in between:  # §5.2.7.1: 7D is followed by an octet with bit 6 inverted
        if escaped:
            body.append(octet ^ 0x20)
            escaped = False
        elif octet == 0x7D:
            escaped = True
        else:
            body.append(octet)
    if escaped:
        return Bad("aborted")  # §5.2.4
    if len(body) < 3:  # §5.2.3
        return Bad("length")
    address, control, info, fcs = body[0], body[1], bytes(body[2:-1]), body[-1]
    if address & 1 == 0:
        return Bad("address")
    kind = _control(control, error_recovery=True)
    if kind is None:
        return Bad("control")
    if len(info) > n1:
        return Bad("too_long")
    if info and kind[0] not in (UIH, UI, NUMBERED_INFO):
        return Bad("length")
    covered = bytes(body[:2]) + info if kind[0] in (UI, NUMBERED_INFO) else bytes(body[:2])
    if fcs != check_sequence(covered):
        return Bad("fcs")
    return Good(address >> 2, bool(address & 2), kind[0], kind[1], info, kind[2], kind[3])
