"""Procedures for everything that a session or a listener is asked to do."""

from __future__ import annotations

from collections.abc import Callable

from ...errors import SessionTimeout
from .context import Context
from .listener_state import ListenerState
from .procedure import Procedure, on_channel, wait
from .sending import ask_acknowledged, send_piece
from .socket_state import Acknowledged, Address, Ending, SocketState

Octets = bytes | bytearray | memoryview


def send(context: Context, session: SocketState, data: Octets) -> Procedure[int]:
    """Send as much as the module takes at once; return how many octets that were."""
    piece = bytes(data[: context.stack.send_size])
    if piece:
        session.check_sendable()
        yield from on_channel(send_piece(context, session, piece))
    return len(piece)


def send_all(context: Context, session: SocketState, data: Octets, ending: Ending, period: int) -> Procedure[None]:
    """Send all octets, piece by piece; the channel is free for others between two pieces.

    Raises:
        ValueError: the family cannot send them in this way.
    """
    octets, size = bytes(data), context.stack.send_size
    context.stack.check_sending(octets, ending, period)
    for start in range(0, len(octets), size):
        session.check_sendable()
        yield from on_channel(send_piece(context, session, octets[start : start + size], ending, period))


def acknowledged(context: Context, session: SocketState) -> Procedure[Acknowledged]:
    """Return how much was sent, acknowledged, and not."""
    return on_channel(ask_acknowledged(context, session))


def receive(context: Context, session: SocketState, size: int) -> Procedure[tuple[bytes, Address]]:
    """Wait for data; return it, and where it came from.

    Raises:
        SessionTimeout: nothing came within the session's timeout.
        SessionClosed: it has ended otherwise than by the other side's closing.
    """
    congested = False

    def take() -> tuple[bytes, Address] | None:
        nonlocal congested
        congested = session.congested
        return session.take(size)

    taken = yield from wait(session.timeout, session.changes, take)
    if taken is None:
        raise SessionTimeout(f"{session.name}: nothing came within {session.timeout:g} s")
    if congested and not session.congested:
        context.room_made()
    return taken


def receive_into(context: Context, session: SocketState, buffer: bytearray | memoryview, size: int) -> Procedure[int]:
    """Wait for data and put it into a buffer, not more than ``size`` octets of it, 0 for as many as fit."""
    view = memoryview(buffer).cast("B")
    data, _ = yield from receive(context, session, size or len(view))
    view[: len(data)] = data
    return len(data)


def rest(
    session: SocketState, seconds: float | None, stopped: Callable[[], bool] | None = None, *, even_closed: bool = False
) -> Procedure[None]:
    """Wait while a session stands.

    Args:
        session: the session.
        seconds: how long at most, None for as long as it takes.
        stopped: asked whenever the session changes or is nudged: True ends the wait.
        even_closed: whether to wait also when it does not stand.
    """

    def over() -> bool | None:
        return (stopped is not None and stopped()) or not (even_closed or session.open) or None

    yield from wait(seconds, session.changes, over)


def shutdown(context: Context, session: SocketState, how: int) -> None:
    """Receive or send no more."""
    session.shut(how)
    context.room_made()


def close(context: Context, session: SocketState) -> Procedure[None]:
    """Close a session, unless it was closed here before."""
    if session.close_here():
        context.room_made()
        with session.unless_interrupted():
            yield from context.end_session(session)


def accept(context: Context, listener: ListenerState, timeout: float | None) -> Procedure[SocketState]:
    """Wait for a client.

    Raises:
        SessionTimeout: none came in time.
        SessionClosed: the server has ended.
    """
    timeout = listener.timeout if timeout is None else timeout
    client = yield from wait(timeout, listener.changes, listener.take_client)
    if client is None:
        raise SessionTimeout(f"{listener.name}: no client came within {timeout:g} s{context.words('incoming')}")
    return client


def close_listener(context: Context, listener: ListenerState) -> Procedure[None]:
    """Leave the listening state, unless it was left before."""
    if listener.close_here() and not listener.broken:
        yield from context.end_listening(listener)
