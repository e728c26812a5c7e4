"""A module that sleeps by itself in multiplexer mode, and loses what wakes it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..environment import Environment

log: logging.Logger = logging.getLogger(__name__)


class Sleeper:
    """Decides from the silence on the line what the module does not hear.

    Args:
        environment: clock and behaviour.
    """

    def __init__(self, environment: Environment) -> None:
        self._now = environment.clock.now
        self._sleeps_after = environment.behaviour.cmux_sleeps_after
        self._wake_pause = environment.behaviour.cmux_wake_pause
        self._last = self._now()
        self._ready_at = 0.0

    def passed(self, data: bytes, sent: bool) -> None:
        """Note octets of either side, of which the module has heard or sent each."""
        self._last = self._now()

    def filter(self, receive: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """Return what takes the octets of the host, and passes those on that the module hears.

        Args:
            receive: takes these.
        """
        return (lambda data: receive(data) if self._hears(data) else None) if self._sleeps_after else receive

    def _hears(self, data: bytes) -> bool:
        now = self._now()
        if now - self._last >= self._sleeps_after:
            self._ready_at = now + self._wake_pause
        self._last = now
        if now < self._ready_at:
            log.info("%d octets are lost: the module was asleep, and wakes up", len(data))
            return False
        return True
