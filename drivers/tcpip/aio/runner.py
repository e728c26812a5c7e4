"""Runs the procedures of a driver, its sessions and its listeners in asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ...at.aio import AtChannel, Streams, channel_on
from ...at.core import Dialogue
from ...clock import Clock
from ..core.bounded import Bounded, Expired, Stay
from ..core.procedure import Exclusive, OnChannel, OnFreeUart, Procedure, Progress, Wait
from ..core.runner_base import LEAVING, RunnerBase
from .waiting import until

T = TypeVar("T")


class TaskRunner(RunnerBase[AtChannel, Awaitable[object]]):
    """Runs procedures on a channel, in the task of the caller.

    Args:
        port: a reader and a writer, or a channel of them.
        clock: the source of time; None: that of the channel.
    """

    def __init__(self, port: Streams | AtChannel, clock: Clock | None) -> None:
        if isinstance(port, AtChannel):
            super().__init__(port, clock, owned=False)
        else:
            super().__init__(channel_on(port, clock=clock), clock, owned=True)
        self._working = False
        self._background: set[asyncio.Task[None]] = set()

    async def run(self, procedure: Procedure[T]) -> T:
        """Run a procedure: its dialogues on the channel, its waits without it.

        Args:
            procedure: a new generator.
        """
        return await self._run(Progress(procedure))

    async def _run(self, progress: Progress[T]) -> T:
        with self._registered(progress):
            return await self._carry_out(progress)

    async def run_within(
        self, seconds: float | None, make: Callable[[Stay], Procedure[T]], expired: Expired | None = None
    ) -> T:
        """Run a procedure for no longer than a time; see `run_within` of the runner on threads."""
        if seconds is None:
            return await self.run(make(lambda: None))
        bounded = self._bounded(seconds, make, expired)
        task = asyncio.get_running_loop().create_task(self._work_off(bounded))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        try:
            await until(self.clock, bounded.changes, bounded.over, seconds)
            if not bounded.leave():
                await until(self.clock, bounded.changes, bounded.over, None)
        finally:
            bounded.leave()
        return bounded.result()

    async def _work_off(self, bounded: Bounded[T]) -> None:
        try:
            await self._run(bounded.progress)
        except BaseException as error:
            bounded.ended(error)
            if not isinstance(error, Exception):
                raise
        else:
            bounded.ended(None)

    async def _carry_out(self, progress: Progress[T]) -> T:
        while (request := self._next(progress)) is not None:
            with progress:
                progress.answer(await self._do(request))
        return progress.result

    def wake(self, work: Callable[[], Dialogue[None] | None]) -> None:
        """See `RunnerBase.wake`: the dialogues run in a task of their own."""

        async def do() -> None:
            try:
                while (dialogue := work()) is not None:
                    await self.channel.run(dialogue)
            finally:
                self._working = False

        if not self._working:
            self._working = True
            self.channel._work_soon(do)

    async def close(self) -> None:
        """Release the channel if it was created for this runner; idempotent."""
        if self._disown():
            await self.channel._release()
        if others := self._background - {asyncio.current_task()}:
            await asyncio.wait(others, timeout=LEAVING)

    def _on_channel(self, step: OnChannel[object]) -> Awaitable[object]:
        return self.channel.run(step.dialogue, ticket=step.ticket)

    def _wait(self, step: Wait[object]) -> Awaitable[object]:
        return until(self.clock, step.changes, step.ready, step.seconds)

    async def _exclusive(self, step: Exclusive[object]) -> object:
        with self._exclusion.claiming(asyncio.current_task()) as step.claimant:
            return await self._carry_out(step.progress)

    async def _on_free_uart(self, step: OnFreeUart) -> object:
        neighbour = await self.channel._neighbour(step.dlci)
        if neighbour is not None:
            async with neighbour:
                with step.trying(neighbour.name):
                    await neighbour.run(step.dialogue, ticket=step.ticket)
        return step.tried
