"""The activation of a context, which brings its address."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from ..environment import Environment
from ..network.addresses import Address, allocate
from .context_settings import ContextSettings
from .states import Trigger

NAME_SERVERS = ("192.0.2.53", "198.51.100.53")
"""The name servers of the emulated network: addresses reserved for documentation."""


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
        """Activate the context, which has been registered; return False when the network refuses.

        In a silent network nobody answers; the module asks again, so it is activated when the silence ends.
        """
        behaviour = self._environment.behaviour
        self._host.fire(Trigger.CONFIGURED)
        await self._environment.sleep(behaviour.activation_time)
        with suppress(TimeoutError):
            await self._environment.within(behaviour.activation_timeout, self._environment.audible())
        if self._environment.network.grants and self._may_start():
            self._address = allocate(self._environment.chooser)
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
