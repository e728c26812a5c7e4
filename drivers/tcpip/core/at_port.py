"""The interface that the rules need from an AT channel."""

from __future__ import annotations

from typing import Protocol

from ...at.core import Sink


class AtPort(Protocol):
    """The part of an AT channel, on threads or in asyncio, that the rules use."""

    name: str

    @property
    def _modem(self) -> object:
        """The object that identifies the modem."""

    @property
    def _call_ended(self) -> bool:
        """Whether the line that came last has ended a call of this channel."""

    @property
    def _came(self) -> str:
        """The lines that came since the last command, for messages."""

    def add_sink(self, sink: Sink) -> None:
        """Add a sink for unsolicited results and data."""

    def remove_sink(self, sink: Sink) -> None:
        """Remove a sink."""

    def _room_made(self) -> None:
        """Let the reader continue: a sink is no longer congested."""
