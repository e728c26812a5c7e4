"""The commands about power, sleep, the clock of the network, and how far the module has come with its SIM."""

from __future__ import annotations

from ...commands.module_numbers import add_number
from ...environment import Sim
from ...interpreter.commandline import Form
from ...interpreter.replies import ANSWERED, ERROR, OK, Reply
from ...interpreter.table import CommandTable
from ...modem import ModemCall
from ..surroundings import POWERED_DOWN

power_commands: CommandTable[ModemCall] = CommandTable()
_command = power_commands.command
_text = power_commands.text

_ZONES = (0, 1, 3)  # of AT+CTZU: not at all, the network's time as GMT, or as local time
_INITIALISED = 7  # the sum of SIM, messages and phone book
_WITHOUT_PHONE_BOOK = {"bg96": 3}  # what it is where there is no phone book to become ready

add_number(power_commands, "QSCLK", "(0,1)", 1)
add_number(power_commands, "CTZU", "(0,1,3)", max(_ZONES))
add_number(power_commands, "CTZR", "(0-2)", 2)


@_command("CTZU", Form.WRITE)
def update_zone(call: ModemCall) -> Reply:
    """Answer AT+CTZU=."""
    value = call.number(0, 0, max(_ZONES))
    if value not in _ZONES or len(call.texts) != 1:
        return ERROR
    call.modem.numbers["CTZU"] = value
    return OK


_text("QPOWD", Form.TEST, "+QPOWD: (0,1)")


def _power_down(call: ModemCall) -> Reply:
    """Answer AT+QPOWD: OK, then the line; the module itself stays reachable, as if it had been switched on again."""
    if call.texts and (call.number(0, 0, 1) is None or len(call.texts) != 1):
        return ERROR
    call.uart.reply(OK)
    call.uart.line(POWERED_DOWN)
    call.modem.power_down()
    if call.modem.restarted is not None:
        call.modem.restarted()
    return ANSWERED


_command("QPOWD", Form.EXECUTE)(_power_down)
_command("QPOWD", Form.WRITE)(_power_down)


def _initialised(call: ModemCall) -> int:
    """Return the number of a module in which everything is ready."""
    return _WITHOUT_PHONE_BOOK.get(call.modem.environment.model.name, _INITIALISED)


@_command("QINISTAT", Form.TEST)
def initialised_values(call: ModemCall) -> Reply:
    """Answer AT+QINISTAT=?."""
    call.line(f"+QINISTAT: (0-{_initialised(call)})")
    return OK


@_command("QINISTAT", Form.EXECUTE)
def initialised(call: ModemCall) -> Reply:
    """Answer AT+QINISTAT: the sum of what is ready."""
    ready = call.modem.environment.network.sim is Sim.READY
    call.line(f"+QINISTAT: {_initialised(call) if ready else 0}")
    return OK


_text("QLTS", Form.TEST, "+QLTS: (0-2)")


def _network_time(call: ModemCall) -> Reply:
    """Answer AT+QLTS: the time that the network has told last, with the year in full, and whether it is summer time."""
    if call.texts and (call.number(0, 0, 2) is None or len(call.texts) != 1):
        return ERROR
    call.line(f'+QLTS: "20{call.modem.wall_clock.text()},0"')
    return OK


_command("QLTS", Form.EXECUTE)(_network_time)
_command("QLTS", Form.WRITE)(_network_time)
