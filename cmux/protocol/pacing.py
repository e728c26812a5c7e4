"""Writing no faster than a line sends, so that what comes later and matters more does not queue behind a file."""

from __future__ import annotations

_BITS_PER_OCTET = 10
_FRAME_OVERHEAD = 7
_CHUNK = 4096  # octets at a time on a line that has no rate


class Pacer:
    """Says when the next frame may be given to a line: when at most one that was given before waits there.

    Args:
        rate: bits per second; None: a line takes what it takes.
        n1: octets of the longest information field.
    """

    def __init__(self, rate: int | None, n1: int) -> None:
        self._rate = rate
        frame = n1 + _FRAME_OVERHEAD
        self._ahead = frame * _BITS_PER_OCTET / rate if rate else 0.0
        self._idle_at = 0.0  # when the line will have sent what it was given
        self.limit = 0 if rate else _CHUNK
        """Octets beyond the first frame that may be given at a time."""

    def next_at(self, now: float) -> float | None:
        """Return the moment at which the line may be given more; None: at once."""
        at = self._idle_at - self._ahead
        return at if at > now else None

    def gave(self, count: int, now: float) -> None:
        """Take note that the line was given octets."""
        if self._rate:
            self._idle_at = max(now, self._idle_at) + count * _BITS_PER_OCTET / self._rate
