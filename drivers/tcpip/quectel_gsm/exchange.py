"""Data of one session: selects the session that AT+QISEND, AT+QISACK and AT+QIRD apply to."""

from __future__ import annotations

from ...at.core import Dialogue, command
from ...errors import CommandError, InvalidArgument
from ..core.socket_state import Acknowledged, Ending, SocketState
from ..prompt import ESC
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
    if ending == "length" and ESC in piece and not state.uart.esc_is_data:
        check_escape(state, piece, ending)
        return (yield from _send_escape(state, session, piece, settings))
    echo = state.foreground.known("QISDE") != "0"
    sending = transfer.send(piece, ending=ending, index=state.number(session), echo=echo, period=period)
    final = yield from state.foreground.in_foreground(sending, settings)
    return None if final == "SEND OK" else final


def check_escape(state: StackState, data: bytes, ending: Ending) -> None:
    """Check that the module is not one that takes ESC in data of a given length for a cancel (app note 4.3)."""
    if ending == "length" and ESC in data and state.uart.esc_is_data is False:
        raise InvalidArgument(
            f"{state.name}: this module takes ESC (0x1B) for a cancel, also where the length is given "
            "(app note 4.3): only transparent mode sends it"
        )


def _send_escape(
    state: StackState, session: SocketState, piece: bytes, settings: dict[str, str]
) -> Dialogue[str | None]:
    """Send a piece with ESC to a module of which it is not known what it does then: it is asked by its echo."""
    foreground, shown = state.foreground, state.foreground.known("QISDE")
    bare = [one.foreground for one in (state, *state.others()) if one.mixes]
    for one in bare:  # an echo between data is data, unless each piece of data has its length; it stays on
        yield from one.in_foreground(one.setting("QIHEAD", "1"))
    yield from foreground.in_foreground(command("ATE1"), {**settings, "QISDE": "1"})  # some echo data with ATE1 only
    failure: CommandError | None = None
    final: str | None = None
    try:
        final = yield from foreground.in_foreground(transfer.send_escape(piece, state.number(session)))
        state.uart.esc_is_data = final is not None
    except CommandError as error:
        failure = error
    yield from command("ATE0")
    if shown is not None:
        yield from foreground.in_foreground(foreground.setting("QISDE", shown))
    if failure is not None:
        raise failure
    check_escape(state, piece, "length")
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
