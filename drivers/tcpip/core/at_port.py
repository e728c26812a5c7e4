"""The interface that the rules need from an AT channel."""

from __future__ import annotations

from typing import Protocol

from ...at.core import Sink


class AtPort(Protocol):
    """An AT channel, on threads or in asyncio, as far as the rules use it."""

    name: str

    def add_sink(self, sink: Sink) -> None:
        """Add a sink for unsolicited results and data."""

    def remove_sink(self, sink: Sink) -> None:
        """Remove a sink."""

    def _room_made(self) -> None:
        """Learn that a sink is no longer congested."""
