"""Octets of a line into blocks of pcapng; frames that are like an earlier one are not taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from typing import Final

from ..protocol.config import Option
from ..protocol.events import FrameDropped
from ..protocol.frames import BasicDecoder, Frame, encode
from ..protocol.wire import BASIC_FLAG, FrameType
from . import pcapng
from .formats import Pcapng
from .hiding import Hiding

_FLAG: Final = bytes((BASIC_FLAG,))
_TAIL: Final = 2  # octets of FCS and closing flag
_SHORTEST: Final = 6  # octets of a frame without information field
_MOST_KNOWN: Final = 1024  # kinds of frames
_MOST_AT_ONCE: Final = 64  # frames
_FORMAT: Final = Pcapng()


@dataclass(frozen=True, slots=True)
class _Like:
    """What is the same in frames of a user that differ in the octets of their information field only."""

    dlci: int
    head: bytes
    """From the opening flag up to the information field."""
    tail: bytes
    """The FCS, which does not cover that field, and the closing flag."""
    tail_at: int
    """Where the tail begins."""
    size: int
    """The octets of a frame, with both flags."""
    around: pcapng.Around
    """What stands around the frame in its block."""
    info: slice
    """Where the information field is."""

    def masked(self) -> bytes:
        """Return such a frame with zeros as its information field."""
        return self.head + bytes(self.tail_at - len(self.head)) + self.tail

    def frames(self, data: bytes, at: int) -> tuple[Sequence[bytes], int, int]:
        """Return the frames like this one that follow one another at a place.

        Args:
            data: the octets; at least one frame fits.
            at: where the first has its opening flag.

        Returns:
            At least the first, and not always all, or none if the first is not like this one; where the last has its
            closing flag; and how far apart they begin.
        """
        end = at + self.size
        if data.startswith(self.head, end):
            step = self.size
        elif data.startswith(self.head, end - 1):  # 27.010 5.2.6.1: the closing flag may open the next frame
            step = self.size - 1
        else:  # the usual case where channels take turns
            return ((data[at:end],) if data.startswith(self.tail, at + self.tail_at) else ()), end - 1, self.size
        count = (len(data) - end) // step + 1
        if count > _MOST_AT_ONCE:
            count = _MOST_AT_ONCE
        octets = data[at : at + count * step + 1] if at else data
        run = _run(self.head, self.tail, self.size, step, count)
        for column, same in run.columns:
            if octets[column] != same:
                count = run.count(octets)
                run = _run(self.head, self.tail, self.size, step, count)
                break
        frames: Sequence[bytes] = run.layout.unpack_from(octets)
        if step < self.size:
            frames = [frame + _FLAG for frame in frames]
        return frames, end - 1 + (count - 1) * step, step


@dataclass(frozen=True, slots=True)
class _Run:
    """Frames that are like each other and follow one another."""

    columns: tuple[tuple[slice, bytes], ...]
    """Where each octet of head and tail is in all of them, and what has to be there."""
    layout: Struct
    """The frames, without closing flag where that opens the next one: all are copied in one call."""

    def count(self, octets: bytes) -> int:
        """Count the frames up to the first that is not like them."""
        return min(len(octets[column]) - len(octets[column].lstrip(same[:1])) for column, same in self.columns)


@lru_cache(maxsize=256)
def _run(head: bytes, tail: bytes, size: int, step: int, count: int) -> _Run:
    end = (count - 1) * step + 1
    places = (*enumerate(head), *enumerate(tail, size - len(tail)))
    columns = tuple((slice(place, place + end, step), bytes((octet,)) * count) for place, octet in places)
    return _Run(columns, Struct(f"{step}s" * count))


class BlockWriter:
    """Makes the blocks of one direction of a line in the basic option.

    A frame that equals one which the decoder has accepted, but for the octets of its information field, is a good frame
    too, since the FCS of UIH does not cover these (27.010 §5.2.1.6): many of them are found at once, and written as
    they are. Everything else goes through the decoder.

    Args:
        n1_receive: longest information field that is accepted, in octets.
        from_host: the direction.
        payload: False replaces the octets of user DLCs by zeros.
    """

    def __init__(self, n1_receive: int, *, from_host: bool, payload: bool) -> None:
        self._decoder = BasicDecoder(n1_receive)
        self._from_host = from_host
        self._payload = payload
        self._hiding = Hiding()
        self._known: dict[bytes, _Like] = {}  # by the head
        self._rest = b""  # the beginning of a frame, from a flag on; the decoder has no part of a frame then

    def __call__(self, data: bytes, timestamp: int) -> bytes:
        """Take octets from the line.

        Args:
            data: any number of octets.
            timestamp: nanoseconds since 1970.

        Returns:
            The blocks of the frames that they complete; what is no frame is left out.
        """
        if self._rest:
            if self._rest != _FLAG or data[:1] != _FLAG:  # else it is fill
                data = self._rest + data
            self._rest = b""
        known, size, stamp = self._known, len(data), pcapng.stamp(timestamp)
        blocks: list[bytes] = []
        at = 0
        while at + _SHORTEST <= size and data[at] == BASIC_FLAG:
            if data[at + 1] == BASIC_FLAG:  # 27.010 5.2.5: any run of flags is fill
                at += 1
                continue
            like = known.get(data[at : at + 4]) or known.get(data[at : at + 5])
            if like is None:
                break
            if at + like.size > size:
                self._rest = data[at:]
                return b"".join(blocks)
            frames, last, step = like.frames(data, at)
            if not frames:
                break
            if not self._payload:
                frames = [like.masked()] * len(frames)
            elif not self._hiding.has_none(like.dlci, data, (at, last), step, like.info):
                frames = [self._hidden(like, frame) for frame in frames]
            at = last
            blocks.append(like.around.blocks(frames, stamp))
        else:
            if data.startswith(_FLAG, at):
                self._rest = data[at:]
                return b"".join(blocks)
        blocks.append(self._decoded(data[at:], timestamp))
        return b"".join(blocks)

    def _hidden(self, like: _Like, frame: bytes) -> bytes:
        return like.head + self._hiding.hide(like.dlci, frame[like.info]) + like.tail

    def _decoded(self, data: bytes, timestamp: int) -> bytes:
        blocks: list[bytes] = []
        for item in self._decoder.receive_data(data):
            if isinstance(item, FrameDropped):
                continue
            if item.dlci:
                info = self._hiding.hide(item.dlci, item.info) if self._payload else bytes(len(item.info))
                item = item._replace(info=info)
            if item.dlci and item.type is FrameType.UIH:
                self._learn(item)
            blocks.append(_FORMAT.frame(item, Option.BASIC, from_host=self._from_host, timestamp=timestamp))
        if self._decoder.pending:
            self._rest = _FLAG + self._decoder.take_rest()
        return b"".join(blocks)

    def _learn(self, frame: Frame) -> None:
        """Keep what frames like this one have in common."""
        octets = encode(frame)
        tail_at = len(octets) - _TAIL
        head = octets[: tail_at - len(frame.info)]
        if head not in self._known:
            if len(self._known) >= _MOST_KNOWN:  # noise could fill it without limit
                self._known.clear()
            around = pcapng.around(len(octets), from_host=self._from_host)
            self._known[head] = _Like(
                frame.dlci, head, octets[tail_at:], tail_at, len(octets), around, slice(len(head), tail_at)
            )
