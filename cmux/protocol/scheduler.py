"""Which DLC sends next: each one with something to say gets one frame a round."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable


class Scheduler:
    """Round robin over the DLCs that have data; one that cannot send now keeps its place.

    Args:
        may_send: tells whether a DLC has something that may leave now.
    """

    def __init__(self, may_send: Callable[[int], bool]) -> None:
        self._may_send = may_send
        self._round: deque[int] = deque()

    def activate(self, dlci: int) -> None:
        """Let a DLC take part: it has data."""
        if dlci not in self._round:
            self._round.append(dlci)

    def remove(self, dlci: int) -> None:
        """Take a DLC out: it has no more data, or is closed."""
        if dlci in self._round:
            self._round.remove(dlci)

    def next(self) -> int | None:
        """Return the DLC whose turn it is, without taking its turn; None when none may send."""
        for dlci in self._round:
            if self._may_send(dlci):
                return dlci
        return None

    def sent(self, dlci: int) -> None:
        """Note that the DLC had its turn."""
        self._round.remove(dlci)
        self._round.append(dlci)
