"""Frame headers: checked, built, and cached in both directions (27.010 §5.2.1, §5.2.3).

A header is parsed with the construct declaration of `wire` the first time it is seen. After that a dictionary has the
frozen result and, for the types whose FCS covers the header only, the FCS to expect.
"""

from __future__ import annotations

from typing import NamedTuple

from . import wire
from .config import Option
from .errors import FrameError
from .events import DropReason
from .fcs import fcs
from .wire import FrameType

MAX_CACHED_HEADERS = 4096
"""Noise could fill the caches without limit: they are emptied at this size."""

NUMBERED = frozenset({FrameType.I, FrameType.RR, FrameType.RNR, FrameType.REJ})
"""The types with sequence numbers (27.010 §6)."""

CARRY_INFO = frozenset({FrameType.UIH, FrameType.UI, FrameType.I})
"""The types with an information field."""

_FCS_OVER_INFO = {FrameType.UI, FrameType.I}  # 27.010 5.2.1.6: for the others it covers the header only
_BASIC_TYPES = frozenset(FrameType) - NUMBERED  # 27.010 4: no error recovery in the basic option


class Frame(NamedTuple):
    """One frame of either option."""

    dlci: int
    """Data link connection identifier, 0 to 63."""
    cr: bool
    """The C/R bit of the address; its meaning depends on the role of the sender (27.010 §5.2.1.2)."""
    type: FrameType
    """The frame type."""
    pf: bool = False
    """The P/F bit of the control octet."""
    info: bytes = b""
    """The information field: at most 32767 octets in the basic option."""
    nr: int = 0
    """N(R) of I, RR, RNR and REJ, 0 to 7; else 0."""
    ns: int = 0
    """N(S) of I, 0 to 7; else 0."""


class Header(NamedTuple):
    """A valid header, and what follows from it."""

    dlci: int
    cr: bool
    type: FrameType
    pf: bool
    nr: int
    ns: int
    size: int  # octets of the header itself
    length: int  # of the information field; 0 in the advanced option
    fcs: int | None  # None: it covers the information field as well


class BadHeader(NamedTuple):
    """An invalid header."""

    reason: DropReason
    size: int  # octets up to the one that is wrong


Key = tuple[int, bool, FrameType, bool, int, int, int]
"""DLCI, C/R, type, P/F, N(R), N(S), and the length of the information field in the basic option, else 0."""


class HeaderCache:
    """Parses, builds and caches the headers of one option, by the declaration in `wire`.

    Args:
        option: the framing option.
    """

    def __init__(self, option: Option) -> None:
        self._basic = option is Option.BASIC
        self._layout = wire.basic_header if self._basic else wire.advanced_header
        self._types = _BASIC_TYPES if self._basic else frozenset(FrameType)
        self.parsed: dict[bytes, Header | BadHeader] = {}
        self.built: dict[Key, tuple[bytes, int | None]] = {}
        self.ends: dict[tuple[int, bool, FrameType, bool, int], tuple[bytes, bytes]] = {}
        """What stands before and behind an information field, by DLCI, C/R, type, P/F and the length of the field.

        In the basic option, and for the types whose FCS covers the header only.
        """

    def parse(self, octets: bytes) -> Header | BadHeader:
        """Parse a complete header, and cache the result."""
        header = self._layout.parse(octets)
        result = self._judge(header, octets)
        if len(self.parsed) >= MAX_CACHED_HEADERS:
            self.parsed.clear()
        self.parsed[octets] = result
        return result

    def _judge(self, header: wire.Header, octets: bytes) -> Header | BadHeader:
        if not header.ea:  # 27.010 5.2.3
            return BadHeader(DropReason.ADDRESS, 1)
        if not header.function & 1:
            kind, nr, ns = FrameType.I, header.modifier, header.function >> 1
        elif header.function in NUMBERED:
            kind, nr, ns = FrameType(header.function), header.modifier, 0
        else:
            octet, nr, ns = header.modifier << 5 | header.function, 0, 0
            if octet not in self._types:
                return BadHeader(DropReason.CONTROL, 2)
            kind = FrameType(octet)
        if kind not in self._types:
            return BadHeader(DropReason.CONTROL, 2)
        if header.length and kind not in CARRY_INFO:
            return BadHeader(DropReason.LENGTH, len(octets))
        expected = None if kind in _FCS_OVER_INFO else fcs(octets)
        return Header(header.dlci, header.cr, kind, header.pf, nr, ns, len(octets), header.length, expected)

    def build(self, frame: Frame) -> tuple[bytes, int | None]:
        """Build the header of a frame; with it comes the FCS if that depends on nothing else."""
        length = len(frame.info) if self._basic else 0
        key = (frame.dlci, frame.cr, frame.type, frame.pf, frame.nr, frame.ns, length)
        known = self.built.get(key)
        if known is not None:
            return known
        self._check(frame)
        if frame.type is FrameType.I:
            modifier, function = frame.nr, frame.ns << 1
        elif frame.type in NUMBERED:
            modifier, function = frame.nr, int(frame.type)
        else:
            modifier, function = frame.type >> 5, frame.type & 0x0F
        header = wire.Header(frame.dlci, bool(frame.cr), True, modifier, bool(frame.pf), function, length)
        octets = self._layout.build(header)
        if len(self.built) >= MAX_CACHED_HEADERS:
            self.built.clear()
            self.ends.clear()
        self.built[key] = result = octets, None if frame.type in _FCS_OVER_INFO else fcs(octets)
        if self._basic and result[1] is not None:
            self.ends[frame.dlci, frame.cr, frame.type, frame.pf, length] = b"\xf9%b" % octets, b"%c\xf9" % result[1]
        return result

    def around(self, dlci: int, cr: bool, kind: FrameType, pf: bool, length: int) -> tuple[bytes, bytes] | None:
        """Return what stands before and behind an information field, see `ends`; None where its octets matter."""
        if not self._basic or kind in _FCS_OVER_INFO:
            return None
        self.build(Frame(dlci, cr, kind, pf, bytes(length)))
        return self.ends[dlci, cr, kind, pf, length]

    def _check(self, frame: Frame) -> None:
        if not 0 <= frame.dlci <= 63:
            raise FrameError(f"DLCI {frame.dlci} does not fit six bits: 0 to 63")
        if frame.type not in self._types:
            raise FrameError(f"{frame.type.name} frames need the advanced option (27.010 §4)")
        nr_limit = 7 if frame.type in NUMBERED else 0
        ns_limit = 7 if frame.type is FrameType.I else 0
        if not (0 <= frame.nr <= nr_limit and 0 <= frame.ns <= ns_limit):
            raise FrameError(
                f"{frame.type.name} with N(R) {frame.nr}, N(S) {frame.ns}: at most {nr_limit} and {ns_limit}"
            )


HEADERS = {option: HeaderCache(option) for option in Option}
