"""Data of one session: selects the session that AT+QISEND, AT+QISACK and AT+QIRD apply to."""

from __future__ import annotations

from ...at.core import Dialogue
from ..core.socket_state import Acknowledged, Ending, SocketState
from . import transfer
from .dialogues import SERVICE
from .settings import check_period
from .state import StackState


def send(state: StackState, session: SocketState, piece: bytes, ending: Ending, period: int) -> Dialogue[str | None]:
    """Send one piece; return None if the module has accepted it, otherwise its answer."""
    settings = {"QISRVC": str(SERVICE[session.role])}
    if ending == "timer":
        settings["QIAUTOS"] = f"1,{check_period(period)}"
    elif ending == "ctrl-z":
        settings["QIAUTOS"] = "0"
    echo = state.foreground.known("QISDE") != "0"
    sending = transfer.send(piece, ending=ending, index=state.number(session), echo=echo, period=period)
    final = yield from state.foreground.in_foreground(sending, settings)
    return None if final == "SEND OK" else final


def read(state: StackState, session: SocketState) -> Dialogue[int | None]:
    """Fetch up to 1500 octets; return how many there were, or None if the module no longer has the session."""
    state.reading, state.fetched = session, 0
    try:
        known = yield from transfer.read_buffered(
            state.claim.context, SERVICE[session.role], session.index, state.settings.dialect.read_size
        )
    finally:
        state.reading = None
    return state.fetched if known or state.fetched else None


def acknowledged(state: StackState, session: SocketState) -> Dialogue[Acknowledged]:
    """Return how many octets were sent, acknowledged, and not acknowledged."""
    asking = transfer.acknowledged(state.number(session))
    return (yield from state.foreground.in_foreground(asking, {"QISRVC": str(SERVICE[session.role])}))
