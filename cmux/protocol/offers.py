"""The channels that the peer has opened and that nobody here has taken yet."""

from __future__ import annotations

from .events import Closed, Event, Opened


class Offers:
    """A queue of DLCIs, each of them in it once; so 61 is the most that it ever holds."""

    def __init__(self) -> None:
        self._dlcis: dict[int, None] = {}

    def __len__(self) -> int:
        return len(self._dlcis)

    def handle(self, event: Event) -> bool:
        """Take an event of a session.

        Args:
            event: from the core.

        Returns:
            Whether there is something new to take.
        """
        if isinstance(event, Opened) and event.by_peer:
            self._dlcis[event.dlci] = None
            return True
        if isinstance(event, Closed):
            self._dlcis.pop(event.dlci, None)
        return False

    def take(self) -> int | None:
        """Return the DLCI that has waited longest, once; None when there is none."""
        dlci = next(iter(self._dlcis), None)
        if dlci is not None:
            del self._dlcis[dlci]
        return dlci

    def taken(self, dlci: int) -> None:
        """Take note that somebody has a channel by its number."""
        self._dlcis.pop(dlci, None)
