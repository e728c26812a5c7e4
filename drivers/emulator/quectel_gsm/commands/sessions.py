"""The TCP/IP commands that start and end contexts, sessions and servers."""

from __future__ import annotations

from ...environment import is_address
from ...interpreter.commandline import Form
from ...interpreter.replies import ANSWERED, ERROR, OK, Reply, Result, final
from ...interpreter.table import CommandTable
from ...network.session import SessionState
from ..call import Call, needs
from ..client import PROFILES
from ..context import Context
from ..context_session import Role
from ..ownership import Need
from ..server import CLIENTS
from ..states import ContextState, Trigger

session_commands: CommandTable[Call] = CommandTable()
_command = session_commands.command
_text = session_commands.text

# Up and down

_text("QIACT", Form.TEST, "")


@_command("QIACT", Form.EXECUTE, needs(Need.CONTROL))
def activate(call: Call) -> Reply | None:
    """Answer AT+QIACT: OK or ERROR once the network has answered."""
    if not call.context.may(Trigger.ACTIVATE) or call.context.activating:
        return ERROR
    call.context.activate(lambda accepted: call.finish(OK if accepted else ERROR))
    return None


_text("QIDEACT", Form.TEST, "")


@_command("QIDEACT", Form.EXECUTE, needs(Need.CONTROL))
def deactivate(call: Call) -> Reply:
    """Answer AT+QIDEACT: DEACT OK, and no OK."""
    context = call.context
    if not context.deactivate():
        return ERROR
    call.modem.ownership.released(context.number)
    return final("DEACT OK")


@_command("QILOCIP", Form.EXECUTE, needs(Need.CONTROL))
def local_address(call: Call) -> Reply:
    """Answer AT+QILOCIP: the address, and no OK."""
    if not call.context.fire(Trigger.READ_ADDRESS):
        return ERROR
    if not call.modem.environment.behaviour.qilocip_ok:
        return final(call.context.local_address)
    call.line(call.context.local_address)
    return OK


_text("QILOCIP", Form.TEST, "")

# Client sessions

_text(
    "QIOPEN",
    Form.TEST,
    '+QIOPEN: ("TCP","UDP"),(0-255).(0-255).(0-255).(0-255),(1-65535)\r\n'
    '+QIOPEN: ("TCP","UDP"),(domain name),(1-65535)',
)


@_command("QIOPEN", Form.WRITE, needs(Need.ACTIVATE))
def open_session(call: Call) -> Reply:
    """Answer AT+QIOPEN=: OK, and later CONNECT OK or CONNECT FAIL."""
    context, values = call.context, call.texts
    index = 0
    if context.settings.mux:
        number = call.number(0, 0, PROFILES - 1)
        if number is None:
            return ERROR
        index, values = number, values[1:]
    if len(values) != 3:
        return ERROR
    kind, host = values[0].upper(), values[1]
    port = call.number(len(call.texts) - 1, 1, 65535)
    if kind not in ("TCP", "UDP") or port is None or not host or len(host) > 100:
        return ERROR
    if not is_address(host) and not _may_be_a_name(call, host):
        return ERROR
    if context.client.state(index) is SessionState.CONNECTED:
        return _already(call, index)
    if not _may_open(context, index, kind):
        return ERROR
    context.client.open(index, kind, host, port)
    return OK if call.modem.environment.behaviour.qiopen_ok else ANSWERED


def _may_be_a_name(call: Call, host: str) -> bool:
    wanted = call.context.settings.dnsip or call.modem.environment.behaviour.name_without_qidnsip == "accepted"
    return bool(wanted) and not host.replace(".", "").isdigit()


def _may_open(context: Context, index: int, kind: str) -> bool:
    if context.client.state(index) is SessionState.CONNECTING:
        return False
    if context.state is ContextState.INITIAL:
        return True
    if context.activating:
        return bool(context.settings.mux)
    if context.settings.mux:
        return context.may(Trigger.OPEN_PROFILE)
    return context.may(Trigger.OPEN_TCP if kind == "TCP" else Trigger.OPEN_UDP)


def _already(call: Call, index: int) -> Reply:
    text = call.context.with_index(index, "ALREADY CONNECT")
    where = call.modem.environment.behaviour.already_connect
    if where == "after_ok":
        call.uart.result(Result.OK)
    if where == "then_error":
        call.line(text)
        return ERROR
    return final(text)


_text("QICLOSE", Form.TEST, "")


@_command("QICLOSE", Form.EXECUTE, needs(Need.CONTROL))
def close(call: Call) -> Reply:
    """Answer AT+QICLOSE: a client session, a remote client, or the listening state (QISRVC decides)."""
    context = call.context
    if context.settings.srvc == Role.CLIENT:
        if context.settings.mux or not context.may(Trigger.CLOSE_SESSION) or not context.client.close(0):
            return ERROR
    elif context.settings.mux:
        context.server.close_clients()
        if not context.server.stop():
            return ERROR
    elif not context.server.close_client(0) and not context.server.stop():
        return ERROR
    return final("CLOSE OK")


@_command("QICLOSE", Form.WRITE, needs(Need.CONTROL))
def close_index(call: Call) -> Reply:
    """Answer AT+QICLOSE=: one session with QIMUX=1."""
    context = call.context
    client = context.settings.srvc == Role.CLIENT
    index = call.number(0, 0, (PROFILES if client else CLIENTS) - 1)
    if index is None or len(call.texts) != 1 or not context.settings.mux:
        return ERROR
    if not (context.client.close(index) if client else context.server.close_client(index)):
        return ERROR
    with_index = call.modem.environment.behaviour.close_ok_index
    return final(context.with_index(index, "CLOSE OK") if with_index else "CLOSE OK")


# The server

_text("QISERVER", Form.TEST, "")


@_command("QISERVER", Form.READ, needs(Need.READ))
def server_state(call: Call) -> Reply:
    """Answer AT+QISERVER?: whether it listens, and how many clients are connected."""
    blank = " " if call.modem.environment.behaviour.qiserver_blank else ""
    context = call.context
    call.line(f"+QISERVER: {int(context.server.listening)},{blank}{context.server.connected}")
    return OK


def listen(call: Call) -> Reply:
    """Answer AT+QISERVER, a TCP server of one client, and AT+QISERVER=, of a kind and with QIMUX=1 of several."""
    context = call.context
    kind = call.number(0, 0, 1) if call.texts else 0
    maximum = call.number(1, 1, CLIENTS) if len(call.texts) == 2 else 1
    if kind is None or maximum is None or len(call.texts) > (2 if context.settings.mux else 1):
        return ERROR
    starting = context.state is ContextState.INITIAL or context.activating
    if context.server.listening or not (starting or context.may(Trigger.LISTEN)):
        return ERROR
    context.listen("UDP" if kind else "TCP", maximum)
    return OK


_command("QISERVER", Form.EXECUTE, needs(Need.ACTIVATE))(listen)
_command("QISERVER", Form.WRITE, needs(Need.ACTIVATE))(listen)
