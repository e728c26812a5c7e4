"""What sessions and listeners have in common: a lock, the result of opening them, and the cause of their end."""

from __future__ import annotations

from abc import ABC, abstractmethod

from .changes import Changes


class Openable(ABC):
    """A session or a listener that a module opens, perhaps with a result that comes later."""

    def __init__(self) -> None:
        self.changes: Changes = Changes()
        """The lock of its state."""
        self._code: int | None = None
        self._ended: Exception | None = None

    def opened(self, code: int) -> None:
        """Note the result of opening it; the first one counts.

        Args:
            code: 0 if it is open, otherwise the error code of the module.
        """
        with self.changes:
            self._code = code if self._code is None else self._code
            self.changes.notify()

    def outcome(self) -> int | None:
        """Return the result of opening it that `opened` noted, or None if there is none yet.

        Raises:
            drivers.errors.SessionClosed: it has ended before that.
        """
        with self.changes:
            if self._code is None and self._ended is not None:
                raise self._again(self._ended)
            return self._code

    @abstractmethod
    def _again(self, cause: Exception) -> Exception:
        """Return a new exception for this caller; the first cause stays chained to it."""
