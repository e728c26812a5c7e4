"""Watching idle sessions in asyncio (app note chapter 10)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .aio_session import Runner, Session
from .endpoint import Endpoint
from .front import own
from .keepalive import KeepAlive, Patient, check_kind, watch
from .plans import Rest


class Watch:
    """Examines a session whenever it has been idle for a period; made by `TcpipDriver.keep_alive`.

    Args:
        runner: whose session it is.
        session: a TCP session.
        settings: how.
        reconnect: whether to open a client session again that was found dead.
        on_dead: told the session and why.
        on_reconnected: told the new session.
    """

    def __init__(
        self,
        runner: Runner,
        session: Session,
        settings: KeepAlive,
        *,
        reconnect: bool = False,
        on_dead: Callable[[Session, Exception], None] | None = None,
        on_reconnected: Callable[[Session], None] | None = None,
    ) -> None:
        check_kind(runner.stack, session, settings)

        def dead(which: Endpoint, why: Exception) -> None:
            if on_dead is not None:
                on_dead(own(Session, which), why)

        def reconnected(which: Endpoint) -> None:
            if on_reconnected is not None:
                on_reconnected(own(Session, which))

        self._patient = Patient(session, reconnect, dead, reconnected)
        plan = watch(runner.stack, self._patient, settings)
        self._task = asyncio.get_running_loop().create_task(runner.carry_out(plan, self._rest))

    @property
    def session(self) -> Session:
        """The session that is watched now."""
        return own(Session, self._patient.session)

    async def close(self) -> None:
        """Stop watching; the session stays; idempotent."""
        self._task.cancel()
        if self._task is not asyncio.current_task():
            await asyncio.gather(self._task, return_exceptions=True)

    async def __aenter__(self) -> Watch:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def _rest(self, rest: Rest) -> None:
        await self.session.rest(rest.seconds, even_closed=rest.firm)
