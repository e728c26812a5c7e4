"""A PDP context: its settings, its activation and its address."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable
from dataclasses import dataclass

from ..environment import Environment, Spawn
from ..network.addresses import Address, allocate
from ..network.granting import NAME_SERVERS, grant
from .codes import Code

CONTEXTS = range(1, 17)
"""The numbers of the contexts."""
IPV6_ALONE = 2
"""The type of a context that the emulated network, which has IPv4 only, does not grant."""


class ContextState(enum.Enum):
    """The states of a context; AT+QIACT? shows only which ones are active."""

    INACTIVE = "inactive"
    ACTIVATING = "activating"
    ACTIVE = "active"
    BROKEN = "broken"  # the network has ended it: AT+QIDEACT first


@dataclass(frozen=True, slots=True)
class Settings:
    """Holds what AT+QICSGP sets.

    Args:
        kind: 1 for IPv4, 2 for IPv6, 3 for both.
        apn: the access point.
        user: at most 127 characters.
        password: likewise.
        authentication: 0 none, 1 PAP, 2 CHAP, 3 either.
    """

    kind: int = 1
    apn: str = ""
    user: str = ""
    password: str = ""
    authentication: int = 0


class PdpContext:
    """Runs one PDP context of the module.

    Args:
        number: 1 to 16.
        environment: loop, clock, behaviour, network.
        spawn: runs a task that is cancelled with the module.
        others: returns how many other contexts are active, or about to be.
        most: how many may be active at once.
    """

    def __init__(
        self, number: int, environment: Environment, spawn: Spawn, others: Callable[[PdpContext], int], most: int
    ) -> None:
        self.number: int = number
        self.settings: Settings | None = None  # None until AT+QICSGP
        self.state: ContextState = ContextState.INACTIVE
        self.dns: tuple[str, str] = NAME_SERVERS
        self.uart: int = 0  # that has activated it
        self.kind: int = 1  # the type that it was activated with
        self._environment = environment
        self._spawn = spawn
        self._others = others
        self._most = most
        self._address: Address | None = None
        self._task: asyncio.Task[None] | None = None
        self._done: Callable[[Code], None] = lambda code: None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.number}: {self.state.value}>"

    @property
    def active(self) -> bool:
        """Whether it is active."""
        return self.state is ContextState.ACTIVE

    @property
    def occupied(self) -> bool:
        """Whether it counts among those that are active at once."""
        return self.state in (ContextState.ACTIVE, ContextState.ACTIVATING)

    @property
    def address(self) -> str:
        """Its address; 0.0.0.0 while it is not active."""
        return self._address.text if self._address is not None else "0.0.0.0"  # noqa: S104 - it is shown, not bound

    @property
    def problem(self) -> Code:
        """Why nothing can be opened in it; `Code.DONE` where it can."""
        if self.active:
            return Code.DONE
        return Code.BROKEN if self.state is ContextState.BROKEN else Code.NOT_ACTIVATED

    def activate(self, uart: int, done: Callable[[Code], None]) -> None:
        """Carry out AT+QIACT.

        Args:
            uart: where it was typed.
            done: called with how it went.
        """
        behaviour = self._environment.behaviour
        if self.active:
            done(Code.DONE if behaviour.qiact_again == "ok" else Code.NOT_ACTIVATED)
        elif self.state is ContextState.ACTIVATING:
            done(Code.BUSY)
        elif self.state is ContextState.BROKEN and behaviour.qiact_broken == "error":
            done(Code.BROKEN)
        elif self.settings is None and behaviour.qiact_without_apn == "error":
            done(Code.NO_APN)
        elif self._others(self) >= self._most:
            done(Code.NOT_ACTIVATED)
        else:
            self.uart, self._done = uart, done
            self.state = ContextState.ACTIVATING
            self._task = self._spawn(self._activate())

    async def _activate(self) -> None:
        self.kind = (self.settings or Settings()).kind
        self._enter(await grant(self._environment, lambda: self.kind != IPV6_ALONE))
        done, self._done = self._done, lambda code: None
        done(Code.DONE if self.active else Code.NOT_ACTIVATED)

    def be_active(self) -> None:
        """Be active without AT+QIACT, as the default bearer of a module that starts, where the network grants it."""
        if self._environment.network.grants:
            self._enter(allocate(self._environment.chooser))

    def _enter(self, address: Address | None) -> None:
        self._address = address
        self.dns = NAME_SERVERS  # negotiated with each activation
        self.state = ContextState.INACTIVE if address is None else ContextState.ACTIVE

    def deactivate(self) -> None:
        """Carry out AT+QIDEACT; the caller has ended its sockets. An activation that is under way fails."""
        self._leave(ContextState.INACTIVE)

    def drop(self) -> bool:
        """End it from the network's side; return False when it was not active."""
        if not self.active:
            return False
        self._leave(ContextState.BROKEN)
        return True

    def reset(self) -> None:
        """Return to the state at power-up."""
        self._done = lambda code: None
        self._leave(ContextState.INACTIVE)
        if not self._environment.behaviour.qicsgp_kept:
            self.settings = None

    def _leave(self, state: ContextState) -> None:
        self.state = state
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._address is not None:
            self._address.release()
            self._address = None
        done, self._done = self._done, lambda code: None
        done(Code.NOT_ACTIVATED)
