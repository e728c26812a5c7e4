"""An AT channel in asyncio: the same dialogues over a pair of streams."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TypeVar

from ..clock import Clock, SystemClock
from ..errors import AtError, ChannelClosed
from .dialogue import DEFAULT_TIMEOUT, Dialogue, Response, command
from .engine import Engine, Execution, Sink, resynchronise

T = TypeVar("T")


class AtChannel:
    """AT dialogues over a stream reader and writer.

    Args:
        reader: where the module's octets come from; nobody else reads it.
        writer: where ours go.
        name: what messages call the port.
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
        self.name = name
        self._reader, self._writer = reader, writer
        self._clock: Clock = clock or SystemClock()
        self._engine = Engine(name)
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._set_up = False

    async def command(self, text: str, *, timeout: float = DEFAULT_TIMEOUT) -> Response:  # noqa: ASYNC109 - the module's
        """Send one command line and return its answer; see the thread channel's `command`."""
        return await self.run(command(text, timeout=timeout))

    async def run(self, dialogue: Dialogue[T]) -> T:
        """Run a dialogue to its end; dialogues of several tasks take turns.

        Cancellation takes effect after a payload that was begun and after what the dialogue named to bring the
        channel back.
        """
        async with self._turn:
            if self._task is None:
                self._task = asyncio.get_running_loop().create_task(self._read())
            if not self._set_up:
                await self._drive(command("ATE0", timeout=2.0))
                self._set_up = True
            if self._engine.in_doubt:
                await self._drive(resynchronise(self._engine))
            return await self._drive(dialogue)

    def add_sink(self, sink: Sink) -> None:
        """Let a sink take unsolicited results and data."""
        self._engine.add_sink(sink)

    async def close(self) -> None:
        """End every wait with `ChannelClosed` and stop reading; idempotent."""
        self._engine.line_lost(ChannelClosed(f"{self.name}: the channel was closed"))
        self._changed.set()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _drive(self, dialogue: Dialogue[T]) -> T:
        execution = Execution(self._engine, dialogue)
        try:
            while not execution.proceed(self._clock.now()):
                await self._step()
        except BaseException as error:
            interrupted = not isinstance(error, Exception)
            task = asyncio.ensure_future(self._bring_back(execution, interrupted))
            while not task.done():  # a second cancellation does not hurry it; every step of it has a deadline
                with suppress(asyncio.CancelledError):
                    await asyncio.shield(task)
            raise
        return execution.result

    async def _step(self) -> None:
        """Write what is to be written, then wait for the line or the clock."""
        octets = self._engine.data_to_send()
        if octets:
            self._writer.write(octets)
            self._engine.sent(self._clock.now())
            await self._writer.drain()
            return
        due, now = self._engine.next_timeout(), self._clock.now()
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

    async def _bring_back(self, execution: Execution[T], interrupted: bool) -> None:
        with suppress(AtError):
            while interrupted and execution.must_finish():
                await self._step()
        rescue = execution.rescue()
        self._engine.process(self._clock.now())
        if rescue is not None and self._engine.failure is None:
            with suppress(AtError):
                await self._drive(rescue)

    async def _read(self) -> None:
        try:
            while octets := await self._reader.read(65536):
                self._engine.receive(octets, self._clock.now())
                self._changed.set()
            cause: Exception = EOFError("the stream ended")
        except OSError as error:
            cause = error
        failure = ChannelClosed(f"{self.name}: the line died: {cause}")
        failure.__cause__ = cause
        self._engine.line_lost(failure)
        self._changed.set()
