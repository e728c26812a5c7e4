"""Passes what a channel receives to one context: the family classifies it, the rules get events."""

from __future__ import annotations

from collections.abc import Callable

from ...at.core import Framing, LinePattern
from .events import Event, ModuleReset
from .session_table import SessionTable
from .stack import TcpipStack


class Demultiplexer:
    """The sink of a driver on its channel. Its methods run on the reader of the channel and return at once.

    Args:
        stack: classifies lines and data.
        table: the sessions of the context.
        handle: called with the events.
    """

    def __init__(self, stack: TcpipStack, table: SessionTable, handle: Callable[[Event], None]) -> None:
        self._stack = stack
        self._table = table
        self._handle = handle

    @property
    def lines(self) -> tuple[LinePattern, ...]:
        """See `Sink.lines`."""
        return self._stack.lines

    @property
    def framing(self) -> Framing:
        """See `Sink.framing`."""
        return self._stack.framing

    @property
    def congested(self) -> bool:
        """See `Sink.congested`; where the module keeps the data, it is not fetched instead."""
        full = any(session.congested and self._stack.pushes(session) for session in self._table.standing())
        return full or self._stack.congested

    def take_line(self, text: str) -> bool:
        """See `Sink.take_line`."""
        event = self._stack.classify(text)
        if event is None:
            return False
        self._handle(event)
        return not isinstance(event, ModuleReset)  # a reset concerns every context of the UART

    def take_data(self, header: str, data: bytes) -> bool:
        """See `Sink.take_data`."""
        event = self._stack.classify_data(header, data)
        if event is None:
            return False
        self._handle(event)
        return True

    def lost(self, cause: Exception) -> None:
        """See `Sink.lost`."""
        self._table._break_off(cause, gone=False)
