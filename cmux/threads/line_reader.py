"""Who reads the line: a thread that waits for octets, or a caller who waits for them anyhow and leads in its stead.

A hand-over to another thread costs more than the frame. So a caller whose channel has nothing to read polls the line
itself, feeds the core with what comes, whatever channel it is for, and looks into its buffer again. As soon as it
leaves, the thread waits for the line again: the peer is answered while the program computes.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Protocol

from ..capture.recorder import Capture
from ..errors import SessionEnded
from ..line.base import HungUp, Line
from ..protocol.events import Cause, Event
from ..protocol.link import Link


class ReaderOwner(Protocol):
    """The engine that a reader belongs to."""

    line: Line
    link: Link
    capture: Capture | None
    stopping: bool
    error: SessionEnded | None

    @property
    def from_host(self) -> bool:
        """Whether written octets go from a host to a module."""

    def take(self, events: list[Event]) -> None:
        """Queue events; the caller holds the lock."""

    def received(self) -> None:
        """Let somebody write what is due now, or later; the caller holds the lock."""

    def dispatch(self) -> None:
        """Dispatch the events; the caller holds no lock."""

    def lose(self, cause: Cause, detail: str) -> None:
        """End the session because the line is not usable any more."""

    def interrupted(self) -> None:
        """End the session: an interrupt came in the middle of a change of the core; the caller holds the lock."""

    def leave(self) -> None:
        """Keep no caller waiting for a thread that has ended."""


class LineReader:
    """Reads the line of an engine.

    Args:
        owner: the engine.
        lock: the lock around calls to the core; it is never held over a poll, a read or the capture.
    """

    def __init__(self, owner: ReaderOwner, lock: threading.Lock) -> None:
        self._owner = owner
        self._lock = lock
        self._left = threading.Condition(lock)  # somebody has ceased to read
        self._line = owner.line.shared_read()
        self._octets: deque[bytes] = deque()  # what has been read and the core has not got
        self._captured = 0  # how many of them the capture has
        self._who: int | None = None  # the thread that reads; no other one does
        self._thread: int | None = None  # that runs `run`

    def end(self, timeout: float) -> None:
        """Wait for a caller who leads, after the line's `cancel`.

        Args:
            timeout: the most seconds.
        """
        own = threading.get_ident()
        with self._lock:
            self._left.wait_for(lambda: self._who in (None, own, self._thread), timeout)

    def feed(self, data: bytes) -> None:
        """Process octets that were read from the line before the thread was started."""
        self._octets.append(data)
        self._process()

    # --- The thread ---

    def run(self) -> None:
        """Read the line until the engine stops."""
        owner = self._owner
        self._thread = threading.get_ident()
        try:
            while not owner.stopping:
                if self._line is None:
                    data = owner.line.read(None)
                    if data:
                        self.feed(data)
                    continue
                self._line.wait()
                if self._claim(self._thread):
                    if self._line.lead(0.0):  # who led may have read it: a terminal then has an end of file for us
                        self._line.read(self._octets)
                        self._process()
                    with self._lock:
                        self._who = None
        except HungUp as error:
            owner.lose(Cause.LINE_LOST, str(error))
        finally:
            owner.leave()

    # --- A caller ---

    def claim(self) -> bool:
        """Become the one who leads; tell whether that is possible now. `lead` or `cease` must follow."""
        line = self._line
        if line is None or not self._claim(threading.get_ident()):
            return False
        line.take()
        return True

    def lead(self, timeout: float | None) -> None:
        """Wait for octets, and process what comes; the caller holds no lock, and has claimed.

        It also ends when `kick` is called. An interrupt loses no octet, or it ends the session.

        Args:
            timeout: seconds; None: as long as it takes.
        """
        line = self._line
        assert line is not None  # noqa: S101 - else there was nothing to claim
        try:
            if line.lead(timeout):
                line.read(self._octets)
                self._process()
        except HungUp as error:
            self.cease()
            self._owner.lose(Cause.LINE_LOST, str(error))
        finally:
            self.cease()

    def cease(self) -> None:
        """Let the thread read again, if the caller leads."""
        if self._who != threading.get_ident():
            return
        try:
            self._process()  # what an interrupt has left
        finally:
            with self._lock:
                if self._line is not None:
                    self._line.give_back()
                self._who = None
                if self._owner.stopping:
                    self._left.notify_all()

    def kick(self) -> None:
        """Let who leads look into its buffer, unless that is the caller."""
        who = self._who
        if who is not None and who != threading.get_ident() and who != self._thread and self._line is not None:
            self._line.interrupt()

    # --- Both ---

    def _claim(self, who: int) -> bool:
        with self._lock:
            if self._who is not None or self._owner.stopping or self._owner.error is not None:
                return False
            self._who = who
            return True

    def _process(self) -> None:
        """Give the core what has been read; the caller holds no lock, and is the one who reads."""
        if not self._octets:
            return
        owner = self._owner
        if owner.capture is not None:
            while self._captured < len(self._octets):
                self._captured += 1
                data = self._octets[self._captured - 1]
                owner.capture.feed(data, from_host=not owner.from_host, timestamp=time.time_ns())
        with self._lock:
            self._receive()
        owner.dispatch()

    def _receive(self) -> None:
        owner = self._owner
        try:
            while self._octets:
                owner.take(owner.link.receive(self._octets[0], time.monotonic()))
                self._octets.popleft()
            self._captured = 0
            owner.received()
        except BaseException:
            self._octets.clear()
            self._captured = 0
            owner.interrupted()
            raise
