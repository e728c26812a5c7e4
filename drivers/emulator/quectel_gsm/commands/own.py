"""The commands about SIM, network and power that only this family has, or answers in a way of its own."""

from __future__ import annotations

from ...commands.module_numbers import add_number
from ...commands.registration import attached
from ...commands.sim import ICCID, add_sim_reading
from ...interpreter.commandline import Form
from ...interpreter.replies import ANSWERED, ERROR, OK, Reply
from ...interpreter.table import CommandTable
from ...modem import ModemCall

own_commands: CommandTable[ModemCall] = CommandTable()
_command = own_commands.command
_text = own_commands.text


def _card_number(call: ModemCall) -> str:
    return f"+QCCID: {ICCID}" if call.modem.environment.behaviour.qccid_prefix else ICCID


add_sim_reading(own_commands, "QCCID", _card_number)

_text("QNSTATUS", Form.TEST, "")


@_command("QNSTATUS", Form.EXECUTE)
def network_status(call: ModemCall) -> Reply:
    """Answer AT+QNSTATUS: 0 when packet service is there, 1 when it is not."""
    call.line(f"+QNSTATUS: {int(not attached(call))}")
    return OK


add_number(own_commands, "QIURC", "(0,1)", 1)
add_number(own_commands, "QNITZ", "(0,1)", 1)
add_number(own_commands, "QCOLP", "(0,1)", 1)
add_number(own_commands, "QINDRI", "(0,1)", 1)
add_number(own_commands, "QSCLK", "(0-2)", 2)
add_number(own_commands, "CTZU", "(0-3)", 3)
_text("QPOWD", Form.TEST, "+QPOWD: (0,1)")


@_command("QPOWD", Form.WRITE)
def power_down(call: ModemCall) -> Reply:
    """Answer AT+QPOWD=: contexts and owners are gone; the module itself stays reachable."""
    if call.number(0, 0, 1) is None or len(call.texts) != 1:
        return ERROR
    call.uart.line("NORMAL POWER DOWN")
    call.modem.power_down()
    if call.modem.restarted is not None:
        call.modem.restarted()
    return ANSWERED
