"""A module on a pty that says OK to AT+CMUX and leaves SABM unanswered, some times."""

from __future__ import annotations

from mux_module import Module


class StubbornModule(Module):
    """See `Module`; in multiplexer mode it hears only CLD until it has been entered often enough.

    Args:
        deaf: how often AT+CMUX comes to nothing.
        habits: see `mux_module.Habits`.
    """

    def __init__(self, deaf: int, **habits: object) -> None:
        super().__init__(**habits)
        self.entered = 0
        """How often AT+CMUX was answered with OK."""
        self._deaf = deaf

    def _command(self, command: str) -> None:
        super()._command(command)
        if self.in_mux:
            self.entered += 1
            self.habits.answers_sabm = self.entered > self._deaf
