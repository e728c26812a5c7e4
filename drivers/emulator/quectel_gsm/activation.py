"""The activation of a context, which brings its address."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from ..environment import Environment
from ..network.addresses import Address
from ..network.granting import NAME_SERVERS, grant
from .context_settings import ContextSettings
from .states import Trigger


class ActivationHost(Protocol):
    """The context that is activated."""

    settings: ContextSettings

    def fire(self, trigger: Trigger) -> bool:
        """Change the state; see `Context.fire`."""


class Activation:
    """Takes a context from IP INITIAL to IP GPRSACT, and holds its address.

    Args:
        host: the context.
        environment: behaviour and network.
        may_start: returns whether the other context allows it.
    """

    def __init__(self, host: ActivationHost, environment: Environment, may_start: Callable[[], bool]) -> None:
        self._host = host
        self._environment = environment
        self._may_start = may_start
        self._address: Address | None = None
        self._pending: asyncio.Future[bool] | None = None

    @property
    def under_way(self) -> bool:
        """Whether `bring_up` is running."""
        return self._pending is not None

    @property
    def address(self) -> str:
        """The address, or 0.0.0.0 before activation."""
        return self._address.text if self._address is not None else "0.0.0.0"  # noqa: S104 - it is shown, not bound

    async def bring_up(self) -> bool:
        """Register and activate, once for all callers at the same time; return False when the network refuses."""
        if self._pending is not None:
            return await asyncio.shield(self._pending)
        self._pending = self._environment.loop.create_future()
        accepted = False
        try:
            self._host.fire(Trigger.REGISTER)
            self._host.fire(Trigger.ACTIVATE)
            accepted = await self.negotiate()
        finally:
            self._pending.set_result(accepted)
            self._pending = None
        return accepted

    async def negotiate(self) -> bool:
        """Activate the context, which has been registered; return False when the network refuses."""
        self._host.fire(Trigger.CONFIGURED)
        self._address = await grant(self._environment, self._may_start)
        if self._address is None:
            self._host.fire(Trigger.REFUSED)
            return False
        self._host.settings.dns = NAME_SERVERS  # app note 9.2: negotiated with each activation
        self._host.fire(Trigger.ACTIVATED)
        return True

    def release(self) -> None:
        """Give the address back."""
        if self._address is not None:
            self._address.release()
            self._address = None
