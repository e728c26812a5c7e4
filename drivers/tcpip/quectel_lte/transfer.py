"""Data of one session: AT+QISEND in its three forms, AT+QISENDEX, AT+QIRD."""

from __future__ import annotations

from contextlib import suppress

from ...at.core import Dialogue, LinePattern, command, expect, payload
from ...errors import AtTimeout, CommandError, InvalidArgument, SendFailed, TcpipError, UnexpectedAnswer
from ...wording import retold
from ..core import events
from ..core.socket_state import Acknowledged, Address, Ending, SocketState
from ..prompt import CTRL_Z, ESC, deliver_after_all, leave_prompt
from .classifier import BROKEN
from .codes import CLOSED, DEACTIVATED, explain, stack_command
from .state import StackState
from .timeouts import deadline
from .unsolicited import closed_line, lost_line

SEND_SIZE, READ_SIZE = 1460, 1500
HEX_SIZE = 255
"""Octets of one AT+QISENDEX: some firmware takes 510 digits, not the 512 of the manual (hologram-python)."""
HEX_LINE = 2 * HEX_SIZE + 20
RETRY = 1.0
"""Seconds until a piece that was answered SEND FAIL, because the module's buffer is full, is sent again."""

_SENT, _NOT_SENT, _ERROR = LinePattern("SEND OK"), LinePattern("SEND FAIL"), LinePattern("ERROR")
_RESULTS = (_SENT, _NOT_SENT)
_ACKNOWLEDGED = LinePattern(
    "+QISEND:", r" *(?P<sent>[0-9]{1,15}) *, *(?P<acknowledged>[0-9]{1,15}) *, *(?P<pending>[0-9]{1,15}) *", 60
)
_ENDINGS = ("length", "ctrl-z", "hex")


def check_sending(data: bytes, ending: Ending, title: str) -> None:
    """Check that data can be sent with an ending.

    Raises:
        ValueError: Ctrl-Z or ESC in data that is ended by Ctrl-Z, or an ending that the family does not have.
    """
    if ending not in _ENDINGS:
        raise InvalidArgument(f"{title} has no end={ending!r}; it is one of {', '.join(_ENDINGS)}")
    if ending == "ctrl-z":
        for octet, word in ((CTRL_Z, "Ctrl-Z (0x1A), which would end it"), (ESC, "ESC (0x1B), which cancels it")):
            if octet in data:
                raise InvalidArgument(f"data ended by Ctrl-Z cannot contain {word}; send it by length")


def piece_size(ending: Ending) -> int:
    """Return the most octets of one piece with an ending."""
    return HEX_SIZE if ending == "hex" else SEND_SIZE


def send(
    state: StackState, session: SocketState, piece: bytes, ending: Ending = "length", to: Address | None = None
) -> Dialogue[str | None]:
    """Send one piece.

    Args:
        state: the context.
        session: the session.
        piece: the octets.
        ending: how the piece ends.
        to: where it goes, of a UDP service.

    Returns:
        None if the module has taken it, otherwise its answer, which is SEND FAIL, or what has ended the session.

    Raises:
        SendFailed: the module answered ERROR, which ends the session.
        TcpipError: it answered ERROR to a datagram of a UDP service.
    """
    ends = (closed_line(session.index), lost_line(state.settings.context))
    try:
        if ending == "hex":
            final = yield from _send_hex(session.index, piece, ends)
        else:
            address = "" if to is None else f',"{to[0]}",{to[1]}'
            length = f",{len(piece)}" if ending == "length" else ""
            final = yield from _send(f"AT+QISEND={session.index}{length}{address}", piece, ending, ends)
    except CommandError as refusal:
        yield from explain(refusal)
        _break_off(state, session, refusal)
        raise
    return None if final == _SENT.prefix else final


def _send(text: str, piece: bytes, ending: Ending, ends: tuple[LinePattern, ...]) -> Dialogue[str]:
    def abandon() -> Dialogue[None]:
        if ending == "length":
            return deliver_after_all(piece, _RESULTS, timeout=deadline("SEND OK"), ends_on=ends)
        return leave_prompt(_RESULTS)

    yield from command(
        text, timeout=deadline("QISEND"), success=(), info=(), lost_on=ends, prompt=True, abandon=abandon
    )
    came = yield from payload(
        piece + (CTRL_Z if ending == "ctrl-z" else b""),
        success=_RESULTS,
        timeout=deadline("SEND OK"),
        ends_on=ends,
        shown=f"{len(piece)} octets after {text}",
    )
    if came.final not in (_SENT.prefix, _NOT_SENT.prefix):
        with suppress(AtTimeout):  # the session ended first; the result may follow
            yield from expect(*_RESULTS, _ERROR, timeout=1.0)
    return came.final


def _send_hex(id: int, piece: bytes, ends: tuple[LinePattern, ...]) -> Dialogue[str]:
    text = f'AT+QISENDEX={id},"{piece.hex().upper()}"'
    came = yield from command(
        text, timeout=deadline("QISENDEX"), success=_RESULTS, info=(), lost_on=ends, most=HEX_LINE
    )
    return came.final


def _break_off(state: StackState, session: SocketState, refusal: CommandError) -> None:
    """End a session whose piece was answered ERROR; raise the exception for that, unless it has ended otherwise."""
    if refusal.code == CLOSED:
        state.emit(events.Closed(session.id))
    elif refusal.code == DEACTIVATED:
        reason = f"the network deactivated the context ({refusal.command} was answered {refusal.code})"
        state.emit(events.ContextDropped(reason, BROKEN, state.settings.context, refusal.code))
    if session.service is not None:
        raise TcpipError(retold(state.name, refusal, "the datagram was refused: "), code=refusal.code) from refusal
    if session.open and not session.closing:
        failure = SendFailed(retold(state.name, refusal), code=refusal.code)
        session.break_off(failure)
        raise failure from refusal


def read(state: StackState, session: SocketState) -> Dialogue[int | None]:
    """Fetch up to 1500 octets, or one datagram; return how many came, or None if the module has no such socket."""
    length = "" if session.service is not None else f",{READ_SIZE}"
    state.reading, state.fetched = session, 0
    try:
        yield from command(f"AT+QIRD={session.index}{length}", timeout=deadline("QIRD"), info=())
    except CommandError:
        return state.fetched or None
    finally:
        state.reading = None
    return state.fetched


def acknowledged(session: SocketState) -> Dialogue[Acknowledged]:
    """Return how many octets were sent, acknowledged, and not acknowledged: AT+QISEND=<id>,0."""
    text = f"AT+QISEND={session.index},0"
    response = yield from stack_command(text, timeout=deadline("QISEND"), info=(_ACKNOWLEDGED,))
    found = _ACKNOWLEDGED.match(response.lines[0]) if response.lines else None
    if found is None:
        raise UnexpectedAnswer(f"{text} was answered {response.final} without +QISEND: …")
    return Acknowledged(*(int(found[name]) for name in ("sent", "acknowledged", "pending")))
