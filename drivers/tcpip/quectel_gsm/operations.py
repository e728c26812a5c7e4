"""What sessions and listeners are asked for, as procedures, whoever runs them."""

from __future__ import annotations

from collections.abc import Callable

from ...errors import SessionTimeout
from ..core.listener_state import ListenerState
from ..core.procedure import Procedure, on_channel, wait
from ..core.socket_state import Address, SocketState
from . import exchange
from .stack import QuectelGsmStack
from .transfer import Acknowledged, Ending, pieces

Octets = bytes | bytearray | memoryview


def send(stack: QuectelGsmStack, session: SocketState, data: Octets) -> Procedure[int]:
    """Send as much as the module takes at once; return how many octets that were."""
    piece = bytes(data[: stack.options.dialect.send_size])
    if piece:
        session.check_sendable()
        yield from on_channel(exchange.send(stack, session, piece, "length", 0))
    return len(piece)


def send_all(
    stack: QuectelGsmStack, session: SocketState, data: Octets, ending: Ending, period: int
) -> Procedure[None]:
    """Send all octets, piece by piece; the channel is free for others between two pieces."""
    for piece in pieces(data, ending, period, stack.options.dialect.send_size):
        session.check_sendable()
        yield from on_channel(exchange.send(stack, session, piece, ending, period))


def acknowledged(stack: QuectelGsmStack, session: SocketState) -> Procedure[Acknowledged]:
    """Return how much was sent, acknowledged, and not."""
    return on_channel(exchange.acknowledged(stack, session))


def receive(stack: QuectelGsmStack, session: SocketState, size: int) -> Procedure[tuple[bytes, Address]]:
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
        stack.room_made()
    return taken


def rest(
    session: SocketState, seconds: float, stopped: Callable[[], bool] | None = None, *, even_closed: bool = False
) -> Procedure[None]:
    """Wait while a session stands.

    Args:
        session: the session.
        seconds: how long at most.
        stopped: asked whenever the session changes or is nudged: True ends the wait.
        even_closed: whether to wait also when it does not stand.
    """

    def over() -> bool | None:
        return (stopped is not None and stopped()) or not (even_closed or session.open) or None

    yield from wait(seconds, session.changes, over)


def shutdown(stack: QuectelGsmStack, session: SocketState, how: int) -> None:
    """Receive or send no more."""
    session.shut(how)
    stack.room_made()


def close(stack: QuectelGsmStack, session: SocketState) -> Procedure[None]:
    """Close a session, unless it was closed here before."""
    if session.close_here():
        stack.room_made()
        with session.unless_interrupted():
            yield from stack.end_session(session)


def accept(listener: ListenerState, timeout: float | None) -> Procedure[SocketState]:
    """Wait for a client.

    Raises:
        SessionTimeout: none came in time.
        SessionClosed: the server has ended.
    """
    timeout = listener.timeout if timeout is None else timeout
    client = yield from wait(timeout, listener.changes, listener.take_client)
    if client is None:
        raise SessionTimeout(f"{listener.name}: no client came within {timeout:g} s (REMOTE IP)")
    return client


def close_listener(stack: QuectelGsmStack, listener: ListenerState) -> Procedure[None]:
    """Leave the listening state, unless it was left before."""
    if listener.close_here() and not listener.broken:
        yield from stack.end_listening()
