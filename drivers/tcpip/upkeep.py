"""What is done without being asked: fetching data that the module keeps, and finding out what still stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..at import Dialogue
from ..errors import AtTimeout
from . import dialogues, transfer
from .endpoint import SERVICE, Endpoint

if TYPE_CHECKING:
    from .stack import Stack


def fetch(stack: Stack, session: Endpoint) -> Dialogue[None]:
    """AT+QIRD once; it is repeated until nothing comes, because the notification comes once only."""
    session.unread = False
    stack.inbox.reading, stack.inbox.fetched = session, 0
    try:
        known = yield from transfer.read_buffered(
            stack.hold.context, SERVICE[session.role], session.index, stack.options.dialect.read_size
        )
    except AtTimeout as error:
        session.break_off(error)  # nobody knows what of it was lost
        raise
    finally:
        stack.inbox.reading = None
    if stack.inbox.fetched:
        session.unread = True
    elif session.closing and not session.unread:
        stack.ended_by_remote(session)
    elif not known:
        stack.doubt = True


def reconcile(stack: Stack) -> Dialogue[None]:
    """Ask the module what still stands, and end what does not."""
    clients, servers = stack.inbox.standing("client"), stack.inbox.standing("server")
    if stack.options.muxip:
        word, sockets = yield from dialogues.read_sockets()
        lost = [session for session in clients if session.index not in sockets]
    else:
        word = yield from dialogues.state()
        lost = [] if word in ("CONNECT OK", "TCP CONNECTING", "UDP CONNECTING") else clients
    if word == "PDP DEACT":
        stack.lost_context("the network deactivated the context (AT+QISTAT)")
        return
    stack.hold.note(word)
    unplaced = stack.hold.uart.unplaced
    if servers or (unplaced and stack.inbox.listening):
        listening, count = yield from dialogues.read_server()
        del listening
        if stack.options.muxip and len(servers) > count:
            connected = yield from dialogues.read_clients()
            lost += [session for session in servers if session.index not in connected]
        elif len(servers) > count:
            lost += servers
        for _ in range(count - len(servers)):
            if unplaced:
                stack.inbox.place_client(*unplaced.pop(0))
    for session in lost:
        stack.remote_closed(session)
