"""The operations on one context, for all families: each in the right order of steps.

Every operation is a procedure; `ThreadRunner` and `TaskRunner` run them. No I/O, no waiting.
"""

from __future__ import annotations

from contextlib import suppress

from ...errors import (
    AtError,
    ChannelClosed,
    CommandError,
    ContextInactive,
    ContextLost,
    ModuleRestarted,
    SessionClosed,
    TcpipError,
    WrongDialect,
)
from .bounded import Stay
from .event_handler import EventHandler
from .listener_state import ListenerState
from .options import check_address, check_host, check_port, check_protocol, check_text
from .ownership import Lease
from .procedure import Procedure, on_channel
from .session_table import IdScope
from .socket_state import SocketState

UNKNOWN_COMMAND = frozenset({4, 100})  # 27.007 9.2: operation not supported, unknown
CLOSINGS = 64
"""The most clients that are closed before a context is deactivated, however many come meanwhile."""


class Context(EventHandler):
    """One context, controlled over one channel; see `EventHandler` for the arguments."""

    closing: bool = False
    """Whether the driver of the context is being closed, or has been."""
    closed: bool = False
    """Whether the driver of the context has been closed."""
    _of_family = False  # whether the module is known to be of the family

    # -- claiming and releasing ------------------------------------------------------------------------------------

    def take(self, timeout: float, *, take_over: bool = False, reclaim: bool = False) -> Procedure[Lease]:
        """Claim the context and make the settings; if it is held already, check that it has not been taken."""
        self._check_usable()
        if not self.claim._check():
            yield from self._take(timeout, take_over=take_over, reclaim=reclaim)
        elif not self.claim.active:
            yield from self.stack.verify()
        return self.claim.require()

    def ready(self) -> Procedure[None]:
        """Make sure that the context is held and not broken; claim it if it is not held."""
        self._check_usable()
        if self.claim._check() and self.claim.broken:
            yield from self.stack.deactivate()  # the network has deactivated it; only this frees it
        if not self.claim._check():
            yield from self._take(0.0)

    def _take(self, timeout: float, *, take_over: bool = False, reclaim: bool = False) -> Procedure[None]:
        self.stack.check_claiming()
        deadline = self._now() + timeout
        yield from self.claim._take(
            deadline,
            take_over=take_over,
            patient=not reclaim,
            ask=lambda: self._ask(deadline, reclaim=reclaim),
        )
        try:
            self._port.add_sink(self._demultiplexer)
            yield from self.stack.set_up()
            self.claim.require()  # the module may have restarted between two settings
        except BaseException:
            yield from self._give_up("its settings could not be made")
            raise

    def _ask(self, deadline: float, *, reclaim: bool) -> Procedure[None]:
        """Claim the context from the module, which may be of another family."""
        try:
            yield from self.stack.take(deadline, reclaim=reclaim)
        except CommandError as refusal:
            if not self._of_family:
                yield from self._check_family(refusal)
            self._of_family = True
            raise

    def _check_family(self, refusal: CommandError) -> Procedure[None]:
        """Raise an error if a refusal is that of a module which does not know the command at all."""
        found = yield from self.stack.identify(refusal)
        fits = self._recognise(found.model)
        if found.speaks or (fits is not None and isinstance(self.stack, fits.family)):
            return
        if fits is None and not found.model and found.speaks is None and refusal.code not in UNKNOWN_COMMAND:
            return  # nothing speaks against it
        what = f"the module is {found.model!r}" if found.model else "the module does not know the command"
        advice = "no dialect fits" if fits is None else f"use dialect={fits.name!r}"
        raise WrongDialect(
            f"{self.name}: {refusal.command} was answered {refusal.answer}: {what}, not of the family of "
            f"dialect={self._dialect.name!r} ({self._dialect.title}); {advice}",
            model=found.model,
            dialect=None if fits is None else fits.name,
            code=refusal.code,
        ) from refusal

    def _give_up(self, reason: str) -> Procedure[None]:
        """Release the context, in the module too if it keeps the owner."""
        try:
            if self.claim.valid:
                with suppress(AtError, TcpipError):  # the module is gone, or the context is no longer ours
                    yield from self.stack.give_up()
        finally:
            self.claim._release(reason)

    def _check_usable(self) -> None:
        if self.closing or self.closed:
            raise TcpipError(f"{self.name}: the driver was closed: make another one, with the same port")

    def words(self, what: str) -> str:
        """Return the words of the module that are added to a message; see `TcpipStack.WORDS`."""
        return f" ({self.stack.WORDS[what]})" if what in self.stack.WORDS else ""

    def check_held(self) -> None:
        """Check that sessions can be used.

        Raises:
            SessionClosed: the context is no longer held.
        """
        if not self.claim.valid:
            raise SessionClosed(f"{self.name}: the context is no longer held by this driver")

    def release(self) -> Procedure[None]:
        """Release the context without deactivating it."""
        with suppress(AtError, TcpipError):
            yield from self._leave_data_mode()
        if self.stack.ID_SCOPE is IdScope.MODULE:  # the ids of its sockets would stay taken
            yield from self._close_all()
            for listener in list(self.table.listeners.values()):
                with suppress(AtError, TcpipError):
                    yield from self.end_listening(listener)
        yield from self._give_up("the driver gave the context up")

    def close(self) -> Procedure[None]:
        """Close the sessions, deactivate the context and release it; a second call continues an interrupted one."""
        if self.closed:
            return
        self.closed = True
        try:
            if self.claim.valid:
                yield from self._wind_up()
        except (ChannelClosed, ContextLost, ModuleRestarted):
            pass  # the module is gone, or the context is no longer ours
        except Exception:
            yield from self._give_up("the driver was closed")
            raise
        except BaseException:  # an interruption
            self.closed = False  # the context may still be active: another call continues
            raise
        yield from self._give_up("the driver was closed")

    def _close_all(self) -> Procedure[None]:
        for listener in list(self.table.listeners.values()):
            listener.close_here()  # no client is taken from here on
        for _ in range(CLOSINGS):
            yield from self._turn_refused_away()
            session = next(iter(self.table._unfinished()), None)
            if session is None:
                return
            if session.close_here():
                # the module may be gone, and deactivating ends the session, too
                with suppress(AtError, TcpipError), session.unless_interrupted():
                    yield from self.end_session(session)

    def _turn_refused_away(self) -> Procedure[None]:
        for _ in range(CLOSINGS):
            refused = self.table._next_refused()
            if refused is None:
                return
            with suppress(AtError, TcpipError):
                yield from on_channel(self.turn_away(refused))

    def _end_sessions(self) -> Procedure[None]:
        yield from self._leave_data_mode()  # nothing else can be done where that fails
        yield from self._close_all()

    def _wind_up(self) -> Procedure[None]:
        yield from self._end_sessions()
        if self.claim.active:
            yield from self.stack.deactivate()

    def _leave_data_mode(self) -> Procedure[None]:
        """Leave data mode if the UART is in it, so that commands can be sent."""
        if self.table.online is not None:
            yield from on_channel(self.stack.escape())

    # -- the context -----------------------------------------------------------------------------------------------

    def state(self) -> Procedure[str]:
        """Return the state of the context, in the words of the module."""
        yield from self.ready()
        return (yield from self.stack.state())

    def _ready_to_activate(self) -> Procedure[None]:
        """As `ready`, for what activates the context if it is not active: nothing is sent if a rule forbids that."""
        self._check_usable()
        self.stack.check_activating()
        yield from self.ready()

    def activate(self) -> Procedure[str]:
        """Activate the context and return the local address."""
        yield from self._ready_to_activate()
        return (yield from self.stack.activate())

    def deactivate(self) -> Procedure[None]:
        """Close all sessions and deactivate the context."""
        yield from self.ready()
        yield from self._end_sessions()
        yield from self.stack.deactivate()

    def local_address(self) -> Procedure[str]:
        """Return the local address of the active context; it is read only once."""
        yield from self.ready()
        if self.claim.address is None:
            if not self.claim.active:
                raise ContextInactive(
                    f"{self.name}: not active, so it has no address; listen(), connect() or activate() first"
                )
            yield from self.stack.learn_address()
        address = self.claim.address
        if address is None:
            raise ContextInactive(f"{self.name}: the context was lost while its address was read")
        return address

    def foreground(self) -> Procedure[tuple[int, int | None]]:
        """Return the foreground context of the UART, and the virtual UART that controls it."""
        yield from self.ready()
        return (yield from self.stack.foreground())

    def show(self, shown: frozenset[str]) -> Procedure[None]:
        """Set the information that precedes received data."""
        showing = self.stack.show(shown)  # raises for unknown names before anything is sent
        yield from self.ready()
        yield from showing

    # -- sessions and listeners ------------------------------------------------------------------------------------

    def connect(
        self,
        protocol: str,
        host: str,
        port: int,
        *,
        index: int | None = None,
        timeout: float | None = None,
        step_by_step: bool = False,
        stay: Stay = lambda: None,
    ) -> Procedure[SocketState]:
        """Open a session to a remote server; it is closed again if its caller has left meanwhile."""
        check_protocol(protocol)
        check_host(host)
        check_port(port)
        self.stack.check_opening(index=index, step_by_step=step_by_step)
        yield from self._ready_to_activate()
        opening = self.stack.open(protocol, host, port, index=index, timeout=timeout, step_by_step=step_by_step)
        before = self.table.standing("client")
        try:
            session = yield from opening
            session.used(self._now(), heard=True)
            stay()
            return session
        except BaseException:
            for session in self.table.standing("client"):
                if session not in before:
                    with suppress(AtError, TcpipError):
                        yield from self.stack.close(session)
                    self.table.drop(session.id)
            raise

    def listen(
        self, protocol: str, port: int | None, clients: int | None, *, step_by_step: bool
    ) -> Procedure[ListenerState]:
        """Start to listen for clients."""
        check_protocol(protocol)
        if port is not None:
            check_port(port)
        self.stack.check_listening(port=port, clients=clients, step_by_step=step_by_step)
        yield from self._ready_to_activate()
        before = list(self.table.listeners.values())
        try:
            return (yield from self.stack.listen(protocol, port, clients, step_by_step=step_by_step))
        except BaseException:
            for listener in list(self.table.listeners.values()):
                if listener not in before:
                    with suppress(AtError, TcpipError):
                        yield from self.stack.close_listener(listener)
                    self.table.drop(listener.id)
            raise

    def end_session(self, session: SocketState) -> Procedure[None]:
        """Close a session in the module, if the module still has it."""
        try:
            if session.released or not self.claim.valid or self.claim.broken:
                return  # the module no longer has it; another session may have its id by now
            yield from self._leave_data_mode()
            if self.stack.CLOSE_AFTER_PEER or not session.remote_closed:
                yield from self.stack.close(session)
            session.released = True
        finally:
            session.ending = False

    def end_listening(self, listener: ListenerState) -> Procedure[None]:
        """Close a listener in the module, and the clients that nobody has accepted."""
        for client in listener.take_waiting():
            self.table._turn_away(client)
        if self.claim.valid:
            yield from self._turn_refused_away()
            yield from self.stack.close_listener(listener)

    def listener_status(self, listener: ListenerState) -> Procedure[tuple[bool, int]]:
        """Return whether the listener is listening and the number of connected clients, as the module reports them."""
        yield from self.ready()
        return (yield from self.stack.listener_status(listener))

    def room_made(self) -> None:
        """Continue to receive after a reader has made room."""
        self._port._room_made()
        self.table._room_made()

    @property
    def resumable(self) -> bool:
        """Whether there is a session for which data mode can be entered again."""
        return bool(self.table.standing())

    # -- names -----------------------------------------------------------------------------------------------------

    def resolve(self, name: str) -> Procedure[list[str]]:
        """Return the addresses of a name."""
        check_text("name", name, empty=False)
        yield from self._ready_to_activate()
        return (yield from self.stack.resolve(name))

    def set_name_servers(self, primary: str, secondary: str | None) -> Procedure[None]:
        """Set the name servers, in an active context."""
        for address in (primary, *(() if secondary is None else (secondary,))):
            check_address(address)
        yield from self._ready_to_activate()
        if not self.claim.active:
            yield from self.stack.activate()
        yield from self.stack.set_name_servers(primary, secondary)

    def name_servers(self) -> Procedure[tuple[str, ...]]:
        """Return the name servers."""
        yield from self.ready()
        return (yield from self.stack.name_servers())
