"""What a command is waiting for, on one line of the terminal that comes when it takes longer than a second.

As with git, the line is there only where somebody can see it: stderr has to be a terminal. It is written over itself,
and erased at the end; logs and pipes never have it, and with ``-v`` they have what the steps showed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO, TypeVar

from .colours import obeys

T = TypeVar("T")

_DELAY: Final = 1.0  # seconds until the line comes
_INTERVAL: Final = 1.0  # seconds until the next one, in which they are counted
_ERASE: Final = "\r\x1b[K"


class Waiting:
    """One wait, whose subject may change.

    Args:
        line: where it is shown.
        what: what is being waited for.
        clock: returns seconds.
    """

    def __init__(self, line: ProgressLine, what: str, clock: Callable[[], float]) -> None:
        self._line = line
        self._clock = clock
        self._changed = threading.Condition(threading.Lock())
        self._over = False
        self._seen = 0
        self.now(what)

    def now(self, what: str) -> None:
        """Wait for something else from now on; it is shown when that has taken long."""
        with self._changed:
            self._what, self._since = what, self._clock()
            self._seen += 1
            self._line.note("")
            self._changed.notify()

    def end(self) -> None:
        """Wait no more."""
        with self._changed:
            self._over = True
            self._changed.notify()

    def run(self) -> None:
        """Show it from time to time, until its end."""
        with self._changed:
            while not self._over:
                seen = self._seen
                if self._changed.wait(self._line.delay) or seen != self._seen:
                    continue
                while not self._over and seen == self._seen:
                    self._line.show(f"{self._what}, {self._clock() - self._since:.0f} s")
                    self._changed.wait(_INTERVAL)


class ProgressLine:
    """The line.

    Args:
        output: the terminal; None: nothing is shown.
        delay: seconds until the line comes.
        clock: returns seconds.
    """

    def __init__(
        self, output: TextIO | None, delay: float = _DELAY, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.delay: float = delay
        self._output = output
        self._clock = clock
        self._lock = threading.RLock()
        self._shown = False
        self._note = ""

    @property
    def active(self) -> bool:
        """Whether anything is shown at all."""
        return self._output is not None

    @contextmanager
    def waiting(self, what: str) -> Iterator[Waiting]:
        """Within the context, something is waited for.

        Args:
            what: what is done, such as ``opening /dev/ttyUSB0``.
        """
        wait = Waiting(self, what, self._clock)
        if self._output is None:
            yield wait
            return
        thread = threading.Thread(target=wait.run, name="progress", daemon=True)
        thread.start()
        try:
            yield wait
        finally:
            wait.end()
            thread.join()
            with self.aside():
                self._note = ""

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Within the context, other things are written: the line is not there."""
        with self._lock:
            self._write("")
            yield

    def note(self, text: str) -> None:
        """Note what has been found out meanwhile, which is shown behind what is waited for."""
        with self._lock:
            self._note = text

    def show(self, text: str) -> None:
        """Show the line."""
        with self._lock:
            told = f"{text}: {self._note}" if self._note else text
            self._write(" ".join(told.split()))

    def _write(self, text: str) -> None:
        if self._output is None or not (text or self._shown):
            return
        self._shown = bool(text)
        with contextlib.suppress(OSError, ValueError):  # a terminal that is gone
            self._output.write(_ERASE + text[: _columns(self._output) - 1])
            self._output.flush()


class ProgressNotes(logging.Handler):
    """Notes the records of the log, in which the steps of an opening are."""

    def __init__(self, line: ProgressLine) -> None:
        super().__init__(logging.INFO)
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:
        """Note a record."""
        if record.levelno == logging.INFO:
            self._line.note(record.getMessage())


class LogBesideProgress(logging.StreamHandler[TextIO]):
    """Writes the log, above the line."""

    def __init__(self, stream: TextIO, line: ProgressLine) -> None:
        super().__init__(stream)
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        with self._line.aside():
            super().emit(record)


_line = ProgressLine(None)


@contextmanager
def progress_line(*, quiet: bool) -> Iterator[ProgressLine]:
    """Within the context, show what `waiting` is told, if stderr is a terminal.

    Args:
        quiet: show nothing.
    """
    global _line
    before = _line
    _line = ProgressLine(sys.stderr if not quiet and obeys(sys.stderr) else None)
    try:
        yield _line
    finally:
        _line = before


def waiting(what: str) -> contextlib.AbstractContextManager[Waiting]:
    """Within the context, something is waited for; see `ProgressLine.waiting`."""
    return _line.waiting(what)


def in_sight(items: Iterator[T], what: str) -> Iterator[T]:
    """Yield what an iterator yields, and show that it is waited for.

    Args:
        items: the iterator.
        what: what is done.
    """
    while True:
        with _line.waiting(what):
            try:
                item = next(items)
            except StopIteration:
                return
        yield item


def aside() -> contextlib.AbstractContextManager[None]:
    """Within the context, other things are written; see `ProgressLine.aside`."""
    return _line.aside()


def _columns(output: TextIO) -> int:
    try:
        return os.get_terminal_size(output.fileno()).columns or 80
    except (OSError, ValueError):
        return shutil.get_terminal_size().columns
