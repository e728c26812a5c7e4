"""A peer that sleeps by itself after a silence, and loses what wakes it: when flags go first, and frames wait.

No message tells that such a peer sleeps, as PSC does (see `power`), only the silence. It is woken by flags, whose loss
costs nothing.
"""

from __future__ import annotations

from .config import Config


class SelfSleep:
    """Knows from the silence on the line whether the peer may sleep, and since when it has been woken.

    Args:
        config: `sleeps_after`, None for a peer that does not; `wake_pause`.
    """

    def __init__(self, config: Config) -> None:
        self._after = config.sleeps_after
        self._pause = config.wake_pause
        self._last: float | None = None  # when octets passed, either way; None: nothing is known, so it may sleep
        self.ready_at: float | None = None
        """When a frame may follow the flags that wake the peer; None when no frame has to wait."""

    @property
    def pauses(self) -> bool:
        """Whether frames wait after flags."""
        return self._after is not None and self._pause > 0

    def may_sleep(self, now: float) -> bool:
        """Tell whether the silence has been long enough."""
        return self._after is not None and (self._last is None or now - self._last >= self._after)

    def agreed(self) -> None:
        """Note that the stations have agreed to sleep: that is as good as any silence."""
        self._last = None

    def passed(self, now: float) -> None:
        """Note octets in either direction; the first ones after the silence wake the peer, or show that it wakes up."""
        if self.may_sleep(now):
            self.woken(now)
        self._last = now

    def woken(self, now: float) -> None:
        """Begin the pause, or begin it anew because the flags have left only now."""
        self.ready_at = now + self._pause if self.pauses else None
        self._last = now

    def expire(self, now: float) -> None:
        """End the pause if its time has come."""
        if self.ready_at is not None and now >= self.ready_at:
            self.ready_at = None
