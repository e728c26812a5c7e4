"""Which DLC sends next: by priority, then fairly (deficit round robin with a list of new flows, as in FQ-CoDel)."""

from __future__ import annotations

from collections.abc import Callable

from .config import PriorityOrder


class _Level:
    """The DLCs of one priority that have data, in two rounds: those that were idle, and the others.

    A DLC with data holds what is left of its quantum as its deficit; when that is used up it goes to the end of the
    old round. One that runs empty in the new round waits a turn in the old one before it counts as idle: so a DLC is
    *new* once per idle period and cannot push itself forward by sending little.
    """

    def __init__(self) -> None:
        self.new: dict[int, int] = {}
        self.old: dict[int, int] = {}


class Scheduler:
    """The rounds of all priorities.

    Args:
        order: which priority number is served first.
    """

    def __init__(self, order: PriorityOrder) -> None:
        self._order = order
        self._quantum = 1  # octets that a DLC may send a turn: as long as the longest frame of any of them
        self._levels: dict[int, _Level] = {}
        self._level_of: dict[int, int] = {}

    def activate(self, dlci: int, priority: int, longest: int) -> None:
        """Let a DLC take part: it has something to send.

        Args:
            dlci: which one.
            priority: 0 to 63.
            longest: the longest frame that it sends, in octets of information.
        """
        self._quantum = max(self._quantum, longest)
        if dlci in self._level_of:
            return
        number = 0 if self._order is PriorityOrder.NONE else priority
        if self._order is PriorityOrder.HIGH_FIRST:
            number = -number
        if number not in self._levels:
            self._levels[number] = _Level()
            self._levels = dict(sorted(self._levels.items()))
        self._levels[number].new[dlci] = self._quantum
        self._level_of[dlci] = number

    def remove(self, dlci: int) -> None:
        """Take a DLC out: it is closed, or its data were discarded."""
        number = self._level_of.pop(dlci, None)
        if number is not None:
            level = self._levels[number]
            level.new.pop(dlci, None)
            level.old.pop(dlci, None)

    def next(self, may_send: Callable[[int], bool], has_data: Callable[[int], bool]) -> int | None:
        """Return the DLC whose turn it is; ask as often as you like, `sent` ends the turn.

        Args:
            may_send: whether a DLC has something that may leave now.
            has_data: whether it has something at all; one that has nothing becomes idle.

        Returns:
            The DLC, or None when none may send.
        """
        for level in self._levels.values():
            for flows in (level.new, level.old):
                for dlci in list(flows):
                    if may_send(dlci):
                        return dlci
                    if flows is level.old and not has_data(dlci):  # its turn came round and it was still empty: idle
                        self.remove(dlci)
        return None

    def sent(self, dlci: int, octets: int, *, empty: bool) -> None:
        """Note what a DLC sent.

        Args:
            dlci: which one.
            octets: how many, at least 1.
            empty: it has nothing more for now.
        """
        level = self._levels[self._level_of[dlci]]
        flows = level.new if dlci in level.new else level.old
        flows[dlci] -= octets
        if flows[dlci] > 0 and not empty:
            return
        deficit = flows.pop(dlci)
        level.old[dlci] = deficit if deficit > 0 else deficit + self._quantum
