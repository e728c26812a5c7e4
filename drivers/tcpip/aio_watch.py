"""Watching idle sessions in asyncio (app note chapter 10)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import AtTimeout, ChannelClosed, CommandError, DriverError, SessionClosed
from . import exchange
from .aio_session import Session
from .keepalive import KeepAlive

if TYPE_CHECKING:
    from .aio import TcpipDriver

log = logging.getLogger("drivers.keepalive")


class Watch:
    """Examines a session whenever it has been idle for a period; made by `TcpipDriver.keep_alive`.

    Args:
        driver: whose session it is.
        session: a TCP session.
        settings: how.
        reconnect: whether to open a client session again that was found dead.
        on_dead: told the session and why.
        on_reconnected: told the new session.
    """

    def __init__(
        self,
        driver: TcpipDriver,
        session: Session,
        settings: KeepAlive,
        *,
        reconnect: bool = False,
        on_dead: Callable[[Session, Exception], None] | None = None,
        on_reconnected: Callable[[Session], None] | None = None,
    ) -> None:
        if reconnect and session.role != "client":
            raise ValueError("only a session that was opened here can be opened again")
        self.session = session
        """The session that is watched now."""
        self._driver = driver
        self._settings = settings
        self._reconnect = reconnect
        self._on_dead = on_dead
        self._on_reconnected = on_reconnected
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop watching; the session stays; idempotent."""
        self._task.cancel()
        if self._task is not asyncio.current_task():
            await asyncio.gather(self._task, return_exceptions=True)

    async def __aenter__(self) -> Watch:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def _run(self) -> None:
        seen = -1
        while True:
            await self.session.rest(self._settings.period)
            if self.session.closed:
                return
            try:
                totals = await self._driver.run(exchange.acknowledged(self._driver.stack, self.session))
                if totals.sent != seen and seen >= 0 and not totals.pending:
                    seen = totals.sent  # it was used meanwhile, and all of it has arrived
                    continue
                seen = (await self.session.check(self._settings)).sent
            except ChannelClosed:
                return
            except (SessionClosed, AtTimeout, CommandError) as error:
                if self.session.closed or not await self._dead(error):
                    return
                seen = -1

    async def _dead(self, error: Exception) -> bool:
        """Report a session that was found dead; True when another one has taken its place."""
        dead = self.session
        log.info("%s", error)
        dead.break_off(error)
        with suppress(DriverError):
            await dead.close()
        if self._on_dead is not None:
            self._on_dead(dead, error)
        while self._reconnect:
            index = dead.index if self._driver.stack.options.muxip else None
            try:
                fresh = await self._driver.connect(dead.protocol, *dead.remote_address, index=index)
            except ChannelClosed:
                return False
            except DriverError as failure:
                log.info("%s", failure)
                await self._driver.pause(self._settings.period)
                continue
            self.session = fresh
            if self._on_reconnected is not None:
                self._on_reconnected(fresh)
            return True
        return False
