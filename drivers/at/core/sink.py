"""The interface of those who are told what comes on a channel unasked: unsolicited results and data."""

from __future__ import annotations

from typing import Protocol

from .lexer import Framing
from .patterns import LinePattern


class Sink(Protocol):
    """Receives unsolicited results and data. Its methods run while octets are read, and must return at once."""

    @property
    def lines(self) -> tuple[LinePattern, ...]:
        """The unsolicited results that this sink may accept."""

    @property
    def framing(self) -> Framing:
        """How data for this sink is currently distinguished from lines."""

    @property
    def congested(self) -> bool:
        """Whether it holds so much unread data that no more should be read from the line."""

    def take_line(self, text: str) -> bool:
        """Handle an unsolicited result; return False if it is not for this sink.

        Args:
            text: the line without its CR LF.
        """

    def take_data(self, header: str, data: bytes) -> bool:
        """Handle received data and its header (empty for bare data); return False if it is not for this sink.

        Args:
            header: the header that announced the data.
            data: the octets.
        """

    def lost(self, cause: Exception) -> None:
        """Handle the end of the line: nothing more will be received.

        Args:
            cause: why.
        """
