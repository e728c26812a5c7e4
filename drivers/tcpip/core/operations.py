"""The procedures behind the methods of sessions and listeners."""

from __future__ import annotations

from collections.abc import Callable

from ...errors import InvalidType, SessionClosed, SessionTimeout
from .context import Context
from .listener_state import ListenerState
from .procedure import Procedure, abandon_others, on_channel, wait
from .sending import ask_acknowledged, send_piece
from .socket_state import Acknowledged, Address, Ending, SocketState

Octets = bytes | bytearray | memoryview


def _octets(data: object) -> bytes:
    if isinstance(data, str):
        raise InvalidType(f"octets are sent, not text: encode it, as in {data[:20]!r}.encode()")
    try:
        return bytes(memoryview(data))  # type: ignore[arg-type]
    except TypeError as error:
        raise InvalidType(f"octets are sent: bytes, bytearray or memoryview, not {type(data).__name__}") from error


def send(context: Context, session: SocketState, data: Octets) -> Procedure[int]:
    """Send as much as the module takes at once; return the number of octets."""
    piece = _octets(data)[: context.stack.send_size]
    if piece:
        session.check_sendable()
        yield from on_channel(send_piece(context, session, piece), of=session)
    return len(piece)


def send_all(context: Context, session: SocketState, data: Octets, ending: Ending, period: int) -> Procedure[None]:
    """Send all octets, piece by piece; the channel is free for others between two pieces.

    Raises:
        ValueError: the family cannot send them in this way.
    """
    octets, size = _octets(data), context.stack.send_size
    context.stack.check_sending(octets, ending, period)
    for start in range(0, len(octets), size):
        session.check_sendable()
        piece = octets[start : start + size]
        yield from on_channel(send_piece(context, session, piece, ending, period), of=session)


def acknowledged(context: Context, session: SocketState) -> Procedure[Acknowledged]:
    """Return how many octets were sent, acknowledged, and not acknowledged."""
    return on_channel(ask_acknowledged(context, session))


def receive(context: Context, session: SocketState, size: int) -> Procedure[tuple[bytes, Address]]:
    """Wait for data; return it with the address that it came from.

    Raises:
        SessionTimeout: nothing came within the timeout of the session.
        SessionClosed: the session has ended, and the other side has not closed it.
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
    """Wait while a session is open.

    Args:
        session: the session.
        seconds: the most seconds to wait; None: without limit.
        stopped: called whenever the session changes or is nudged; True ends the wait.
        even_closed: whether to wait also if the session is not open.
    """

    def over() -> bool | None:
        return (stopped is not None and stopped()) or not (even_closed or session.open) or None

    yield from wait(seconds, session.changes, over)


def shutdown(context: Context, session: SocketState, how: int) -> None:
    """Shut down receiving or sending."""
    session.shut(how)
    context.room_made()


def close(context: Context, session: SocketState) -> Procedure[None]:
    """Close a session, unless this side has closed it before; what is being sent on it is abandoned."""
    if session.close_here():
        context.room_made()
        yield from abandon_others(lambda: SessionClosed(f"{session.name}: the session was closed here"), of=session)
        with session.unless_interrupted():
            yield from context.end_session(session)


def accept(context: Context, listener: ListenerState, timeout: float | None) -> Procedure[SocketState]:
    """Wait for a client.

    Raises:
        SessionTimeout: no client came in time.
        SessionClosed: the server has ended.
    """
    timeout = listener.timeout if timeout is None else timeout
    client = yield from wait(timeout, listener.changes, listener.take_client)
    if client is None:
        raise SessionTimeout(f"{listener.name}: no client came within {timeout:g} s{context.words('incoming')}")
    return client


def close_listener(context: Context, listener: ListenerState) -> Procedure[None]:
    """Stop listening, unless this side has done so before; a second call continues one that failed."""
    listener.unfinished |= listener.close_here() and not listener.broken
    if listener.unfinished:
        yield from abandon_others(lambda: SessionClosed(f"{listener.name}: it was closed here"), of=listener)
        yield from context.end_listening(listener)
        listener.unfinished = False
