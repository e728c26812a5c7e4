"""The PIN of the SIM: whether it is asked for at power-up, how it is changed, and how often it can be wrong."""

from __future__ import annotations

import re

from ...commands.sim import PIN_TRIES, check_pin, sim_problem
from ...environment import Sim
from ...interpreter.commandline import Form
from ...interpreter.replies import ERROR, INCORRECT_PARAMETERS, NOT_ALLOWED, OK, SIM_NOT_INSERTED, Reply, cme
from ...interpreter.table import CommandTable
from ..call import Call

sim_lock_commands: CommandTable[Call] = CommandTable()
_command = sim_lock_commands.command
_text = sim_lock_commands.text

_SIM = "SC"
_SECOND_PIN = "P2"
_PUK_TRIES = 10
_QUERY = 2
_LONGEST_PIN = 8
_PIN = re.compile(r"[0-9]{4,8}")

_text("CLCK", Form.TEST, f'+CLCK: ("{_SIM}")')


@_command("CLCK", Form.WRITE)
def lock(call: Call) -> Reply:
    """Answer AT+CLCK= (27.007 §7.4): whether the SIM asks for its PIN; to change that takes the PIN."""
    modem, mode = call.modem, call.number(1, 0, _QUERY)
    if not 2 <= len(call.texts) <= 4 or call.texts[0].upper() != _SIM or mode is None:
        return ERROR
    if modem.environment.network.sim is Sim.MISSING:
        return cme(SIM_NOT_INSERTED)
    if mode == _QUERY:
        call.line(f"+CLCK: {int(modem.sim_locked)}")
        return OK
    if (problem := sim_problem(call)) is not None:
        return problem
    if len(call.texts) == 2:
        return cme(INCORRECT_PARAMETERS)
    if bool(mode) is modem.sim_locked:  # a SIM refuses that: 102 221 §11.1.11 and §11.1.12
        return cme(NOT_ALLOWED)
    if (wrong := check_pin(call, call.texts[2])) is not None:
        return wrong
    modem.sim_locked = bool(mode)
    return OK


_text("CPWD", Form.TEST, f'+CPWD: ("{_SIM}",{_LONGEST_PIN})')


@_command("CPWD", Form.WRITE)
def change_pin(call: Call) -> Reply:
    """Answer AT+CPWD= (27.007 §7.5): the old PIN and the new one, of a SIM that asks for it."""
    if len(call.texts) != 3 or call.texts[0].upper() != _SIM:
        return ERROR
    if (problem := sim_problem(call)) is not None:
        return problem
    if not call.modem.sim_locked:  # 102 221 §11.1.10
        return cme(NOT_ALLOWED)
    if not _PIN.fullmatch(call.texts[2]):
        return cme(INCORRECT_PARAMETERS)
    if (wrong := check_pin(call, call.texts[1])) is not None:
        return wrong
    call.modem.environment.network.pin = call.texts[2]
    return OK


def _tries(call: Call, facility: str) -> str:
    left = PIN_TRIES - call.modem.wrong_pins if facility == _SIM else PIN_TRIES
    return f'+QPINC: "{facility}",{left},{_PUK_TRIES}'


_text("QPINC", Form.TEST, f'+QPINC: ("{_SIM}","{_SECOND_PIN}")')


@_command("QPINC", Form.READ)
def tries_left(call: Call) -> Reply:
    """Answer AT+QPINC?: how often PIN and PUK can still be entered, of both PINs."""
    if call.modem.environment.network.sim is Sim.MISSING:
        return cme(SIM_NOT_INSERTED)
    for facility in (_SIM, _SECOND_PIN):
        call.line(_tries(call, facility))
    return OK


@_command("QPINC", Form.WRITE)
def tries_left_of(call: Call) -> Reply:
    """Answer AT+QPINC=: of one PIN."""
    if call.texts[0].upper() not in (_SIM, _SECOND_PIN) or len(call.texts) != 1:
        return ERROR
    if call.modem.environment.network.sim is Sim.MISSING:
        return cme(SIM_NOT_INSERTED)
    call.line(_tries(call, call.texts[0].upper()))
    return OK
