"""An event loop whose timers are not late: epoll counts in milliseconds, each of which is eleven octets at 115,200."""

from __future__ import annotations

import asyncio
import select
import selectors

_SHORT = 0.05  # seconds of a wait in which a millisecond counts
_HIGHEST = 1023  # descriptor that `select.select` takes


def new_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop, with a selector that waits to the microsecond where the system's own does not."""
    if hasattr(selectors, "EpollSelector"):
        return asyncio.SelectorEventLoop(_PreciseSelector())
    return asyncio.new_event_loop()


if hasattr(selectors, "EpollSelector"):

    class _PreciseSelector(selectors.EpollSelector):
        """Waits for its own descriptor, which `select.select` does to the microsecond."""

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            if timeout is not None and 0 < timeout < _SHORT and self.fileno() <= _HIGHEST:
                select.select([self.fileno()], [], [], timeout)
                timeout = 0
            return super().select(timeout)
