"""Frames to octets and back: hunting for flags, the checks of 27.010 §5.2.3, resynchronisation.

A header is parsed by the construct declaration of `wire` the first time it is seen; after that a dictionary answers
with the frozen result and, for the types whose FCS covers nothing but the header, with the FCS to expect.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Generator
from typing import NamedTuple

from . import wire
from .config import Option
from .errors import FrameError
from .events import DropReason, FrameDropped
from .fcs import fcs
from .wire import FrameType

MAX_CACHED_HEADERS = 4096
"""Noise could fill the header dictionaries for ever: they are emptied at this size."""

_NUMBERED = {FrameType.I, FrameType.RR, FrameType.RNR, FrameType.REJ}
_CARRY_INFO = {FrameType.UIH, FrameType.UI, FrameType.I}
_FCS_OVER_INFO = {FrameType.UI, FrameType.I}  # 27.010 5.2.1.6: the others put it under the header alone
_BASIC_TYPES = frozenset(FrameType) - _NUMBERED  # 27.010 4: no error recovery in the basic option

_MAX_BASIC_INFO = 0x7FFF


class Frame(NamedTuple):
    """One frame, as either option carries it."""

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


# --- Headers ------------------------------------------------------------------------------------------------------


class _Header(NamedTuple):
    """A header that a frame can have, and what follows from it."""

    dlci: int
    cr: bool
    type: FrameType
    pf: bool
    nr: int
    ns: int
    size: int  # octets of the header itself
    length: int  # of the information field; 0 in the advanced option
    fcs: int | None  # None: it covers the information field, too


class _BadHeader(NamedTuple):
    """A header that no frame can have."""

    reason: DropReason
    size: int  # octets up to the one that gave it away


class _HeaderCache:
    """Everything about headers of one option, both ways, through the one declaration in `wire`.

    Args:
        option: which header.
    """

    def __init__(self, option: Option) -> None:
        self._basic = option is Option.BASIC
        self._layout = wire.basic_header if self._basic else wire.advanced_header
        self._types = _BASIC_TYPES if self._basic else frozenset(FrameType)
        self.parsed: dict[bytes, _Header | _BadHeader] = {}
        self.built: dict[tuple[int, bool, FrameType, bool, int, int, int], tuple[bytes, int | None]] = {}

    def parse(self, octets: bytes) -> _Header | _BadHeader:
        """Parse a header that is known to be whole, and remember it."""
        header = self._layout.parse(octets)
        result = self._judge(header, octets)
        if len(self.parsed) >= MAX_CACHED_HEADERS:
            self.parsed.clear()
        self.parsed[octets] = result
        return result

    def _judge(self, header: wire.Header, octets: bytes) -> _Header | _BadHeader:
        if not header.ea:  # 27.010 5.2.3
            return _BadHeader(DropReason.ADDRESS, 1)
        if not header.function & 1:
            kind, nr, ns = FrameType.I, header.modifier, header.function >> 1
        elif header.function in _NUMBERED:
            kind, nr, ns = FrameType(header.function), header.modifier, 0
        else:
            octet, nr, ns = header.modifier << 5 | header.function, 0, 0
            if octet not in self._types:
                return _BadHeader(DropReason.CONTROL, 2)
            kind = FrameType(octet)
        if kind not in self._types:
            return _BadHeader(DropReason.CONTROL, 2)
        if header.length and kind not in _CARRY_INFO:
            return _BadHeader(DropReason.LENGTH, len(octets))
        expected = None if kind in _FCS_OVER_INFO else fcs(octets)
        return _Header(header.dlci, header.cr, kind, header.pf, nr, ns, len(octets), header.length, expected)

    def build(self, frame: Frame) -> tuple[bytes, int | None]:
        """Build the header of a frame; with it comes the FCS where that depends on nothing else."""
        length = len(frame.info) if self._basic else 0
        key = (frame.dlci, frame.cr, frame.type, frame.pf, frame.nr, frame.ns, length)
        known = self.built.get(key)
        if known is not None:
            return known
        self._check(frame)
        if frame.type is FrameType.I:
            modifier, function = frame.nr, frame.ns << 1
        elif frame.type in _NUMBERED:
            modifier, function = frame.nr, int(frame.type)
        else:
            modifier, function = frame.type >> 5, frame.type & 0x0F
        header = wire.Header(frame.dlci, bool(frame.cr), True, modifier, bool(frame.pf), function, length)
        octets = self._layout.build(header)
        if len(self.built) >= MAX_CACHED_HEADERS:
            self.built.clear()
        self.built[key] = result = octets, None if frame.type in _FCS_OVER_INFO else fcs(octets)
        return result

    def _check(self, frame: Frame) -> None:
        if not 0 <= frame.dlci <= 63:
            raise FrameError(f"DLCI {frame.dlci} does not fit six bits: 0 to 63")
        if frame.type not in self._types:
            raise FrameError(f"{frame.type.name} frames need the advanced option (27.010 §4)")
        nr_limit = 7 if frame.type in _NUMBERED else 0
        ns_limit = 7 if frame.type is FrameType.I else 0
        if not (0 <= frame.nr <= nr_limit and 0 <= frame.ns <= ns_limit):
            raise FrameError(
                f"{frame.type.name} with N(R) {frame.nr}, N(S) {frame.ns}: at most {nr_limit} and {ns_limit}"
            )


_HEADERS = {option: _HeaderCache(option) for option in Option}


# --- Encoding -----------------------------------------------------------------------------------------------------

_TO_ESCAPE = re.compile(b"[" + re.escape(bytes((wire.ADVANCED_FLAG, wire.ESCAPE)) + wire.FLOW_OCTETS) + b"]")
_ESCAPED = re.compile(bytes((wire.ESCAPE,)) + b"(.)", re.DOTALL)


def encode(frame: Frame, option: Option = Option.BASIC) -> bytes:
    """Turn a frame into octets, opening and closing flag included.

    Args:
        frame: what to send.
        option: the framing of the session.

    Returns:
        The octets as they go on the line (27.010 §5.2.6, §5.2.7.4).

    Raises:
        FrameError: the frame cannot be expressed: a DLCI over 63, a type that the option or an information field
            that the type or the length octets do not allow.
    """
    if frame.info and frame.type not in _CARRY_INFO:
        raise FrameError(f"{frame.type.name} carries no information field (27.010 §5.3)")
    if option is Option.BASIC and len(frame.info) > _MAX_BASIC_INFO:
        raise FrameError(
            f"{len(frame.info)} octets do not fit the 15 bits of the length field: at most {_MAX_BASIC_INFO}"
        )
    header, check = _HEADERS[option].build(frame)
    if check is None:
        check = fcs(header + frame.info)
    if option is Option.BASIC:
        return b"\xf9%b%b%c\xf9" % (header, frame.info, check)
    return b"\x7e%b\x7e" % escape(b"%b%b%c" % (header, frame.info, check))


def escape(octets: bytes) -> bytes:
    """Make octets transparent for the advanced option (27.010 §5.2.7.1, §5.2.7.3).

    Args:
        octets: header, information field and FCS.

    Returns:
        The same with 7E, 7D, 11, 13, 91 and 93 escaped.
    """
    return _TO_ESCAPE.sub(lambda found: bytes((wire.ESCAPE, found[0][0] ^ wire.ESCAPE_XOR)), octets)


def unescape(octets: bytes) -> bytes:
    """Undo `escape`, whatever octet was escaped.

    Args:
        octets: what stood between two flags; a trailing 7D stays.

    Returns:
        Header, information field and FCS.
    """
    if wire.ESCAPE not in octets:
        return octets
    return _ESCAPED.sub(lambda found: bytes((found[1][0] ^ wire.ESCAPE_XOR,)), octets)


# --- Decoding -----------------------------------------------------------------------------------------------------

Decoded = tuple[int, Frame | FrameDropped]
"""Where an opening flag stood (octets since the decoder was made), and what followed it."""


class Decoder(ABC):
    """Octets in any portions to frames: what the decoders of both options share.

    Nothing raises on any input, and no more than one longest frame is kept.

    Args:
        n1_receive: longest information field that is accepted, in octets.
    """

    option: Option
    _flag: bytes

    def __init__(self, n1_receive: int = 1600) -> None:
        self._n1 = n1_receive
        self._data = b""  # from the flag of a partial frame on
        self._offset = 0  # where _data begins, in octets since the start
        self.skipped = 0
        """Octets between frames that were no flag."""

    @property
    def pending(self) -> bool:
        """Whether a partial frame waits for more octets."""
        return self._data.strip(self._flag) != b""

    def receive_data(self, data: bytes) -> list[Frame | FrameDropped]:
        """Take octets from the line.

        Args:
            data: any number of them.

        Returns:
            What became whole with them, in order.
        """
        return [item for _, item in self.scan(data)]

    def scan(self, data: bytes) -> Generator[Decoded]:
        """Take octets from the line and tell where things stood.

        Args:
            data: any number of octets.

        Yields:
            As `receive_data` returns, each with the offset of its opening flag. When the iterator is closed early, the
            octets behind what it yielded last are kept: `take_rest` returns them.
        """
        self._data += data
        return self._scan()

    def take_rest(self) -> bytes:
        """Take what was not decoded out of the decoder, without the flags that it begins with."""
        rest = self._data.lstrip(self._flag)
        self.reset()
        return rest

    def give_up(self, *, force: bool) -> Generator[Decoded]:
        """Stop waiting for the rest of a partial frame: its length may be damaged.

        Args:
            force: also when no complete frame with a good FCS lies behind its opening flag.

        Yields:
            The partial frames given up, as `DropReason.TRUNCATED`, and what was found behind their flags.
        """
        while self.pending and (force or self._frame_behind()):
            start = self._opening_flag()
            offset, raw = self._offset + start, self._data[start:]
            self._drop_to(start + 1)
            yield offset, FrameDropped(offset, DropReason.TRUNCATED, raw)
            yield from self._scan()

    def finish(self) -> Generator[Decoded]:
        """Take the end of the input.

        Yields:
            What `give_up` yields; nothing is pending afterwards.
        """
        return self.give_up(force=True)

    def reset(self) -> None:
        """Forget a partial frame: what comes next is a new line."""
        self._drop_to(len(self._data))

    def _opening_flag(self) -> int:
        """Find the last flag of the run that `_data` begins with."""
        return len(self._data) - len(self._data.lstrip(self._flag)) - 1

    def _drop_to(self, index: int) -> None:
        self._offset += index
        self._data = self._data[index:]

    @abstractmethod
    def _scan(self) -> Generator[Decoded]:
        """Decode what `_data` has, and leave in it what may become a frame, or was not looked at."""

    @abstractmethod
    def _frame_behind(self) -> bool:
        """Tell whether a complete frame with a good FCS lies behind the flag of the partial one."""


class BasicDecoder(Decoder):
    """Decoder of the basic option: F9, a length field, no transparency (27.010 §5.2.6)."""

    option = Option.BASIC
    _flag = bytes((wire.BASIC_FLAG,))

    def _header_at(self, data: bytes, body: int) -> _Header | _BadHeader | None:
        """Parse the header at an index; None while it is not whole."""
        cache = _HEADERS[Option.BASIC]
        octets = data[body : body + 3]
        header = cache.parsed.get(octets)
        if header is None:
            if len(octets) < 3:
                return None
            if not octets[2] & 1:
                octets = data[body : body + 4]
                if len(octets) < 4:
                    return None
            header = cache.parsed.get(octets) or cache.parse(octets)
        if isinstance(header, _Header) and header.length > self._n1:
            return _BadHeader(DropReason.TOO_LONG, header.size)
        return header

    def _scan(self) -> Generator[Decoded]:
        data, flag = self._data, self._flag
        base = self._offset
        start = 0
        try:
            while True:
                found = data.find(flag, start)
                if found < 0:
                    self.skipped += len(data) - start
                    start = len(data)
                    return
                self.skipped += found - start
                start = found
                while data[start + 1 : start + 2] == flag:  # 27.010 5.2.5: any run of flags is fill
                    start += 1
                body = start + 1
                header = self._header_at(data, body)
                if header is None:
                    return
                if isinstance(header, _BadHeader):
                    reason, end = header.reason, body + header.size - 1
                else:
                    check = body + header.size + header.length
                    end = check + 1
                    if end >= len(data):
                        return
                    if data[end] != wire.BASIC_FLAG:  # 27.010 5.2.3
                        reason = DropReason.NO_CLOSING_FLAG
                    elif data[check] != (fcs(data[body:check]) if header.fcs is None else header.fcs):
                        reason = DropReason.FCS
                    else:
                        info = data[body + header.size : check]
                        offset = base + start
                        start = end  # 27.010 5.2.6.1: the closing flag may open the next frame
                        yield offset, Frame(header.dlci, header.cr, header.type, header.pf, info)
                        continue
                offset, raw = base + start, data[start : end + 1]
                start = body  # go on behind the *opening* flag: a damaged length costs this frame only
                yield offset, FrameDropped(offset, reason, raw)
        finally:
            self._drop_to(start)

    def _frame_behind(self) -> bool:
        data, flag = self._data, self._flag
        start = data.find(flag, self._opening_flag() + 1)
        while start >= 0:
            body = start + 1
            header = self._header_at(data, body)
            if isinstance(header, _Header):
                check = body + header.size + header.length
                if data[check + 1 : check + 2] == flag and data[check] == (
                    fcs(data[body:check]) if header.fcs is None else header.fcs
                ):
                    return True
            start = data.find(flag, body)
        return False


class AdvancedDecoder(Decoder):
    """Decoder of the advanced option: 7E between frames, 7D before what must not appear (27.010 §5.2.7).

    Args:
        n1_receive: longest information field that is accepted, in octets.
        xonxoff: the line uses software flow control, so bare 11, 13, 91 and 93 are not part of any frame.
    """

    option = Option.ADVANCED
    _flag = bytes((wire.ADVANCED_FLAG,))

    def __init__(self, n1_receive: int = 1600, *, xonxoff: bool = False) -> None:
        super().__init__(n1_receive)
        self._not_data = wire.FLOW_OCTETS if xonxoff else b""
        self._longest = 2 * (n1_receive + 3)  # every octet escaped

    def _scan(self) -> Generator[Decoded]:
        data, flag = self._data, self._flag
        base = self._offset
        start = data.find(flag)
        self.skipped += start if start >= 0 else len(data)
        try:
            while start >= 0:
                while data[start + 1 : start + 2] == flag:  # 27.010 5.2.5: any run of flags is fill
                    start += 1
                end = data.find(flag, start + 1)
                octets = data[start + 1 : end if end >= 0 else None]
                offset = base + start
                if len(octets) > self._longest:
                    self.skipped += len(octets) - self._longest
                    raw = data[start : start + 1 + self._longest]
                    start = end
                    yield offset, FrameDropped(offset, DropReason.TOO_LONG, raw)
                elif end < 0:
                    return
                else:
                    frame = self._frame(octets)
                    raw = data[start : end + 1]
                    start = end  # a closing flag may open the next frame
                    if isinstance(frame, DropReason):
                        yield offset, FrameDropped(offset, frame, raw)
                    else:
                        yield offset, frame
        finally:
            self._drop_to(start if start >= 0 else len(data))

    def _frame(self, octets: bytes) -> Frame | DropReason:
        """Judge what stood between two flags."""
        octets = octets.translate(None, self._not_data)
        if octets.endswith(b"\x7d"):  # 27.010 5.2.4
            return DropReason.ABORTED
        body = unescape(octets)
        if len(body) < 3:  # 27.010 5.2.3
            return DropReason.LENGTH
        cache = _HEADERS[Option.ADVANCED]
        header = cache.parsed.get(body[:2]) or cache.parse(body[:2])
        if isinstance(header, _BadHeader):
            return header.reason
        info = body[2:-1]
        if len(info) > self._n1:
            return DropReason.TOO_LONG
        if info and header.type not in _CARRY_INFO:
            return DropReason.LENGTH
        if body[-1] != (fcs(body[:-1]) if header.fcs is None else header.fcs):
            return DropReason.FCS
        return Frame(header.dlci, header.cr, header.type, header.pf, info, header.nr, header.ns)

    def _frame_behind(self) -> bool:
        return False  # a flag would have ended the partial frame
