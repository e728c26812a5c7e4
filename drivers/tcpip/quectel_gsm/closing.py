"""Closes the sessions and the server of a context (app note 3.5, 5.5, 6.4)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ...at.core import Dialogue
from ...errors import CommandError, UnexpectedAnswer
from ..core.procedure import Procedure
from ..core.socket_state import Role, SocketState
from . import dialogues
from .state import SERVER, StackState


def close(state: StackState, session: SocketState) -> Procedure[None]:
    """Close a session by AT+QICLOSE, and its server too if the server has been closed by its user before."""
    yield from state.foreground.on_channel(_close(state, session))


def _close(state: StackState, session: SocketState) -> Dialogue[None]:
    muxip = state.settings.muxip
    if session.half_closed and session.role == "server" and not muxip:
        _, clients = yield from dialogues.read_server()
        if not clients:  # the session is closed; AT+QICLOSE would end the server now
            return
    closed = yield from _select_and_close(state, lambda: not session.remote_closed, session.role, state.number(session))
    if session.role == "client":
        state.foreground.note("IP STATUS" if muxip else "IP CLOSE")
        return
    listener = state.listener
    if listener is not None and listener.open and closed and session.remote_closed and not muxip:
        # The client has closed while AT+QICLOSE was on its way, so that has ended the server instead.
        yield from dialogues.listen(listener.protocol, None)
    yield from _end_closed_server(state)


def close_half_open(state: StackState, index: int | None) -> Dialogue[None]:
    """Give up a session that is being opened in an active context."""
    with suppress(CommandError):
        yield from state.foreground.select_service("client", asked=False)
        yield from dialogues.close_only(index)


def _select_and_close(
    state: StackState, still_open: Callable[[], bool], role: Role, index: int | None = None
) -> Dialogue[bool]:
    """Close a session, or a server: AT+QISRVC?, AT+QISRVC if it differs, AT+QICLOSE (app note 8.4).

    Args:
        state: the context.
        still_open: called right before AT+QICLOSE, which would end the server if the client has already closed.
        role: the role of this side.
        index: the session, with MUXIP on; None with MUXIP off, or for the whole server.

    Returns:
        Whether AT+QICLOSE was answered CLOSE OK; False: it had been closed.
    """
    yield from state.foreground.select_service(role)
    return still_open() and (yield from dialogues.close_only(index))


# -- the server --------------------------------------------------------------------------------------------------------


def close_listener(state: StackState) -> Procedure[None]:
    """Close the server by AT+QICLOSE; if a client is still connected, closing that session closes the server later."""
    if state.listener is not None and not state.table.standing("server"):
        yield from state.foreground.on_channel(_end_server(state))


def _end_server(state: StackState) -> Dialogue[None]:
    if not _closes_client(state):
        yield from _select_and_close(state, lambda: True, "server")
        state.table.drop(SERVER)


def _closes_client(state: StackState) -> bool:
    """Tell whether a client is being closed, maybe one that nobody takes; that ends a closed server, too."""
    return any(session.ending for session in list(state.table.sessions.values()) if session.role == "server")


def _end_closed_server(state: StackState) -> Dialogue[None]:
    """End the server if its user has closed it before and no client is left; AT+QISRVC is 2."""
    listener = state.listener
    if listener is not None and not listener.open and not state.table.standing("server"):
        yield from dialogues.close_only()
        state.table.drop(SERVER)


def end_left_server(state: StackState, refusal: CommandError) -> Dialogue[None]:
    """End a server of any kind that another host has left; if there is none, raise the refusal again."""
    try:
        listening, _ = yield from dialogues.read_server()
    except (CommandError, UnexpectedAnswer):
        raise refusal from None
    if not listening:
        raise refusal
    yield from _select_and_close(state, lambda: True, "server")


def turn_away(state: StackState, session: SocketState) -> Dialogue[None]:
    """Close a client that nobody takes, and its server if that has been closed by its user and was waiting for it.

    With MUXIP off this is done only after the server was closed: AT+QICLOSE would end it if the client has left.
    """
    listener = state.listener
    if not state.settings.muxip and listener is not None and listener.open:
        return
    yield from state.foreground.in_foreground(_turn_away(state, session))


def _turn_away(state: StackState, session: SocketState) -> Dialogue[None]:
    yield from _select_and_close(state, lambda: not session.remote_closed, "server", state.number(session))
    yield from _end_closed_server(state)


def after_last_client(state: StackState) -> Dialogue[None]:
    """End the server whose user has closed it, when the last client has left by itself."""
    state.server_due = False
    if not _closes_client(state):  # one may have come while this waited for its turn
        yield from state.foreground.in_foreground(_end_unless_taken(state))


def _end_unless_taken(state: StackState) -> Dialogue[None]:
    yield from state.foreground.select_service("server")
    yield from _end_closed_server(state)


def left_by_client(state: StackState) -> None:
    """Note that a client has left by itself: the server may be due now."""
    listener = state.listener
    if listener is not None and not listener.open and not listener.broken and not state.table.standing("server"):
        state.server_due = True
        state.table.wake()
