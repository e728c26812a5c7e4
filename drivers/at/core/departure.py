"""Whether the octets that were written have left for the module: by the port, by the module's word, or by the rate."""

from __future__ import annotations

BITS = 10
"""Bits of an octet on a UART, with its start and stop bit."""
SLOWEST = 9600
"""The rate of a line behind a multiplexer that does not answer whether it has everything."""
UNSEEN = 16384
"""The most octets that may be on their way where the port does not see them: in an adapter, in a server of ports."""
LOOK = 0.02
"""Seconds between two looks at the port."""
UNANSWERED = 2.0
"""Seconds beyond the slowest line for which the module's word is waited for."""
STUCK = 2.0
"""Seconds in which a port has to send at least one octet of those that wait in it."""


class _Line:
    """When a line has sent everything, by its rate."""

    def __init__(self) -> None:
        self.idle_at = float("-inf")
        self._second = 0.0  # octets in one

    def wrote(self, count: int, begun: float, rate: float) -> None:
        self._second = rate / BITS
        self.idle_at = max(begun, self.idle_at) + count / self._second

    def took_all(self, now: float) -> None:
        """Forget what cannot be on its way any more: the port has nothing left to send."""
        if self._second:
            self.idle_at = min(self.idle_at, now + UNSEEN / self._second)


class Departure:
    """Follows the octets of one port to the line; its caller reads the clock and looks at the port."""

    def __init__(self) -> None:
        self.number: int = 0
        """The number of the wait, for the question to the module."""
        self.waiting: int = 0
        """The octets that the port had still to send at the last look."""
        self.next_look: float | None = None
        """When the port is to be looked at; None while nothing waits for it."""
        self._line, self._slowest = _Line(), _Line()
        self._moved_at = 0.0

    def wrote(self, count: int, begun: float, rate: float | None) -> None:
        """Note that octets were written.

        Args:
            count: how many.
            begun: when writing began.
            rate: bits per second of the line; None: not known.
        """
        if rate:
            self._line.wrote(count, begun, rate)
        self._slowest.wrote(count, begun, SLOWEST)

    def begin(self, now: float) -> None:
        """Wait until everything has left."""
        self.number += 1
        self.waiting, self.next_look, self._moved_at = 0, now, now

    def end(self) -> None:
        """Wait no longer."""
        self.next_look = None

    def look(self, waiting: int, arrived: bool | None, now: float) -> bool:
        """Tell whether everything has left.

        Args:
            waiting: the octets that the port has still to send, as far as it knows.
            arrived: whether the module has said that it has everything; None: it cannot be asked.
            now: when the port was looked at.
        """
        if not waiting or not self.waiting or waiting < self.waiting:
            self._moved_at = now
        self.waiting, self.next_look = waiting, now + LOOK
        if waiting:
            return False
        self._line.took_all(now)
        self._slowest.took_all(now)
        if arrived is None:
            self.next_look = due = self._line.idle_at
        else:
            due = max(self._line.idle_at, self._slowest.idle_at) + UNANSWERED
        if not arrived and now < due:
            return False
        self.end()
        return True

    def stuck(self, now: float) -> bool:
        """Tell whether the port has sent nothing for too long although octets wait in it."""
        return self.waiting > 0 and now - self._moved_at >= STUCK
