"""The commands about PDP contexts of 27.007, which data calls use: AT+CGDCONT, AT+CGACT (§10.1.1, §10.1.10)."""

from __future__ import annotations

from ..interpreter.commandline import Form
from ..interpreter.replies import ERROR, NO_NETWORK_SERVICE, OK, Reply, cme
from ..interpreter.table import CommandTable
from ..modem import ModemCall

packet_data_commands: CommandTable[ModemCall] = CommandTable()
_command = packet_data_commands.command
_text = packet_data_commands.text


@_command("CGDCONT", Form.TEST)
def definable(call: ModemCall) -> Reply:
    """Answer AT+CGDCONT=?: a line for each type of packets."""
    last = call.modem.DEFINITIONS[-1]
    call.line("\r\n".join(f'+CGDCONT: (1-{last}),"{kind}",,,(0),(0)' for kind in call.modem.PACKET_TYPES))
    return OK


@_command("CGDCONT", Form.READ)
def read_definitions(call: ModemCall) -> Reply:
    """Answer AT+CGDCONT?."""
    for number, (kind, apn) in sorted(call.modem.definitions.items()):
        call.line(f'+CGDCONT: {number},"{kind}","{apn}","",0,0')
    return OK


@_command("CGDCONT", Form.WRITE)
def define(call: ModemCall) -> Reply:
    """Answer AT+CGDCONT=: PDP contexts of 27.007, which the stack does not use; a number alone forgets one."""
    number = call.number(0, 1, call.modem.DEFINITIONS[-1])
    if number is None:
        return ERROR
    if len(call.texts) == 1:
        call.modem.definitions.pop(number, None)
        return OK
    kind = call.texts[1].upper()
    if kind not in call.modem.PACKET_TYPES:
        return ERROR
    call.modem.definitions[number] = (kind, call.texts[2] if len(call.texts) > 2 else "")
    return OK


_text("CGACT", Form.TEST, "+CGACT: (0,1)")


@_command("CGACT", Form.READ)
def read_activation(call: ModemCall) -> Reply:
    """Answer AT+CGACT?."""
    for number in sorted(call.modem.definitions):
        active = number in call.modem.activated or call.modem.data_calls.uses(number)
        call.line(f"+CGACT: {number},{int(active)}")
    return OK


@_command("CGACT", Form.WRITE)
def activate_definition(call: ModemCall) -> Reply:
    """Answer AT+CGACT=; a data call ends with its context."""
    wanted = call.number(0, 0, 1)
    number = call.number(1, 1, call.modem.DEFINITIONS[-1]) if len(call.texts) == 2 else 1
    if wanted is None or number is None or len(call.texts) > 2:
        return ERROR
    if wanted and not call.modem.environment.network.grants:
        return cme(NO_NETWORK_SERVICE)
    (call.modem.activated.add if wanted else call.modem.activated.discard)(number)
    if not wanted:
        call.modem.data_calls.drop(number)
    return OK
