"""Which DLC sends next: urgent ones first, then fair turns, a new flow before the old ones; no DLC waits long.

This is deficit round robin with the list of new flows of FQ-CoDel, where a turn is one frame and the quantum is the
shortest N1 of the busy DLCs: a DLC with longer frames cuts them to it. So no deficit is ever left, octets are shared as
evenly as frames, and no DLC waits for a long turn of another.

Priority alone would let a busy urgent DLC keep all others from the line. Therefore no DLC waits for more frames than
there are DLCs that may send, plus one. The urgent DLCs get every frame that is not needed to keep this promise: the
next one after they were idle and, of *n* + 2 frames of *n* DLCs, the three that the other *n* - 1 leave.
"""

from __future__ import annotations

from collections.abc import Callable, ValuesView
from dataclasses import dataclass
from itertools import cycle, islice
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
class Flow:
    """A DLC that has something to send, or had until a moment ago."""

    dlci: int
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
        self._sign = {PriorityOrder.NONE: 0, PriorityOrder.HIGH_FIRST: -1}.get(order, 1)
        self._flows: dict[int, Flow] = {}
        self._frames = 0  # sent so far
        self.alike: bool = True
        """They are served in order: all alike, none late, and new ones, if any, before the others."""

    def activate(self, dlci: int, priority: int, longest: int, *, waits: bool) -> None:
        """Let a DLC take part: it has something to send.

        Args:
            dlci: which one.
            priority: 0 to 63.
            longest: the longest frame that it sends, in octets of information.
            waits: it could already send before; otherwise its wait begins now, though it keeps its place.
        """
        level = priority * self._sign
        flow = self._flows.get(dlci)
        if flow is None:
            if self.alike and self._flows:
                last = self._flows[next(reversed(self._flows))]
                self.alike = last.new and last.level == level and last.longest == longest
            self._flows[dlci] = Flow(dlci, level, longest, self._frames)
            return
        late = flow.late
        if not waits:
            flow.since = self._frames
            late = dlci != next(reversed(self._flows))
        if flow.level != level or flow.longest != longest or flow.late is not late:
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
        if self.alike:
            for flow in self._flows.values():
                if may_send(flow.dlci):
                    return Turn(flow.dlci, flow.longest)
                break
        busy: list[Flow] = []
        idle: list[int] = []
        for dlci, flow in self._flows.items():
            if may_send(dlci):
                busy.append(flow)
                if self.alike:
                    break
            elif not busy and not has_data(dlci):  # all others had their turn, and it is still empty
                idle.append(dlci)
        for dlci in idle:
            self.forget(dlci)
        if not busy:
            return None
        if len(busy) == 1:
            return Turn(busy[0].dlci, busy[0].longest)
        flow = min(busy, key=_urgency)
        busy.sort(key=_begin)
        for place, other in enumerate(busy):
            if other is flow:
                break
            # What it has waited, plus what it still has to wait if from the next frame on the longest wait goes first.
            if self._frames - other.since + place + 1 > len(busy) + 1:
                flow = busy[0]
                break
        shortest = min(other.longest for other in busy if other.level == flow.level)
        return Turn(flow.dlci, max(shortest, SHORTEST_TURN))

    @property
    def busy(self) -> bool:
        """Whether a DLC takes turns, or did until a moment ago."""
        return bool(self._flows)

    @property
    def flows(self) -> ValuesView[Flow]:
        """The DLCs that take turns, in order, if they are `alike`."""
        return self._flows.values()

    def forget(self, dlci: int) -> None:
        """Count a DLC as idle: all others had their turn, and it is still empty."""
        del self._flows[dlci]
        if not self.alike:
            self._compare()

    def sent(self, dlci: int, *, empty: bool = False) -> None:
        """Note that a DLC had its turn.

        Args:
            dlci: which one.
            empty: it has nothing more: if no other one takes turns, it is idle.
        """
        self._frames += 1
        if empty and len(self._flows) == 1:
            self.forget(dlci)
            return
        flow = self._flows[dlci] = self._flows.pop(dlci)
        flow.since, flow.new, flow.late = self._frames, False, False
        if not self.alike:
            self._compare()

    def sent_in_order(self, turns: int) -> None:
        """Note that the DLCs, which are `alike`, had so many turns, one after another."""
        flows = self._flows
        last = min(turns, len(flows))  # how many of them are the last ones of a DLC
        first = (turns - last) % len(flows)
        self._frames += turns
        for at, dlci in enumerate([*islice(cycle(flows), first, first + last)], self._frames - last + 1):
            flow = flows[dlci] = flows.pop(dlci)
            flow.since, flow.new = at, False

    def _compare(self) -> None:
        alike = len({(flow.level, flow.longest) for flow in self._flows.values()}) <= 1
        new = [flow.new for flow in self._flows.values()]
        self.alike = alike and new == sorted(new, reverse=True) and not any(flow.late for flow in self._flows.values())


def _urgency(flow: Flow) -> tuple[int, bool]:
    return flow.level, not flow.new


def _begin(flow: Flow) -> int:
    return flow.since
