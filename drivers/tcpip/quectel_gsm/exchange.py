"""Sending in a session, and asking what has become of it: whom AT+QISEND and AT+QISACK mean, and what answers mean."""

from __future__ import annotations

from ...at.core import Dialogue
from ...errors import AtTimeout, CommandError, SendFailed, SessionClosed, SessionFinished
from ..core.socket_state import SERVICE, SocketState
from . import transfer
from .settings import check_period
from .stack import QuectelGsmStack
from .transfer import Acknowledged, Ending


def send(stack: QuectelGsmStack, session: SocketState, data: bytes, ending: Ending, period: int) -> Dialogue[None]:
    """Send one piece of up to 1460 octets."""
    session.check_sendable()
    if not stack.hold.valid:
        raise _gone(stack)
    if stack.options.transparent is not None:
        yield from stack.data_mode.send(session, data)
        return
    settings = {"QISRVC": str(SERVICE[session.role])}
    if ending == "timer":
        settings["QIAUTOS"] = f"1,{check_period(period)}"
    elif ending == "ctrl-z":
        settings["QIAUTOS"] = "0"
    echo = stack.hold.known("QISDE") != "0"
    sending = transfer.send(data, ending=ending, index=stack.table.number(session), echo=echo, period=period)
    try:
        final = yield from stack.hold.in_foreground(sending, settings)
    except CommandError as error:
        if session.open and not session.closing:
            raise
        raise SessionFinished(f"{stack.name}: the session was closed before the data was taken") from error
    except AtTimeout as error:
        session.break_off(error)  # nobody knows what of it the other side will get
        raise
    if final == "SEND OK":
        return
    if not session.open or session.closing:
        raise SessionFinished(f"{stack.name}: the session ended while {len(data)} octets were sent ({final})")
    raise SendFailed(f"{stack.name}: {len(data)} octets were answered {final}; is the network there?")


def acknowledged(stack: QuectelGsmStack, session: SocketState) -> Dialogue[Acknowledged]:
    """Return how much was sent, acknowledged, and not: AT+QISRVC, AT+QISACK."""
    if not stack.hold.valid:
        raise _gone(stack)
    asking = transfer.acknowledged(stack.table.number(session))
    return (yield from stack.hold.in_foreground(asking, {"QISRVC": str(SERVICE[session.role])}))


def _gone(stack: QuectelGsmStack) -> SessionClosed:
    return SessionClosed(f"{stack.name}: the context is no longer held by this driver")
