"""A module on a pty that hears at one baud rate, and changes that: by AT+IPR, or with multiplexer mode."""

from __future__ import annotations

import re

from mux_module import Module

from cmux.protocol.events import Event, SessionClosed


class RateModule(Module):
    """See `Module`.

    Args:
        rate: the rate of AT mode.
        mux_rate: the rate of multiplexer mode; None: the same.
        stays: it does not go back to its first rate when the session ends.
        habits: see `mux_module.Habits`.
    """

    def __init__(
        self, rate: int = 115200, mux_rate: int | None = None, *, stays: bool = False, **habits: object
    ) -> None:
        super().__init__(baudrate=rate, **habits)
        self.mux_rate, self.stays = mux_rate, stays
        self._at_rate = rate

    def _command(self, command: str) -> None:
        super()._command(command)
        if self.in_mux:
            self._at_rate = self.habits.baudrate or 0
            self.habits.baudrate = self.mux_rate or self.habits.baudrate
        elif command in self.habits.answers and (rate := re.fullmatch(r"AT\+IPR=(\d+)", command)):
            self.habits.baudrate = int(rate[1])

    def _handle(self, events: list[Event]) -> None:
        super()._handle(events)
        if any(isinstance(event, SessionClosed) for event in events) and not self.stays:
            self.habits.baudrate = self._at_rate
