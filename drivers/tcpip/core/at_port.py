"""What the rules need of an AT channel."""

from __future__ import annotations

from typing import Protocol

from ...at.core import Sink


class AtPort(Protocol):
    """What the rules need of an AT channel, on threads or in asyncio."""

    name: str

    def add_sink(self, sink: Sink) -> None:
        """Let a sink take unsolicited results and data."""

    def remove_sink(self, sink: Sink) -> None:
        """Let a sink go."""

    def room_made(self) -> None:
        """Learn that a sink is no longer congested."""
