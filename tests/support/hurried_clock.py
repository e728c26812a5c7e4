"""A clock on which time passes faster, for tests that see a real deadline run out."""

from __future__ import annotations

import threading

from drivers.clock import SystemClock


class HurriedClock(SystemClock):
    """Seconds of this clock are shorter than real ones.

    Args:
        factor: how many of them make a real second.
    """

    def __init__(self, factor: float) -> None:
        self._factor = factor

    def now(self) -> float:
        return super().now() * self._factor

    def wait(self, condition: threading.Condition, timeout: float | None) -> bool:
        return super().wait(condition, None if timeout is None else timeout / self._factor)
