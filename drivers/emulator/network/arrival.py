"""When data that has come shows: some time behind what has brought it, as `Behaviour.result_time` says."""

from __future__ import annotations

from collections.abc import Callable

from ...clock import Timer
from ..environment import Environment


class Arrival:
    """Holds back data that may be the answer to something sent; what goes on with a stream shows at once.

    Args:
        environment: loop, clock, behaviour.
        shows: called when what was held back shows.
    """

    def __init__(self, environment: Environment, shows: Callable[[], None]) -> None:
        self._environment = environment
        self._shows = shows
        self._timer: Timer | None = None
        self._flows_until = 0.0  # until when data goes on with what has come before

    @property
    def pending(self) -> bool:
        """Whether data is held back."""
        return self._timer is not None

    def come(self, *, alone: bool, announced: bool) -> None:
        """Called when data has come.

        Args:
            alone: whether no other data waits.
            announced: whether a line tells of it, and it waits to be read.
        """
        distance = self._environment.behaviour.result_time
        if not distance or self.pending:
            return
        if alone and (announced or self._environment.clock.now() >= self._flows_until):
            self._timer = self._environment.clock.call_later(self._environment.loop, distance, self._over)
        else:
            self._flow(distance)

    def sent(self) -> None:
        """Called when something is sent: what comes next may be its answer."""
        self._flows_until = 0.0

    def cancel(self) -> None:
        """Hold nothing back any more, without a word."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _over(self) -> None:
        self._timer = None
        self._flow(self._environment.behaviour.result_time)
        self._shows()

    def _flow(self, distance: float) -> None:
        self._flows_until = self._environment.clock.now() + distance
