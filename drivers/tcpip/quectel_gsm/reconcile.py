"""Finds out which sessions are still open after the module has reported an end without saying which one."""

from __future__ import annotations

from ...at.core import Dialogue
from ..core.events import Closed, ContextDropped, Event
from . import dialogues
from .dialogues import BROKEN
from .state import StackState


def reconcile(state: StackState) -> Dialogue[list[Event]]:
    """Ask the module what is still open, and return the events that were missed."""
    clients, servers = state.table.standing("client"), state.table.standing("server")
    if state.settings.muxip:
        word, sockets = yield from dialogues.read_sockets()
        lost = [session for session in clients if session.index not in sockets]
    else:
        word = yield from dialogues.state()
        lost = [] if word in ("CONNECT OK", "TCP CONNECTING", "UDP CONNECTING") else clients
    yield from state.foreground.take_state(word)
    if word == BROKEN:
        return [ContextDropped(f"the network deactivated the context (AT+QISTAT: {BROKEN})", BROKEN)]
    unplaced, came = state.uart.unplaced, list[Event]()
    if servers or (unplaced and state.serves):
        listening, count = yield from dialogues.read_server()
        del listening
        if state.settings.muxip and len(servers) > count:
            connected = yield from dialogues.read_clients()
            lost += [session for session in servers if session.index not in connected]
        elif len(servers) > count:
            lost += servers
        for _ in range(count - len(servers)):
            if unplaced:
                came.append(unplaced.popleft())
    return [*came, *(Closed(session.id) for session in lost)]
