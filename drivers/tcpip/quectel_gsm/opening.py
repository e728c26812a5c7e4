"""Opening sessions and servers in a context that may hold others: indexes, and how their data is told apart."""

from __future__ import annotations

from ...errors import CommandError, SettingRefused, TcpipError
from ..core.listener_state import ListenerState
from ..core.procedure import Procedure
from ..core.socket_state import Role, SocketState
from . import dialogues
from .settings import check_clients, check_host, check_index, check_port, check_protocol, is_dotted
from .stack import QuectelGsmStack

SESSIONS = range(6)  # app note 4.2


def listen(
    stack: QuectelGsmStack, protocol: str, port: int | None, clients: int | None, *, step_by_step: bool
) -> Procedure[ListenerState]:
    """Begin to listen: AT+QISERVER, which activates the context where it is not active."""
    check_protocol(protocol)
    if port is not None:
        check_port(port)
    if clients is not None and not stack.options.muxip and clients != 1:
        raise ValueError("more than one client needs MUXIP: muxip=True")
    most = check_clients(clients if clients is not None else (5 if stack.options.muxip else 1))
    yield from stack.ready()
    listener = stack.table.listener
    if listener is not None and listener.open:
        raise TcpipError(f"{stack.name}: it listens already, on port {listener.port}")
    yield from tell_apart(stack, "server")
    if step_by_step and not stack.hold.active:
        yield from stack.activate()
    number = yield from _listening_port(stack, protocol, port)
    server = ListenerState(name=stack.name, protocol=protocol, port=number, clients=most)
    stack.table.listener = server  # a client may come in the octets right behind SERVER OK
    try:
        yield from stack.opening(dialogues.listen(protocol, most if stack.options.muxip else None))
    except BaseException:
        stack.table.listener = None
        raise
    if not stack.table.standing("client"):
        stack.hold.note("IP STATUS")
    return server


def _listening_port(stack: QuectelGsmStack, protocol: str, port: int | None) -> Procedure[int]:
    current = stack.ports.get(protocol, dialogues.DEFAULT_PORT)
    if port is None or port == current:
        return current
    try:
        yield from stack.hold.on_channel(dialogues.listening_port(protocol, port))
    except CommandError as refusal:
        raise SettingRefused(f"{refusal} (the port of a server that listens cannot be changed)") from refusal
    stack.ports[protocol] = port
    return port


def connect(
    stack: QuectelGsmStack,
    protocol: str,
    host: str,
    port: int,
    *,
    index: int | None,
    timeout: float | None,
    step_by_step: bool,
) -> Procedure[SocketState]:
    """Open a session to a remote server: AT+QIOPEN, which activates the context where it is not active."""
    check_protocol(protocol)
    check_host(host)
    check_port(port)
    if index is not None:
        check_index(index)
        if index and not stack.options.muxip:
            raise ValueError("an index needs MUXIP: muxip=True")
    yield from stack.ready()
    number = _free_index(stack, index)
    yield from tell_apart(stack, "client")
    if step_by_step and not stack.hold.active:
        yield from stack.activate()
    yield from stack.hold.on_channel(stack.hold.setting("QIDNSIP", "0" if is_dotted(host) else "1"))
    session = stack.table.new_session("client", protocol, (host, port), number)

    def connected() -> None:
        stack.table.sessions["client", number] = session
        if stack.options.transparent is not None:
            stack.table.online, stack.data_mode.tail = session, b""

    own = number if stack.options.muxip else None
    close = (lambda: dialogues.close_half_open(own)) if stack.hold.active else dialogues.deactivate
    yield from stack.opening(
        dialogues.connect(
            protocol,
            host,
            port,
            connected,
            index=own,
            timeout=timeout,
            abandon=lambda: stack.data_mode.abandon_opening(close),
        )
    )
    stack.hold.note("IP PROCESSING" if stack.options.muxip else "CONNECT OK")
    return session


def _free_index(stack: QuectelGsmStack, index: int | None) -> int:
    taken = {session.index for session in stack.table.standing("client")}
    if not stack.options.muxip:
        if taken:
            raise TcpipError(f"{stack.name}: a session is open already; close it first")
        return 0
    if index is not None:
        if index in taken:
            raise TcpipError(f"{stack.name}: session {index} is open already; close it first")
        return index
    free = [number for number in SESSIONS if number not in taken]
    if not free:
        raise TcpipError(f"{stack.name}: all six sessions are open already; close one first")
    return free[0]


def tell_apart(stack: QuectelGsmStack, role: Role) -> Procedure[None]:
    """Before there is one more session on this UART: make sure that the data of all can be told apart."""
    table, others = stack.table, stack.table.others()
    if stack.options.transparent is not None:
        if any(other.hold.active for other in others):
            raise TcpipError(
                f"{stack.name}: transparent mode is not possible while this UART has another active context "
                "(app note 7.2)"
            )
        if table.busy:
            raise TcpipError(f"{stack.name}: transparent mode has one session at a time, or one server")
        return
    if any(other.options.transparent and other.hold.active for other in others):
        raise TcpipError(f"{stack.name}: the other context of this UART is in transparent mode (app note 7.2)")
    if table.receive == "buffered":
        return
    crowd = [other for other in others if other.busy and other.receive != "buffered"]
    other_role = table.standing("client") if role == "server" else table.standing("server")
    both = bool(other_role) or (role == "client" and table.listening)
    if not crowd and not both:
        return
    if any(one.mixes for one in (table, *crowd)):
        raise TcpipError(
            f"{stack.name}: bare data of two sessions cannot be told apart; use receive='buffered' or 'header'"
        )
    for hold in (one.hold for one in (table, *crowd)):
        for name in ("QISHOWRA", *(("QISHOWLA",) if crowd else ())):
            yield from hold.on_channel(hold.setting(name, "1"))
        if crowd:
            yield from hold.on_channel(hold.learn_address())
