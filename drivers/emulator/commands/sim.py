"""The commands about the SIM: AT+CPIN, AT+CIMI, and what a command that needs one answers without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..environment import Sim
from ..interpreter.commandline import Form
from ..interpreter.replies import (
    INCORRECT_PASSWORD,
    NOT_ALLOWED,
    OK,
    SIM_NOT_INSERTED,
    SIM_PIN_REQUIRED,
    SIM_PUK_REQUIRED,
    Reply,
    cme,
)
from ..interpreter.table import CommandTable
from ..modem import ModemCall

C = TypeVar("C", bound=ModemCall)

sim_commands: CommandTable[ModemCall] = CommandTable()
_command = sim_commands.command
_text = sim_commands.text

IMSI = "460001234567890"
ICCID = "89860012345678901234"
PIN_TRIES = 3
_LOCKED = {Sim.MISSING: SIM_NOT_INSERTED, Sim.PIN: SIM_PIN_REQUIRED, Sim.PUK: SIM_PUK_REQUIRED}


def sim_problem(call: ModemCall) -> Reply | None:
    """Return the error of a command that needs a SIM which is ready, or None when it is."""
    sim = call.modem.environment.network.sim
    return cme(_LOCKED[sim]) if sim in _LOCKED else None


def add_sim_reading(table: CommandTable[C], name: str, text: Callable[[ModemCall], str]) -> None:
    """Add a command that reads the SIM.

    Args:
        table: where to.
        name: of the command.
        text: returns the line that it answers.
    """
    table.text(name, Form.TEST, "")

    @table.command(name, Form.EXECUTE)
    def show(call: ModemCall) -> Reply:
        if (problem := sim_problem(call)) is not None:
            return problem
        call.line(text(call))
        return OK


add_sim_reading(sim_commands, "CIMI", lambda call: IMSI)
_text("CPIN", Form.TEST, "")


def check_pin(call: ModemCall, pin: str) -> Reply | None:
    """Return the error of a wrong PIN, the third of which blocks the SIM; None for the right one."""
    network = call.modem.environment.network
    if pin == network.pin:
        call.modem.wrong_pins = 0
        return None
    call.modem.wrong_pins += 1
    if call.modem.wrong_pins == PIN_TRIES:
        network.sim = Sim.PUK
    return cme(INCORRECT_PASSWORD)


@_command("CPIN", Form.READ)
def read_pin(call: ModemCall) -> Reply:
    """Answer AT+CPIN?."""
    sim = call.modem.environment.network.sim
    if sim is Sim.MISSING:
        return cme(SIM_NOT_INSERTED)
    call.line(f"+CPIN: {sim.value}")
    return OK


@_command("CPIN", Form.WRITE)
def enter_pin(call: ModemCall) -> Reply:
    """Answer AT+CPIN=: the PIN; a third wrong one blocks the SIM."""
    network = call.modem.environment.network
    if network.sim is Sim.MISSING:
        return cme(SIM_NOT_INSERTED)
    if len(call.texts) != 1 or not call.texts[0].isdigit():
        return cme(INCORRECT_PASSWORD)
    if network.sim is not Sim.PIN:
        return cme(NOT_ALLOWED)
    if (wrong := check_pin(call, call.texts[0])) is not None:
        return wrong
    network.sim = Sim.READY
    call.modem.announce_sim(call.uart)
    call.modem.tell_registration()
    call.modem.messages.room_made()
    return OK
