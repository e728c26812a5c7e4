"""A context as a client: one session, or up to six with QIMUX=1."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Protocol

from ..environment import Environment, Spawn
from ..network.connecting import connect
from ..network.session import NetworkSession, SessionState
from .context_session import ContextSession, Role, SessionHost
from .context_settings import ContextSettings
from .states import Trigger

log: logging.Logger = logging.getLogger(__name__)

PROFILES = 6  # client sessions with QIMUX=1


class ClientHost(SessionHost, Protocol):
    """The context of a client."""

    number: int
    settings: ContextSettings

    def fire(self, trigger: Trigger) -> bool:
        """Change the state; see `Context.fire`."""

    async def start(self) -> bool:
        """Activate the context if it is IP INITIAL; return False when the network refuses."""

    def replaced(self, session: ContextSession) -> None:
        """Called when another session takes the place of one that has ended."""

    def with_index(self, index: int, text: str) -> str:
        """Put the index before a text with QIMUX=1."""

    def announce(self, text: str) -> None:
        """Queue an unsolicited line."""


class Client:
    """Opens and closes the client sessions of one context.

    Args:
        host: the context.
        environment: loop, clock, behaviour, network.
        spawn: runs a task that is cancelled with the context.
    """

    def __init__(self, host: ClientHost, environment: Environment, spawn: Spawn) -> None:
        self.profiles: dict[int, ContextSession] = {}
        self._host = host
        self._environment = environment
        self._spawn = spawn
        self._opening: dict[int, asyncio.Task[None]] = {}

    def state(self, index: int) -> SessionState:
        """Return the state of a profile, in the words of AT+QISTATE."""
        if index in self._opening:
            return SessionState.CONNECTING
        session = self.profiles.get(index)
        if session is None:
            return SessionState.INITIAL
        if session.state is SessionState.CLOSED:
            return SessionState(self._environment.behaviour.socket_after_close)
        return session.state

    def open(self, index: int, kind: str, host: str, port: int) -> None:
        """Open a session; the caller has checked that the state of the context allows it.

        Args:
            index: the profile; 0 with QIMUX=0.
            kind: ``TCP`` or ``UDP``.
            host: address or name.
            port: 1 to 65535.
        """
        former = self.profiles.pop(index, None)
        if former is not None:
            self._host.replaced(former)
        task = self._spawn(self._open(index, kind, host, port))
        self._opening[index] = task
        task.add_done_callback(lambda done: self._opened(index, done))

    def _opened(self, index: int, task: asyncio.Task[None]) -> None:
        if self._opening.get(index) is task:
            del self._opening[index]

    async def _open(self, index: int, kind: str, host: str, port: int) -> None:
        if not self._host.settings.mux:
            opening = Trigger.OPEN_TCP if kind == "TCP" else Trigger.OPEN_UDP
        else:
            opening = Trigger.OPEN_PROFILE
        if not await self._host.start():
            self._host.announce(self._host.with_index(index, "CONNECT FAIL"))
            return
        self._host.fire(opening)
        environment = self._environment
        try:
            await environment.sleep(environment.behaviour.result_time)
            await environment.within(
                environment.behaviour.connect_timeout,
                connect(environment, kind, (host, port), self._host.local_address, partial(self._enter, index)),
            )
        except (OSError, TimeoutError) as error:
            log.info("context %d: profile %d does not reach %s:%d: %s", self._host.number, index, host, port, error)
            self.profiles.pop(index, None)
            self._opening.pop(index, None)
            self._over(Trigger.FAILED)
            self._host.announce(self._host.with_index(index, "CONNECT FAIL"))

    def _enter(self, index: int, network: NetworkSession) -> ContextSession:
        session = ContextSession(self._host, self._environment, Role.CLIENT, index, network)
        self.profiles[index] = session
        return session

    def connected(self, session: ContextSession) -> None:
        """Called when one of the sessions can carry data."""
        self._opening.pop(session.index, None)
        self._host.fire(Trigger.CONNECTED)

    def ended(self, session: ContextSession) -> bool:
        """Called when a session has ended by itself; return False where it was never connected."""
        if self.profiles.get(session.index) is not session:
            return False
        self._over(Trigger.REMOTE_CLOSED)
        return True

    def close(self, index: int) -> bool:
        """Close a session from our side; return False when there is none."""
        opening = self._opening.pop(index, None)
        session = self.profiles.get(index)
        if opening is None and session is None:
            return False
        if opening is not None:
            opening.cancel()
        if session is not None:
            session.close()
        if self._host.settings.mux:
            self.profiles.pop(index, None)
        self._over(Trigger.CLOSE_SESSION)
        return True

    def _over(self, trigger: Trigger) -> None:
        """Change the context's state after the end of a session; with QIMUX=1 only after the last one."""
        if not self._host.settings.mux:
            self._host.fire(trigger)
            return
        busy = (SessionState.CONNECTING, SessionState.CONNECTED)
        if not any(self.state(index) in busy for index in range(PROFILES)):
            self._host.fire(Trigger.LAST_PROFILE_CLOSED)
