"""Frames to octets and back: hunting for flags, the checks of 27.010 §5.2.3, resynchronisation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator

from . import wire
from .config import Option
from .errors import FrameError
from .events import DropReason, FrameDropped
from .fcs import SliceFcs, fcs
from .headers import CARRY_INFO, HEADERS, BadHeader, Header
from .headers import Frame as Frame
from .transparency import escape, unescape
from .wire import FrameType

__all__ = ["AdvancedDecoder", "BasicDecoder", "Frame", "encode"]

_MAX_BASIC_INFO = 0x7FFF
_UIH = FrameType.UIH


# --- Encoding -----------------------------------------------------------------------------------------------------

_BASIC = Option.BASIC
_BASIC_HEADERS = HEADERS[Option.BASIC]  # to look that up takes as long as a short frame
_BASIC_ENDS = _BASIC_HEADERS.ends


def encode(frame: Frame, option: Option = Option.BASIC) -> bytes:
    """Encode a frame, including opening and closing flag.

    Args:
        frame: what to send.
        option: the framing of the session.

    Returns:
        The octets as they go on the line (27.010 §5.2.6, §5.2.7.4).

    Raises:
        FrameError: the frame cannot be encoded: a DLCI over 63, a type that the option does not allow, or an
            information field that the type or the length octets do not allow.
    """
    dlci, cr, kind, pf, info, nr, ns = frame
    if option is _BASIC and not nr and not ns:
        ends = _BASIC_ENDS.get((dlci, cr, kind, pf, len(info)))
        if ends is not None:
            return info.join(ends)  # it stands between the two
    if frame.info and frame.type not in CARRY_INFO:
        raise FrameError(f"{frame.type.name} carries no information field (27.010 §5.3)")
    if option is Option.BASIC and len(frame.info) > _MAX_BASIC_INFO:
        raise FrameError(
            f"{len(frame.info)} octets do not fit the 15 bits of the length field: at most {_MAX_BASIC_INFO}"
        )
    header, check = HEADERS[option].build(frame)
    if check is None:
        check = fcs(header + frame.info)
    if option is Option.BASIC:
        return b"\xf9%b%b%c\xf9" % (header, frame.info, check)
    return b"\x7e%b\x7e" % escape(b"%b%b%c" % (header, frame.info, check))


# --- Decoding -----------------------------------------------------------------------------------------------------

Decoded = tuple[int, Frame | FrameDropped]
"""The position of an opening flag (octets since the decoder was created), and what followed it."""


class Decoder(ABC):
    """Decodes octets, in portions of any size, into frames: the common part of the decoders of both options.

    No input raises, and at most one frame of the greatest length is kept.

    Args:
        n1_receive: longest information field that is accepted, in octets.
    """

    option: Option
    _flag: bytes

    def __init__(self, n1_receive: int = 1600) -> None:
        self._n1 = n1_receive
        self._data = b""  # from the flag of a partial frame on
        self._offset = 0  # position of the beginning of _data, in octets since the start
        self._removed = 0  # octets taken out of _data behind its first flag
        self._needed = 0  # octets that _data has to have before it is worth a look
        self._given_up = -1  # a partial frame that begins before this position is not waited for
        self._shown = 0  # the position behind what `FrameDropped` events have told
        self.paused: bool = False
        """The latest frame may end the session, and what stands behind it has not been decoded."""
        self.skipped = 0
        """Octets between frames that are not flags."""

    @property
    def pending(self) -> bool:
        """Whether a partial frame waits for more octets."""
        return len(self._data) > 1 and (self._needed > 0 or self._data.strip(self._flag) != b"")

    def receive_data(self, data: bytes) -> list[Frame | FrameDropped]:
        """Decode octets from the line.

        Args:
            data: any number of octets.

        Returns:
            The frames that they complete, and what was dropped, in order.
        """
        items = self.receive_part(data)
        while self.paused:
            items += self.receive_part()
        return items

    def receive_part(self, data: bytes = b"") -> list[Frame | FrameDropped]:
        """Do what `receive_data` does, up to and including a frame that is not data of a channel.

        Args:
            data: any number of octets; none to go on behind such a frame, which is due while `paused`.

        Returns:
            The frames and what was dropped, as for `receive_data`.
        """
        self._data = data = self._data + data
        if len(data) < self._needed:
            return []
        self._needed = 0
        return self._decode(None)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'in a frame' if self.pending else 'between frames'} skipped={self.skipped}>"

    def scan(self, data: bytes) -> Generator[Decoded]:
        """Decode octets from the line, and tell the position of each frame.

        Args:
            data: any number of octets.

        Yields:
            The items that `receive_data` returns, each with the offset of its opening flag.
        """
        self._data += data
        if len(self._data) >= self._needed:
            self._needed = 0
            yield from self._positioned()

    def _positioned(self) -> Generator[Decoded]:
        self.paused = True
        while self.paused:
            offsets: list[int] = []
            yield from zip(offsets, self._decode(offsets), strict=True)

    def take_rest(self) -> bytes:
        """Return the octets that have not been decoded, without leading flags, and clear them."""
        rest = self._data.lstrip(self._flag)
        self.reset()
        return rest

    def give_up(self, *, force: bool) -> Generator[Decoded]:
        """Stop waiting for the rest of a partial frame: its length may be damaged.

        Args:
            force: give up even if no complete frame with a good FCS lies behind its opening flag.

        Yields:
            The partial frames given up, as `DropReason.TRUNCATED`, and what was found behind their flags.
        """
        if self.pending:
            self._given_up = self._offset + (len(self._data) if force else self._last_good())
            self._needed = 0
            yield from self._positioned()

    def finish(self) -> Generator[Decoded]:
        """Handle the end of the input: yield what `give_up` yields; nothing is pending afterwards."""
        return self.give_up(force=True)

    def reset(self) -> None:
        """Forget a partial frame: what comes next is from a new line."""
        self._needed, self.paused = 0, False
        self._drop_to(len(self._data))

    def _drop_to(self, index: int) -> None:
        if index:
            self._offset += index + self._removed
            self._removed = 0
            self._data = self._data[index:]

    @abstractmethod
    def _decode(self, offsets: list[int] | None) -> list[Frame | FrameDropped]:
        """Decode what is in `_data`, and set `paused`; leave in it what may become a frame, or was not examined.

        Args:
            offsets: gets the positions of the opening flags.
        """

    @abstractmethod
    def _last_good(self) -> int:
        """Return the index of the opening flag of the last complete frame with a good FCS; -1 if there is none."""


class BasicDecoder(Decoder):
    """Decoder of the basic option: F9, a length field, no transparency (27.010 §5.2.6)."""

    option = Option.BASIC
    _flag = bytes((wire.BASIC_FLAG,))
    paused: bool

    def _header_at(self, data: bytes, body: int) -> Header | BadHeader | None:
        """Parse the header at an index; None while it is incomplete."""
        cache = _BASIC_HEADERS
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
        return header

    def _decode(self, offsets: list[int] | None) -> list[Frame | FrameDropped]:
        data, flag, longest, start, paused = self._data, self._flag, self._n1, 0, False
        known, new, octet, uih = _BASIC_HEADERS.parsed, tuple.__new__, wire.BASIC_FLAG, _UIH
        base, size, last = self._offset, len(data), len(data) - 1
        items: list[Frame | FrameDropped] = []
        checks: SliceFcs | None = None
        if not data.startswith(flag):
            start = self._flag_from(0)
        while start < last and not paused:  # at a flag, and something behind it
            body = start + 1
            while data[body : body + 1] == flag:  # 27.010 5.2.5: any run of flags is fill
                start, body = body, body + 1
            header = known.get(data[body : body + 3]) or known.get(data[body : body + 4])
            if header is None:
                header = self._header_at(data, body)
            if header is None:
                if base + start >= self._given_up or body == size:
                    break
                reason, end = DropReason.TRUNCATED, last
            elif isinstance(header, BadHeader):
                reason, end = header.reason, body + header.size - 1
            else:
                dlci, cr, kind, pf, _, _, octets, length, expected = header
                begin = body + octets
                check = begin + length
                end = check + 1
                if length > longest:
                    reason, end = DropReason.TOO_LONG, begin - 1
                elif end >= size:
                    if base + start >= self._given_up:
                        self._needed = end - start + 1
                        break
                    reason, end = DropReason.TRUNCATED, last
                elif data[end] != octet:  # 27.010 5.2.3
                    reason = DropReason.NO_CLOSING_FLAG
                elif data[check] != (
                    (checks := checks or SliceFcs(data)).of(body, check) if expected is None else expected
                ):
                    reason = DropReason.FCS
                else:
                    items.append(new(Frame, (dlci, cr, kind, pf, data[begin:check], 0, 0)))
                    if offsets is not None:
                        offsets.append(base + start)
                    start = end  # 27.010 5.2.6.1: the closing flag may open the next frame
                    paused = kind is not uih or not dlci
                    continue
            following = self._flag_from(body)  # behind the *opening* flag: a damaged length costs this frame only
            if base + start < self._shown - 1 and end >= following:  # told already, but for a shared flag
                end = following - 1
            self._shown = max(self._shown, base + end + 1)
            items.append(FrameDropped(base + start, reason, data[start : end + 1]))
            if offsets is not None:
                offsets.append(base + start)
            start = following
        self._offset, self._data, self.paused = base + start, data[start:], paused
        return items

    def _flag_from(self, index: int) -> int:
        """Return the index of the next flag, or the end of the data; what lies before it is between frames."""
        found = self._data.find(self._flag, index)
        if found < 0:
            found = len(self._data)
        self.skipped += found - index
        return found

    def _last_good(self) -> int:
        data, flag, checks = self._data, self._flag, SliceFcs(self._data)
        start = data.rfind(flag)
        while start >= 0:
            body = start + 1
            header = self._header_at(data, body)
            if isinstance(header, Header) and header.length <= self._n1:
                check = body + header.size + header.length
                if data[check + 1 : check + 2] == flag and data[check] == (
                    checks.of(body, check) if header.fcs is None else header.fcs
                ):
                    return start
            start = data.rfind(flag, 0, start)
        return -1


class AdvancedDecoder(Decoder):
    """Decoder of the advanced option: 7E between frames, 7D before each escaped octet (27.010 §5.2.7).

    Args:
        n1_receive: longest information field that is accepted, in octets.
        xonxoff: the line uses software flow control, so bare 11, 13, 91 and 93 are not part of any frame.
    """

    option = Option.ADVANCED
    _flag = bytes((wire.ADVANCED_FLAG,))
    paused: bool

    def __init__(self, n1_receive: int = 1600, *, xonxoff: bool = False) -> None:
        super().__init__(n1_receive)
        self._not_data = wire.FLOW_OCTETS if xonxoff else b""
        self._longest = 2 * (n1_receive + 3)  # every octet escaped

    def _decode(self, offsets: list[int] | None) -> list[Frame | FrameDropped]:
        data, flag, not_data = self._data, self._flag, self._not_data
        base, removed = self._offset, self._removed
        items: list[Frame | FrameDropped] = []
        self.paused = False
        start = data.find(flag)
        self.skipped += len((data[:start] if start >= 0 else data).translate(None, not_data))
        while start >= 0 and not self.paused:
            while data[start + 1 : start + 2] == flag:  # 27.010 5.2.5: any run of flags is fill
                start += 1
            end = data.find(flag, start + 1)
            octets = data[start + 1 : end if end >= 0 else None]
            if not_data:  # 27.010 5.2.7.3: they belong to the line, inside frames and between them
                octets = octets.translate(None, not_data)
            offset = base + start + removed if start else base
            if len(octets) > self._longest:
                self.skipped += len(octets) - self._longest
                items.append(FrameDropped(offset, DropReason.TOO_LONG, flag + octets[: self._longest]))
            elif end < 0:
                if offset >= self._given_up or not octets:
                    self._keep_partial(start, octets)
                    return items
                self.skipped += len(octets)
                items.append(FrameDropped(offset, DropReason.TRUNCATED, flag + octets))
            elif not octets:  # XON or XOFF between two flags: fill
                start = end
                continue
            else:
                frame = self._frame(octets)
                if isinstance(frame, DropReason):
                    items.append(FrameDropped(offset, frame, data[start : end + 1]))
                else:
                    items.append(frame)
                    self.paused = frame.type is not _UIH or not frame.dlci
            if offsets is not None:
                offsets.append(offset)
            start = end  # a closing flag may open the next frame
        self._drop_to(start if start >= 0 else len(data))
        return items

    def _keep_partial(self, start: int, octets: bytes) -> None:
        """Keep a flag and the part of the frame that has come, without XON and XOFF, which must not fill the memory."""
        self._drop_to(start)
        self._removed += len(self._data) - 1 - len(octets)
        self._data = self._flag + octets

    def _frame(self, octets: bytes) -> Frame | DropReason:
        """Decode the octets between two flags, or return why they are not a frame."""
        if octets.endswith(b"\x7d") and (len(octets) - len(octets.rstrip(b"\x7d"))) & 1:
            return DropReason.ABORTED  # 27.010 5.2.4; an even run is 7D escaped, which is allowed
        body = unescape(octets)
        if len(body) < 3:  # 27.010 5.2.3
            return DropReason.LENGTH
        cache = HEADERS[Option.ADVANCED]
        header = cache.parsed.get(body[:2]) or cache.parse(body[:2])
        if isinstance(header, BadHeader):
            return header.reason
        info = body[2:-1]
        if len(info) > self._n1:
            return DropReason.TOO_LONG
        if info and header.type not in CARRY_INFO:
            return DropReason.LENGTH
        if body[-1] != (fcs(body[:-1]) if header.fcs is None else header.fcs):
            return DropReason.FCS
        return Frame(header.dlci, header.cr, header.type, header.pf, info, header.nr, header.ns)

    def _last_good(self) -> int:
        return -1  # a flag would have ended the partial frame
