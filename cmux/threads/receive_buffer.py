"""What a channel has received and nobody has read yet, with the water marks that stop the peer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

XON: Final = 0x11
XOFF: Final = 0x13

RECEIVE_HIGH = 32768
"""Octets in the buffer at which the peer is asked to stop."""
RECEIVE_LOW = 8192
"""Octets left when it may go on."""
RECEIVE_LIMIT = 1 << 20
"""Octets that are kept at most when the peer does not stop."""


class ReceiveBuffer:
    """Octets in the order in which they came; everything but `feed` is for whoever holds `condition`.

    The water marks are for what nobody waits for: a reader that wants more than they allow raises them.

    Args:
        arrived: called with `condition` held when octets have come, with whether the peer has to be asked to stop.
    """

    def __init__(self, arrived: Callable[[bool], None] = lambda full: None) -> None:
        self.condition: threading.Condition = threading.Condition()
        """Notified when octets came, when there is room again, and when the state of the channel changed."""
        self.xonxoff = False
        """XON and XOFF among the received octets let go and stop what is written, and are taken out."""
        self.held: bool = False
        """XOFF came, and no XON since."""
        self._arrived = arrived
        self._octets = bytearray()
        self.discarded: int = 0
        """Octets that came although the buffer was full."""
        self.arrived_at: float = 0.0
        """When the last octets came, on the caller's clock."""
        self.paused: bool = False
        """The peer was asked to stop."""
        self.wanted = 0
        """Octets that a reader waits for."""

    def __len__(self) -> int:
        return len(self._octets)

    def feed(self, data: bytes) -> None:
        """Take octets from the line and wake who waits for them.

        Args:
            data: the octets.
        """
        with self.condition:
            if self.xonxoff:
                on, off = data.rfind(XON), data.rfind(XOFF)
                if on != off:
                    self.held = off > on
                    data = data.translate(None, bytes((XON, XOFF)))
            self._arrived(self.put(data, time.monotonic()))
            self.condition.notify_all()

    def put(self, data: bytes, now: float) -> bool:
        """Take octets from the line; what has no room is counted and lost.

        Args:
            data: the octets.
            now: the time.

        Returns:
            True when the peer has to be asked to stop.
        """
        room = max(0, RECEIVE_LIMIT + self.wanted - len(self._octets))
        self.discarded += max(0, len(data) - room)
        self._octets += data[:room]
        self.arrived_at = now
        if self.paused or len(self._octets) < RECEIVE_HIGH + self.wanted:
            return False
        self.paused = True
        return True

    def take(self, size: int) -> bytes:
        """Hand octets to a reader, `size` of them at most."""
        data = bytes(self._octets[:size])
        del self._octets[:size]
        return data

    def find(self, expected: bytes, start: int, end: int | None) -> int:
        """Return where a sequence begins, or -1."""
        return self._octets.find(expected, start, end)

    def may_resume(self) -> bool:
        """Tell whether the peer, which was asked to stop, is to be let go; the answer is True once."""
        if not self.paused or len(self._octets) > RECEIVE_LOW + self.wanted:
            return False
        self.paused = False
        return True

    def clear(self) -> None:
        """Throw everything away."""
        self._octets.clear()
