"""Who reads the line: a thread that waits for octets, or a caller who waits for them anyhow and leads in its stead.

A hand-over to another thread costs more than the frame. So a caller whose channel has nothing to read polls the line
itself, feeds the core with what comes, whatever channel it is for, and looks into its buffer again. As soon as it
leaves, the thread waits for the line again: the peer is answered while the program computes.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol

from ..errors import SessionEnded
from ..line.base import HungUp, Line
from ..protocol.events import Cause
from .waiting import Deadline

_NO_OTHERS: Final[Mapping[int, int]] = MappingProxyType({})


class ReaderOwner(Protocol):
    """The engine that a reader belongs to."""

    line: Line
    octets: deque[bytes]
    stopping: bool
    error: SessionEnded | None

    def process(self) -> None:
        """Process `octets`; the caller holds no lock, and is the one who reads."""

    def answer_first(self) -> None:
        """Let the answers leave before more is read; the caller holds no lock, and nobody waits for it."""

    def lose(self, cause: Cause, detail: str) -> None:
        """End the session because the line is not usable any more."""

    def leave(self) -> None:
        """Keep no caller waiting for a thread that has ended."""


class LineReader:
    """Reads the line of an engine.

    Args:
        owner: the engine.
        lock: the lock around calls to the core; it is never held over a poll or a read.
    """

    def __init__(self, owner: ReaderOwner, lock: threading.Lock) -> None:
        self._owner = owner
        self._lock = lock
        self._left = threading.Condition(lock)  # somebody has ceased to read
        self._line = owner.line.shared_read()
        self._who: int | None = None  # the thread that reads; no other one does
        self._thread: int | None = None  # that runs `run`
        self._turns = 0  # of the thread
        self._led = 0  # waits of those who have led
        self._seen: tuple[int, int | None, int] = (0, None, 0)  # by `turned`: turns, who led, waits

    def end(self, timeout: float) -> None:
        """Wait for a caller who leads, after the line's `cancel`.

        Args:
            timeout: the most seconds.
        """
        own = threading.get_ident()
        with self._lock:
            self._left.wait_for(lambda: self._who in (None, own, self._thread), timeout)

    def turned(self) -> bool:
        """Tell whether who reads has turned since the last call, and have it turn again; the caller holds the lock.

        Where the line cannot end the wait of the thread, the thread counts as one that has.
        """
        leader = self._who if self._who != self._thread else None
        (turns, before, led), self._seen = self._seen, (self._turns, leader, self._led)
        nudged = True
        if self._line is None:
            nudged = self._owner.line.nudge()
        else:
            self._line.nudge()
            if leader is not None:
                self._line.interrupt()
        stuck = leader is not None and (leader, self._led) == (before, led)
        return not stuck and (self._turns != turns or not nudged)

    # --- The thread ---

    def run(self) -> None:
        """Read the line until the engine stops."""
        owner = self._owner
        self._thread = threading.get_ident()
        try:
            while not owner.stopping:
                self._turns += 1
                if self._line is None:
                    data = owner.line.read(None)
                    if data:
                        owner.octets.append(data)
                        owner.process()
                        owner.answer_first()
                    continue
                self._line.wait()
                if self._claim(self._thread):
                    # Who led may have read it: a terminal would have an end of file for us.
                    if self._line.fd in self._line.lead(0.0):
                        self._line.read(owner.octets)
                        owner.process()
                    with self._lock:
                        self._who = None
                    owner.answer_first()  # a caller may lead meanwhile
        except HungUp as error:
            owner.lose(Cause.LINE_LOST, str(error))
        finally:
            owner.leave()

    # --- A caller ---

    def claim(self) -> bool:
        """Become the one who leads, or stay it; tell whether that is possible now. `lead` or `cease` must follow."""
        line = self._line
        if self._who == threading.get_ident():
            return True
        if line is None or self._who is not None or not self._claim(threading.get_ident()):
            return False
        line.take()
        return True

    def lead(self, timeout: float | None, over: Callable[[], bool]) -> None:
        """Wait for octets, and process what comes; the caller holds no lock, and has claimed.

        It also ends when `kick` is called. An interrupt loses no octet, or it ends the session.

        Args:
            timeout: seconds; None: as long as it takes.
            over: tells, after octets have been processed, whether the caller has to look at its channel.
        """
        deadline = Deadline(timeout)
        try:
            while self._lead(timeout, _NO_OTHERS) and not over():
                timeout = deadline.left()
        finally:
            self.cease()

    def lead_with(self, others: Mapping[int, int]) -> dict[int, int]:
        """Wait for octets and for descriptors, and process what comes; for one who has claimed, and never waits else.

        The caller leads on, until it calls `cease`.

        Args:
            others: the descriptors, each with its events.

        Returns:
            Those that are ready, with their events.
        """
        ready: dict[int, int] = {}
        try:
            self._lead(None, others, ready)
        finally:
            if self._owner.stopping or self._owner.error is not None:
                self.cease()
        return ready

    def _lead(self, timeout: float | None, others: Mapping[int, int], found: dict[int, int] | None = None) -> bool:
        """Wait once; tell whether octets have been processed."""
        line = self._line
        assert line is not None  # noqa: S101 - else there was nothing to claim
        try:
            ready = line.lead(timeout, others)
            self._led += 1
            there = ready.pop(line.fd, 0)
            if found is not None:
                found.update(ready)
            if there:
                line.read(self._owner.octets)
                self._owner.process()
                self._owner.answer_first()
                return True
        except HungUp as error:
            self.cease()
            self._owner.lose(Cause.LINE_LOST, str(error))
        return False

    def cease(self) -> None:
        """Let the thread read again, if the caller leads."""
        if self._who != threading.get_ident():
            return
        try:
            self._owner.process()  # what an interrupt has left
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
