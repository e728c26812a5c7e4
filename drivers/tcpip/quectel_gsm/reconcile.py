"""What is done without being asked: fetching data that the module keeps, and finding out what still stands."""

from __future__ import annotations

from ...at.core import Dialogue
from ...errors import AtTimeout
from ..core.socket_state import SERVICE, SocketState
from . import dialogues, transfer
from .roster import Roster


def fetch(roster: Roster, session: SocketState) -> Dialogue[None]:
    """AT+QIRD once; it is repeated until nothing comes, because the notification comes once only."""
    session.unread = False
    roster.reading, roster.fetched = session, 0
    try:
        known = yield from transfer.read_buffered(
            roster.hold.context, SERVICE[session.role], session.index, roster.options.dialect.read_size
        )
    except AtTimeout as error:
        session.break_off(error)  # nobody knows what of it was lost
        raise
    finally:
        roster.reading = None
    if roster.fetched:
        session.unread = True
    elif session.closing and not session.unread:
        roster.ended_by_remote(session)
    elif not known:
        roster.doubt = True


def reconcile(roster: Roster) -> Dialogue[None]:
    """Ask the module what still stands, and end what does not."""
    clients, servers = roster.standing("client"), roster.standing("server")
    if roster.options.muxip:
        word, sockets = yield from dialogues.read_sockets()
        lost = [session for session in clients if session.index not in sockets]
    else:
        word = yield from dialogues.state()
        lost = [] if word in ("CONNECT OK", "TCP CONNECTING", "UDP CONNECTING") else clients
    yield from roster.hold.take_state(word)
    if word == "PDP DEACT":
        roster.lost_context("the network deactivated the context (AT+QISTAT)")
        return
    unplaced = roster.uart.unplaced
    if servers or (unplaced and roster.listening):
        listening, count = yield from dialogues.read_server()
        del listening
        if roster.options.muxip and len(servers) > count:
            connected = yield from dialogues.read_clients()
            lost += [session for session in servers if session.index not in connected]
        elif len(servers) > count:
            lost += servers
        for _ in range(count - len(servers)):
            if unplaced:
                roster.place_client(*unplaced.popleft())
    for session in lost:
        roster.remote_closed(session)
