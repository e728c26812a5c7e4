"""Sends data of one session in one turn of the channel: checks it before, and raises the right error after it."""

from __future__ import annotations

from ...at.core import Dialogue
from ...errors import AnswerLost, AtTimeout, CommandError, SendFailed, SessionClosed, SessionFinished
from .context import Context
from .socket_state import Acknowledged, Ending, SocketState


def send_piece(
    context: Context, session: SocketState, piece: bytes, ending: Ending = "length", period: int = 0
) -> Dialogue[None]:
    """Send one piece.

    Args:
        context: the context of the session.
        session: the session.
        piece: at most as many octets as the family sends at once.
        ending: how the piece ends.
        period: seconds, for ``timer``.

    Raises:
        SessionFinished: the other side has closed the session, or it has ended meanwhile.
        SendFailed: the module could not accept the piece.
    """
    session.check_sendable()
    context.check_held()
    try:
        refusal = yield from context.stack.send(session, piece, ending, period)
    except CommandError as error:
        if session.open and not session.closing:
            raise
        raise SessionFinished(f"{context.name}: the session was closed before the data was taken") from error
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
