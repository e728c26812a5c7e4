"""Keep-alive of TCP: an idle connection is probed, and given up where nobody answers (RFC 1122 4.2.3.6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...clock import Timer
from ..environment import Environment

_NOTHING = 0.001  # seconds that are none: times are floating-point numbers


@dataclass(frozen=True, slots=True)
class Probing:
    """Describes when an idle connection is probed.

    Args:
        idle: seconds without a sign of life until the first probe.
        interval: seconds between probes that are not answered.
        count: how many of them, until the connection is given up.
    """

    idle: float
    interval: float
    count: int = 9


class Prober:
    """Probes one connection by the module's clock. Whoever has it answers, unless the network is silent.

    Args:
        environment: loop, clock, network.
        unanswered: called when as many probes as there are have not been answered.
    """

    def __init__(self, environment: Environment, unanswered: Callable[[], None]) -> None:
        self._environment = environment
        self._unanswered = unanswered
        self._settings: Probing | None = None
        self._heard_at = environment.clock.now()
        self._missed = 0
        self._timer: Timer | None = None

    def set(self, settings: Probing | None) -> None:
        """Probe by other settings from now on, or, with None, no more."""
        self.cancel()
        self._settings, self._missed = settings, 0
        self._rest()

    def heard(self) -> None:
        """Note a sign of life of the other side."""
        self._heard_at, self._missed = self._environment.clock.now(), 0

    def cancel(self) -> None:
        """Probe no more."""
        self._settings = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self, seconds: float) -> None:
        self._timer = self._environment.clock.call_later(self._environment.loop, seconds, self._due)

    def _rest(self) -> None:
        if self._settings is not None:
            self._wait(max(0.0, self._heard_at + self._settings.idle - self._environment.clock.now()))

    def _due(self) -> None:
        settings = self._settings
        if settings is None:
            return
        if not self._missed and self._heard_at + settings.idle - self._environment.clock.now() > _NOTHING:
            self._rest()
        elif not self._environment.network.silent:
            self.heard()
            self._rest()
        elif self._missed == settings.count:
            self.cancel()
            self._unanswered()
        else:
            self._missed += 1
            self._wait(settings.interval)
