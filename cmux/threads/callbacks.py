"""Runs callbacks of the user one after another, on a thread that neither reads nor writes the line."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue


class Callbacks:
    """A thread for callbacks, which may take as long as they like; the first callback starts it.

    Args:
        name: the name of the line.
        log: gets what a callback raises.
    """

    def __init__(self, name: str, log: logging.Logger) -> None:
        self._name = name
        self._log = log
        self._queue: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def put(self, callback: Callable[[], object]) -> None:
        """Queue a callback.

        Args:
            callback: called without arguments; what it raises is logged.
        """
        self._queue.put(callback)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"cmux callbacks {self._name}", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while (callback := self._queue.get()) is not None:
            try:
                callback()
            except Exception:  # noqa: BLE001 - a callback of the user may raise anything
                self._log.exception("a callback failed")

    def close(self, timeout: float) -> None:
        """Run the callbacks that are queued, and end the thread.

        Args:
            timeout: seconds to wait for its end, unless a callback calls this.
        """
        self._queue.put(None)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)
