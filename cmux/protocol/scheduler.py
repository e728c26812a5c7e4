"""Which DLC sends next: the urgent ones first, then fair turns, a new flow before the old ones; nobody waits long.

This is deficit round robin with the list of new flows of FQ-CoDel, where a turn is one frame and the quantum is the
shortest N1 of those that are busy: a DLC with longer frames cuts them to it. So no deficit is ever left, octets are
shared as evenly as frames, and nobody waits for a long turn of another.

Priority would let a busy urgent DLC keep all others from the line. It does not: no DLC waits for more frames than
there are DLCs that may send, and one more. What the urgent ones have of it is every frame that is not needed to keep
this promise: the next one after they were idle, and of *n* DLCs' *n* + 2 frames the three that the other *n* - 1 leave.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from .config import PriorityOrder

SHORTEST_TURN = 31
"""Octets to which long frames are cut at most, the default N1 of 27.010 §5.7.2: with less, headers fill the line."""


class Turn(NamedTuple):
    """Whose turn it is."""

    dlci: int
    """The DLC."""
    longest: int
    """How many octets of information its frame may have; its own N1 holds as well."""


@dataclass(slots=True)
class _Flow:
    """A DLC that has something to send, or had until a moment ago."""

    level: int  # its priority; the lowest number goes first
    longest: int  # its N1
    since: int  # how many frames had left when its wait began
    new: bool = True  # it was idle and has not had its turn
    late: bool = False  # its wait began behind that of some who stand behind it


class Scheduler:
    """The DLCs that have data, in the order in which they had their last turn.

    One that runs empty, or is closed, keeps its place until all others have had their turn; only then it counts as
    idle. So a DLC is *new* once per idle period and cannot push itself forward by sending little.

    Args:
        order: which priority number is served first.
    """

    def __init__(self, order: PriorityOrder) -> None:
        self._order = order
        self._flows: dict[int, _Flow] = {}
        self._frames = 0  # that have left
        self._alike = True  # nothing but the order of the last turns tells them apart

    def activate(self, dlci: int, priority: int, longest: int, *, waits: bool) -> None:
        """Let a DLC take part: it has something to send.

        Args:
            dlci: which one.
            priority: 0 to 63.
            longest: the longest frame that it sends, in octets of information.
            waits: it could send before, too; else its wait begins now, though it keeps the place that it has.
        """
        level = 0 if self._order is PriorityOrder.NONE else priority
        if self._order is PriorityOrder.HIGH_FIRST:
            level = -level
        flow = self._flows.get(dlci)
        if flow is None:
            self._flows[dlci] = _Flow(level, longest, self._frames)
            self._compare()
            return
        late = flow.late
        if not waits:
            flow.since = self._frames
            late = dlci != next(reversed(self._flows))
        if (flow.level, flow.longest, flow.late) != (level, longest, late):
            flow.level, flow.longest, flow.late = level, longest, late
            self._compare()

    def next(self, may_send: Callable[[int], bool], has_data: Callable[[int], bool]) -> Turn | None:
        """Return the DLC whose turn it is; ask as often as you like, `sent` ends the turn.

        Args:
            may_send: whether a DLC has something that may leave now.
            has_data: whether it has something at all; one that has nothing becomes idle.

        Returns:
            The turn, or None when no DLC may send.
        """
        busy: list[tuple[int, _Flow]] = []
        idle: list[int] = []
        for dlci, flow in self._flows.items():
            if may_send(dlci):
                busy.append((dlci, flow))
                if self._alike:
                    break
            elif not busy and not has_data(dlci):  # all others had their turn, and it is still empty
                idle.append(dlci)
        for dlci in idle:
            del self._flows[dlci]
        if idle:
            self._compare()
        if not busy:
            return None
        if len(busy) == 1:
            return Turn(busy[0][0], busy[0][1].longest)
        dlci, flow = min(busy, key=_urgency)
        busy.sort(key=_begin)
        for place, (_, other) in enumerate(busy):
            if other is flow:
                break
            # What it has waited, and has to wait even if from the next frame on the longest wait ends first.
            if self._frames - other.since + place + 1 > len(busy) + 1:
                dlci, flow = busy[0]
                break
        shortest = min(other.longest for _, other in busy if other.level == flow.level)
        return Turn(dlci, max(shortest, SHORTEST_TURN))

    def sent(self, dlci: int) -> None:
        """Note that a DLC had its turn."""
        self._frames += 1
        flow = self._flows.pop(dlci)
        self._flows[dlci] = flow
        flow.since = self._frames
        if flow.new or flow.late:
            flow.new = flow.late = False
            self._compare()

    def _compare(self) -> None:
        kinds = {(flow.level, flow.longest, flow.new) for flow in self._flows.values()}
        self._alike = len(kinds) <= 1 and not any(flow.late for flow in self._flows.values())


def _urgency(one: tuple[int, _Flow]) -> tuple[int, bool]:
    return one[1].level, not one[1].new


def _begin(one: tuple[int, _Flow]) -> int:
    return one[1].since
