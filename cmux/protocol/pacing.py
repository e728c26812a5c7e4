"""Paces writing to the rate of the line, so that urgent octets do not queue behind a file."""

from __future__ import annotations

_BITS_PER_OCTET = 10
_FRAME_OVERHEAD = 7
_CHUNK = 4096  # octets at a time on a line that has no rate


class Pacer:
    """Tells when the next frame may be written: as soon as at most one frame that was written before waits in the line.

    Args:
        rate: bits per second; None: no pacing.
        n1: length of the longest information field in octets.
    """

    def __init__(self, rate: int | None, n1: int) -> None:
        self._rate = rate
        frame = n1 + _FRAME_OVERHEAD
        self._ahead = frame * _BITS_PER_OCTET / rate if rate else 0.0
        self._idle_at = 0.0  # when the line will have sent what was written
        self.limit = 0 if rate else _CHUNK
        """Octets beyond the first frame that may be written at a time."""

    def next_at(self, now: float) -> float | None:
        """Return when more may be written; None: at once."""
        at = self._idle_at - self._ahead
        return at if at > now else None

    def gave(self, count: int, now: float) -> None:
        """Note that octets were written."""
        if self._rate:
            self._idle_at = max(now, self._idle_at) + count * _BITS_PER_OCTET / self._rate
