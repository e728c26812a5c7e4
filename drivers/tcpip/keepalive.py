"""Keeping an idle TCP connection, and finding out whether it still is one (app note chapter 10)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from ..errors import ChannelClosed, DriverError, SessionReset, TcpipError
from ..logs import port_logger
from . import dialogues, exchange, opening
from .endpoint import Endpoint
from .plans import Alone, Plan, Rest
from .settings import check_index
from .stack import Stack
from .transfer import MAX_SEND, Acknowledged

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


def check_kind(stack: Stack, session: Endpoint, settings: KeepAlive) -> None:
    """Make sure that a session is of a kind that can be examined.

    Raises:
        TcpipError: it is not.
        ValueError: the settings are for another one.
    """
    if session.protocol != "TCP":
        raise TcpipError(f"{stack.name}: only a TCP session has acknowledgements, this one is {session.protocol}")
    if stack.options.transparent is not None:
        raise TcpipError(f"{stack.name}: a transparent session is not examined: the probe would be data of the session")
    if settings.index not in (None, session.index):
        raise ValueError(f"the settings are for session {settings.index}, this is session {session.index}")
    most = stack.options.dialect.send_size
    if len(settings.probe) > most:
        raise ValueError(f"this module sends {most} octets at once, the probe has {len(settings.probe)}")


def examine(stack: Stack, session: Endpoint, settings: KeepAlive) -> Plan[Acknowledged]:
    """Find out whether an idle connection is one: AT+QISTAT, AT+QISACK, a probe, AT+QISACK (app note 10.2).

    Raises:
        SessionReset: it is not, or it has ended.
        TcpipError: this kind of session cannot be examined.
    """
    check_kind(stack, session, settings)
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


@dataclass(slots=True)
class Patient:
    """The session that a watch examines, and who is told what becomes of it.

    Args:
        session: the one that is watched now.
        reconnect: whether to open a client session again that was found dead.
        dead: told the session and why.
        reconnected: told the new session.
    """

    session: Endpoint
    reconnect: bool
    dead: Callable[[Endpoint, Exception], None]
    reconnected: Callable[[Endpoint], None]

    def __post_init__(self) -> None:
        if self.reconnect and self.session.role != "client":
            raise ValueError("only a session that was opened here can be opened again")


def watch(stack: Stack, patient: Patient, settings: KeepAlive) -> Plan[None]:
    """Examine a session whenever it has been idle for a period; over when it was closed here or stays dead."""
    seen = -1
    while True:
        yield Rest(settings.period)
        session = patient.session
        if session.closed:
            return
        try:
            totals: Acknowledged = yield exchange.acknowledged(stack, session)
            if totals.sent != seen and seen >= 0 and not totals.pending:
                seen = totals.sent  # it was used meanwhile, and all of it has arrived
                continue
            seen = (yield from examine(stack, session, settings)).sent
        except ChannelClosed:
            return
        except DriverError as error:
            if session.closed or not (yield from _replace(stack, patient, settings, error)):
                return
            seen = -1


def _replace(stack: Stack, patient: Patient, settings: KeepAlive, why: Exception) -> Plan[bool]:
    """Report a session that was found dead; True when another one has taken its place."""
    dead = patient.session
    port_logger(stack.hold.port).info("%s", why)
    dead.break_off(why)
    if dead.close_here():
        with suppress(DriverError):
            yield from stack.end_session(dead)
    patient.dead(dead, why)
    while patient.reconnect and not stack.closed:
        host, port = dead.remote_address
        again = opening.connect(
            stack, dead.protocol, host, port, index=stack.roster.number(dead), timeout=None, step_by_step=False
        )
        try:
            patient.session = yield Alone(again)
        except ChannelClosed:
            return False
        except DriverError as failure:
            port_logger(stack.hold.port).info("%s", failure)
            yield Rest(settings.period, firm=True)
            continue
        patient.reconnected(patient.session)
        return True
    return False
