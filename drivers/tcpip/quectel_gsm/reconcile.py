"""What is done without being asked: fetching data that the module keeps, and finding out what still stands."""

from __future__ import annotations

from ...at.core import Dialogue
from ...errors import AtTimeout
from ..core.socket_state import SERVICE, SocketState
from . import dialogues, transfer
from .session_table import SessionTable


def fetch(table: SessionTable, session: SocketState) -> Dialogue[None]:
    """AT+QIRD once; it is repeated until nothing comes, because the notification comes once only."""
    session.unread = False
    table.reading, table.fetched = session, 0
    try:
        known = yield from transfer.read_buffered(
            table.hold.context, SERVICE[session.role], session.index, table.options.dialect.read_size
        )
    except AtTimeout as error:
        session.break_off(error)  # nobody knows what of it was lost
        raise
    finally:
        table.reading = None
    if table.fetched:
        session.unread = True
    elif session.closing and not session.unread:
        table.ended_by_remote(session)
    elif not known:
        table.doubt = True


def reconcile(table: SessionTable) -> Dialogue[None]:
    """Ask the module what still stands, and end what does not."""
    clients, servers = table.standing("client"), table.standing("server")
    if table.options.muxip:
        word, sockets = yield from dialogues.read_sockets()
        lost = [session for session in clients if session.index not in sockets]
    else:
        word = yield from dialogues.state()
        lost = [] if word in ("CONNECT OK", "TCP CONNECTING", "UDP CONNECTING") else clients
    yield from table.hold.take_state(word)
    if word == "PDP DEACT":
        table.lost_context("the network deactivated the context (AT+QISTAT)")
        return
    unplaced = table.uart.unplaced
    if servers or (unplaced and table.listening):
        listening, count = yield from dialogues.read_server()
        del listening
        if table.options.muxip and len(servers) > count:
            connected = yield from dialogues.read_clients()
            lost += [session for session in servers if session.index not in connected]
        elif len(servers) > count:
            lost += servers
        for _ in range(count - len(servers)):
            if unplaced:
                table.place_client(*unplaced.popleft())
    for session in lost:
        table.remote_closed(session)
