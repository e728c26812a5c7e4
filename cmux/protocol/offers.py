"""The channels that the peer has opened and that have not been accepted here yet."""

from __future__ import annotations

from .events import Closed, Event, Opened


class Offers:
    """A queue of DLCIs without duplicates, so it never holds more than 61."""

    def __init__(self) -> None:
        self._dlcis: dict[int, None] = {}

    def __len__(self) -> int:
        return len(self._dlcis)

    def handle(self, event: Event) -> bool:
        """Update the queue by an event of the session.

        Args:
            event: an event of the core.

        Returns:
            Whether there is a new channel to accept.
        """
        if isinstance(event, Opened) and event.by_peer:
            self._dlcis[event.dlci] = None
            return True
        if isinstance(event, Closed):
            self._dlcis.pop(event.dlci, None)
        return False

    def take(self) -> int | None:
        """Remove the DLCI that has waited longest, and return it; None when there is none."""
        dlci = next(iter(self._dlcis), None)
        if dlci is not None:
            del self._dlcis[dlci]
        return dlci

    def taken(self, dlci: int) -> None:
        """Remove a DLCI that was taken by its number."""
        self._dlcis.pop(dlci, None)
