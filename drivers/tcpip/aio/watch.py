"""Watches idle sessions in asyncio (app note chapter 10)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Unpack

from ..core.context import Context
from ..core.keepalive import KeepAlive, Watched, WatchOptions
from .runner import TaskRunner
from .session import Session


class Watch:
    """Examines a session whenever it has been idle for a period; `TcpipDriver.keep_alive` returns it.

    Args:
        runner: runs the examination.
        context: the context of the session.
        session: a TCP session.
        settings: when and how to examine it.
        options: what is done when the session is found dead.
    """

    def __init__(
        self,
        runner: TaskRunner,
        context: Context,
        session: Session,
        settings: KeepAlive,
        **options: Unpack[WatchOptions[Session]],
    ) -> None:
        self._watched = Watched(
            context,
            session,
            settings,
            again=partial(Session, runner, context),
            tell=lambda callback: callback(),
            **options,
        )
        self._task = asyncio.get_running_loop().create_task(runner.run(self._watched.watch()))

    def __repr__(self) -> str:
        return self._watched.describe(ended=self._task.done())

    @property
    def session(self) -> Session:
        """The session that is being watched."""
        return self._watched.session

    @property
    def bound(self) -> float:
        """The most seconds from the last sign of life until a dead connection is reported."""
        return self._watched.bound

    async def close(self) -> None:
        """Stop watching; the session stays open; idempotent."""
        self._task.cancel()
        if self._task is not asyncio.current_task():
            await asyncio.gather(self._task, return_exceptions=True)

    async def __aenter__(self) -> Watch:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()
