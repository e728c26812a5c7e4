"""Runs a `Link` on two threads: one reader, one writer, one lock around calls to the core.

The reader passes octets to the core; the writer writes what the core returns and serves its timers. Events are
dispatched outside the lock, in order, by whichever thread is first; their handlers only fill buffers and wake threads.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from ..errors import SessionEnded
from ..line.base import HungUp, Line
from ..logs import log_event, port_logger
from ..protocol.config import Config, Role
from ..protocol.errors import CmuxRefused, NoMultiplexer
from ..protocol.events import Cause, DataReceived, Event, ModeChanged
from ..protocol.hand_over import Entered
from ..protocol.link import Link
from ..protocol.multiplexer import Multiplexer
from ..protocol.responder import Responder
from .receive_buffer import ReceiveBuffer

if TYPE_CHECKING:
    from ..capture import Capture

T = TypeVar("T")

_WRITE_WAIT = 0.2


class Engine:
    """Runs the session of a line.

    Args:
        line: the open line; closing it is left to the caller.
        link: the session and the rules of its line.
        on_event: called, without the lock, with each event except data that has a buffer; must not wait.
        buffers: receive the data of each DLC.
        capture: gets every octet of both directions.
    """

    def __init__(
        self,
        line: Line,
        link: Link,
        on_event: Callable[[Event], None],
        buffers: Mapping[int, ReceiveBuffer],
        capture: Capture | None = None,
    ) -> None:
        self.line = line
        self.error: SessionEnded | None = None
        """Why the session is over: the first cause counts."""
        self.link = link
        self._on_event = on_event
        self._buffers = buffers
        self._log = port_logger(line.name)
        self._capture = capture
        self._stopping = False
        self._events: deque[Event] = deque()
        self._make_locks()
        self._threads = [
            threading.Thread(target=self._read, name=f"cmux reader {line.name}", daemon=True),
            threading.Thread(target=self._write, name=f"cmux writer {line.name}", daemon=True),
        ]

    def _make_locks(self) -> None:
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)  # something to write, or an earlier deadline
        self._progress = threading.Condition(self._lock)  # written, opened, ended
        self._dispatching = threading.Lock()

    @property
    def _from_host(self) -> bool:
        """Whether written octets go from a host to a module, for the capture."""
        return self.role is Role.INITIATOR

    @property
    def role(self) -> Role:
        """Which station this is."""
        return self.link.multiplexer.role

    @property
    def config(self) -> Config:
        """The parameters of the session."""
        return self.link.multiplexer.config

    # --- For the owner and its channels ---

    def start(self, first: bytes) -> None:
        """Start the threads and the session.

        Args:
            first: octets that have already been read from the line.
        """
        with self._lock:
            self.link.start(time.monotonic())
        if first:
            self._feed(first)
        for thread in self._threads:
            thread.start()

    def call(self, action: Callable[[Multiplexer, float], T]) -> T:
        """Run one or more calls to the core under the lock.

        Args:
            action: called with the core and the time.

        Returns:
            What `action` returns.

        Raises:
            SessionEnded: the session is over.
        """
        with self._lock:
            if self.error is not None:
                raise self.ended()
            result = action(self.link.multiplexer, time.monotonic())
            self._work.notify()
            return result

    def answer(self, text: str) -> None:
        """Answer the AT command that `CommandReceived` reported; see `Responder.answer`.

        Args:
            text: lines, the last of which is a result code.

        Raises:
            SessionEnded: the line is gone.
        """
        with self._lock:
            if self.error is not None:
                raise self.ended()
            if isinstance(self.link, Responder):
                self._take(self.link.answer(text, time.monotonic()))
            self._work.notify()
        self._dispatch()

    def ended(self) -> SessionEnded:
        """Return a new copy of the first cause, for another caller to raise."""
        assert self.error is not None  # noqa: S101 - the caller has checked
        return SessionEnded(self.error.cause, str(self.error))

    def wait(self, ready: Callable[[Multiplexer], bool], timeout: float | None) -> bool:
        """Wait for a change in the core that writing or an event causes.

        Args:
            ready: tells whether the wait is over; called under the lock.
            timeout: seconds.

        Returns:
            True when `ready` was true, False when the time ran out or the session ended first.
        """
        with self._lock:
            core = self.link.multiplexer
            self._progress.wait_for(lambda: self.error is not None or ready(core), timeout)
            return self.error is None and ready(core)

    def poke(self) -> None:
        """Make every `wait` check again."""
        with self._lock:
            self._progress.notify_all()

    def wait_written(self, dlci: int, timeout: float | None) -> bool:
        """Wait until everything that was queued on a DLC has been passed to the line."""
        return self.wait(lambda core: core.unsent(dlci) == 0 and not self.link.unwritten, timeout)

    def stats(self) -> dict[str, object]:
        """Return the counters of the core and of the line."""
        with self._lock:
            return self.link.stats()

    def not_opened(self, entered: Entered | None) -> NoMultiplexer | CmuxRefused:
        """Create the exception for a session that did not open; see `Link.not_opened`."""
        with self._lock:
            return self.link.not_opened(self.line.name, entered)

    def stop(self, timeout: float) -> bool:
        """Stop both threads and wait for them, unless one of them calls this.

        Args:
            timeout: seconds for each.

        Returns:
            True when they have ended.
        """
        with self._lock:
            self._stopping = True
            self._work.notify_all()
        self.line.cancel()
        others = [thread for thread in self._threads if thread is not threading.current_thread() and thread.ident]
        for thread in others:
            thread.join(timeout)
        return not any(thread.is_alive() for thread in others)

    @property
    def is_own_thread(self) -> bool:
        """Whether the caller runs on the reader or the writer."""
        return threading.current_thread() in self._threads

    def lose(self, cause: Cause, detail: str) -> None:
        """End the session because the line is not usable any more.

        Args:
            cause: why.
            detail: the reason, as a sentence.
        """
        with self._lock:
            self._lose(cause, detail)
        self._dispatch()

    def abandon(self) -> None:
        """Make it unusable in the child after a fork, which has none of the threads; the line belongs to the parent."""
        self._make_locks()
        self._stopping = True
        self.error = SessionEnded(Cause.LOCAL, f"{self.line.name}: the multiplexer belongs to the parent process")
        self.line.abandon()

    # --- The threads ---

    def _read(self) -> None:
        try:
            while not self._stopping:
                data = self.line.read(None)
                if data:
                    self._feed(data)
        except HungUp as error:
            self.lose(Cause.LINE_LOST, str(error))
        finally:
            self._leave()

    def _feed(self, data: bytes) -> None:
        if self._capture is not None:
            self._capture.feed(data, from_host=not self._from_host, timestamp=time.time_ns())
        with self._lock:
            self._take(self.link.receive(data, time.monotonic()))
            self._work.notify()
        self._dispatch()

    def _write(self) -> None:
        data = b""
        try:
            while True:
                if not data:
                    data = self._next_write()
                    self._dispatch()
                    if self._stopping and not data:
                        return
                    if not data:
                        continue
                    if self._capture is not None:  # before the peer can have answered
                        self._capture.feed(data, from_host=self._from_host, timestamp=time.time_ns())
                taken = self.line.write(data, _WRITE_WAIT)
                data = data[taken:]
                self._wrote(taken)
                if not taken and (self._stopping or self.error is not None):
                    return
        except HungUp as error:
            self.lose(Cause.LINE_LOST, str(error))
        finally:
            self._leave()

    def _next_write(self) -> bytes:
        """Wait until there is something to write or to dispatch; serve the timers meanwhile."""
        link = self.link
        with self._lock:
            while True:
                now = time.monotonic()
                self._take_due(now)
                data = link.next_write(now)
                if data or self._events or self._stopping:
                    return data
                due = link.next_timeout()
                self._work.wait(None if due is None else max(0.0, due - now))

    def _take_due(self, now: float) -> None:
        due = self.link.next_timeout()
        if due is not None and due <= now:
            self._take(self.link.handle_timeout(now))

    def _wrote(self, count: int) -> None:
        """Tell the link how much the line took; if it took nothing, the line may be lost soon."""
        with self._lock:
            now = time.monotonic()
            if count:
                self.link.wrote(count, now)
            else:
                self.link.blocked(now)
                self._take(self.link.waiting_events(now))
            if not self.link.unwritten:
                self._progress.notify_all()
        self._dispatch()

    def _leave(self) -> None:
        """Keep no caller waiting for a thread that has ended, whatever the reason."""
        if not self._stopping:
            self.lose(Cause.LINE_LOST, f"the {threading.current_thread().name} ended")

    # --- Events ---

    def _lose(self, cause: Cause, detail: str) -> None:
        if self.error is None:
            self._take(self.link.line_lost(detail, time.monotonic(), cause))
            self._progress.notify_all()
            self._work.notify()

    def _take(self, events: list[Event]) -> None:
        self._events.extend(events)
        ended = self.link.ended
        if ended is not None and self.error is None:
            self.error = SessionEnded(ended.cause, f"{self.line.name}: {ended.detail}")
        if events:
            self._progress.notify_all()

    def _dispatch(self) -> None:
        # The thread that holds the lock also dispatches the other's events, so they stay in order.
        while self._events and self._dispatching.acquire(blocking=False):
            try:
                while self._events:
                    self._dispatch_one(self._events.popleft())
            finally:
                self._dispatching.release()

    def _dispatch_one(self, event: Event) -> None:
        log_event(self._log, event)
        if isinstance(event, ModeChanged) and self._capture is not None:
            self._capture.reconfigure(self.config)
        if isinstance(event, DataReceived) and (buffer := self._buffers.get(event.dlci)) is not None:
            buffer.feed(event.data)
        else:
            self._on_event(event)
