"""Questions for the addresses of names, whose answers come as events that do not say which question they are for."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from cmux.forks import Lock

from .changes import Changes
from .events import Resolved


class Questions:
    """The questions that have no answer yet, of all tables within one scope: the next answer is for the oldest one.

    Args:
        begun: called before each question.
    """

    def __init__(self, begun: Callable[[], None]) -> None:
        self._begun = begun
        self._lock = Lock()
        self._asking: collections.deque[Asker] = collections.deque()

    def __repr__(self) -> str:
        return f"<Questions: {len(self._asking)} without an answer>"

    @contextmanager
    def asking(self, asker: Asker) -> Iterator[None]:
        """Wait for an answer in the ``with`` block.

        Args:
            asker: the table that waits.
        """
        self._begun()
        with self._lock:
            self._asking.append(asker)
        try:
            yield
        finally:
            with self._lock, suppress(ValueError):
                self._asking.remove(asker)

    def next_asker(self) -> Asker | None:
        """Return the table that has asked first, which is about to have its answer; None: none has asked."""
        with self._lock:
            return self._asking.popleft() if self._asking else None


class Asker:
    """The part of a table that asks for the addresses of a name.

    Args:
        questions: the questions of its scope.
    """

    def __init__(self, questions: Questions) -> None:
        self.changes: Changes = Changes()
        """The lock of the addresses of a name."""
        self.counters: collections.Counter[str] = collections.Counter()
        """Counters of unexpected events, by name."""
        self._questions = questions
        self._resolved: Resolved | None = None

    @contextmanager
    def asking_for_a_name(self) -> Iterator[None]:
        """Register a question whose answer comes as `events.Resolved`; an earlier answer is discarded."""
        self._resolved = None
        with self._questions.asking(self):
            yield

    def _add_resolved(self, event: Resolved) -> None:
        """Pass the addresses of a name to the table that has asked first; count them if none has asked."""
        asker = self._questions.next_asker()
        if asker is None:
            self.counters["names_for_nobody"] += 1
            return
        with asker.changes:
            asker._resolved = event
            asker.changes.notify()

    def take_resolved(self) -> Resolved | None:
        """Return the answer to the question for a name, or None if it has not come yet."""
        with self.changes:
            return self._resolved
