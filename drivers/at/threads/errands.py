"""What the sinks of one channel want of other channels, done after the lock of the first one has been released.

News for a driver on another channel wake that channel, which takes its lock. Two readers that did so with their own
locks held would wait for each other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Errand = Callable[[], None]


class Errands(threading.local):
    """The errands of this thread, while it calls sinks."""

    _channel: object = None
    _jobs: list[Errand]

    @contextmanager
    def collected(self, channel: object) -> Iterator[list[Errand]]:
        """Collect errands in the ``with`` block, in which the sinks of a channel are called.

        Args:
            channel: the channel, whose lock may be held.
        """
        self._channel, self._jobs = channel, []
        try:
            yield self._jobs
        finally:
            self._channel = None

    def deferred(self, channel: object, job: Errand) -> bool:
        """Keep a job for later if a sink of another channel wants it; return whether it is kept.

        Args:
            channel: the channel that it is for.
            job: the job.
        """
        if self._channel in (None, channel):
            return False
        self._jobs.append(job)
        return True


errands: Errands = Errands()
"""Those of each thread."""
