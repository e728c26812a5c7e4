"""What a channel has received and nobody has read yet, with the water marks that stop the peer."""

from __future__ import annotations

RECEIVE_HIGH = 32768
"""Octets in the buffer at which the peer is asked to stop."""
RECEIVE_LOW = 8192
"""Octets left when it may go on."""
RECEIVE_LIMIT = 1 << 20
"""Octets that are kept at most when the peer does not stop."""


class ReceiveBuffer:
    """Octets in the order in which they came; whoever uses it holds a lock.

    The water marks are for what nobody waits for: a reader that wants more than they allow raises them.
    """

    def __init__(self) -> None:
        self._octets = bytearray()
        self.discarded = 0
        """Octets that came although the buffer was full."""
        self.arrived_at = 0.0
        """When the last octets came, on the caller's clock."""
        self.paused = False
        """The peer was asked to stop."""
        self.wanted = 0
        """Octets that a reader waits for."""

    def __len__(self) -> int:
        return len(self._octets)

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
