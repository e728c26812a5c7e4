"""The octets that a channel has received and that have not been read, with the water marks that stop the peer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from ..protocol import bounds
from .waiting import ChannelCondition

XON: Final = 0x11
XOFF: Final = 0x13


class ReceiveBuffer:
    """Octets in the order in which they came; all methods but `feed` need `condition` held.

    The water marks are for octets that no reader waits for: a reader that wants more than they allow raises them.

    Args:
        arrived: called with `condition` held when octets have come; the argument tells whether to ask the peer to stop.
        kick: see `ChannelCondition`.
    """

    def __init__(
        self, arrived: Callable[[bool], None] = lambda full: None, kick: Callable[[], None] = lambda: None
    ) -> None:
        self.condition: ChannelCondition = ChannelCondition(kick)
        """Notified when octets came, when there is room to write, and when the state of the channel has changed."""
        self.xonxoff = False
        """XON and XOFF among the received octets are taken out, and start and stop what is written."""
        self.held: bool = False
        """XOFF has come, and no XON since."""
        self._arrived = arrived
        self._octets = bytearray()
        self.discarded: int = 0
        """Octets that were dropped because the buffer was full."""
        self.arrived_at: float = 0.0
        """When the last octets came, by `time.monotonic`."""
        self.paused: bool = False
        """The peer has been asked to stop."""
        self.wanted = 0
        """Octets that a reader waits for."""

    def __len__(self) -> int:
        return len(self._octets)

    def feed(self, data: bytes) -> None:
        """Add octets from the line, and wake the threads that wait for them.

        Args:
            data: the octets.
        """
        with self.condition:
            if self.xonxoff:
                data = self._obey(data)
            self._arrived(self.put(data, time.monotonic()))
            self.condition.notify_octets()

    def _obey(self, data: bytes) -> bytes:
        """Stop or start what is written, and return the other octets."""
        on, off = data.rfind(XON), data.rfind(XOFF)
        if on == off:
            return data
        self.held = off > on
        if not self.held:
            self.condition.notify_room()
        return data.translate(None, bytes((XON, XOFF)))

    def put(self, data: bytes, now: float) -> bool:
        """Add octets from the line; those without room are dropped and counted.

        Args:
            data: the octets.
            now: the time.

        Returns:
            True when the peer has to be asked to stop.
        """
        room = max(0, bounds.RECEIVE_LIMIT + self.wanted - len(self._octets))
        self.discarded += max(0, len(data) - room)
        self._octets += data[:room]
        self.arrived_at = now
        if self.paused or len(self._octets) < bounds.RECEIVE_HIGH + self.wanted:
            return False
        self.paused = True
        return True

    def take(self, size: int, got: list[bytes]) -> None:
        """Remove up to `size` octets for a reader.

        Args:
            size: how many.
            got: gets them, in the same moment: an interrupt cannot come in between.
        """
        data = bytes(self._octets[:size])
        got[:], self._octets[:size] = (data,), b""

    def put_back(self, got: list[bytes]) -> None:
        """Put octets that were taken in front again: their reader was interrupted."""
        if got:
            self._octets[:0] = got.pop()

    def find(self, expected: bytes, start: int, end: int | None) -> int:
        """Return the position of a sequence, or -1."""
        return self._octets.find(expected, start, end)

    def may_resume(self) -> bool:
        """Tell whether the peer, which was asked to stop, may continue now; only the first answer is True."""
        if not self.paused or len(self._octets) > bounds.RECEIVE_LOW + self.wanted:
            return False
        self.paused = False
        return True

    def clear(self) -> None:
        """Discard all octets."""
        self._octets.clear()
