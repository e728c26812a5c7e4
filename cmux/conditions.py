"""A condition variable whose ``with`` no interrupt can break."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType


class Condition(threading.Condition):
    """A `threading.Condition` that can be used in the main thread.

    ``with`` calls a function of `threading.Condition` that is written in Python. A signal handler can run at its end,
    when the lock is taken, and raise `KeyboardInterrupt`: the block is not entered, and the lock never released. Here
    ``with`` calls the methods of the lock, during which no handler runs.

    Args:
        lock: the lock; None: one of its own, which its owner can take again.
    """

    def __init__(self, lock: threading.Lock | threading.RLock | None = None) -> None:
        lock = threading.RLock() if lock is None else lock
        super().__init__(lock)
        self._enter: Callable[[], bool] = lock.__enter__
        self._exit: Callable[[type[BaseException] | None, BaseException | None, TracebackType | None], None] = (
            lock.__exit__
        )

    @property
    def __enter__(self) -> Callable[[], bool]:  # found before anything is locked
        """Take the lock."""
        return self._enter

    @property
    def __exit__(
        self,
    ) -> Callable[[type[BaseException] | None, BaseException | None, TracebackType | None], None]:
        """Release the lock."""
        return self._exit
