"""Carries out the actions of a DLC's transition table: sends frames, emits events (27.010 §5.3, §5.4).

Some actions are carried out where more is known: those on data in `frame_dispatcher`, those on signals and on the end
of the session in `session`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from .commands import Signals
from .dlc import Dlc
from .dlc_table import CLOSING_CAUSE, Action
from .events import Cause, Closed, Event, Opened, Reestablished, SignalsChanged
from .negotiator import Negotiator
from .pending_resync import PendingResync
from .transmitter import Transmitter
from .wire import FrameType


class ActionsOwner(Protocol):
    """What the actions need from the session that they belong to."""

    negotiator: Negotiator
    transmitter: Transmitter
    pending_resync: PendingResync

    def emit(self, event: Event) -> None:
        """Report something to the owner of the multiplexer."""

    def send_signals(self, dlc: Dlc) -> None:
        """Send the peer our signals for an open DLC."""

    def take_signals(self, dlc: Dlc, signals: Signals, break_length: float | None) -> None:
        """Record the signals that the peer sent for a DLC."""

    def discard(self, dlc: Dlc) -> int:
        """Discard what waits to be sent on a DLC; return the number of octets."""

    def opened(self, *, by_peer: bool) -> None:
        """Start a session: DLCI 0 is open."""

    def restarted(self) -> None:
        """Restart the session: the peer knows nothing of the previous one."""

    def end(self, cause: Cause, detail: str) -> None:
        """End the session."""

    def close_when_idle(self) -> None:
        """Continue a shutdown that waits for this DLC."""


Carry = Callable[[ActionsOwner, Dlc, bool], None]
"""Carries out an action; the arguments are the session, the DLC, and the P/F bit of the frame that caused it."""


def forget(session: ActionsOwner, dlc: Dlc) -> int:
    """Discard what is left of a connection; return the number of octets that were queued."""
    count = session.discard(dlc)
    dlc.end()
    return count


def _send(kind: FrameType) -> Carry:
    return lambda session, dlc, final: session.transmitter.queue(dlc.dlci, kind, pf=True, timed=dlc, hold=True)


def _answer(kind: FrameType) -> Carry:
    return lambda session, dlc, final: session.transmitter.queue(dlc.dlci, kind, pf=final)


def _opened(session: ActionsOwner, dlc: Dlc, *, by_peer: bool) -> None:
    dlc.begin(opened=True)
    if not dlc.dlci:
        session.opened(by_peer=by_peer)
        return
    session.send_signals(dlc)
    session.emit(Opened(dlc.dlci, by_peer))
    if (early := dlc.take_early()) is not None:
        session.take_signals(dlc, early, None)


def _resume(session: ActionsOwner, dlc: Dlc, final: bool) -> None:
    session.emit(Opened(dlc.dlci, by_peer=False))
    if dlc.peer_signals is not None:
        session.emit(SignalsChanged(dlc.dlci, dlc.peer_signals, None))


def _reestablished(session: ActionsOwner, dlc: Dlc, final: bool) -> None:
    session.emit(Reestablished(dlc.dlci))
    if dlc.dlci:
        _restarted(session, dlc, final)
    elif dlc.confirmed:  # else it repeats its SABM because our UA was late or lost; nothing was open (27.010 5.4.1)
        session.restarted()


def _restarted(session: ActionsOwner, dlc: Dlc, final: bool) -> None:
    waits = dlc.may_send
    dlc.begin(opened=False)
    if dlc.may_send:
        session.transmitter.activate(dlc, waits=waits)
    session.send_signals(dlc)


def _parked(session: ActionsOwner, dlc: Dlc, final: bool) -> None:
    session.emit(Closed(dlc.dlci, Cause.LOCAL, "closed; the peer keeps it open", session.discard(dlc)))


def _closed(cause: Cause, detail: str) -> Carry:
    def carry(session: ActionsOwner, dlc: Dlc, final: bool) -> None:
        if not dlc.dlci:
            session.end(cause, detail)
            return
        session.emit(Closed(dlc.dlci, cause, detail, forget(session, dlc)))
        session.close_when_idle()

    return carry


def _forgotten(session: ActionsOwner, dlc: Dlc, final: bool) -> None:
    forget(session, dlc)
    session.close_when_idle()


ACTIONS: Final[dict[Action, Carry]] = {
    Action.SEND_SABM: _send(FrameType.SABM),
    Action.SEND_DISC: _send(FrameType.DISC),
    Action.SEND_UA: _answer(FrameType.UA),
    Action.SEND_DM: _answer(FrameType.DM),
    Action.SEND_SIGNALS: lambda session, dlc, final: session.send_signals(dlc),
    Action.SETTLE: lambda session, dlc, final: session.negotiator.settle(dlc),
    Action.OPENED: lambda session, dlc, final: _opened(session, dlc, by_peer=False),
    Action.OPENED_BY_PEER: lambda session, dlc, final: _opened(session, dlc, by_peer=True),
    Action.KEEP_OPEN: lambda session, dlc, final: session.emit(Opened(dlc.dlci, by_peer=False)),
    Action.RESUME: _resume,
    Action.REESTABLISHED: _reestablished,
    Action.RESTARTED: _restarted,
    Action.DISC_ANSWERED: lambda session, dlc, final: session.pending_resync.answered(FrameType.DISC),
    Action.DISC_UNANSWERED: lambda session, dlc, final: session.pending_resync.unanswered(dlc.dlci, FrameType.DISC),
    Action.PARKED: _parked,
    Action.FORGET: _forgotten,
    **{action: _closed(*why) for action, why in CLOSING_CAUSE.items()},
}
"""How each action is carried out."""
