"""The TCP/IP commands that ask the network without a session: AT+QIDNSGIP."""

from __future__ import annotations

from .call import Call
from .commandline import Form
from .ownership import Need
from .replies import ERROR, OK, Reply
from .states import ACTIVE, ContextState
from .table import CommandTable

network_commands = CommandTable()
_command = network_commands.command
_text = network_commands.text

_text("QIDNSGIP", Form.TEST, "")


@_command("QIDNSGIP", Form.WRITE, Need.ACTIVATE)
def look_up(call: Call) -> Reply:
    """AT+QIDNSGIP=: OK, and later the addresses; activates the context when that is needed."""
    if len(call.texts) != 1 or not 0 < len(call.texts[0]) <= 100:
        return ERROR
    context = call.context
    if context.state is not ContextState.INITIAL and not context.activating and context.state not in ACTIVE:
        return ERROR
    context.look_up(call.texts[0])
    return OK
