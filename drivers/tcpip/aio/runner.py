"""Runs the procedures of a driver, its sessions and its listeners in asyncio."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ...at.aio import AtChannel, Streams, channel_on
from ...at.core import Dialogue
from ...clock import Clock
from ...errors import DriverError
from ..core.procedure import Exclusive, OnChannel, OnFreeUart, Procedure, Progress, Request, Tried, Wait
from .waiting import TaskLock, until

T = TypeVar("T")


class TaskRunner:
    """Runs procedures on a channel, in the task of whoever asks for them.

    Args:
        port: a reader and a writer, or a channel of them.
        clock: the source of time; None: that of the channel.
    """

    def __init__(self, port: Streams | AtChannel, clock: Clock | None) -> None:
        self._owns_channel = not isinstance(port, AtChannel)
        self.channel: AtChannel = port if isinstance(port, AtChannel) else channel_on(port, clock=clock)
        if self._owns_channel:
            self.channel.retain()
        self.clock: Clock = clock or self.channel.clock
        self._administration = TaskLock()  # claim, listen, connect, close: one at a time
        self._working = False

    @property
    def modem(self) -> object:
        """What stands for the modem."""
        return self.channel.modem

    @property
    def dlci(self) -> int | None:
        """The DLCI of the channel, None where it has none."""
        return self.channel.dlci

    async def run(self, procedure: Procedure[T]) -> T:
        """Run a procedure: its dialogues on the channel, its waits beside it.

        Args:
            procedure: a fresh generator.
        """
        progress = Progress(procedure)
        while (request := progress.next_request()) is not None:
            with progress:
                await self._do(request)
        return progress.result

    async def _do(self, request: Request) -> None:
        match request:
            case OnChannel():
                request.result = await self.channel.run(request.dialogue)
            case Wait():
                request.result = await until(self.clock, request.changes, request.ready, request.seconds)
            case Exclusive():
                async with self._administration:
                    request.result = await self.run(request.procedure)
            case OnFreeUart():
                request.result = await self._on_free_uart(request.dlci, request.dialogue)

    async def _on_free_uart(self, dlci: int, dialogue: Dialogue[None]) -> Tried | None:
        channel = await self.channel.neighbour(dlci)
        if channel is None:
            return None
        async with channel:
            try:
                await channel.run(dialogue)
            except DriverError as failure:
                return Tried(channel.name, failure)
            return Tried(channel.name, None)

    async def close(self) -> None:
        """Let go of a channel that was made for this runner; idempotent."""
        async with self._administration:
            if self._owns_channel:
                self._owns_channel = False
                await self.channel.release()

    def wake(self, work: Callable[[], Dialogue[None] | None]) -> None:
        """See `Runner.wake`: it is done in a task of its own, one turn at a time."""

        async def do() -> None:
            try:
                while (dialogue := work()) is not None:
                    await self.channel.run(dialogue)
            finally:
                self._working = False

        if not self._working:
            self._working = True
            self.channel.call_soon(do)

    def set_dtr(self, on: bool) -> None:
        """See `Runner.set_dtr`."""
        self.channel.set_dtr(on)
