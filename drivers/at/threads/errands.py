"""What sinks and dialogues of one channel want of other channels, done after the lock of the first has been released.

News for a driver on another channel wake that channel, which takes its lock. Two threads that did so with the locks of
their own channels held would wait for each other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Errand = Callable[[], None]


class Errands(threading.local):
    """The errands of this thread, while it has the lock of a channel."""

    _channel: object = None
    _jobs: list[Errand]

    @contextmanager
    def collected(self, channel: object) -> Iterator[list[Errand]]:
        """Collect errands in the ``with`` block, in which the sinks or a dialogue of a channel are called.

        Args:
            channel: the channel, whose lock may be held.
        """
        self._channel, self._jobs = channel, []
        try:
            yield self._jobs
        finally:
            self._channel = None

    @contextmanager
    def run_after(self, channel: object) -> Iterator[None]:
        """Collect errands in the ``with`` block, and do them after it: ``with errands.run_after(channel), lock:``.

        Args:
            channel: the channel that the lock belongs to.
        """
        collected: list[Errand] = []
        try:
            with self.collected(channel) as collected:
                yield
        finally:
            for errand in collected:
                errand()

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
