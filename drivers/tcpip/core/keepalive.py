"""Keeps idle TCP connections alive, and examines whether they still exist (app note chapter 10)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypedDict, TypeVar

from ...errors import ChannelClosed, DriverError, InvalidArgument, SessionReset, TcpipError
from ...logs import port_logger
from . import operations
from .context import Context
from .procedure import Procedure, exclusive, on_channel
from .sending import ask_acknowledged, send_piece
from .session_base import SessionBase
from .socket_state import Acknowledged, SocketState

S = TypeVar("S", bound=SessionBase[object])

QUESTIONS = 3  # the most commands to the module between two waits


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """How an idle connection is kept alive and examined.

    Args:
        period: seconds without data after which it is examined; some networks drop a connection after 8 minutes.
        probe: the octets to send, at most one piece of the module; the other side has to expect them.
        first: seconds from the probe to the first check for its acknowledgement.
        then: seconds between further checks.
        repeats: the number of further checks, 0 to 12.
        index: the number of the session that it applies to; None: any.
    """

    period: float = 420.0
    probe: bytes = b"TCP detect"
    first: float = 5.0
    then: float = 10.0
    repeats: int = 12
    index: int | None = None

    def __post_init__(self) -> None:
        if self.period <= 0 or self.first <= 0 or self.then <= 0:
            raise ValueError("period, first and then are more than 0 seconds")
        if not self.probe:
            raise ValueError("a probe has 1 octet or more, not 0")
        if b"\x1b" in self.probe:
            raise ValueError("a probe has no ESC (0x1B), which cancels data on some modules (app note 4.3)")
        if not 0 <= self.repeats <= 12:
            raise ValueError(f"repeats is 0 to 12, not {self.repeats}")
        if self.index is not None and (type(self.index) is not int or self.index < 0):
            raise InvalidArgument(f"the index of a session is 0 or more, not {self.index!r}")

    @property
    def patience(self) -> float:
        """Seconds without any acknowledgement after which a connection with octets under way is dead."""
        return self.first + self.repeats * self.then

    @property
    def bound(self) -> float:
        """The most seconds from the last sign of life until a dead connection is reported.

        The time that the module takes for its answers is not included; it is in `Watch.bound`.
        """
        return max(self.period, self.first, self.then) + self.patience


def check_kind(context: Context, session: SocketState, settings: KeepAlive) -> None:
    """Check that a session can be examined.

    Raises:
        TcpipError: it cannot, because of its kind.
        ValueError: the settings are for another session, or do not fit the module.
    """
    if session.protocol != "TCP":
        raise TcpipError(f"{context.name}: only a TCP session has acknowledgements, this one is {session.protocol}")
    if context.stack.transparent(session):
        raise TcpipError(
            f"{context.name}: a transparent session is not examined: the probe would be data of the session"
        )
    if settings.index not in (None, session.index):
        raise ValueError(f"the settings are for session {settings.index}, this is session {session.index}")
    most = context.stack.send_size
    if len(settings.probe) > most:
        raise ValueError(f"this module sends {most} octets at once, the probe has {len(settings.probe)}")


def examine(
    context: Context,
    session: SocketState,
    settings: KeepAlive,
    stopped: Callable[[], bool] | None = None,
    *,
    idle: float = 0.0,
) -> Procedure[Acknowledged]:
    """Find out whether a connection lives: by what the module knows, then by a probe if it is idle (app note 10.2).

    Octets that are under way are waited for first: a round trip by GPRS takes seconds.

    Args:
        context: the context of the session.
        session: the session.
        settings: what is sent and how long is waited.
        stopped: asked whenever the session changes or is nudged: True ends a wait.
        idle: seconds without an octet in either direction after which it counts as idle.

    Raises:
        SessionReset: the connection is dead, or the session has ended.
        TcpipError: this kind of session cannot be examined.
    """
    check_kind(context, session, settings)
    session.check_sendable()
    word = yield from context.stack.examine(session)
    if word is not None:
        raise SessionReset(f"{context.name}: the connection is gone: the module says {word}")
    used_at = session.used_at
    totals = yield from on_channel(ask_acknowledged(context, session))
    if totals.pending:
        what = f"{totals.pending} octets were"
        totals = yield from _until_acknowledged(context, session, settings, totals, stopped, what)
    else:
        session.heard_at = max(session.heard_at, used_at)  # all that was sent has been acknowledged since then
    if context.now() < session.used_at + idle:
        return totals
    return (yield from _probe(context, session, settings, totals, stopped))


def _probe(
    context: Context,
    session: SocketState,
    settings: KeepAlive,
    before: Acknowledged,
    stopped: Callable[[], bool] | None,
) -> Procedure[Acknowledged]:
    """Send a probe and wait until it is acknowledged."""
    yield from on_channel(send_piece(context, session, settings.probe))
    sent = replace(before, sent=before.sent + len(settings.probe))
    return (yield from _until_acknowledged(context, session, settings, sent, stopped, "the probe was"))


def _until_acknowledged(
    context: Context,
    session: SocketState,
    settings: KeepAlive,
    before: Acknowledged,
    stopped: Callable[[], bool] | None,
    what: str,
) -> Procedure[Acknowledged]:
    """Wait until all that was sent before has been acknowledged.

    A session is dead when nothing at all was acknowledged in the time that ``first``, ``then`` and ``repeats`` give.
    Every acknowledgement restarts that time, because the other side lives.

    Raises:
        SessionReset: it is dead.
    """
    acknowledged, asked_at = before.acknowledged, context.now()
    pause, left = settings.first, settings.repeats
    while True:
        yield from operations.rest(session, pause, stopped)
        session.check_sendable()
        totals = yield from on_channel(ask_acknowledged(context, session))
        moved = totals.acknowledged > acknowledged
        if moved:
            session.heard_at = max(session.heard_at, asked_at)  # it was some time after that
        acknowledged, asked_at = totals.acknowledged, context.now()
        if not totals.pending or totals.acknowledged >= before.sent:
            return totals
        if moved:
            pause, left = settings.first, settings.repeats
        elif left:
            pause, left = settings.then, left - 1
        else:
            words = context.words("acknowledged")
            raise SessionReset(f"{context.name}: {what} not acknowledged within {settings.patience:g} s{words}")


class Stopped(Exception):
    """Ends the examination of a session whose watch has been closed."""


class WatchOptions(TypedDict, Generic[S], total=False):
    """What is done when a session is found dead."""

    reconnect: bool
    """Open a client session again; otherwise it stays dead."""
    on_dead: Callable[[S, Exception], None] | None
    """Called with the session and the reason."""
    on_reconnected: Callable[[S], None] | None
    """Called with the new session."""


class Watched(Generic[S]):
    """Examines a session whenever it has been idle for a period; both shells run it.

    Args:
        context: the context of the session.
        session: the session to watch first.
        settings: when and how to examine it.
        again: creates the session that replaces a dead one.
        tell: runs a callback.
        stopped: called whenever the session changes or is nudged; True ends the watch.
        reconnect: see `WatchOptions`.
        on_dead: see `WatchOptions`.
        on_reconnected: see `WatchOptions`.
    """

    def __init__(
        self,
        context: Context,
        session: S,
        settings: KeepAlive,
        *,
        again: Callable[[SocketState], S],
        tell: Callable[[Callable[[], None]], None],
        stopped: Callable[[], bool] | None = None,
        reconnect: bool = False,
        on_dead: Callable[[S, Exception], None] | None = None,
        on_reconnected: Callable[[S], None] | None = None,
    ) -> None:
        check_kind(context, session._state, settings)
        if reconnect and session.role != "client":
            raise ValueError("only a session that was opened here can be opened again")
        self.session: S = session
        self._context = context
        self._settings = settings
        self._reconnect = reconnect
        self._again = again
        self._tell = tell
        self._stopped = stopped
        self._on_dead = on_dead
        self._on_reconnected = on_reconnected

    def describe(self, *, ended: bool) -> str:
        """Return the `repr` of the `Watch` of a shell."""
        return f"<Watch of {self.session!r}: {'ended' if ended else f'every {self._settings.period:g} s'}>"

    @property
    def bound(self) -> float:
        """The most seconds from the last sign of life until a dead connection is reported."""
        answers = (2 + self._settings.repeats) * QUESTIONS * self._context.stack.answer_time
        return self._settings.bound + answers

    def nudge(self) -> None:
        """Make the watch check again whether it has been stopped."""
        self.session._state.nudge()

    def watch(self) -> Procedure[None]:
        """Examine the session whenever it has been idle for a period, until this side closes it or it stays dead."""
        with suppress(Stopped):
            yield from self._watch()

    def _watch(self) -> Procedure[None]:
        while True:
            session = self.session._state
            try:
                by_module = yield from self._context.stack.keep_alive(session, self._settings.period)
                yield from self._await_end(session) if by_module else self._probe(session)
            except ChannelClosed:
                return
            except DriverError as error:
                if not session.closed and not self._context.closing and (yield from self._replace(error)):
                    continue
            return

    def _await_end(self, session: SocketState) -> Procedure[None]:
        """Wait until the session ends: the module reports a dead one by itself."""
        yield from operations.rest(session, None, lambda: self._ask() or session.closing)
        if session.closing:  # where nobody reads, nothing asks whether the module keeps data, and that ends it
            with session.reading():
                self._context.wanted(session)
                yield from self._rest(None)
        if not session.closed:
            session.check_sendable()  # raises the reason for its end

    def _probe(self, session: SocketState) -> Procedure[None]:
        """Examine the session after each period that was idle or without a sign of life, until this side closes it."""
        period = self._settings.period
        while True:
            while session.open and (left := min(session.used_at, session.heard_at) + period - self._context.now()) > 0:
                yield from self._rest(left)
            if session.closed:
                return
            kept = session.unread and not session.wants(self._context.stack.FETCH_AHEAD)
            if session.open and (session.closing or kept):
                # not idle: the module keeps data until the reader makes room
                yield from self._rest(period)
                continue
            yield from examine(self._context, session, self._settings, self._ask, idle=period)

    def _rest(self, seconds: float | None, *, firm: bool = False) -> Procedure[None]:
        yield from operations.rest(self.session._state, seconds, self._ask, even_closed=firm)

    def _ask(self) -> bool:
        if self._context.closing or (self._stopped is not None and self._stopped()):
            raise Stopped
        return False

    def _replace(self, why: Exception) -> Procedure[bool]:
        """Report a session that was found dead; return True if another one has replaced it."""
        log = port_logger(self._context.claim.port)
        log.info("%s", why)
        dead = self.session._state
        finished = dead.remote_closed  # all that it has received can still be read
        if not finished:
            dead.break_off(why)
        if finished or dead.close_here():
            with suppress(DriverError), dead.unless_interrupted():
                yield from self._context.end_session(dead)
        if self._on_dead is not None:
            self._tell(partial(self._on_dead, self.session, why))
        while self._reconnect and not self._context.closing:
            host, port = dead.remote_address
            index = dead.index if "index" in self._context.stack.OPTIONS else None
            opened = self._context.connect(dead.protocol, host, port, index=index)
            try:
                state = yield from exclusive(opened)
            except ChannelClosed:
                return False
            except DriverError as failure:
                log.info("%s", failure)
                yield from self._rest(self._settings.period, firm=True)
                continue
            self.session = self._again(state)
            if self._on_reconnected is not None:
                self._tell(partial(self._on_reconnected, self.session))
            return True
        return False
