"""The TCP/IP commands that show states: AT+QISTAT, AT+QISTATE, AT+QISSTAT."""

from __future__ import annotations

from ...interpreter.commandline import Form
from ...interpreter.replies import ANSWERED, OK, Reply, Result
from ...interpreter.table import CommandTable
from ...network.session import SessionState
from ..call import Call, needs
from ..client import PROFILES
from ..ownership import Need
from ..server import CLIENTS
from ..states import STATE_NUMBERS

state_commands: CommandTable[Call] = CommandTable()
_command = state_commands.command
_text = state_commands.text

_text("QISTAT", Form.TEST, "")
_text("QISTATE", Form.TEST, "")
_text("QISSTAT", Form.TEST, "")


def _tell_state(call: Call) -> None:
    """Answer OK first, then the state."""
    state = call.context.shown_state
    call.uart.result(Result.OK)
    call.line(f"STATE: {state.value}" if call.uart.settings.verbose else str(STATE_NUMBERS[state]))


@_command("QISTAT", Form.EXECUTE, needs(Need.READ))
def state(call: Call) -> Reply:
    """Answer AT+QISTAT."""
    context = call.context
    if not context.settings.mux:
        _tell_state(call)
        return ANSWERED
    lines = []
    for index in range(PROFILES):
        session = context.client.profiles.get(index)
        if session is None or not session.connected:
            lines.append(f'+QISTAT: {index}, "", "",')
        else:
            lines.append(f'+QISTAT: {index}, "{session.kind}", "{session.remote[0]}", {session.remote[1]}')
    call.line("\r\n".join(lines))
    return OK


@_command("QISTATE", Form.EXECUTE, needs(Need.READ))
def socket_states(call: Call) -> Reply:
    """Answer AT+QISTATE."""
    context = call.context
    _tell_state(call)
    if not context.settings.mux:
        return ANSWERED
    lines = []
    for index in range(PROFILES):
        session, word = context.client.profiles.get(index), context.client.state(index).value
        if session is None or word == SessionState.INITIAL.value:
            lines.append(f'+QISTATE: {index}, "", "", 0,"{word}"')
        else:
            host, port = session.remote
            lines.append(f'+QISTATE: {index}, "{session.kind}", "{host}", {port},"{word}"')
    call.line("\r\n".join(lines))
    return OK


@_command("QISSTAT", Form.EXECUTE, needs(Need.READ))
def server_states(call: Call) -> Reply:
    """Answer AT+QISSTAT."""
    context = call.context
    call.uart.result(Result.OK)
    call.line(f"S: {context.server.state.value}")
    if not context.settings.mux:
        return ANSWERED
    lines = []
    for index in range(CLIENTS):
        session = context.server.clients.get(index)
        if session is None or not session.connected:
            lines.append(f'C: {index}, "", "", 0')
        else:
            lines.append(f'C: {index}, "{session.kind}", "{session.remote[0]}", {session.remote[1]}')
    call.line("\r\n".join(lines))
    return OK
