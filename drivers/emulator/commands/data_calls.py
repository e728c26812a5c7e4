"""The commands that begin a data call over packet data: ATD*99#, AT+CGDATA (27.007 §10.2.1.1, §10.1.12)."""

from __future__ import annotations

import re

from ..interpreter.commandline import Form
from ..interpreter.replies import ERROR, Reply
from ..interpreter.table import CommandTable
from ..modem import ModemCall
from .dial_commands import dials

data_call_commands: CommandTable[ModemCall] = CommandTable()
_command = data_call_commands.command
_text = data_call_commands.text

_PPP = ("", "1", "PPP")  # 27.007 §10.2.1.1: layer 2 protocols by name or number


@dials(r"[TP]?\*99(?:\*(?P<address>[\d.]*)(?:\*(?P<protocol>\w*)(?:\*(?P<definition>\d*))?)?)?#")
def dial_packet_data(call: ModemCall, match: re.Match[str]) -> Reply | None:
    """Answer ATD*99[*address[*protocol[*definition]]]#: without a definition the first one that is free."""
    return _begin(call, match["protocol"] or "", match["definition"] or "")


_text("CGDATA", Form.TEST, '+CGDATA: ("PPP")')


@_command("CGDATA", Form.WRITE)
def enter_data_state(call: ModemCall) -> Reply | None:
    """Answer AT+CGDATA=: the protocol, and the definition."""
    if len(call.texts) > 2 or not call.texts[0]:
        return ERROR
    return _begin(call, call.texts[0], call.texts[1] if len(call.texts) > 1 else "")


@_command("CGDATA", Form.EXECUTE)
def enter_data_state_by_default(call: ModemCall) -> Reply | None:
    """Answer AT+CGDATA: PPP."""
    return _begin(call, "", "")


def _begin(call: ModemCall, protocol: str, definition: str) -> Reply | None:
    definitions = call.modem.DEFINITIONS
    if protocol.upper() not in _PPP or (definition and definition not in map(str, definitions)):
        return ERROR
    return call.modem.data_calls.dial(call, (int(definition),) if definition else tuple(definitions))
