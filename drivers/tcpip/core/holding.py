"""How a driver comes to its context and gives it up, for all families: claiming, activating, winding up.

Drivers that share a context change its state one after the other, so that none takes it from under another one.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TypeVar

from ...errors import (
    AtError,
    ChannelClosed,
    CommandError,
    ContextBusy,
    ContextLost,
    ModuleRestarted,
    SessionClosed,
    TcpipError,
    WrongDialect,
)
from .event_handler import EventHandler
from .leftovers import Leftover
from .listener_state import ListenerState
from .ownership import Lease
from .procedure import Procedure, on_channel, wait
from .scope import IdScope
from .socket_state import SocketState

T = TypeVar("T")

UNKNOWN_COMMAND = frozenset({4, 100})  # 27.007 9.2: operation not supported, unknown
CLOSINGS = 64
"""The most clients that are closed before a context is deactivated, however many come meanwhile."""
LONGEST_CHANGE = 240.0
"""Seconds that a driver waits for another one that activates or deactivates the context that they share."""


class Holder(EventHandler):
    """Holds one context over one channel; see `EventHandler` for the arguments."""

    closing: bool = False
    """Whether the driver of the context is being closed, or has been."""
    closed: bool = False
    """Whether the driver of the context has been closed."""
    leftovers: tuple[Leftover, ...] = ()
    """What the module had of this context when it was claimed, and no driver of this process."""
    _of_family = False  # whether the module is known to be of the family

    # -- claiming and releasing ------------------------------------------------------------------------------------

    def take(self, timeout: float, *, take_over: bool = False, reclaim: bool = False) -> Procedure[Lease]:
        """Claim the context and make the settings; if it is held already, check that it has not been taken."""
        self._check_usable()
        return (yield from self._alone(self._take_it(timeout, take_over=take_over, reclaim=reclaim)))

    def _take_it(self, timeout: float, *, take_over: bool, reclaim: bool) -> Procedure[Lease]:
        if not self.claim._check():
            yield from self._take(timeout, take_over=take_over, reclaim=reclaim)
        elif not self.claim.active:
            yield from self.stack.verify()
        if reclaim:
            yield from self._clear()
        return self.claim.require()

    def ready(self) -> Procedure[None]:
        """Make sure that the context is held and not broken; claim it if it is not held."""
        self._check_usable()
        yield from self._alone(self._make_ready())

    def _make_ready(self) -> Procedure[None]:
        if self.claim._check() and self.claim.broken:
            yield from self._take_down()  # the network has deactivated it; only this frees it
        if not self.claim._check():
            yield from self._take(0.0)
            if self.claim.broken:  # others have held it since
                yield from self._take_down()
                yield from self._take(0.0)

    def ready_to_activate(self) -> Procedure[None]:
        """As `ready`, for what needs an active context: nothing is sent if a rule forbids that.

        Where commands need an active context, it is activated.
        """
        self._check_usable()
        self.stack.check_activating()
        yield from self._alone(self._make_active() if self.stack.ACTIVATES_FIRST else self._make_ready())

    def activate(self) -> Procedure[str]:
        """Activate the context and return the local address."""
        self._check_usable()
        self.stack.check_activating()
        return (yield from self._alone(self._make_active()))

    def _make_active(self) -> Procedure[str]:
        yield from self._make_ready()
        if self.stack.ACTIVATES_FIRST and self.claim.active and self.claim.address is not None:
            return self.claim.address
        return (yield from self.stack.activate())

    def _take_down(self) -> Procedure[None]:
        yield from self._leave_data_mode()  # the loss of the context may be told on another channel, before its end
        yield from self.stack.deactivate()
        self.table._scope.forget_foreign(self.claim.context)

    def _alone(self, procedure: Procedure[T]) -> Procedure[T]:
        """Run a procedure that may change the state of the context, while no driver that shares it does so."""
        if not self.claim.shared:
            return (yield from procedure)
        context, table = self.claim.context, self.claim._table
        try:
            begun = yield from wait(LONGEST_CHANGE, table._changes, lambda: table._begin(context, self))
            if begun is None:
                raise ContextBusy(context, table.owner(context), table.state(context), port=self.claim.port, here=True)
            return (yield from procedure)
        finally:
            procedure.close()
            table._finish(context, self)

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
            yield from self._of_our_family(self._look_around())
            yield from self._of_our_family(self.stack.set_up())
            self.claim.require()  # the module may have restarted between two settings
            self._since = self._now()
        except BaseException:
            yield from self._give_up("its settings could not be made")
            raise

    def _ask(self, deadline: float, *, reclaim: bool) -> Procedure[None]:
        """Claim the context from the module."""
        return self._of_our_family(self.stack.take(deadline, reclaim=reclaim))

    def _of_our_family(self, procedure: Procedure[None]) -> Procedure[None]:
        """Run a procedure with the first commands for a module, which may be of another family."""
        try:
            yield from procedure
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

    def _look_around(self) -> Procedure[None]:
        """Find out what the module has that no driver of this process has opened or activated."""
        before = self.table._ours()  # one that is closed meanwhile is nobody else's
        found = yield from self.stack.survey()
        there = {one.id: one.context for one in found if one.id is not None}
        self.table.survey({id: context for id, context in there.items() if id not in before})
        mine = [one for one in found if one.context == self.claim.context]
        foreign = self.table._scope.foreign
        unused = not self.claim.active and not self.claim._used_by_others
        self.leftovers = tuple(one for one in mine if (unused if one.id is None else one.id in foreign))
        if any(one.id is None for one in self.leftovers):
            self.claim._note_found_active()
        for one in self.leftovers:
            self._log.info("%s: found in the module, and of no driver here: %s", self.name, one)

    def _clear(self) -> Procedure[None]:
        """End what somebody who is gone has left of this context in the module."""
        yield from self._look_around()
        contexts = tuple(one for one in self.leftovers if one.id is None)
        if self.leftovers:
            yield from self.stack.clear(contexts or self.leftovers)
        self.leftovers = ()
        self.claim._note_found_active(False)
        self.table._scope.forget_foreign(self.claim.context)

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

    def end_session(self, session: SocketState) -> Procedure[None]:
        """Close a session in the module, if the module still has it."""
        try:
            if session.released or not self.claim.valid or self.claim.broken:
                return  # the module no longer has it; another session may have its id by now
            online = self.table.online
            yield from self._leave_data_mode()
            if self.stack.CLOSE_AFTER_PEER or not session.remote_closed:
                yield from self.stack.close(session)
            session.released = True
            if online not in (None, session) and online in self.table.standing() and not self.closing:
                yield from on_channel(self.stack.resume())  # the UART was only borrowed from it
        finally:
            session.ending = False

    def end_listening(self, listener: ListenerState) -> Procedure[None]:
        """Close a listener in the module, and the clients that nobody has accepted."""
        for client in listener.take_waiting():
            self.table._turn_away(client)
        if self.claim.valid:
            yield from self._turn_refused_away()
            yield from self.stack.close_listener(listener)

    def _end_sessions(self) -> Procedure[None]:
        yield from self._leave_data_mode()  # nothing else can be done where that fails
        yield from self._close_all()

    def _wind_up(self) -> Procedure[None]:
        yield from self._end_sessions()
        yield from self._alone(self._leave())

    def deactivate(self) -> Procedure[None]:
        """Close all sessions and deactivate the context, unless other drivers that share it still use it."""
        yield from self.ready()
        yield from self._end_sessions()
        yield from self._alone(self._leave(asked=True))

    def _leave(self, *, asked: bool = False) -> Procedure[None]:
        """Deactivate the context if this driver is its last user; otherwise only release it.

        Args:
            asked: whether the user asks for it, so that it is deactivated also if it seems to be somebody else's.
        """
        if self.claim._used_by_others:
            self.claim._release("the driver no longer uses it")
        elif asked or (self.claim.active and (self.claim.broken or not self._somebody_elses)):
            yield from self._take_down()

    @property
    def _somebody_elses(self) -> bool:
        """Whether somebody else has activated the context, or has sockets in it."""
        return self.claim._found_active or self.claim.context in self.table._scope.foreign.values()

    def _leave_data_mode(self) -> Procedure[None]:
        """Leave data mode if the UART is in it, so that commands can be sent."""
        if self.table.online is not None:
            yield from on_channel(self.stack.escape())
