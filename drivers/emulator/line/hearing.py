"""What a module hears of its host in multiplexer mode: nothing that comes too early, and nothing while it is deaf."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..modem import Modem

log: logging.Logger = logging.getLogger(__name__)

#: Takes octets of the host.
Receive = Callable[[bytes], None]


class Hearing:
    """Passes on what a module hears.

    Args:
        modem: the module.
        receive: takes it.
    """

    def __init__(self, modem: Modem, receive: Receive) -> None:
        self._modem = modem
        self._receive = receive

    def take(self, data: bytes) -> None:
        """Take octets of the host."""
        if self._modem.latched:
            self._modem.heard()
        if not self._modem.deaf:
            self._receive(data)

    def settling(self, settled: Callable[[Receive], None]) -> Receive:
        """Return what takes the octets of a host after the OK to AT+CMUX: it loses those that come too early.

        Args:
            settled: called once, before the first octets that are heard, with what takes octets from then on.
        """
        environment = self._modem.environment
        ready_at = environment.clock.now() + environment.behaviour.cmux_settle

        def take(data: bytes) -> None:
            early = environment.clock.now() < ready_at
            self._modem.deaf |= early and environment.behaviour.cmux_deadlock
            if early or self._modem.deaf:
                log.info("%d octets are lost: they came too early after OK to AT+CMUX", len(data))
                return
            settled(self.take)
            self.take(data)

        return take
