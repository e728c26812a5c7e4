"""Who puts octets on the line: the caller who has just queued some, as far as the line takes them at once, or a thread.

A hand-over to another thread costs more than the frame. So the caller writes, if nobody else is writing and nothing is
left over; the thread has the rest, whatever is not the doing of a caller, and lines that cannot be written without
waiting. One at a time writes what the core has handed out, so octets never interleave.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from ..errors import SessionEnded
from ..line.base import HungUp, Line
from ..protocol.events import Cause, Event
from ..protocol.link import Link

if TYPE_CHECKING:
    from ..capture import Capture

_WRITE_WAIT = 0.2
_AT_ONCE = 16  # portions that a caller writes for itself and others before the thread takes over
_AWAKE = float("-inf")


class WriterOwner(Protocol):
    """The engine that a writer belongs to."""

    line: Line
    link: Link
    capture: Capture | None
    stopping: bool
    error: SessionEnded | None
    events: deque[Event]
    progress: threading.Condition

    @property
    def from_host(self) -> bool:
        """Whether written octets go from a host to a module."""

    def take(self, events: list[Event]) -> None:
        """Queue events; the caller holds the lock."""

    @property
    def dispatching(self) -> bool:
        """Whether a thread dispatches events."""

    def dispatch(self) -> None:
        """Dispatch them; the caller holds no lock."""

    def lose(self, cause: Cause, detail: str) -> None:
        """End the session because the line is not usable any more."""

    def interrupted(self) -> None:
        """End the session: an interrupt came in the middle of a change of the core; the caller holds the lock."""

    def leave(self) -> None:
        """Keep no caller waiting for a thread that has ended."""


class LineWriter:
    """Writes to the line of an engine.

    Args:
        owner: the engine.
        lock: the lock around calls to the core; it is never held over a write or the capture.
    """

    def __init__(self, owner: WriterOwner, lock: threading.Lock) -> None:
        self.work: threading.Condition = threading.Condition(lock)
        """Something to write, or an earlier deadline."""
        self._owner = owner
        self._lock = lock
        self._rest = b""  # what the core has handed out and the line has not taken
        self._captured = True  # the capture has it, if there is one
        self._who: int | None = None  # the thread that is about to write that; no other one does
        self._thread: int | None = None  # that runs `run`
        self._sleeps_until: float | None = None  # when the thread looks again by itself; None: never
        self._turns = 0  # of the thread
        self._seen = 0  # how many of them, by `turned`

    @property
    def is_writing(self) -> bool:
        """Whether somebody is about to put octets on the line."""
        return self._who is not None

    def wake(self) -> None:
        """Wake the thread if there is something to write or to dispatch, or if it would sleep too long."""
        with self._lock:
            if self._owner.events:
                self.work.notify()
            else:
                self.wake_if_due(time.monotonic())

    def wake_if_due(self, now: float) -> None:
        """Wake the thread if there is something to write, or if it would sleep too long; the caller holds the lock."""
        if self._who is not None:  # it looks when it accounts for what it writes now
            return
        if self._owner.link.wants_write(now):
            self.work.notify()
        else:
            self.wake_in_time()

    def wake_in_time(self) -> None:
        """Wake the thread if it would sleep too long; the caller holds the lock."""
        due = self._owner.link.next_timeout()
        if due is not None and (self._sleeps_until is None or due < self._sleeps_until):
            self.work.notify()

    def turned(self) -> bool:
        """Tell whether the thread has turned since the last call, and have it turn again; the caller holds the lock."""
        before, self._seen = self._seen, self._turns
        self.work.notify()
        return self._turns != before

    def end(self, timeout: float) -> None:
        """Wake the thread so that it ends, and wait for a caller who is writing; the caller holds the lock.

        Args:
            timeout: the most seconds.
        """
        self.work.notify_all()
        own = threading.get_ident()
        self.work.wait_for(lambda: self._who in (None, own, self._thread), timeout)

    # --- The caller ---

    def push(self) -> None:
        """Write what is due in the thread of the caller, who holds no lock, as far as the line takes it at once.

        The rest is left to the thread. An interrupt loses no octet, and none goes out twice.
        """
        owner = self._owner
        if not owner.line.writes_at_once:
            self.wake()
            return
        taken: deque[int] = deque()
        try:
            more = self._claim()
            for _ in range(_AT_ONCE):
                if not more:
                    break
                self._capture()
                data = self._rest
                owner.line.write_at_once(data, taken)
                more = self._account(taken)
            if more:
                self._hand_over(taken)
        except HungUp as error:
            self._hand_over(taken)
            owner.lose(Cause.LINE_LOST, str(error))
        except BaseException:
            self._hand_over(taken)
            raise
        owner.dispatch()

    def _claim(self) -> bool:
        """Take what is to be written now, unless another thread is writing; tell whether there is any."""
        if self._who is not None:  # it takes what the caller has queued when it accounts
            return False
        with self._lock:
            if self._who is not None or self._rest or self._owner.stopping or self._owner.error is not None:
                return False
            return self._taken(None)

    def _account(self, taken: deque[int]) -> bool:
        """Note what the line has taken; tell whether there is more to be written at once."""
        with self._lock:
            return self._taken(taken)

    def _taken(self, taken: deque[int] | None) -> bool:
        owner = self._owner
        try:
            now = time.monotonic()
            if taken is not None:
                self._note(taken[0] if taken else 0, now)
                taken.clear()
                self._who = None
                if self._rest or owner.stopping:
                    self.work.notify_all()
                    return False
            if self._take_next(now):
                return True
            self.wake_in_time()
            return False
        except BaseException:
            owner.interrupted()
            raise

    def _hand_over(self, taken: deque[int]) -> None:
        """Leave what this thread was about to write to the other one."""
        with self._lock:
            if self._who == threading.get_ident():
                if taken:
                    self._note(taken.pop(), time.monotonic())
                self._who = None
            self.work.notify_all()

    # --- The thread ---

    def run(self) -> None:
        """Write what the core returns, and serve its timers, until the engine stops."""
        owner = self._owner
        try:
            while True:
                data = self._next()
                owner.dispatch()
                if not data:
                    if owner.stopping:
                        return
                    continue
                self._capture()
                taken = owner.line.write(data, _WRITE_WAIT)
                with self._lock:
                    self._note(taken, time.monotonic())
                    self._who = None
                owner.dispatch()
                if not taken and (owner.stopping or owner.error is not None):
                    return
        except HungUp as error:
            owner.lose(Cause.LINE_LOST, str(error))
        finally:
            owner.leave()

    def _next(self) -> bytes:
        """Wait until there is something to write or to dispatch; serve the timers meanwhile."""
        owner = self._owner
        self._thread = threading.get_ident()
        with self._lock:
            while True:
                self._turns += 1
                now = time.monotonic()
                self._take_due(now)
                if self._who is None:
                    if self._rest:
                        self._who = self._thread
                        return self._rest
                    if self._take_next(now):
                        return self._rest
                if (owner.events and not owner.dispatching) or (owner.stopping and self._who is None):
                    return b""
                due = self._sleeps_until = owner.link.next_timeout()
                self.work.wait(None if due is None else max(0.0, due - now))
                self._sleeps_until = _AWAKE

    # --- Both; the caller holds the lock, but for `_capture` ---

    def _take_next(self, now: float) -> bool:
        """Take the next portion; tell whether there is one."""
        self._rest = self._owner.link.next_write(now)
        if not self._rest:
            return False
        self._captured = False
        self._who = threading.get_ident()
        return True

    def _take_due(self, now: float) -> None:
        link = self._owner.link
        due = link.next_timeout()
        if due is not None and due <= now:
            self._owner.take(link.handle_timeout(now))

    def _note(self, count: int, now: float) -> None:
        """Tell the link how much the line took; if it took nothing, the line may be lost soon."""
        owner = self._owner
        self._rest = self._rest[count:]
        if count:
            owner.link.wrote(count, now)
        else:
            owner.link.blocked(now)
            owner.take(owner.link.waiting_events(now))
        if not owner.link.unwritten:
            owner.progress.notify_all()

    def _capture(self) -> None:
        """Give the capture what is about to be written, before the peer can have answered."""
        owner = self._owner
        if owner.capture is not None and not self._captured:
            self._captured = True
            owner.capture.feed(self._rest, from_host=owner.from_host, timestamp=time.time_ns())
