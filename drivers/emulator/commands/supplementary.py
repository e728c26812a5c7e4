"""The command of unstructured supplementary services: AT+CUSD."""

from __future__ import annotations

import re

from ..calls.ussd import GSM, decoded
from ..interpreter.commandline import Form
from ..interpreter.replies import ERROR, NO_NETWORK_SERVICE, NOT_ALLOWED, OK, Reply, cme
from ..interpreter.table import CommandTable
from ..modem import ModemCall
from .dial_commands import dials
from .sim import sim_problem

supplementary_commands: CommandTable[ModemCall] = CommandTable()
_command = supplementary_commands.command

_CANCEL = 2
_LAST_SCHEME = 255

supplementary_commands.text("CUSD", Form.TEST, "+CUSD: (0-2)")


@_command("CUSD", Form.READ)
def read_presentation(call: ModemCall) -> Reply:
    """Answer AT+CUSD?."""
    call.line(f"+CUSD: {call.uart.settings.cusd}")
    return OK


@_command("CUSD", Form.WRITE)
def ask(call: ModemCall) -> Reply:
    """Answer AT+CUSD=: whether answers are shown, and a code; 2 ends the dialogue and leaves the setting as it is."""
    what = call.number(0, 0, _CANCEL)
    scheme = call.number(2, 0, _LAST_SCHEME) if len(call.texts) > 2 else GSM
    if what is None or scheme is None or len(call.texts) > 3:
        return ERROR
    if what == _CANCEL:
        call.modem.ussd.cancel()
        return OK
    if len(call.texts) == 1:
        call.uart.settings.cusd = what
        return OK
    code = decoded(call.texts[1], call.uart.messages.charset, scheme)
    if not code:
        return ERROR
    if (problem := _send(call, code)) is not OK:
        return problem
    call.uart.settings.cusd = what
    return OK


@dials(r"[TP]?(?!\*99[*#])([*#][0-9*#]*#);")
def dial_code(call: ModemCall, match: re.Match[str]) -> Reply:
    """Send a code that is dialled like a number."""
    return _send(call, match[1])


def _send(call: ModemCall, code: str) -> Reply:
    if (problem := sim_problem(call)) is not None:
        return problem
    if not call.modem.environment.network.service:
        return cme(NO_NETWORK_SERVICE)
    if call.modem.ussd.under_way:
        return cme(NOT_ALLOWED)  # one answer at a time, whichever channel has asked
    call.modem.ussd.ask(call.uart, code)
    return OK
