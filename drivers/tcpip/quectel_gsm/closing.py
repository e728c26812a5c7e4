"""Closes the sessions and the server of a context (app note 3.5, 5.5, 6.4)."""

from __future__ import annotations

from ...at.core import Dialogue
from ..core.procedure import Procedure
from ..core.socket_state import SocketState
from . import dialogues
from .dialogues import SERVICE
from .state import SERVER, StackState


def close(state: StackState, session: SocketState) -> Procedure[None]:
    """Close a session by AT+QICLOSE, and its server too if the server has been closed by its user before."""
    foreground, muxip = state.foreground, state.settings.muxip
    if session.half_closed and session.role == "server" and not muxip:
        _, clients = yield from foreground.on_channel(dialogues.read_server())
        if not clients:  # the session is closed; AT+QICLOSE would end the server now
            return
    service = SERVICE[session.role]
    number = state.number(session)
    closing = dialogues.close(lambda: not session.remote_closed, service, number)
    closed = yield from foreground.on_channel(closing)
    foreground.learn("QISRVC", str(service))
    if session.role == "client":
        foreground.note("IP STATUS" if muxip else "IP CLOSE")
    listener = state.listener
    if session.role == "client" or listener is None:
        return
    if not listener.open:
        if not state.table.standing("server"):
            yield from foreground.on_channel(dialogues.close_only())
            state.table.drop(SERVER)
    elif closed and session.remote_closed and not muxip:
        # The client has closed while AT+QICLOSE was on its way, so that has ended the server instead.
        yield from foreground.on_channel(dialogues.listen(listener.protocol, None))


def turn_away(state: StackState, session: SocketState) -> Dialogue[None]:
    """Close a client by AT+QICLOSE=<index>; with MUXIP the server stays while a client is connected."""
    if state.settings.muxip:
        service = SERVICE[session.role]
        closing = dialogues.close(lambda: not session.remote_closed, service, state.number(session))
        yield from state.foreground.in_foreground(closing)
        state.foreground.learn("QISRVC", str(service))


def close_listener(state: StackState) -> Procedure[None]:
    """Close the server by AT+QICLOSE; if a client is still connected, closing that session closes the server later."""
    if state.table.standing("server"):
        return
    yield from state.foreground.on_channel(dialogues.close(lambda: True, SERVICE["server"]))
    state.foreground.learn("QISRVC", str(SERVICE["server"]))
    state.table.drop(SERVER)
