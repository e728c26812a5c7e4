"""The data typed at a prompt: until Ctrl-Z, by count, or until a timer expires."""

from __future__ import annotations

CTRL_Z = 0x1A
ESC = 0x1B


class Entry:
    """Collects the data typed at one prompt.

    Args:
        length: octets to wait for; None for the form that ends with Ctrl-Z.
        most: octets that the form with Ctrl-Z sends; what is typed beyond is dropped.
        esc_cancels: whether ESC ends it without sending.
    """

    def __init__(self, length: int | None, *, most: int, esc_cancels: bool) -> None:
        self.length: int | None = length
        self.finished: bool = False
        self.cancelled: bool = False
        self.dropped: int = 0  # octets beyond the most that one prompt takes
        self._data = bytearray()
        self._most = most
        self._esc_cancels = esc_cancels

    @property
    def data(self) -> bytes:
        """The data to send."""
        return bytes(self._data)

    def feed(self, octets: bytes) -> tuple[int, int]:
        """Take typed octets.

        Args:
            octets: the input.

        Returns:
            How many of them belong to the entry, and how many of those are data (not Ctrl-Z, not ESC).
        """
        stop = self._stop(octets)
        data = octets if stop is None else octets[:stop]
        room = (self._most if self.length is None else self.length) - len(self._data)
        if self.length is None:
            self._data += data[:room]
            self.dropped += max(0, len(data) - room)
        else:
            data = data[:room]
            self._data += data
            if len(self._data) == self.length:
                self.finished = True
                return len(data), len(data)
        if stop is None:
            return len(octets), len(octets)
        self.finished = True
        self.cancelled = octets[stop] == ESC
        return stop + 1, stop

    def expire(self) -> None:
        """End it because its timer expired."""
        self.finished = True

    def _stop(self, octets: bytes) -> int | None:
        """Return the position of the Ctrl-Z or ESC that ends it, or None."""
        ends = [CTRL_Z] if self.length is None else []
        if self._esc_cancels:
            ends.append(ESC)
        found = [at for at in (octets.find(end) for end in ends) if at >= 0]
        return min(found, default=None)
