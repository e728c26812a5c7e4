"""An AT channel on threads: it owns the only reader of a port, and dialogues take turns on it."""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Literal, TypeVar, cast

from cmux import forks
from cmux.conditions import Condition

from ...clock import Clock
from ...errors import AtError, ChannelClosed, DriverError
from ...wording import retold
from ..core.channel_base import MAX_CALLBACKS, ChannelBase, check_port, check_seconds
from ..core.dialogue import DEFAULT_TIMEOUT, Dialogue, Response, command
from ..core.execution import Execution, Limit, turn
from ..core.patterns import LinePattern
from ..core.sink import Sink
from ..core.ticket import Ticket
from . import living
from .errands import errands
from .port import POLL, WANTED, Borrowed, Outlet, Port, UartSource, port_name
from .sleeper import Sleeper
from .turns import Turns

T = TypeVar("T")
Direction = Literal["rx", "tx"]
OctetsCallback = Callable[[Direction, bytes], None]


class AtChannel(ChannelBase):
    """Runs AT dialogues over one port, of which it owns the only reader. It does no I/O before its first use.

    Args:
        port: a pyserial-like object, open.
        clock: the source of time.
        close_port: whether `close` closes the port, too.
    """

    def __init__(self, port: Port, *, clock: Clock | None = None, close_port: bool = False) -> None:
        able = all(callable(getattr(port, name, None)) for name in ("read", "write"))
        aio = ": streams are for drivers.at.aio and drivers.tcpip.aio" if isinstance(port, tuple) else ""
        check_port(port, WANTED, able=able, otherwise=aio)
        super().__init__(port_name(port), clock)
        self._make_locks()
        self.port = port
        self._close_port = close_port
        self._engine.dlci = self._dlci
        self._taps: list[OctetsCallback] = []
        self._jobs: collections.deque[Callable[[], None]] = collections.deque(maxlen=MAX_CALLBACKS)
        self._work: collections.deque[Callable[[], None]] = collections.deque()  # of drivers: one each at the most
        self._threads: list[threading.Thread] = []
        self._borrowed, self._outlet = Borrowed(port), Outlet(port)
        self._stopping = self._streaming = self._inherited = False
        living.add(self)
        forks.register(self)

    def _make_locks(self) -> None:
        lock = threading.RLock()
        self._lock = self._changed = Condition(lock)
        self._dialogue, self._dispatcher, self._reader = (Sleeper(lock, self._clock) for _ in range(3))
        self._turns = Turns(self.name, self._changed, self._clock, self._check_alive, self._advanced)
        self._starting = threading.Lock()

    def _abandon(self) -> None:
        """Make it unusable in the child after a fork."""
        self._make_locks()
        self._jobs.clear()
        self._work.clear()
        self._threads = []
        self._stopping = self._inherited = True
        self._engine.failure = ChannelClosed(f"{self.name}: the channel belongs to the parent process")

    # -- the port --------------------------------------------------------------------------------------------------

    @property
    def _modem(self) -> object:
        """The object that identifies the modem: the port, or the multiplexer that it names."""
        return self.port

    @property
    def _dlci(self) -> int | None:
        """The DLCI of the port; None if it does not have one."""
        dlci = getattr(self.port, "dlci", None)
        return dlci if isinstance(dlci, int) else None

    def _neighbour(self, dlci: int) -> AtChannel | None:
        """Return a channel on another DLC of the same multiplexer; None if there is none, or it is in use.

        Args:
            dlci: the DLCI.
        """
        multiplexer = getattr(self.port, "mux", None)
        if not hasattr(multiplexer, "channel"):
            return None  # a plain UART has no others
        try:
            port = cast(UartSource, multiplexer).channel(dlci)
        except OSError:
            return None  # the module does not have this DLC
        return None if living.in_use(port) else AtChannel(port, clock=self._clock)

    def _put_dtr(self, on: bool) -> bool:
        if not hasattr(self.port, "dtr"):
            return False
        self.port.dtr = on
        return True

    # -- public ---------------------------------------------------------------------------------------------------

    def command(
        self,
        text: str,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        success: tuple[LinePattern, ...] | None = None,
    ) -> Response:
        """Send one command line and return its answer.

        Args:
            text: the line without its CR.
            timeout: seconds for all of it: the turn of the channel, its set-up at the first use, and the answer.
            success: the final results that mean success; None: OK, and CONNECT where the command makes a connection.

        Raises:
            CommandError: the module answered ERROR.
            CallFailed: it answered NO CARRIER, BUSY, NO ANSWER or NO DIALTONE.
            AnswerLost: it was reset meanwhile.
            AtTimeout: it did not answer in time.
            ChannelClosed: the line died.
        """
        limit = Limit(self._clock.now() + check_seconds(timeout), timeout, text)
        return self.run(command(text, timeout=timeout, success=success), timeout=timeout, limit=limit)

    def run(
        self,
        dialogue: Dialogue[T],
        *,
        timeout: float | None = None,
        ticket: Ticket | None = None,
        limit: Limit | None = None,
    ) -> T:
        """Run a dialogue to its end; dialogues of several threads take turns in the order in which they came.

        Args:
            dialogue: a new generator.
            timeout: seconds to wait for the turn; None: without limit.
            ticket: makes it possible to abandon the dialogue from elsewhere.
            limit: the time by which it ends in any case.

        Returns:
            The result of the dialogue.

        Raises:
            AtTimeout: the turn did not come in time, or a step of the dialogue timed out.
            ChannelClosed: the channel is closed or the line died.
            AtError: it is called on the reader, by a sink or a tap, where it would wait for itself.
        """
        if threading.current_thread() in self._threads[:1]:
            raise AtError(f"{self.name}: a callback on the reader cannot run a dialogue; it would wait for itself")
        ticket = ticket or Ticket()
        ticket.waits_on(self._look_at_ticket)
        with self._turns.take(ticket, timeout):
            self._start()
            return self._drive(turn(self._engine, dialogue), ticket, limit)

    def on_octets(self, callback: OctetsCallback) -> Callable[[], None]:
        """Call a function with all octets from and to the port.

        The callback gets ``"rx"`` or ``"tx"`` and the octets, in the order of the line: before they are written, or
        before they are parsed. It runs on the thread that writes or reads, so it has to return soon and must not use
        the channel.

        Args:
            callback: the function.

        Returns:
            A function that removes the callback.
        """
        self._taps.append(callback)

        def remove() -> None:
            with suppress(ValueError):
                self._taps.remove(callback)

        return remove

    def call_soon(self, job: Callable[[], None]) -> None:
        """Run a function on the dispatch thread of the channel, where callbacks of users run; it may run dialogues.

        Args:
            job: the function; if more than 1024 are waiting, the oldest ones are dropped and counted.
        """
        with self._changed:
            if len(self._jobs) == MAX_CALLBACKS:
                self._engine.counters["dropped_callbacks"] += 1
            self._jobs.append(job)
            self._dispatcher.wake()

    def _work_soon(self, job: Callable[[], None]) -> None:
        """Run what a driver has to do, which is never dropped, before the callbacks of users that wait."""
        if errands.deferred(self, partial(self._work_soon, job)):
            return
        with self._changed:
            self._work.append(job)
            self._dispatcher.wake()

    def _release(self) -> None:
        """Remove a user of this channel; the last one closes it."""
        if self._let_go():
            self.close()

    def close(self) -> None:
        """End all waits with `ChannelClosed`, stop the threads and join them; idempotent."""
        with self._starting, self._changed:  # a call that was given up may be about to start the threads
            first, self._stopping = not self._stopping, True
            self._end()
        if not first:
            return
        for thread in self._threads:
            if thread is threading.current_thread():
                continue
            while thread.is_alive():
                self._borrowed.cancel()
                thread.join(POLL)
        self._borrowed.give_back()
        if self._close_port:
            close = getattr(self.port, "close", None)
            if close is not None:
                close()

    def __enter__(self) -> AtChannel:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # -- running dialogues ----------------------------------------------------------------------------------------

    def _check_alive(self) -> None:
        failure = self._engine.failure
        if failure is not None:
            raise ChannelClosed(str(failure)) from failure.__cause__

    def _drive(self, dialogue: Dialogue[T], ticket: Ticket, limit: Limit | None) -> T:
        execution = Execution(self._engine, dialogue, ticket, limit)
        try:
            self._carry_on(lambda: execution.proceed(self._clock.now()), ticket)
        except BaseException as error:
            self._wind_up(execution, error)
            raise
        return execution.result

    def _wind_up(self, execution: Execution[T], error: BaseException) -> None:
        """Recover the channel after a failure."""
        execution.abort(interrupted=not isinstance(error, Exception))
        try:
            self._carry_on(lambda: execution.wind_up(self._clock.now()), Ticket())
        except DriverError as failure:
            self._log.warning("bringing the channel back failed: %s", failure)
        except BaseException as again:
            self._wind_up(execution, again)
            raise

    def _look_at_ticket(self) -> None:
        """Make the callers that wait look at their tickets, also the one that writes data."""
        self._room_made()
        if self._streaming:
            self._borrowed.cancel_write()

    def _carry_on(self, done: Callable[[], bool], ticket: Ticket) -> None:
        """Write octets and wait for answers until `done` returns True."""
        while True:
            with errands.run_after(self), self._changed:
                if done():
                    return
                octets = self._engine.data_to_send()
                if not octets and not self._engine.look_due(self._clock.now()):
                    self._wait()
                    continue
            if not octets:
                self._look()
                continue
            begun = self._clock.now()
            self._write(octets, ticket)
            with self._changed:
                self._engine.sent(self._clock.now(), begun, self._outlet.rate())

    def _look(self) -> None:
        """Look how far the octets have come that were written."""
        with self._using("the port does not tell what it has still to send"):
            left = self._outlet.left(b"%d:%d" % (self._dlci or 0, self._engine.departure.number))
        with self._changed:
            self._engine.look(*left, self._clock.now())

    def _wait(self) -> None:
        due = self._engine.next_event()
        now = self._clock.now()
        if due is not None and due <= now:
            self._engine.handle_timeout(now)
        else:
            self._dialogue.sleep(due)

    def _write(self, octets: bytes, ticket: Ticket) -> None:
        for tap in list(self._taps):
            tap("tx", octets)
        with self._using(f"{len(octets)} octets could not be written"):
            self._streaming = self._engine.streaming
            self._borrowed.write(octets, lambda: self._streaming and ticket.abandoned)
            self._streaming = False

    # -- threads --------------------------------------------------------------------------------------------------

    def add_sink(self, sink: Sink) -> None:
        """Add a sink for unsolicited results and data, and start to read; its methods run on the reader."""
        super().add_sink(sink)
        if self._engine.failure is None:
            self._start()

    def remove_sink(self, sink: Sink) -> None:
        """Remove a sink; has no effect if it is not there."""
        if not errands.deferred(self, partial(self.remove_sink, sink)):
            super().remove_sink(sink)

    def _start(self) -> None:
        with self._starting:
            if self._stopping:
                self._check_alive()
            elif not self._threads:
                self._start_threads()

    def _start_threads(self) -> None:
        if not getattr(self.port, "is_open", True):
            raise ChannelClosed(f"{self.name}: the port is not open: open() opens it")
        try:
            self._borrowed.take()
        except (OSError, ValueError) as error:
            raise ChannelClosed(retold(self.name, error, "the port cannot be used: ")) from error
        for target, task in ((self._read, "reader"), (self._dispatch, "dispatch")):
            thread = threading.Thread(target=target, name=f"at {task} {self.name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _read(self) -> None:
        with self._reading():
            while not self._stopping:
                self._await_room()
                if octets := self._borrowed.read():
                    self._received(octets)

    def _await_room(self) -> None:
        """Stop reading while sessions are full, so that flow control reaches the peer; answers are always read."""
        with self._changed:
            while not self._stopping and not self._turns and self._engine.congested:
                self._reader.sleep()

    def _received(self, octets: bytes) -> None:
        for tap in list(self._taps):
            tap("rx", octets)
        with errands.run_after(self), self._changed:
            self._engine.receive(octets, self._clock.now())
            self._advanced()

    def _advanced(self) -> None:
        """Wake who waits for what has happened, and nobody else: most octets end no step."""
        if self._engine.waiting:
            self._dialogue.due(self._engine.next_event())
        else:
            self._dialogue.wake()
        if self._turns:
            self._reader.wake()
        self._dispatcher.due(self._engine.next_timeout())

    def _wake(self) -> None:
        self._changed.notify_all()
        for sleeper in (self._dialogue, self._dispatcher, self._reader):
            sleeper.wake()

    def _dispatch(self) -> None:
        """Run the callbacks of users, and pass on octets that are held back when their time has come."""
        while True:
            with self._changed:
                while not (self._work or self._jobs) and not self.closed:
                    due, now = self._engine.next_timeout(), self._clock.now()
                    if due is not None and due <= now:
                        with errands.collected(self) as collected:
                            self._engine.handle_timeout(now)
                        self._work.extend(collected)
                        self._advanced()
                    else:
                        self._dispatcher.sleep(due)
                if not (self._work or self._jobs):
                    return
                job = (self._work or self._jobs).popleft()
            with self._in_background():
                job()
