"""An AT channel in asyncio: it runs dialogues over a pair of streams."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, nullcontext, suppress
from typing import Protocol, TypeVar

from cmux.protocol.commands import Signals

from ...clock import Clock, Timer
from ...errors import AtTimeout, DriverError
from ..core.channel_base import MAX_CALLBACKS, ChannelBase, check_port, check_seconds
from ..core.dialogue import DEFAULT_TIMEOUT, Dialogue, Response, command
from ..core.execution import Execution, Limit, turn
from ..core.sink import Sink
from ..core.ticket import Ticket
from .outlet import Outlet

T = TypeVar("T")
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
WANTED = "a pair of streams, such as await mux.channel(1) with mux = await cmux.aio.open('/dev/ttyUSB0')"


class StreamSource(Protocol):
    """The part of a multiplexer, a `cmux.aio.Mux`, that is needed to get the streams of another DLC."""

    async def channel(self, dlci: int | str) -> Streams:
        """Open a DLC and return its streams."""


class AtChannel(ChannelBase):
    """Runs AT dialogues over a stream reader and writer.

    Args:
        reader: the stream from the module; nothing else may read it.
        writer: the stream to the module.
        name: the name of the port in messages.
        clock: the source of time.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        name: str = "port",
        clock: Clock | None = None,
    ) -> None:
        check_port((reader, writer), WANTED, able=hasattr(reader, "read") and hasattr(writer, "write"))
        super().__init__(name, clock)
        self._lock = nullcontext()
        self._reader, self._writer = reader, writer
        self._outlet = Outlet(writer)
        self._engine.dlci = self._dlci
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._jobs: set[asyncio.Task[None]] = set()
        self._hold: Timer | None = None
        _living.add(self)

    # -- the streams -----------------------------------------------------------------------------------------------

    @property
    def _dlci(self) -> int | None:
        """The DLCI of the writer; None if it is not a DLC."""
        dlci = self._writer.get_extra_info("dlci")
        return dlci if isinstance(dlci, int) else None

    @property
    def _modem(self) -> object:
        """The object that identifies the modem: the multiplexer of the writer, or the writer if there is none."""
        return self._writer.get_extra_info("mux") or self._writer

    def _put_dtr(self, on: bool) -> bool:
        transport = self._writer.transport
        serial = transport.get_extra_info("serial")
        if hasattr(transport, "set_signals"):
            paused = not getattr(transport, "is_reading", lambda: True)()
            transport.set_signals(Signals(fc=paused, rtc=on))
        elif serial is not None:
            serial.dtr = on
        else:
            return False
        return True

    async def _neighbour(self, dlci: int) -> AtChannel | None:
        """Return a channel on another DLC of the same multiplexer; None if there is none, or it is in use.

        Args:
            dlci: the DLCI.
        """
        multiplexer: StreamSource | None = self._writer.get_extra_info("mux")
        used = any(other._modem is multiplexer and other._dlci == dlci and not other.closed for other in _living)
        if multiplexer is None or used:
            return None
        try:
            reader, writer = await multiplexer.channel(dlci)
        except OSError:
            return None  # the module does not have this DLC
        return AtChannel(reader, writer, name=f"DLCI {dlci}", clock=self._clock)

    async def _release(self) -> None:
        """Remove a user of this channel; the last one closes it."""
        if self._let_go():
            await self.close()

    # -- running dialogues -----------------------------------------------------------------------------------------

    async def command(self, text: str, *, timeout: float = DEFAULT_TIMEOUT) -> Response:  # noqa: ASYNC109 - the module's
        """Send one command line and return its answer.

        Args:
            text: the line without its CR.
            timeout: seconds for all of it: the turn of the channel, its set-up at the first use, and the answer.

        Raises:
            CommandError: the module answered ERROR.
            CallFailed: it answered NO CARRIER, BUSY, NO ANSWER or NO DIALTONE.
            AnswerLost: it was reset meanwhile.
            AtTimeout: it did not answer in time.
            ChannelClosed: the line died.
        """
        limit = Limit(self._clock.now() + check_seconds(timeout), timeout, text)
        return await self.run(command(text, timeout=timeout), limit=limit)

    async def run(self, dialogue: Dialogue[T], *, ticket: Ticket | None = None, limit: Limit | None = None) -> T:
        """Run a dialogue to its end; dialogues of several tasks take turns.

        Cancellation takes effect after a payload that has been begun, and after the dialogue that recovers the channel;
        so does abandoning it by its ticket.

        Args:
            dialogue: a new generator.
            ticket: makes it possible to abandon the dialogue from elsewhere.
            limit: the time by which it ends in any case.

        Returns:
            The result of the dialogue.

        Raises:
            AtTimeout: a step of the dialogue timed out, or `limit` was reached.
            ChannelClosed: the channel is closed or the line died.
        """
        ticket = ticket or Ticket()
        ticket.waits_on(self._room_made)
        try:
            await self._take_turn(limit)
            with ExitStack() as stack:
                stack.callback(self._turn.release)
                self._changed.set()
                self._start()
                return await self._drive(turn(self._engine, dialogue), ticket, limit)
        finally:
            if self._engine.failure is None:
                self._arrange_hold()  # octets that came during the turn may have to be passed on after it

    async def _take_turn(self, limit: Limit | None) -> None:
        if limit is None or not self._turn.locked():
            await self._turn.acquire()
            return
        acquiring = asyncio.ensure_future(self._turn.acquire())

        def give_up() -> None:
            acquiring.cancel()

        timer = self._clock.call_later(asyncio.get_running_loop(), limit.at - self._clock.now(), give_up)
        try:
            await asyncio.wait((acquiring,))
        except asyncio.CancelledError:
            if not acquiring.cancel() and not acquiring.cancelled():
                self._turn.release()  # it came at the same time
            raise
        finally:
            timer.cancel()
        if acquiring.cancelled():
            raise AtTimeout(
                f"{self.name}: another dialogue had the channel for more than {limit.seconds:g} s", command=limit.what
            )

    def call_soon(self, job: Callable[[], Coroutine[object, object, None]]) -> None:
        """Run a coroutine function in a task of its own, which `close` ends; it may run dialogues.

        Args:
            job: the function; if 1024 are running, it is dropped and counted.
        """
        if len(self._jobs) >= MAX_CALLBACKS:
            self._engine.counters["dropped_callbacks"] += 1
            return
        self._work_soon(job)

    def _work_soon(self, job: Callable[[], Coroutine[object, object, None]]) -> None:
        """Run what a driver has to do, which is never dropped."""

        async def do() -> None:
            with self._in_background():
                await job()

        task = asyncio.get_running_loop().create_task(do())
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)

    async def close(self) -> None:
        """End all waits with `ChannelClosed` and stop reading; idempotent."""
        self._end()
        if self._hold is not None:
            self._hold.cancel()
        here = asyncio.current_task()
        tasks = [task for task in (self._task, *self._jobs) if task is not None and task is not here]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def __aenter__(self) -> AtChannel:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def add_sink(self, sink: Sink) -> None:
        """Add a sink for unsolicited results and data, and start to read.

        Args:
            sink: its methods run in the task of the reader, and return at once.
        """
        super().add_sink(sink)
        if self._engine.failure is None:
            self._start()

    def _start(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._read())

    async def _drive(self, dialogue: Dialogue[T], ticket: Ticket, limit: Limit | None) -> T:
        execution = Execution(self._engine, dialogue, ticket, limit)
        try:
            while not execution.proceed(self._clock.now()):
                await self._step(ticket)
        except BaseException as error:
            task = asyncio.ensure_future(self._wind_up(execution, error))
            while not task.done():  # a second cancellation does not end it early; every step of it has a deadline
                with suppress(asyncio.CancelledError):
                    await asyncio.shield(task)
            raise
        return execution.result

    async def _wind_up(self, execution: Execution[T], error: BaseException) -> None:
        """Recover the channel after a failure."""
        execution.abort(interrupted=not isinstance(error, Exception))
        try:
            while not execution.wind_up(self._clock.now()):
                await self._step(Ticket())
        except DriverError as failure:
            self._log.warning("bringing the channel back failed: %s", failure)

    async def _step(self, ticket: Ticket) -> None:
        """Write octets if there are any, otherwise look at the port, or wait for the line or the clock."""
        octets = self._engine.data_to_send()
        if octets:
            with self._using(f"{len(octets)} octets could not be written"):
                self._writer.write(octets)
                self._engine.sent(self._clock.now(), rate=self._outlet.rate())
                await self._drain(ticket)
            return
        due, now = self._engine.next_event(), self._clock.now()
        if self._engine.look_due(now):
            number = self._engine.departure.number
            with self._using("the port does not tell what it has still to send"):
                left = await self._outlet.left(b"%d:%d" % (self._dlci or 0, number))
            self._engine.look(*left, self._clock.now())
            return
        if due is not None and due <= now:
            self._engine.handle_timeout(now)
            return
        self._changed.clear()
        loop = asyncio.get_running_loop()
        timer = None if due is None else self._clock.call_later(loop, due - now, self._changed.set)
        try:
            await self._changed.wait()
        finally:
            if timer is not None:
                timer.cancel()

    async def _drain(self, ticket: Ticket) -> None:
        """Wait until the transport has room again, or until a caller that writes data is abandoned."""
        drain = asyncio.ensure_future(self._writer.drain())
        try:
            while not drain.done() and not (self._engine.streaming and ticket.abandoned):
                self._changed.clear()
                changed = asyncio.ensure_future(self._changed.wait())
                try:
                    await asyncio.wait((drain, changed), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    changed.cancel()
        finally:
            if not drain.cancel():
                drain.result()

    def _arrange_hold(self) -> None:
        """Schedule octets that are held back inside bare data to be passed on, also while no dialogue runs."""
        if self._hold is not None:
            self._hold.cancel()
            self._hold = None
        due = self._engine.next_timeout()
        if due is not None and not self._turn.locked():
            loop, now = asyncio.get_running_loop(), self._clock.now()
            self._hold = self._clock.call_later(loop, max(0.0, due - now), self._give_out)

    def _give_out(self) -> None:
        if not self._turn.locked():
            self._engine.handle_timeout(self._clock.now())
            self._arrange_hold()  # what is behind them may be held back again
        self._changed.set()

    async def _read(self) -> None:
        with self._reading():
            while True:
                while self._engine.congested and not self._turn.locked():
                    self._changed.clear()
                    await self._changed.wait()  # stop reading, so that flow control reaches the peer
                octets = await self._reader.read(65536)
                if not octets:
                    raise EOFError("the stream ended")
                self._engine.receive(octets, self._clock.now())
                self._changed.set()
                self._arrange_hold()

    def _wake(self) -> None:
        self._changed.set()


_living: weakref.WeakSet[AtChannel] = weakref.WeakSet()
_channels: weakref.WeakValueDictionary[int, AtChannel] = weakref.WeakValueDictionary()


def channel_on(streams: Streams, *, clock: Clock | None = None) -> AtChannel:
    """Return the channel of a pair of streams: the same one for the same pair, so that two drivers can share it.

    Args:
        streams: the reader, and the writer.
        clock: the source of time, for a channel that does not exist yet.

    Returns:
        The channel; it is read as soon as it is used.
    """
    able = isinstance(streams, tuple | list) and len(streams) == 2
    blocking = ": a port that blocks is for drivers.at and drivers.tcpip" if hasattr(streams, "read") else ""
    check_port(streams, WANTED, able=able, otherwise=blocking)
    reader, writer = streams
    channel = _channels.get(id(writer))  # the channel keeps its writer alive, so the id is not reused meanwhile
    if channel is None or channel.closed:
        dlci = writer.get_extra_info("dlci")
        name = "port" if dlci is None else f"DLCI {dlci}"
        channel = _channels[id(writer)] = AtChannel(reader, writer, name=name, clock=clock)
    return channel
