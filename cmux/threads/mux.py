"""A multiplexed line for threads: its session, its channels, and its end."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Self

from ..errors import SessionEnded, StartupError
from ..line.base import Line
from ..protocol import waits
from ..protocol.cause import CLOSED_HERE
from ..protocol.config import Role
from ..protocol.events import Cause, CommandDone, CommandReceived, Event, ModeChanged, SessionClosed
from ..protocol.hand_over import Entered
from ..protocol.link import Link
from ..reconnector import Reconnector
from ..resetting import Resetter
from ..serving import Refuse, apply_refusals, check_answer, refused
from . import lifetime, startup_runner
from .callbacks import Callbacks
from .channel_access import ChannelAccess
from .channels import Channels
from .engine import Engine

if TYPE_CHECKING:
    from ..capture import Capture

_JOIN_TIMEOUT = 2.0

Reopen = Callable[[], tuple[Line, Callable[[Line], Entered | None]]]
"""Opens a line; the function that it returns brings the module into multiplexer mode."""

BeginAgain = Callable[[Line, Entered], Entered | None]
"""Takes a module that did not answer SABM back to AT mode, and brings it into multiplexer mode once more."""


class Mux(ChannelAccess):
    """One multiplexed line; `cmux.open` and `cmux.serve` return it.

    Args:
        line: the open line; the Mux closes it.
        make_link: creates the session and the rules of its line; called again when the line is opened again.
        entered: how the module came into multiplexer mode; None: not by AT+CMUX.
        capture: gets every octet; the Mux closes it.
        drain_timeout: seconds that closing waits for what is still queued.
        names: names of channels, with their DLCI.
        reopen: opens the line again after it died, and brings the module into multiplexer mode on it; None: a line that
            died stays dead.
        on_command: answers AT commands that a responder does not know.
        refuse: the DLCIs that the peer may not open.
        resetter: resets a module that does not answer when the line is opened again.
        begin_again: enters multiplexer mode once more, where SABM was not answered; None: that is not tried.
        attempts: how often it is entered at most.
    """

    def __init__(
        self,
        line: Line,
        make_link: Callable[[], Link],
        *,
        entered: Entered | None = None,
        capture: Capture | None = None,
        drain_timeout: float = 0.5,
        names: Mapping[str, int] = MappingProxyType({}),
        reopen: Reopen | None = None,
        on_command: Callable[[str], str] | None = None,
        refuse: Refuse = (),
        resetter: Resetter | None = None,
        begin_again: BeginAgain | None = None,
        attempts: int = 1,
    ) -> None:
        super().__init__(
            line.name,
            make_link,
            entered=entered,
            capture=capture,
            names=names,
            can_reopen=reopen is not None,
            refuse=refuse,
            resetter=resetter,
            attempts=attempts if begin_again is not None else 1,
        )
        self._line = line
        self._reopen = reopen
        self._begin_again = begin_again
        self._reconnector: Reconnector | None = None
        self._on_command = on_command
        self._callbacks = Callbacks(line.name, self._log)
        self._channels = Channels(self, drain_timeout)
        self._engine = self._make_engine()
        self._channels.run_by(self._engine)
        self._awaited = []
        self._asks_whom_to_refuse = False
        self._make_locks()
        self._closer: threading.Thread | None = None
        lifetime.begin(self)

    def _make_locks(self) -> None:
        self._lock = threading.Lock()  # of _closer and _reconnector
        self._back = threading.Condition(self._lock)  # the line is attached again, or never will be
        self._asking = threading.Lock()  # of _awaited
        self._closed = threading.Event()

    def _make_engine(self) -> Engine:
        return Engine(self._line, self._new_link(), self._on_event, self._channels.buffers, self._capture)

    def _start(self) -> None:
        """Open DLCI 0 and wait for the peer; a responder waits for its peer in `accept` instead.

        Raises:
            NoMultiplexer: the peer did not answer SABM.
            SessionEnded: the line was lost.
        """
        if self.role is Role.RESPONDER:
            self._engine.start(self._first)
            self._opened = True
            return
        self._told_before, attempt = None, 1
        self._send_sabm()
        while not self._opened and self._enters_again(attempt):
            attempt += 1
            self._engine.stop(_JOIN_TIMEOUT)
            if not self._entered_again():
                break
            self._run_engine()
            self._send_sabm()
        if not self._opened:
            error = self._engine.error
            if error is not None and (error.cause is Cause.LINE_LOST or self._engine.link.opened):
                raise self._engine.ended()
            refusal = self._told_before or self._engine.not_opened(self._entered)
            self._line.explain(refusal)
            raise refusal from error

    def _send_sabm(self) -> None:
        """Begin a session, and wait until it is open or is not going to be: at other rates, too."""
        self._engine.start(self._first)
        self._opened = self._opens()
        for rate in self._rates_to_follow(self._line.has_baudrate):
            if not self._may_follow():
                break
            self._engine.stop(_JOIN_TIMEOUT)
            entered = self._entered
            self._followed(rate, startup_runner.follow(self._line, rate, entered.settle if entered else 0.0))
            self._run_engine()
            self._engine.start(self._first)
            self._opened = self._opens()

    def _entered_again(self) -> bool:
        """Enter multiplexer mode once more; return False where the module does not get there."""
        assert self._begin_again is not None  # noqa: S101 - else there is one attempt
        assert self._entered is not None  # noqa: S101 - else it was not entered by AT
        try:
            self._entered = self._begin_again(self._line, self._entered)
        except StartupError:
            return False
        return True

    def _opens(self) -> bool:
        return self._engine.wait(lambda core: core.session_open, waits.opening(self.config))

    def _run_engine(self) -> None:
        self._engine = self._make_engine()
        self._channels.run_by(self._engine)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, SessionClosed):
            self._session_closed(event)
        elif isinstance(event, CommandDone):
            self._answer(event)
        elif isinstance(event, ModeChanged):
            self._channels.configure(self.config)
        elif isinstance(event, CommandReceived):
            self._callbacks.put(lambda: self._answer_command(event.command))
        elif dlci := getattr(event, "dlci", 0):
            self._channels.on_event(dlci, event)

    def _answer_command(self, command: str) -> None:
        text = "ERROR"
        try:
            if self._on_command is not None:
                text = check_answer(self._on_command(command))
        finally:
            with contextlib.suppress(SessionEnded):
                self._engine.answer(text)

    def _ask_again_whom_to_refuse(self) -> None:
        self._asks_whom_to_refuse = False
        self._refused = dlcis = refused(self._refuse, self.config)
        with contextlib.suppress(SessionEnded):
            self._engine.call(lambda core, now: apply_refusals(core, dlcis))

    def _session_closed(self, event: SessionClosed) -> None:
        self._keep_end(event)
        self._begin_reattaching()
        if self.error is not None:  # else only the session of a responder has ended
            self._channels.end(event)
        again = callable(self._refuse) and (self.error is None or self.reattaching)
        if again and not self._asks_whom_to_refuse:  # one question is enough for all that have ended meanwhile
            self._asks_whom_to_refuse = True
            self._callbacks.put(self._ask_again_whom_to_refuse)
        self._answer(None)

    # --- State ---

    @property
    def _link(self) -> Link:
        return self._engine.link

    def _cause(self) -> SessionEnded | None:
        return self._engine.error

    def _is_closed(self, *, wholly: bool) -> bool:
        return self._closed.is_set() if wholly else self._closer is not None

    @property
    def drain_timeout(self) -> float:
        """Seconds that closing a channel waits for what is still queued."""
        return self._channels.drain_timeout

    @drain_timeout.setter
    def drain_timeout(self, seconds: float) -> None:
        self._channels.drain_timeout = seconds

    def stats(self) -> dict[str, object]:
        """Return the counters of session and line as a plain dictionary, those of each DLC under ``dlcs``."""
        stats = self._engine.stats()
        stats["reattached"] = self.reattached
        stats["received_discarded"] = self._channels.discarded()
        return stats

    def turned(self) -> bool:
        """Tell whether the threads of the line have turned since the last call, and have them turn again.

        A watchdog asks this. The threads are the one that reads, or a caller who reads in its place, and the one that
        writes; they turn within moments also while nothing passes. While a line that died is being opened again it is
        the thread that does so, which has to be there. A line that is dead has none.

        Returns:
            False when one of them has not; the first call is about the time since the line was opened.
        """
        reconnector = self._reconnector
        return reconnector.alive if reconnector is not None else self._engine.turned()

    # --- After the line has died ---

    def wait_attached(self, timeout: float | None = None) -> bool:
        """Wait while a line that died is being opened again; return at once while it is alive.

        When this returns True, the channels that were open are open again.

        Args:
            timeout: seconds; None: as long as it takes.

        Returns:
            False when the time ran out.

        Raises:
            SessionEnded: the line will not be opened again.
        """
        with self._lock:
            if not self._back.wait_for(lambda: not self.reattaching, timeout):
                return False
        if self.error is not None:
            raise self._session_over()
        return True

    def _begin_reattaching(self) -> None:
        with self._lock:
            if self._reconnector is None and self._is_to_reattach():
                self._reconnector = Reconnector(self.name, self._reattach)

    def _reattach(self) -> bool:
        """Try once to open the line again; return False if it died again at once."""
        assert self._reopen is not None  # noqa: S101 - else there is no reconnector
        self._engine.stop(_JOIN_TIMEOUT)
        self._line.close()
        self._resetter.attempt()
        self._line, hand_over = self._reopen()
        self._entered = hand_over(self._line)
        self._run_engine()
        self._start()
        if self.role is Role.INITIATOR:  # for a responder, its peer opens them
            self._channels.open_again()
        with self._lock:
            if self.error is not None:
                return False
            self._reconnector = None
            self._count_reattaching()
            self._back.notify_all()
        self._channels.wake()
        self._log.warning("attached again")
        return True

    # --- Closing ---

    def close(self) -> None:
        """Close each DLC and the multiplexer, make sure that the module is back in AT mode, and release the port.

        Errors of the line do not raise: `error` tells why a session ended. A second call waits for the first one.
        """
        with self._lock:
            mine = self._closer is None
            if mine:
                self._closer = threading.current_thread()
        if not mine:
            if self._closer is not threading.current_thread() and not self._engine.is_own_thread:
                self._closed.wait()
        elif self._engine.is_own_thread:  # it cannot join itself
            threading.Thread(target=self._close, name=f"cmux closer {self.name}", daemon=True).start()
        else:
            self._close()

    def _close(self) -> None:
        stopped: bool | None = None  # or the stop was interrupted
        ended = False
        try:
            self._end_reattaching()
            self._end_session()
            ended = self._opened
        finally:
            try:
                stopped = self._engine.stop(_JOIN_TIMEOUT)
                alive = self.error is None or self.error.cause is not Cause.LINE_LOST
                if stopped and alive and self._leave_by_at:  # if interrupted, the module may not know of the end
                    option, way = self.config.option, self._way_back
                    pause = self._leave_pause
                    left = startup_runner.leave(self._line, option, close_down=not ended, way=way, pause=pause)
                    self._keep_left(answered=left)
            finally:
                if stopped is None:  # while the line is there to wake its reader
                    stopped = self._engine.stop(_JOIN_TIMEOUT)
                self._line.close()
                if not stopped:  # closing the port ends a thread that waited for it
                    self._engine.stop(_JOIN_TIMEOUT)
                self._callbacks.close(_JOIN_TIMEOUT)
                if self._capture is not None:
                    self._capture.close()
                self._channels.retire()
                lifetime.end(self)
                self._closed.set()

    def _end_reattaching(self) -> None:
        reconnector = self._reconnector
        if reconnector is not None:
            reconnector.end()
            self._line.cancel()  # an attempt under way ends early
            self._resetter.cancel()
            reconnector.join()
        with self._lock:
            self._reconnector = None
            self._back.notify_all()
        self._channels.wake()

    def _end_session(self) -> None:
        deadline = time.monotonic() + waits.draining(self.config, self.drain_timeout)
        for handle in self._channels.all():
            if handle.up:
                self._engine.wait_written(handle.dlci, max(0.0, deadline - time.monotonic()))
        with contextlib.suppress(SessionEnded):
            self._engine.call(lambda core, now: core.shutdown(now))
            self._engine.wait(lambda core: not core.session_open, waits.shutdown(self.config))
            self._engine.lose(Cause.LOCAL, CLOSED_HERE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _abandon(self) -> None:
        """Make it unusable in the child after a fork."""
        self._make_locks()
        self._closer = threading.current_thread()
        self._closed.set()
        self._engine.abandon()
        self._channels.abandon()
