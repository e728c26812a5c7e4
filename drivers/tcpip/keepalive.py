"""Keeping an idle TCP connection, and finding out whether it still is one (app note chapter 10)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..errors import AtTimeout, ChannelClosed, CommandError, DriverError, SessionClosed, SessionReset, TcpipError
from . import dialogues, exchange
from .endpoint import Endpoint
from .hold import Plan, Rest
from .settings import check_index
from .transfer import MAX_SEND, Acknowledged

if TYPE_CHECKING:
    from .driver import TcpipDriver
    from .session import Session
    from .stack import Stack

log = logging.getLogger("drivers.keepalive")
ANSWERS = 3 * 5.3  # seconds that AT+QISTAT, AT+QISACK and AT+QISEND may take beside the waits


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """How an idle connection is kept and examined.

    Args:
        period: seconds of idleness after which it is examined; some networks drop a connection after 8 minutes.
        probe: what is sent to the other side, 1 to 1460 octets; the other side has to expect it.
        first: seconds from the probe to the first AT+QISACK.
        then: seconds between further ones.
        repeats: how many further ones, 0 to 12.
        index: the session that is meant, with MUXIP on; None: whichever it is given to.
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
        if not 1 <= len(self.probe) <= MAX_SEND:
            raise ValueError(f"a probe has 1 to {MAX_SEND} octets, not {len(self.probe)}")
        if not 0 <= self.repeats <= 12:
            raise ValueError(f"repeats is 0 to 12, not {self.repeats}")
        if self.index is not None:
            check_index(self.index)

    @property
    def bound(self) -> float:
        """Seconds from the last sign of life until a dead connection is reported, at most."""
        return 2 * self.period + self.first + self.repeats * self.then + (2 + self.repeats) * ANSWERS


def examine(stack: Stack, session: Endpoint, settings: KeepAlive) -> Plan[Acknowledged]:
    """Find out whether an idle connection is one: AT+QISTAT, AT+QISACK, a probe, AT+QISACK (app note 10.2).

    Raises:
        SessionReset: it is not, or it has ended.
        TcpipError: this kind of session cannot be examined.
    """
    if session.protocol != "TCP":
        raise TcpipError(f"{stack.name}: only a TCP session has acknowledgements, this one is {session.protocol}")
    if stack.options.transparent is not None:
        raise TcpipError(f"{stack.name}: a transparent session is not examined: the probe would be data of the session")
    if settings.index not in (None, session.index):
        raise ValueError(f"the settings are for session {settings.index}, this is session {session.index}")
    session.check_sendable()
    if session.role == "client":
        yield from _examine_state(stack, session)
    idle: Acknowledged = yield exchange.acknowledged(stack, session)
    if idle.pending:
        raise SessionReset(f"{stack.name}: {idle.pending} octets were not acknowledged while the session was idle")
    yield exchange.send(stack, session, settings.probe, "length", 0)
    yield Rest(settings.first)
    for left in range(settings.repeats, -1, -1):
        session.check_sendable()
        totals: Acknowledged = yield exchange.acknowledged(stack, session)
        if not totals.pending:
            return totals
        if left:
            yield Rest(settings.then)
    waited = settings.first + settings.repeats * settings.then
    raise SessionReset(f"{stack.name}: the probe was not acknowledged within {waited:g} s (AT+QISACK)")


def _examine_state(stack: Stack, session: Endpoint) -> Plan[None]:
    """AT+QISTAT says whether the stack itself has noticed anything (app note 10.1)."""
    if stack.options.muxip:
        word, sockets = yield stack.hold.in_foreground(dialogues.read_sockets())
        alive = session.index in sockets
    else:
        word = yield stack.hold.in_foreground(dialogues.state())
        alive = word == "CONNECT OK"
    if not alive:
        raise SessionReset(f"{stack.name}: the connection is gone: the module says {word}")


class Watch:
    """Examines a session whenever it has been idle for a period; made by `TcpipDriver.keep_alive`.

    Args:
        driver: whose session it is.
        session: a TCP session.
        settings: how.
        reconnect: whether to open a client session again that was found dead.
        on_dead: told the session and why, on the channel's own thread.
        on_reconnected: told the new session, on the channel's own thread.
    """

    def __init__(
        self,
        driver: TcpipDriver,
        session: Session,
        settings: KeepAlive,
        *,
        reconnect: bool = False,
        on_dead: Callable[[Session, Exception], None] | None = None,
        on_reconnected: Callable[[Session], None] | None = None,
    ) -> None:
        if reconnect and session.role != "client":
            raise ValueError("only a session that was opened here can be opened again")
        self.session = session
        """The session that is watched now."""
        self._driver = driver
        self._settings = settings
        self._reconnect = reconnect
        self._on_dead = on_dead
        self._on_reconnected = on_reconnected
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"keep-alive {driver.stack.name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop watching; the session stays; idempotent."""
        self._stopping.set()
        self.session.nudge()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _run(self) -> None:
        seen = -1
        while self._rest(self._settings.period):
            try:
                totals = self._driver.run(exchange.acknowledged(self._driver.stack, self.session))
                if totals.sent != seen and seen >= 0 and not totals.pending:
                    seen = totals.sent  # it was used meanwhile, and all of it has arrived
                    continue
                totals = self.session.check(self._settings, stopped=self._stopping.is_set)
                seen = totals.sent
            except ChannelClosed:
                return
            except (SessionClosed, AtTimeout, CommandError) as error:
                if self._stopping.is_set() or not self._dead(error):
                    return
                seen = -1

    def _rest(self, seconds: float) -> bool:
        """Wait for a period; False when there is nothing to watch any more."""
        self.session.rest(seconds, self._stopping.is_set)
        return not self._stopping.is_set() and not self.session.closed

    def _dead(self, error: Exception) -> bool:
        """Report a session that was found dead; True when another one has taken its place."""
        dead = self.session
        if dead.closed:
            return False
        log.info("%s", error)
        dead.break_off(error)
        with suppress(DriverError):
            dead.close()
        if self._on_dead is not None:
            self._driver.channel.call_soon(partial(self._on_dead, dead, error))
        while self._reconnect and not self._stopping.is_set():
            try:
                fresh = self._driver.connect(
                    dead.protocol,
                    *dead.remote_address,
                    index=dead.index if self._driver.stack.options.muxip else None,
                )
            except ChannelClosed:
                return False
            except DriverError as failure:
                log.info("%s", failure)
                dead.rest(self._settings.period, self._stopping.is_set, even_closed=True)
                continue
            self.session = fresh
            if self._on_reconnected is not None:
                self._driver.channel.call_soon(partial(self._on_reconnected, fresh))
            return True
        return False
