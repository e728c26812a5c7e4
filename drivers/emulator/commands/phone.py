"""The commands about the module as a whole: its battery, its clock, its power."""

from __future__ import annotations

import dataclasses

from ..interpreter.commandline import Form
from ..interpreter.replies import ANSWERED, ERROR, OK, Reply
from ..interpreter.table import CommandTable
from ..modem import ModemCall

phone_commands: CommandTable[ModemCall] = CommandTable()
_command = phone_commands.command
_text = phone_commands.text

_text("CBC", Form.EXECUTE, "+CBC: 0,95,4085")
_text("CBC", Form.TEST, "+CBC: (0-2),(1-100),(0-5000)")

# The clock

_text("CCLK", Form.TEST, "")


@_command("CCLK", Form.READ)
def read_clock(call: ModemCall) -> Reply:
    """Answer AT+CCLK?."""
    call.line(f'+CCLK: "{call.modem.wall_clock.text()}"')
    return OK


@_command("CCLK", Form.WRITE)
def set_clock(call: ModemCall) -> Reply:
    """Answer AT+CCLK=."""
    return OK if len(call.texts) == 1 and call.modem.wall_clock.set_text(call.texts[0]) else ERROR


# Power

_text("CFUN", Form.TEST, "+CFUN: (0,1,4),(0,1)")


@_command("CFUN", Form.READ)
def read_functionality(call: ModemCall) -> Reply:
    """Answer AT+CFUN?."""
    call.line(f"+CFUN: {call.modem.functionality}")
    return OK


@_command("CFUN", Form.WRITE)
def set_functionality(call: ModemCall) -> Reply:
    """Answer AT+CFUN=; 0 and 4 take the contexts away, a second value of 1 restarts the module."""
    level = call.number(0, 0, 4)
    restart = call.number(1, 0, 1) if len(call.texts) == 2 else 0
    if level not in (0, 1, 4) or restart is None or len(call.texts) > 2:
        return ERROR
    modem = call.modem
    if restart:
        call.uart.reply(OK)
        modem.goes_down(call.uart)
        modem.restart()
        return ANSWERED
    if level == modem.functionality:  # as many hosts ask for full functionality at first: the network stays as it is
        return OK
    modem.functionality = level
    network = modem.environment.network
    modem.set_network(dataclasses.replace(network, registered=level == 1, attached=level == 1))
    return OK
