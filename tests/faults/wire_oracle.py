"""What has to come of the octets of one direction, by a decoder that is written from 27.010 (`reference_decoder`).

It knows what was sent, what was done to it and what arrived. A frame none of whose octets was touched has to be found
in what arrived, at its place. One that was touched may be found where its FCS does not reach (27.010 §5.2.1.6: that of
UIH covers the header only), where the FCS passes by chance, and where only a flag more or less is the difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from damage import Edit
from reference_decoder import DISC, DM, SABM, UA, UI, UIH, Bad, Good, advanced, basic

from cmux.protocol import Option

CONTROL = 0
_ENDS = {SABM, UA, DM, DISC}  # the state of a DLC changes with them


@dataclass
class Verdict:
    """What the octets of one direction mean."""

    sent: int = 0
    """Frames that were sent."""
    arrived: int = 0
    """Frames that the receiver has to find."""
    dropped: Counter[str] = field(default_factory=Counter)
    """What it has to drop, by reason."""
    skipped: int = 0
    """Octets between frames."""
    damaged: int = 0
    """Frames with an octet that was touched."""
    passed: int = 0
    """Frames that arrived and were touched, or that nobody sent."""
    missing: list[int] = field(default_factory=list)
    """The positions of frames that nobody touched and that are not there: there must be none."""
    malformed: list[int] = field(default_factory=list)
    """The positions where the sender sent something that is no frame: there must be none."""
    sent_data: dict[int, bytes] = field(default_factory=dict)
    arrived_data: dict[int, bytes] = field(default_factory=dict)
    """The information fields of UIH and UI frames, by DLCI."""
    disturbed: set[int] = field(default_factory=set)
    """DLCIs that were closed or opened meanwhile, by either side, or by octets that looked like that."""


def flush(option: Option, n1: int) -> bytes:
    """Return flags, so many that no decoder waits for the rest of a frame behind them."""
    return b"\xf9" * (n1 + 8) if option is Option.BASIC else b"\x7e\x7e"


def judge(before: bytes, after: bytes, edits: Iterable[Edit], option: Option, n1: int) -> Verdict:
    """Compare.

    Args:
        before: what was sent; it begins and ends between frames.
        after: what arrived.
        edits: what was done to it, in order.
        option: the framing.
        n1: the longest information field that the receiver takes.
    """
    decode = basic if option is Option.BASIC else advanced
    verdict = Verdict()
    sent, found = decode(before, 32767), decode(after, n1)
    places = {at: one for at, one in found.items if isinstance(one, Good)}
    verdict.arrived, verdict.skipped = len(places), found.skipped
    verdict.dropped.update(one.reason for _, one in found.items if isinstance(one, Bad))
    verdict.malformed = [at for at, one in sent.items if isinstance(one, Bad)] + [0] * (sent.skipped > 0)
    verdict.arrived_data = _data(places.values(), verdict.disturbed)
    frames = [(at, _end(before, at, option, one), one) for at, one in sent.items if isinstance(one, Good)]
    verdict.sent_data = _data((one for _, _, one in frames), verdict.disturbed)
    verdict.sent = len(frames)
    untouched = _untouched(frames, list(edits))
    verdict.damaged = len(frames) - len(untouched)
    missed = 0
    for place, one in untouched:
        if places.get(place) != one:
            missed += 1
            if not _swallowed(place, places, after, option):
                verdict.missing.append(place)
    verdict.passed = len(places) - (len(untouched) - missed)
    return verdict


def _data(frames: Iterable[Good], disturbed: set[int]) -> dict[int, bytes]:
    data: dict[int, list[bytes]] = {}
    for one in frames:
        if one.kind in _ENDS:
            disturbed.add(one.dlci)
        elif one.kind in (UIH, UI) and one.dlci not in disturbed and CONTROL not in disturbed:
            data.setdefault(one.dlci, []).append(one.info)
    return {dlci: b"".join(parts) for dlci, parts in data.items()}


def _end(octets: bytes, at: int, option: Option, frame: Good) -> int:
    """Return the position behind the closing flag of a frame."""
    if option is Option.ADVANCED:
        return octets.index(0x7E, at + 1) + 1
    return at + 1 + 2 + (1 if len(frame.info) < 128 else 2) + len(frame.info) + 1 + 1


def _untouched(frames: list[tuple[int, int, Good]], edits: list[Edit]) -> list[tuple[int, Good]]:
    """Return the frames none of whose octets was touched, with the positions of their opening flags in what arrived."""
    untouched = []
    index, shift = 0, 0
    for start, end, one in frames:
        while index < len(edits) and edits[index].at + edits[index].removed <= start:
            shift += len(edits[index].inserted) - edits[index].removed
            index += 1
        if index == len(edits) or edits[index].at >= end:
            untouched.append((start + shift, one))
    return untouched


def _swallowed(place: int, places: dict[int, Good], after: bytes, option: Option) -> bool:
    """Tell whether damage that passes the FCS by chance reaches over the opening flag of a frame."""
    return any(
        at < place < _end(after, at, option, one) - 1 for at, one in places.items() if place - 2 * 32767 < at < place
    )
