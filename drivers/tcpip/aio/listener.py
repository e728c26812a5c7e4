"""Listeners in asyncio: servers of the module, which return their clients as sessions."""

from __future__ import annotations

from ..core import operations
from ..core.session_base import ListenerBase
from .runner import TaskRunner
from .session import Session


class Listener(ListenerBase[TaskRunner]):
    """A server of the module; `TcpipDriver.listen` returns it. See `drivers.tcpip.Listener`."""

    async def status(self) -> tuple[bool, int]:
        """Return whether it is listening and the number of connected clients, as the module reports them."""
        return await self._runner.run(self._context.listener_status(self._state))

    async def accept(self, timeout: float | None = None) -> Session:  # noqa: ASYNC109 - on the driver's clock
        """Wait for a client; see `drivers.tcpip.Listener.accept`."""
        return Session(
            self._runner, self._context, await self._runner.run(operations.accept(self._context, self._state, timeout))
        )

    async def close(self) -> None:
        """Stop listening; accepted sessions stay open; idempotent."""
        await self._runner.run(operations.close_listener(self._context, self._state))

    async def __aenter__(self) -> Listener:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()
