"""What a service centre does in a moment, unless the power of the module is cut."""

from __future__ import annotations

from collections.abc import Callable

from ...clock import Timer
from ..environment import Environment


class Later:
    """Calls a function later, or another one when it is cancelled before.

    Args:
        environment: loop and clock.
        among: where it stands until then.
        seconds: from 0 up; 0 is as soon as that can be.
        work: what is called.
        cut: what is called in its place.
    """

    def __init__(
        self,
        environment: Environment,
        among: set[Later],
        seconds: float,
        work: Callable[[], object],
        cut: Callable[[], object],
    ) -> None:
        self._among = among
        self._work = work
        self._cut = cut
        self._timer: Timer = (
            environment.clock.call_later(environment.loop, seconds, self._run)
            if seconds
            else environment.loop.call_soon(self._run)
        )
        among.add(self)

    def cancel(self) -> None:
        """Do not do it."""
        self._timer.cancel()
        self._among.discard(self)
        self._cut()

    def _run(self) -> None:
        self._among.discard(self)
        self._work()
