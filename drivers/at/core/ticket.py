"""The ticket of one dialogue for its turn of a channel, by which others can make it give up."""

from __future__ import annotations

from collections.abc import Callable

from .dialogue import Kind, Step


def _nobody() -> None:
    return None


class Ticket:
    """One dialogue that waits for its turn of a channel, or has it."""

    def __init__(self) -> None:
        self.abandoned: bool = False
        """Whether it has been told to give up."""
        self.waits_for: str = ""
        """The name of what its dialogue waits for; empty before its turn."""
        self._failure: Exception | None = None
        self._wake: Callable[[], None] = _nobody

    def waits_on(self, wake: Callable[[], None]) -> None:
        """Note how to wake the caller that runs the dialogue."""
        self._wake = wake

    def begin(self, step: Step) -> None:
        """Note that the dialogue has begun a step."""
        self.waits_for = step.told if step.kind in (Kind.EXPECT, Kind.PAUSE) else f"the answer to {step.told}"

    def abandon(self, failure: Exception) -> None:
        """Make the dialogue give up, as an interruption does; called by another thread or task.

        Args:
            failure: the exception for the caller of the dialogue.
        """
        self.abandoned, self._failure = True, failure
        self._wake()

    def check(self, step: Step | None = None) -> None:
        """Raise the exception of `abandon`, once.

        Args:
            step: the step in flight. A command that has no other way out is waited for: until the module has answered
                it, the module takes no other one.
        """
        held = step is not None and step.kind is Kind.COMMAND and step.abandon is None
        if self._failure is not None and not held:
            failure, self._failure = self._failure, None
            raise failure
