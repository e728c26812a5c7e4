"""The TCP/IP commands that ask the network without a session: AT+QIDNSGIP, AT+QPING, AT+QNTP."""

from __future__ import annotations

from ...interpreter.commandline import Form
from ...interpreter.replies import ERROR, OK, Reply
from ...interpreter.table import CommandTable
from ..call import Call, needs
from ..context import Context
from ..ownership import Need
from ..services import PingCode
from ..states import ACTIVE, ContextState

network_commands: CommandTable[Call] = CommandTable()
_command = network_commands.command
_text = network_commands.text

_text("QIDNSGIP", Form.TEST, "")


@_command("QIDNSGIP", Form.WRITE, needs(Need.ACTIVATE))
def look_up(call: Call) -> Reply:
    """Answer AT+QIDNSGIP=: OK, and later the addresses; activates the context when that is needed."""
    if len(call.texts) != 1 or not 0 < len(call.texts[0]) <= 100:
        return ERROR
    if not _may_ask(call.context):
        return ERROR
    call.context.services.look_up(call.texts[0])
    return OK


def _may_ask(context: Context) -> bool:
    """Return whether the context is active, or may be activated by this."""
    return context.state is ContextState.INITIAL or context.activating or context.state in ACTIVE


# Echoes

_text("QPING", Form.TEST, '+QPING: "HOST",(1-255),(1-10)')


@_command("QPING", Form.WRITE, needs(Need.ACTIVATE))
def ping(call: Call) -> Reply:
    """Answer AT+QPING=: OK, and later a line per request; activates the context when that is needed."""
    texts = call.texts
    timeout = call.number(1, 1, 255) if len(texts) > 1 and texts[1] else 1
    count = call.number(2, 1, 10) if len(texts) > 2 and texts[2] else 4
    if not 0 < len(texts[0]) <= 100 or len(texts) > 3 or timeout is None or count is None:
        return ERROR
    if not _may_ask(call.context):
        return ERROR
    if not call.context.services.ping(texts[0], timeout, count):
        call.uart.announce(f"+QPING: {int(PingCode.BUSY)}")
    return OK


# The time

_text("QNTP", Form.TEST, '+QNTP: "SERVER",(1-65535)')


@_command("QNTP", Form.READ)
def read_time_server(call: Call) -> Reply:
    """Answer AT+QNTP?."""
    server, port = call.modem.ntp_server
    call.line(f'+QNTP: "{server}",{port}')
    return OK


def ask_time(call: Call) -> Reply:
    """Answer AT+QNTP, and AT+QNTP= with a server first: OK, and later the time."""
    if call.texts:
        port = call.number(1, 1, 65535) if len(call.texts) > 1 else 123
        if not 0 < len(call.texts[0]) <= 100 or port is None or len(call.texts) > 2:
            return ERROR
        call.modem.ntp_server = (call.texts[0], port)
    if not _may_ask(call.context):
        return ERROR
    asked = call.context.services.ask_time(call.modem.ntp_server, call.modem.wall_clock.set)
    return OK if asked else ERROR


_command("QNTP", Form.EXECUTE, needs(Need.ACTIVATE))(ask_time)
_command("QNTP", Form.WRITE, needs(Need.ACTIVATE))(ask_time)
