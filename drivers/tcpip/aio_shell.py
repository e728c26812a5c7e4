"""What carries plans out in asyncio, for the driver, its sessions and its listeners."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from ..at import Dialogue
from ..at.aio import AtChannel, Streams, channel_on
from ..clock import Clock
from ..errors import DriverError
from . import reclaim
from .aio_session import Changes, Listener, Session
from .endpoint import Address, Role
from .front import Front
from .plans import Alone, Course, Elsewhere, Plan, Rest, Step

T = TypeVar("T")
LOOK = 0.2  # seconds between looks at a context that a driver of this process may release


class AioShell(Front["Streams | AtChannel", AtChannel]):
    """One context's rules, and a channel on which coroutines carry them out."""

    def _enter(self, port: Streams | AtChannel, clock: Clock | None) -> tuple[AtChannel, object, int | None]:
        channel = port if isinstance(port, AtChannel) else channel_on(port, clock=clock)
        self._owns_channel = not isinstance(port, AtChannel)
        if self._owns_channel:
            channel.retain()
        self._administration = asyncio.Lock()
        self._working = False
        return channel, channel.modem, channel.dlci

    async def run(self, dialogue: Dialogue[T]) -> T:
        """Run one dialogue on the channel."""
        return await self._channel.run(dialogue)

    async def carry_out(self, plan: Plan[T], rest: Callable[[Rest], Awaitable[None]] | None = None) -> T:
        """Carry out a plan: its dialogues on the channel, its waits beside it.

        Args:
            plan: a fresh generator.
            rest: how to wait, where that may be ended early.
        """
        course = Course(plan)
        while (step := course.step()) is not None:
            with course:
                course.answer = await self._do(step, rest)
        return course.result

    async def administer(self, plan: Plan[T], rest: Callable[[Rest], Awaitable[None]] | None = None) -> T:
        """Carry out a plan that no other one may come between."""
        async with self._administration:
            return await self.carry_out(plan, rest)

    async def _do(self, step: Step, rest: Callable[[Rest], Awaitable[None]] | None) -> Any:
        match step:
            case Rest():
                return await (rest or self._rest)(step)
            case Alone(plan):
                return await self.administer(plan, rest)
            case Elsewhere():
                return await self._take_down_elsewhere(step)
            case _:
                return await self._channel.run(step)

    async def _take_down_elsewhere(self, step: Elsewhere) -> None:
        """Deactivate a context from the virtual UART that controls it; nothing is sent on one that is used here."""
        for dlci in reclaim.candidates(self._channel.dlci):
            if self._clock.now() >= step.deadline:
                return
            channel = await self._channel.neighbour(dlci)
            if channel is None:
                continue
            async with channel:
                try:
                    await channel.run(reclaim.take_down(step.context))
                except reclaim.REFUSALS as failure:
                    reclaim.tell(step.context, channel.name, failure)
                else:
                    reclaim.tell(step.context, channel.name, None)
                    return

    async def _rest(self, rest: Rest) -> None:
        deadline = self._clock.now() + rest.seconds
        changes = Changes(self._clock)
        while (left := deadline - self._clock.now()) > 0:
            if rest.context is not None and not self._table.held(rest.context):
                return
            await changes.until(lambda: None, left if rest.context is None else min(LOOK, left))

    def _new_session(self, role: Role, protocol: str, remote: Address, index: int, datagrams: bool) -> Session:
        return Session(
            self,
            name=self.stack.name,
            protocol=protocol,
            role=role,
            remote=remote,
            clock=self._clock,
            index=index,
            datagrams=datagrams,
        )

    def _new_listener(self, protocol: str, port: int, clients: int) -> Listener:
        return Listener(self, name=self.stack.name, protocol=protocol, port=port, clients=clients, clock=self._clock)

    def _set_dtr(self, on: bool) -> None:
        self._channel.set_dtr(on)

    def _wake(self) -> None:
        if not self._working:
            self._working = True
            self._channel.call_soon(self._work)

    async def _work(self) -> None:
        """Do what is due without being asked, one turn at a time."""
        try:
            while (dialogue := self.stack.work()) is not None:
                await self._channel.run(dialogue)
        except DriverError:
            pass  # the sessions that it concerns have been told
        finally:
            self._working = False
