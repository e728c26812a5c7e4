"""Which DLC sends next: urgent ones first, then fair turns, a new flow before the old ones; no DLC waits long.

This is deficit round robin with the list of new flows of FQ-CoDel, where a turn is one frame and the quantum is the
shortest N1 of the busy DLCs: a DLC with longer frames cuts them to it. So no deficit is ever left, octets are shared as
evenly as frames, and no DLC waits for a long turn of another.

Priority alone would let a busy urgent DLC keep all others from the line. Therefore no DLC waits for more frames than
there are DLCs that may send, plus one. The urgent DLCs get every frame that is not needed to keep this promise: the
next one after they were idle and, of *n* + 2 frames of *n* DLCs, the three that the other *n* - 1 leave.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from .config import PriorityOrder

SHORTEST_TURN = 31
"""Long frames are not cut below this many octets, the default N1 of 27.010 §5.7.2: headers would fill the line."""


class Turn(NamedTuple):
    """Whose turn it is."""

    dlci: int
    """The DLC."""
    longest: int
    """The most octets of information that its frame may have; its own N1 applies as well."""


@dataclass(slots=True)
class _Flow:
    """A DLC that has something to send, or had until a moment ago."""

    level: int  # its priority; the lowest number goes first
    longest: int  # its N1
    since: int  # how many frames had been sent when its wait began
    new: bool = True  # it was idle and has not had its turn
    late: bool = False  # its wait began later than that of some DLCs behind it


class Scheduler:
    """The DLCs that have data, in the order in which they had their last turn.

    A DLC that runs empty, or is closed, keeps its place until all others have had their turn; only then does it count
    as idle. So a DLC is *new* once per idle period and cannot get ahead by sending little.

    Args:
        order: which priority number is served first.
    """

    def __init__(self, order: PriorityOrder) -> None:
        self._order = order
        self._flows: dict[int, _Flow] = {}
        self._frames = 0  # sent so far
        self._alike = True  # they differ only in the order of their last turns

    def activate(self, dlci: int, priority: int, longest: int, *, waits: bool) -> None:
        """Let a DLC take part: it has something to send.

        Args:
            dlci: which one.
            priority: 0 to 63.
            longest: the longest frame that it sends, in octets of information.
            waits: it could already send before; otherwise its wait begins now, though it keeps its place.
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
        """Return the DLC whose turn it is; it may be called any number of times, as only `sent` ends the turn.

        Args:
            may_send: tells whether a DLC has something that may be sent now.
            has_data: tells whether it has anything at all; a DLC that has nothing becomes idle.

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
            # What it has waited, plus what it still has to wait if from the next frame on the longest wait goes first.
            if self._frames - other.since + place + 1 > len(busy) + 1:
                dlci, flow = busy[0]
                break
        shortest = min(other.longest for _, other in busy if other.level == flow.level)
        return Turn(dlci, max(shortest, SHORTEST_TURN))

    @property
    def busy(self) -> bool:
        """Whether a DLC takes turns, or did until a moment ago."""
        return bool(self._flows)

    @property
    def lone(self) -> bool:
        """Whether a single DLC takes turns, and all of them are alike until another one comes."""
        return len(self._flows) == 1 and not any(flow.new or flow.late for flow in self._flows.values())

    def sent(self, dlci: int) -> None:
        """Note that a DLC had its turn, or several if it is `lone`: nobody waits for it then."""
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
