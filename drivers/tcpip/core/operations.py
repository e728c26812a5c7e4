"""The procedures behind the methods of sessions and listeners."""

from __future__ import annotations

from collections.abc import Callable

from ...errors import InvalidArgument, InvalidType, SendFailed, SessionClosed, SessionTimeout, TcpipError
from .context import Context
from .listener_state import ListenerState
from .options import check_address, check_port
from .procedure import Procedure, abandon_others, exclusive, on_channel, wait
from .sending import ask_acknowledged, send_piece
from .socket_state import Acknowledged, Address, Ending, SocketState

Octets = bytes | bytearray | memoryview
RETRIES_END = 120.0
"""Seconds in which a piece that the module has not accepted is sent again, for a session without a timeout."""


def _octets(data: object) -> bytes:
    if isinstance(data, str):
        raise InvalidType(f"octets are sent, not text: encode it, as in {data[:20]!r}.encode()")
    try:
        return bytes(memoryview(data))  # type: ignore[arg-type]
    except TypeError as error:
        raise InvalidType(f"octets are sent: bytes, bytearray or memoryview, not {type(data).__name__}") from error


def send(context: Context, session: SocketState, data: Octets) -> Procedure[int]:
    """Send as much as the module takes at once; return the number of octets."""
    _check_has_remote(session)
    piece = _octets(data)[: context.stack.send_size]
    if piece:
        session.check_sendable()
        yield from _send_piece(context, session, piece)
    return len(piece)


def send_all(context: Context, session: SocketState, data: Octets, ending: Ending, period: int) -> Procedure[None]:
    """Send all octets, piece by piece; the channel is free for others between two pieces.

    Raises:
        ValueError: the family cannot send them in this way.
    """
    _check_has_remote(session)
    octets, size = _octets(data), context.stack.piece_size(ending)
    context.stack.check_sending(octets, ending, period)
    for start in range(0, len(octets), size):
        session.check_sendable()
        yield from _send_piece(context, session, octets[start : start + size], ending, period)


def send_to(context: Context, session: SocketState, data: Octets, address: object) -> Procedure[int]:
    """Send a datagram of a UDP service; return the number of octets.

    Raises:
        TcpipError: the session is not a UDP service, but has one remote host.
        InvalidArgument: the address has a name in it, or the datagram is empty or too long for the module.
    """
    if session.service is None:
        host, port = session.remote_address
        raise TcpipError(
            f"{context.name}: sendto() is for a UDP service; this session has one remote host, {host} port {port}: "
            "use send()"
        )
    datagram, to = _octets(data), _address(address)
    if not 1 <= len(datagram) <= context.stack.send_size:
        raise InvalidArgument(f"a datagram has 1 to {context.stack.send_size} octets here, not {len(datagram)}")
    session.check_sendable()
    yield from _send_piece(context, session, datagram, to=to)
    return len(datagram)


def _address(address: object) -> Address:
    """Return an address of a datagram: the module takes no name there."""
    if not isinstance(address, tuple) or len(address) != 2:
        raise InvalidType(f"an address is (host, port), not {address!r}")
    host, port = address
    try:
        return check_address(host), check_port(port)
    except InvalidArgument as error:
        raise InvalidArgument(f"{error}; resolve() has the addresses of a name") from error


def _check_has_remote(session: SocketState) -> None:
    if session.service is not None:
        raise TcpipError(f"{session.name}: a UDP service has no remote host of its own: use sendto(data, (host, port))")


def _send_piece(
    context: Context,
    session: SocketState,
    piece: bytes,
    ending: Ending = "length",
    period: int = 0,
    to: Address | None = None,
) -> Procedure[None]:
    """Send one piece; again after a while, in another turn, where the module has had no room for it."""
    pause = context.stack.retry_after
    until = context.now() + (RETRIES_END if session.timeout is None else session.timeout)
    while True:
        try:
            yield from on_channel(send_piece(context, session, piece, ending, period, to), of=session)
            return
        except SendFailed:
            if pause is None or not session.open or session.closing or context.now() + pause > until:
                raise
        yield from rest(session, pause)
        session.check_sendable()


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

    taken = take()
    if taken is None:
        with session.reading():
            context.wanted(session)
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


def set_receive(context: Context, session: SocketState, mode: str) -> Procedure[None]:
    """Change the receive mode of an open session."""
    return exclusive(context.set_receive(session, mode))


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
