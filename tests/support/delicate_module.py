"""A module on a pty that hears nothing any more if an octet comes too soon after its OK to AT+CMUX."""

from __future__ import annotations

import time

from mux_module import Module


class DelicateModule(Module):
    """See `Module`.

    Args:
        wants: seconds of silence after OK.
        habits: see `mux_module.Habits`.
    """

    def __init__(self, wants: float, **habits: object) -> None:
        super().__init__(**habits)
        self.wants = wants
        self.dead = False
        self._ok_at = 0.0

    def _command(self, command: str) -> None:
        super()._command(command)
        if self.in_mux:
            self._ok_at = time.monotonic()

    def _receive(self, data: bytes) -> None:
        if self.in_mux and time.monotonic() < self._ok_at + self.wants:
            self.dead = True
            self.mute()
        else:
            super()._receive(data)
