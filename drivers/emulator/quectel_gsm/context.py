"""A PDP context: its state, settings and activation, its sessions, and what it writes on its UART."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Coroutine

from ..environment import Environment
from ..interpreter.bytestream import Online
from ..interpreter.output import Delivery, Urc
from ..network.probing import Probing
from ..network.session import SessionState
from .activation import Activation
from .client import Client
from .context_session import ContextSession, Role
from .context_settings import ContextSettings
from .outbox import Outbox
from .receive_header import HeaderOptions
from .server import Server
from .services import Services
from .states import ACTIVATING, ACTIVE, ContextState, Trigger, transitions

log: logging.Logger = logging.getLogger(__name__)

_GUARD = 0.5  # seconds of silence before and after +++


class Context:
    """Runs one PDP context of the module.

    Args:
        number: 0 or 1.
        environment: loop, clock, behaviour, network.
        changed: called with the number whenever there is something to take, or room to send.
        may_start: returns whether the other context allows activation.
    """

    def __init__(
        self,
        number: int,
        environment: Environment,
        changed: Callable[[int], None],
        may_start: Callable[[int], bool],
    ) -> None:
        self.number: int = number
        self.settings: ContextSettings = ContextSettings.initial(environment.behaviour)
        self.state: ContextState = ContextState.INITIAL
        self._saved: ContextSettings | None = None
        self.client: Client = Client(self, environment, self._spawn)
        self.server: Server = Server(self, environment)
        self.services: Services = Services(self, environment, self._spawn)
        self._bytestream: ContextSession | None = None
        self._has_sent = False
        self.unread: int = 0  # octets of closed sessions that AT+QIRD never asked for, and that are lost
        self._environment = environment
        self._changed = changed
        self._activation = Activation(self, environment, lambda: may_start(number))
        self._transitions = transitions(environment.behaviour)
        self.outbox: Outbox = Outbox()
        self._tasks: set[asyncio.Task[None]] = set()

    # State

    def may(self, trigger: Trigger) -> bool:
        """Return whether something is allowed in the current state."""
        return (self.state, trigger) in self._transitions

    def fire(self, trigger: Trigger) -> bool:
        """Change the state as the table says; return False, and change nothing, where it is not allowed."""
        target = self._transitions.get((self.state, trigger))
        if target is None:
            return False
        if target is not self.state:
            log.info("context %d: %s -> %s (%s)", self.number, self.state.value, target.value, trigger.value)
        self.state = target
        return True

    @property
    def in_use(self) -> bool:
        """Whether it is in any other state than IP INITIAL."""
        return self.state is not ContextState.INITIAL

    @property
    def bytestream(self) -> ContextSession | None:
        """The transparent session, in data mode or in command mode; None once it is over."""
        session = self._bytestream
        if session is not None and session.state is SessionState.CLOSED and not session.held:
            self._bytestream = None
        return self._bytestream

    @bytestream.setter
    def bytestream(self, session: ContextSession | None) -> None:
        self._bytestream = session

    def online(self) -> Online | None:
        """Return what a UART in data mode is joined to, or None."""
        session = self.bytestream
        if session is None:
            return None
        _, wait, size, escape = self.settings.tcfg
        return Online(session, size=size, wait=wait / 10, escape=bool(escape), guard=_GUARD)

    @property
    def local_address(self) -> str:
        """Its address, or 0.0.0.0 before activation."""
        return self._activation.address

    @property
    def shown_state(self) -> ContextState:
        """The state that AT+QISTAT shows."""
        if (
            self._environment.behaviour.qistat_includes_server
            and self.state is ContextState.STATUS
            and self.server.connected
        ):
            return ContextState.CONNECT_OK
        return self.state

    # Activation

    @property
    def activating(self) -> bool:
        """Whether a QIOPEN or QISERVER in IP INITIAL is activating the context now."""
        return self._activation.under_way and self.state in ACTIVATING

    def register(self) -> bool:
        """Carry out AT+QIREGAPP; return False where it is not allowed."""
        return self.fire(Trigger.REGISTER)

    def activate(self, done: Callable[[bool], None]) -> None:
        """Carry out AT+QIACT.

        Args:
            done: called with whether the network accepted.
        """
        self.fire(Trigger.ACTIVATE)

        async def run() -> None:
            done(await self._activation.negotiate())

        self._spawn(run())

    async def ready(self) -> bool:
        """Register and activate from IP INITIAL, once for all callers at a time; return False when that fails."""
        if self.state is ContextState.INITIAL or self.activating:
            return await self._activation.bring_up()
        return self.state in ACTIVE

    async def start(self) -> bool:
        """Activate from IP INITIAL for a session or a server, to IP STATUS; return False when that fails."""
        if self.state is ContextState.INITIAL or self.activating:
            if not await self.ready():
                return False
            self.fire(Trigger.READ_ADDRESS)
        return True

    def deactivate(self) -> bool:
        """Carry out AT+QIDEACT: everything ends, and the state is IP INITIAL; return False where it is not allowed."""
        if not self.fire(Trigger.DEACTIVATE):
            return False
        self._end_all()
        return True

    def drop(self) -> bool:
        """Deactivate the context from the network's side; return False when it was not active."""
        if not self.fire(Trigger.DROPPED):
            return False
        self._end_all()
        self.announce(self._environment.behaviour.pdp_deact)
        return True

    def network_changed(self) -> None:
        """Tell the sessions that the network has become silent, or no longer is."""
        for session in self._sessions():
            session.network.network_changed()

    def break_sessions(self) -> None:
        """Reset the connection of every session from the remote side."""
        for session in self._sessions():
            session.network.broken()

    def reset(self) -> None:
        """Return to the state at power-up, without a line."""
        self.state = ContextState.INITIAL
        self._end_all()
        self.settings = ContextSettings.initial(self._environment.behaviour)
        if self._saved is not None:
            self.settings.restore(self._saved)

    def save(self) -> None:
        """Carry out AT+QISCON: save settings that a restart restores."""
        self._saved = dataclasses.replace(self.settings)

    def _end_all(self) -> None:
        for task in self._tasks:
            task.cancel()
        self.server.stop()
        self.server.close_clients()
        for session in self._sessions():
            session.close()
        self.client.profiles.clear()
        self.outbox.clear()
        self.bytestream = None
        self._has_sent = False
        self._activation.release()

    # Sessions and server

    def hang_up(self) -> None:
        """Close the transparent session from our side."""
        session, self.bytestream = self.bytestream, None
        if session is None:
            return
        close = self.client.close if session.role is Role.CLIENT else self.server.close_client
        if not close(session.index):
            session.close()

    def listen(self, kind: str, maximum: int) -> None:
        """Start the server; the caller has checked that the state of the context allows it.

        Args:
            kind: ``TCP`` or ``UDP``.
            maximum: how many clients are accepted.
        """
        self.server.prepare(maximum)
        self._spawn(self._listen(kind))

    async def _listen(self, kind: str) -> None:
        try:
            if not await self.start():
                raise OSError("the network did not accept the activation")
            self.fire(Trigger.LISTEN)
            await self._environment.sleep(self._environment.behaviour.result_time)
            await self.server.listen(kind, self.local_address, self.settings.ports[kind])
        except OSError as error:
            log.info("context %d: cannot listen: %s", self.number, error)
            self.server.stop()
            self.announce("CONNECT FAIL")
            return
        self.announce("SERVER OK")

    def sent_first(self) -> bool:
        """Note that data was sent; return whether it is the first since the context was IP INITIAL."""
        first, self._has_sent = not self._has_sent, True
        return first

    # Called by its sessions

    @property
    def keepalive(self) -> Probing | None:
        """See `SessionHost.keepalive`."""
        off, idle, interval = self.settings.kalive
        return None if off else Probing(idle, interval)

    @property
    def indicating(self) -> int:
        """See `SessionHost.indicating`."""
        return self.settings.ndi

    def indication(self, session: ContextSession, more: tuple[int, ...]) -> str:
        """See `SessionHost.indication`."""
        return "+QIRDI: " + ",".join(map(str, (self.number, int(session.role), session.index, *more)))

    def replaced(self, session: ContextSession) -> None:
        """See `ClientHost.replaced`; what is left of it is still written, unless it waits for AT+QIRD."""
        if self.indicating:
            self.discard(session)
        else:
            self.outbox.keep(session)

    def discard(self, session: ContextSession) -> None:
        """See `SessionHost.discard`."""
        if session.held:
            log.info("context %d: %d octets that nobody has read are lost", self.number, session.held)
        self.unread += session.held
        session.close()

    def header_options(self, session: ContextSession) -> HeaderOptions:
        """See `SessionHost.header_options`."""
        settings, behaviour = self.settings, self._environment.behaviour
        return HeaderOptions(
            profile=session.index if settings.mux else None,
            remote=bool(settings.showra),
            local=bool(settings.showla),
            head=bool(settings.head),
            protocol=bool(settings.showpt),
            recv_from=behaviour.recv_from + (": " if behaviour.recv_from_blank else ":"),
            to_before_recv=behaviour.to_before_recv,
        )

    def session_connected(self, session: ContextSession) -> None:
        """See `SessionHost.session_connected`."""
        if session.role is Role.CLIENT:
            self.client.connected(session)
            word = self._environment.behaviour.transparent_open if self.settings.mode else "CONNECT OK"
            self._join(session, self.with_index(session.index, word))
        else:
            session.notify(Urc(self.with_index(session.index, f"REMOTE IP: {session.remote[0]}")))
            if self.settings.mode:
                self._join(session, "CONNECT")

    def session_ended(self, session: ContextSession) -> None:
        """See `SessionHost.session_ended`."""
        if session.role is Role.CLIENT and not self.client.ended(session):
            return
        always = self._environment.behaviour.closed_index
        session.notify(Urc(f"{session.index}, CLOSED" if always else self.with_index(session.index, "CLOSED")))

    def _join(self, session: ContextSession, text: str) -> None:
        """Announce that a session carries data; with QIMODE=1 the UART enters data mode."""
        former = self.bytestream
        transparent = bool(self.settings.mode) and (former is None or not former.connected)
        if transparent:
            self.bytestream = session
            session.transparent = True
        session.notify(Urc(text, online=self.online if transparent else None))

    def session_changed(self, session: ContextSession) -> None:
        """See `SessionHost.session_changed`."""
        self._changed(self.number)

    # Output on its UART

    def with_index(self, index: int, text: str) -> str:
        """Put the index before a text with QIMUX=1."""
        return f"{index}, {text}" if self.settings.mux else text

    def announce(self, text: str) -> None:
        """Queue an unsolicited line."""
        self.outbox.announce(text)
        self._changed(self.number)

    def take(self) -> Urc | Delivery | None:
        """Return what the owner's UART writes next, or None."""
        return self.outbox.take(self._present())

    def forget_urcs(self) -> int:
        """Drop the lines, as no UART can show them; return how many. Received data stays."""
        return self.outbox.forget_lines(self._present())

    def _sessions(self) -> list[ContextSession]:
        return self.outbox.sessions(self._present())

    def _present(self) -> list[ContextSession]:
        return [*self.client.profiles.values(), *self.server.clients.values()]

    def _spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = self._environment.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
