"""The TCP/IP commands that open, show and close sockets: AT+QIOPEN, AT+QICLOSE, AT+QISTATE, AT+QISWTMD."""

from __future__ import annotations

from collections.abc import Iterable

from ...environment import is_address
from ...interpreter.commandline import Form
from ...interpreter.replies import ANSWERED, OK, Reply
from ...interpreter.table import CommandTable
from ..call import Call
from ..codes import Code
from ..connection import Connection
from ..context import CONTEXTS, PdpContext
from ..sockets import AccessMode, Kind, ModuleSocket, Opening
from ..table import SOCKETS

session_commands: CommandTable[Call] = CommandTable()
_command = session_commands.command
_text = session_commands.text

_IDS = f"(0-{SOCKETS - 1})"
_KINDS = {kind.value: kind for kind in Kind if kind is not Kind.INCOMING}
_OPEN_TO_ALL = (Kind.LISTENER, Kind.SERVICE)
_LONGEST_HOST = 200
_CLOSE_WAIT = 10  # seconds that the other side has to close, unless AT+QICLOSE says otherwise

_text(
    "QIOPEN",
    Form.TEST,
    f'+QIOPEN: ({CONTEXTS[0]}-{CONTEXTS[-1]}),{_IDS},"TCP/UDP/TCP LISTENER/UDP SERVICE",'
    '"<IP_address>/<domain_name>",<remote_port>,<local_port>,(0-2)',
)


@_command("QIOPEN", Form.WRITE)
def open_socket(call: Call) -> Reply | None:
    """Answer AT+QIOPEN=: OK and later +QIOPEN, or in transparent mode CONNECT or ERROR."""
    opening = _opening(call)
    if opening is None:
        return call.refuse()
    context = call.active_context()
    if isinstance(context, Reply):
        return context
    if opening.kind in _OPEN_TO_ALL and opening.mode is AccessMode.TRANSPARENT:
        return call.refuse(Code.NOT_SUPPORTED)
    transparent = opening.mode is AccessMode.TRANSPARENT
    if call.modem.sockets.get(opening.number) is not None:
        if transparent or call.modem.environment.behaviour.in_use == "error":
            return call.refuse(Code.ID_IN_USE)
        call.modem.refuse_id(opening)
        return OK
    socket = call.modem.sockets.open(context, opening)
    if transparent:
        call.modem.when_opened(socket, lambda code: _connected(call, socket, code))
        return None
    order = call.modem.environment.behaviour.qiopen_order
    if order == "urc_first":
        call.modem.when_opened(socket, lambda code: _told_first(call, socket, code))
        return None
    return OK if order == "ok_first" else ANSWERED


def _opening(call: Call) -> Opening | None:
    """Return what is asked for, or None where the values make no sense."""
    texts = call.texts
    number, kind = call.id(1), _KINDS.get(texts[2]) if len(texts) > 2 else None
    remote_port = call.number(4, 0, 65535)
    local_port = call.number(5, 0, 65535) if len(texts) > 5 else 0
    mode = call.number(6, 0, int(AccessMode.TRANSPARENT)) if len(texts) > 6 else 0
    if number is None or kind is None or remote_port is None or local_port is None or mode is None or len(texts) > 7:
        return None
    host = texts[3]
    if kind in _OPEN_TO_ALL:
        if not is_address(host) or not local_port:
            return None
    elif not remote_port or not 0 < len(host) <= _LONGEST_HOST:
        return None
    uart = call.uart.number
    return Opening(number, kind, (host, remote_port), local_port, AccessMode(mode), uart, call.modem.port_name(uart))


def _connected(call: Call, socket: ModuleSocket, code: Code) -> None:
    """End an AT+QIOPEN that waits: data mode, or ERROR."""
    if code is not Code.DONE or not isinstance(socket, Connection):
        call.finish(call.refuse(code))
    elif not call.uart.connect(call, call.modem.go_online(call.uart.number, socket)):
        call.modem.sockets.end(socket)  # nobody waits for it any more


def _told_first(call: Call, socket: ModuleSocket, code: Code) -> None:
    """End an AT+QIOPEN by OK behind the line that tells how it went."""
    call.line(f"+QIOPEN: {socket.number},{int(code)}")
    call.finish(OK)


_text("QICLOSE", Form.TEST, f"+QICLOSE: {_IDS},(0-65535)")


@_command("QICLOSE", Form.WRITE)
def close_socket(call: Call) -> Reply | None:
    """Answer AT+QICLOSE=: OK once the other side has closed, too, or the time is over; OK also where nothing is."""
    number, timeout = call.id(), call.number(1, 0, 65535) if len(call.texts) > 1 else _CLOSE_WAIT
    if number is None or timeout is None or len(call.texts) > 2:
        return call.refuse()
    if timeout == 0 and call.modem.environment.behaviour.qiclose_zero == "error":
        return call.refuse()
    if call.modem.sockets.get(number) is None:
        return OK
    socket = call.socket()
    if isinstance(socket, Reply):
        return socket
    call.modem.sockets.close(socket, timeout, lambda: call.finish(OK))
    return None


_text("QISTATE", Form.TEST, "")


def _show(call: Call, sockets: Iterable[ModuleSocket]) -> Reply:
    if lines := [socket.shown for socket in sockets]:
        call.line("\r\n".join(lines))
    return OK


def all_states(call: Call) -> Reply:
    """Answer AT+QISTATE and AT+QISTATE?: every socket of the module, whichever port has opened it."""
    return _show(call, call.modem.sockets)


_command("QISTATE", Form.READ)(all_states)
_command("QISTATE", Form.EXECUTE)(all_states)


@_command("QISTATE", Form.WRITE)
def some_states(call: Call) -> Reply:
    """Answer AT+QISTATE=: 0 and a context, or 1 and a connectID."""
    which = call.number(0, 0, 1)
    if which is None or len(call.texts) != 2:
        return call.refuse()
    if which:
        number = call.id(1)
        if number is None:
            return call.refuse()
        socket = call.modem.sockets.get(number)
        return _show(call, [] if socket is None else [socket])
    context: PdpContext | None = call.context(1)
    return call.refuse() if context is None else _show(call, call.modem.sockets.of_context(context.number))


_text("QISWTMD", Form.TEST, f"+QISWTMD: {_IDS},(0-2)")


@_command("QISWTMD", Form.WRITE)
def switch_mode(call: Call) -> Reply | None:
    """Answer AT+QISWTMD=: OK, or in transparent mode CONNECT and data mode on the port that asks."""
    mode, socket = call.number(1, 0, int(AccessMode.TRANSPARENT)), call.data_socket()
    if mode is None or len(call.texts) != 2:
        return call.refuse()
    if isinstance(socket, Reply):
        return socket
    if socket.online():
        return call.refuse(Code.NOT_ALLOWED)
    if AccessMode(mode) is not AccessMode.TRANSPARENT:
        socket.change_mode(AccessMode(mode))
        return OK
    if not isinstance(socket, Connection):
        return call.refuse(Code.NOT_SUPPORTED)
    if not socket.connected:
        return call.refuse(socket.context.problem or Code.CLOSED)
    call.uart.connect(call, call.modem.go_online(call.uart.number, socket))
    return None
