"""Sends data of one session in one turn of the channel: checks it before, and raises the right error after it."""

from __future__ import annotations

from ...at.core import Dialogue
from ...errors import AnswerLost, AtTimeout, CommandError, SendFailed, SessionClosed, SessionFinished
from .context import Context
from .socket_state import Acknowledged, Address, Ending, SocketState


def send_piece(
    context: Context,
    session: SocketState,
    piece: bytes,
    ending: Ending = "length",
    period: int = 0,
    to: Address | None = None,
) -> Dialogue[None]:
    """Send one piece.

    Args:
        context: the context of the session.
        session: the session.
        piece: at most as many octets as the family sends at once.
        ending: how the piece ends.
        period: seconds, for ``timer``.
        to: where it goes, if the session is a UDP service.

    Raises:
        SessionFinished: the other side has closed the session, or it has ended meanwhile.
        SendFailed: the module could not accept the piece.
    """
    session.check_sendable()
    context.check_held()
    try:
        if to is None:
            refusal = yield from context.stack.send(session, piece, ending, period)
        else:
            refusal = yield from context.stack.send_to(session, piece, to)
    except (CommandError, SendFailed) as error:
        broken = isinstance(error, SendFailed) and not session.remote_closed
        if broken or (session.open and not session.closing):
            raise
        gone = f"{context.name}: the session was closed before the data was taken"
        raise SessionFinished(gone, code=error.code) from error
    except (AnswerLost, AtTimeout) as error:
        if isinstance(error, AnswerLost):
            try:
                session.check_sendable()  # it has ended: this raises the reason
            except SessionFinished as ended:
                raise SessionFinished(f"{ended} ({error.line})") from error
        session.break_off(error)  # how much the other side will receive is not known
        raise
    if refusal is None:
        session.used(context.now(), heard=False)
        return
    if not session.open or session.closing:
        raise SessionFinished(f"{context.name}: the session ended while {len(piece)} octets were sent ({refusal})")
    raise SendFailed(f"{context.name}: {len(piece)} octets were answered {refusal}; is the network there?")


def ask_acknowledged(context: Context, session: SocketState) -> Dialogue[Acknowledged]:
    """Return how many octets were sent, acknowledged, and not acknowledged.

    Raises:
        SessionClosed: the module no longer has the session: the context was lost, or another one has its id.
    """
    context.check_held()
    if context.claim.broken or context.table.sessions.get(session.id) is not session:
        session.check_sendable()  # it has ended: this raises the reason
        raise SessionClosed(f"{context.name}: the module no longer has the session")
    return (yield from context.stack.acknowledged(session))
