"""Octets of the input of ``decode`` with what is known about them, and how they become frames."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ..protocol import AdvancedDecoder, BasicDecoder, Option
from ..protocol.events import FrameDropped
from ..protocol.frames import Decoder
from ..protocol.wire import FrameType
from .decode_formats import Found
from .decode_tally import Tally

_UNDECIDED = 65536  # octets without a good frame in either option, after which it is taken for the basic one


@dataclass(frozen=True, slots=True)
class Portion:
    """Octets that the input has in one place."""

    octets: bytes
    """The octets."""
    sent: bool | None = None
    """Their direction, if the input has directions: True for what was sent, by the host unless its SABM came in."""
    named: bool = False
    """Whether the input names the host or the module, so that `sent` means the host."""
    timestamp: int | None = None
    """Nanoseconds on the clock of the input, if it has times."""


@dataclass(slots=True)
class _Piece:
    """Where a portion is in the octets of its direction, and where in those of the whole input."""

    at: int
    offset: int
    portion: Portion


class _Stream:
    """The octets of one direction, in each option that they may have."""

    def __init__(self, options: Iterable[Option], n1: int) -> None:
        decoders: dict[Option, Decoder] = {Option.BASIC: BasicDecoder(n1), Option.ADVANCED: AdvancedDecoder(n1)}
        self.decoders = {option: decoders[option] for option in options}
        self._longest = 2 * (n1 + 8)  # as far back a frame may begin, every octet escaped
        self._pieces: list[_Piece] = []
        self._total = 0

    def scan(self, portion: Portion, offset: int) -> Iterator[Found]:
        """Decode a portion, at an offset of the whole input."""
        while len(self._pieces) > 1 and self._pieces[1].at <= self._total - self._longest:
            del self._pieces[0]
        self._pieces.append(_Piece(self._total, offset, portion))
        self._total += len(portion.octets)
        for option, decoder in self.decoders.items():
            for at, item in decoder.scan(portion.octets):
                yield self._found(at, item, option)

    def finish(self) -> Iterator[Found]:
        """Decode what is left at the end of the input."""
        for option, decoder in self.decoders.items():
            for at, item in decoder.finish():
                yield self._found(at, item, option)

    def _found(self, at: int, item: object, option: Option) -> Found:
        piece = self._pieces[max(0, bisect_right(self._pieces, at, key=lambda one: one.at) - 1)]
        portion = piece.portion
        return Found(piece.offset + at - piece.at, item, option, portion.timestamp, portion.sent, portion.named)  # type: ignore[arg-type]


def decoded(portions: Iterable[Portion], option: str, n1: int, tally: Tally | None = None) -> Iterator[Iterable[Found]]:
    """Decode portions, each direction for itself, in both options until it is clear which one it is.

    Args:
        portions: the octets.
        option: basic, advanced or auto.
        n1: the longest information field.
        tally: learns at the end of the portions how many octets are in no frame.
    """
    options = list(Option) if option == "auto" else [Option(option)]
    streams: dict[bool | None, _Stream] = {}
    held: dict[Option, list[Found]] = {one: [] for one in options}
    good = dict.fromkeys(options, 0)
    undecided = total = 0
    sides = _Sides()
    for portion in portions:
        stream = streams.setdefault(portion.sent, _Stream(options, n1))
        for found in stream.scan(portion, total):
            held[found.option].append(found)
            good[found.option] += not isinstance(found.item, FrameDropped)
        total += len(portion.octets)
        undecided += len(portion.octets)
        chosen = max(good, key=good.__getitem__)  # of equals the first, which is the basic option
        if len(options) > 1 and not good[chosen] and undecided < _UNDECIDED:
            continue
        if len(options) > 1:
            options = [chosen]
            for stream in streams.values():
                stream.decoders = {chosen: stream.decoders[chosen]}
        yield sides.of(held[chosen])
        held, good = {chosen: []}, {chosen: 0}
    for stream in streams.values():
        for found in stream.finish():
            held[found.option].append(found)
            good[found.option] += not isinstance(found.item, FrameDropped)
    chosen = max(good, key=good.__getitem__)
    if tally is not None:
        tally.outside += sum(stream.decoders[chosen].skipped for stream in streams.values())
    yield sides.of(sorted(held[chosen], key=lambda one: one.offset))


class _Sides:
    """Finds out who wrote a log of what was sent and received: the host, unless SABM for DLCI 0 was received first."""

    def __init__(self) -> None:
        self._host_sends: bool | None = None

    def of(self, found: list[Found]) -> list[Found]:
        """Return items with the direction that was found out."""
        return [self._side(one) for one in found]

    def _side(self, one: Found) -> Found:
        if one.from_host is None or one.named:
            return one
        if self._host_sends is None and not isinstance(one.item, FrameDropped):
            begins = one.item.type is FrameType.SABM and not one.item.dlci
            self._host_sends = one.from_host if begins else True
        return replace(one, from_host=one.from_host is (self._host_sends is not False))
