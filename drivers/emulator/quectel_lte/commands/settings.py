"""The TCP/IP commands about settings of the whole module, and about errors: AT+QICFG, AT+QISDE, AT+QIGETERROR."""

from __future__ import annotations

from ...interpreter.commandline import Form
from ...interpreter.replies import OK, Reply
from ...interpreter.table import CommandTable
from ..call import Call
from ..codes import TEXTS
from ..configuration import KEEP_ALIVE

settings_commands: CommandTable[Call] = CommandTable()
_command = settings_commands.command
_text = settings_commands.text


@_command("QICFG", Form.TEST)
def all_settings(call: Call) -> Reply:
    """Answer AT+QICFG=?: the settings of the model, with their ranges."""
    settings = call.modem.configuration.settings
    call.line("\r\n".join(f'+QICFG: "{name}",{setting.shown()}' for name, setting in settings.items()))
    return OK


@_command("QICFG", Form.WRITE)
def configure(call: Call) -> Reply:
    """Answer AT+QICFG=: with a name alone its numbers, else change them."""
    configuration, name = call.modem.configuration, call.texts[0]
    setting = configuration.settings.get(name)
    if setting is None:
        return call.refuse()
    if len(call.texts) == 1:
        call.line(f'+QICFG: "{name}",' + ",".join(map(str, configuration.values(name))))
        return OK
    numbers = [call.number(index, *limits) for index, limits in enumerate(setting.ranges, 1) if index < len(call.texts)]
    too_many = len(call.texts) - 1 > len(setting.ranges)
    if too_many or not configuration.change(name, numbers):
        return call.refuse()
    if name == KEEP_ALIVE and call.modem.environment.behaviour.keepalive_applies == "at_once":
        for socket in call.modem.sockets:
            socket.keepalive_changed()
    return OK


_text("QISDE", Form.TEST, "+QISDE: (0,1)")


@_command("QISDE", Form.READ)
def read_echo(call: Call) -> Reply:
    """Answer AT+QISDE?."""
    call.line(f"+QISDE: {call.uart.sending.sde}")
    return OK


@_command("QISDE", Form.WRITE)
def set_echo(call: Call) -> Reply:
    """Answer AT+QISDE=: whether the data at a prompt is echoed."""
    value = call.number(0, 0, 1)
    if value is None or len(call.texts) != 1:
        return call.refuse()
    call.uart.sending.sde = value
    return OK


_text("QIGETERROR", Form.TEST, "")


@_command("QIGETERROR", Form.EXECUTE)
def last_error(call: Call) -> Reply:
    """Answer AT+QIGETERROR: how the last TCP/IP command went."""
    code = call.error
    blank = " " if call.modem.environment.behaviour.qigeterror_blank else ""
    call.line(f"+QIGETERROR: {int(code)},{blank}{TEXTS[code]}")
    return OK
