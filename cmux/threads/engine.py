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
from ..line.base import Line
from ..logs import log_event, port_logger
from ..protocol.config import Config, Role
from ..protocol.errors import CmuxRefused, NoMultiplexer
from ..protocol.events import Cause, DataReceived, Event, ModeChanged
from ..protocol.hand_over import Entered
from ..protocol.link import Link
from ..protocol.multiplexer import Multiplexer
from ..protocol.responder import Responder
from .line_reader import LineReader
from .line_writer import LineWriter
from .receive_buffer import ReceiveBuffer

if TYPE_CHECKING:
    from ..capture import Capture

T = TypeVar("T")

_LOCKED = 1.0  # seconds
_ANSWERS = 0.05  # the longest that the reader waits for the writer: a thread may get no turn while others compute


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
        self.capture = capture
        self.stopping: bool = False
        """The threads are to end."""
        self.octets: deque[bytes] = deque()
        """What has been read and the core has not got."""
        self._captured = 0  # how many of them the capture has
        self.events: deque[Event] = deque()
        """What has not been dispatched."""
        self._make_locks()
        self._threads = [
            threading.Thread(target=self.reader.run, name=f"cmux reader {line.name}", daemon=True),
            threading.Thread(target=self._writer.run, name=f"cmux writer {line.name}", daemon=True),
        ]

        self._idents: tuple[int | None, ...] = ()

    def _make_locks(self) -> None:
        self._lock = threading.Lock()
        self.progress: threading.Condition = threading.Condition(self._lock)  # written, opened, ended
        self.reader: LineReader = LineReader(self, self._lock)
        """Reads the line; a caller who waits for octets may do it instead of its thread."""
        self._writer = LineWriter(self, self._lock)
        self._dispatching = threading.Lock()

    @property
    def from_host(self) -> bool:
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
            self.octets.append(first)
            self.process()
        for thread in self._threads:
            thread.start()
        self._idents = tuple(thread.ident for thread in self._threads)

    def call(self, action: Callable[[Multiplexer, float], T]) -> T:
        """Run one or more calls to the core under the lock, and let the writer look what there is to write.

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
            result = self._run(action)
            self._writer.wake_if_due(time.monotonic())
            return result

    def _run(self, action: Callable[[Multiplexer, float], T]) -> T:
        try:
            return action(self.link.multiplexer, time.monotonic())
        except Exception:
            raise
        except BaseException:
            self.interrupted()
            raise

    def send(self, dlci: int, data: bytes) -> int:
        """Queue octets; see `Multiplexer.send`. `push` or `wake` must follow.

        Args:
            dlci: the DLC.
            data: the octets.

        Returns:
            How many were taken.

        Raises:
            StateError: the DLC is not open.
            SessionEnded: the session is over.
        """
        with self._lock:
            if self.error is not None:
                raise self.ended()
            return self._send(dlci, data)

    def _send(self, dlci: int, data: bytes) -> int:
        try:
            return self.link.multiplexer.send(dlci, data, time.monotonic())
        except Exception:
            raise
        except BaseException:
            self.interrupted()
            raise

    def interrupted(self) -> None:
        """End the session: an interrupt came in the middle of a change of the core; the caller holds the lock."""
        self._lose(Cause.LOCAL, "interrupted in the middle of a change")

    def wake(self) -> None:
        """Let the writer look what there is to write."""
        self._writer.wake()

    def push(self) -> None:
        """Write what is due in the thread of the caller, see `LineWriter.push`; the caller holds no lock."""
        if self.is_own_thread:
            self._writer.wake()
        else:
            self._writer.push()

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
                self.take(self.link.answer(text, time.monotonic()))
            self._writer.work.notify()
        self.dispatch()

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
            self.progress.wait_for(lambda: self.error is not None or ready(core), timeout)
            return self.error is None and ready(core)

    def poke(self) -> None:
        """Make every `wait` check again."""
        with self._lock:
            self.progress.notify_all()

    def wait_written(self, dlci: int, timeout: float | None) -> bool:
        """Wait until everything that was queued on a DLC has been passed to the line."""
        return self.wait(lambda core: core.unsent(dlci) == 0 and not self.link.unwritten, timeout)

    def stats(self) -> dict[str, object]:
        """Return the counters of the core and of the line."""
        with self._lock:
            return self.link.stats()

    def turned(self) -> bool:
        """Tell whether reader and writer have turned since the last call, and have them turn again.

        Those that have ended, or are to end, are not looked at. Who keeps the lock for `_LOCKED` seconds does not turn.
        """
        if not self._lock.acquire(timeout=_LOCKED):
            return False
        try:
            if self.stopping or self.error is not None:
                return True
            return all([self.reader.turned(), self._writer.turned()])  # both are asked
        finally:
            self._lock.release()

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
            self.stopping = True
            self._writer.end(timeout)
        self.line.cancel()
        self.reader.end(timeout)
        others = [thread for thread in self._threads if thread is not threading.current_thread() and thread.ident]
        for thread in others:
            thread.join(timeout)
        return not any(thread.is_alive() for thread in others)

    @property
    def is_own_thread(self) -> bool:
        """Whether the caller runs on the reader or the writer."""
        return threading.get_ident() in self._idents

    def lose(self, cause: Cause, detail: str) -> None:
        """End the session because the line is not usable any more.

        Args:
            cause: why.
            detail: the reason, as a sentence.
        """
        with self._lock:
            self._lose(cause, detail)
        self.dispatch()

    def abandon(self) -> None:
        """Make it unusable in the child after a fork, which has none of the threads; the line belongs to the parent."""
        self._make_locks()
        self.stopping = True
        self.error = SessionEnded(Cause.LOCAL, f"{self.line.name}: the multiplexer belongs to the parent process")
        self.line.abandon()

    # --- The threads ---

    def process(self) -> None:
        """Give the core what has been read; the caller holds no lock, and is the one who reads."""
        if not self.octets:
            return
        if self.capture is not None:
            while self._captured < len(self.octets):
                self._captured += 1
                data = self.octets[self._captured - 1]
                self.capture.feed(data, from_host=not self.from_host, timestamp=time.time_ns())
        with self._lock:
            self._receive()
        self.dispatch()

    def answer_first(self) -> None:
        """Let the answers leave before more is read; the caller holds no lock, and nobody waits for it.

        A peer that is asked to stop goes on until it has heard that, and what it sends meanwhile has to find room.
        """
        core = self.link.multiplexer
        if not core.has_answers:
            return
        if not self.is_own_thread:
            self._writer.push()
            return
        with self._lock:  # not for one who writes: the line may be full until more is read here
            self.progress.wait_for(
                lambda: not core.has_answers or self._writer.is_writing or self.stopping or self.error is not None,
                _ANSWERS,
            )

    def _receive(self) -> None:
        try:
            data = self.octets[0] if len(self.octets) == 1 else b"".join(self.octets)
            self.take(self.link.receive(data, time.monotonic()))
            self.octets.clear()
            self._captured = 0
            self._writer.wake_if_due(time.monotonic())
        except BaseException:
            self.octets.clear()
            self._captured = 0
            self.interrupted()
            raise

    def leave(self) -> None:
        """Keep no caller waiting for a thread that has ended, whatever the reason."""
        if not self.stopping:
            self.lose(Cause.LINE_LOST, f"the {threading.current_thread().name} ended")

    # --- Events ---

    def _lose(self, cause: Cause, detail: str) -> None:
        if self.error is None:
            self.take(self.link.line_lost(detail, time.monotonic(), cause))
            self.progress.notify_all()
            self._writer.work.notify()

    def take(self, events: list[Event]) -> None:
        """Queue events; the caller holds the lock, and lets `dispatch` follow without it."""
        self.events.extend(events)
        ended = self.link.ended
        if ended is not None and self.error is None:
            self.error = SessionEnded(ended.cause, f"{self.line.name}: {ended.detail}")
        if events:
            self.progress.notify_all()

    @property
    def dispatching(self) -> bool:
        """Whether a thread dispatches events: it goes on until none is left."""
        return self._dispatching.locked()

    def dispatch(self) -> None:
        """Dispatch the events that are queued; the caller holds no lock."""
        # The thread that holds the lock also dispatches the others' events, so they stay in order.
        while self.events and not self._dispatching.locked():
            with self._dispatching:  # lost in between, it is free again when all of them are dispatched
                self._dispatch_all()

    def _dispatch_all(self) -> None:
        try:
            while self.events:
                self._dispatch_one(self.events.popleft())
        except Exception:
            raise
        except BaseException:
            with self._lock:
                self.interrupted()
            raise

    def _dispatch_one(self, event: Event) -> None:
        log_event(self._log, event)
        if isinstance(event, ModeChanged) and self.capture is not None:
            self.capture.reconfigure(self.config)
        if isinstance(event, DataReceived) and (buffer := self._buffers.get(event.dlci)) is not None:
            buffer.feed(event.data)
        else:
            self._on_event(event)
