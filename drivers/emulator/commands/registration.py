"""The commands about the network: signal, registration, packet service, operator (27.007 §7, §8.5, §10.1)."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

from ..interpreter.commandline import Form
from ..interpreter.replies import ERROR, NO_NETWORK_SERVICE, OK, Reply, cme
from ..interpreter.table import CommandTable
from ..modem import ModemCall

C = TypeVar("C", bound=ModemCall)

registration_commands: CommandTable[ModemCall] = CommandTable()
_command = registration_commands.command
_text = registration_commands.text

OPERATOR = "CHINA MOBILE"
OPERATORS = (OPERATOR, "CMCC", "46000")  # long, short, numeric: 27.007 §7.3
_AUTOMATIC, _MANUAL, _LEAVE, _FORMAT_ONLY = range(4)  # of AT+COPS

_text("CSQ", Form.TEST, "+CSQ: (0-31,99),(0-7,99)")


@_command("CSQ", Form.EXECUTE)
def signal_quality(call: ModemCall) -> Reply:
    """Answer AT+CSQ."""
    call.line("+CSQ: 28,0" if call.modem.environment.network.registered else "+CSQ: 99,99")
    return OK


def add_registration(table: CommandTable[C], name: str) -> None:
    """Add a command that tells whether the module is registered, and asks to be told of changes.

    Args:
        table: where to.
        name: one of `Modem.REGISTRATIONS`.
    """
    field = name.lower()
    table.text(name, Form.TEST, f"+{name}: (0-2)")

    @table.command(name, Form.READ)
    def read(call: ModemCall) -> Reply:
        mode, service = getattr(call.uart.settings, field), call.modem.environment.network.service
        place = call.modem.place(name) if mode == 2 and service else ""
        call.line(f"+{name}: {mode},{int(service)}{place}")
        return OK

    @table.command(name, Form.WRITE)
    def write(call: ModemCall) -> Reply:
        value = call.number(0, 0, 2)
        if value is None or len(call.texts) != 1:
            return ERROR
        setattr(call.uart.settings, field, value)
        return OK


add_registration(registration_commands, "CREG")
add_registration(registration_commands, "CGREG")


def attached(call: ModemCall) -> bool:
    """Return whether the module is attached to packet service."""
    network = call.modem.environment.network
    return network.attached and network.service


def _attach(call: ModemCall, wanted: bool) -> Reply | None:
    """Attach or detach; detaching takes the contexts away."""
    network = call.modem.environment.network
    if wanted and not network.service:
        return cme(NO_NETWORK_SERVICE)
    network.attached = wanted
    if wanted:
        return OK
    call.modem.drop_contexts()
    environment = call.modem.environment
    if environment.behaviour.cgatt_deact == "after_ok":
        return OK
    call.uart.pump_now()
    environment.clock.call_later(environment.loop, environment.behaviour.result_time, lambda: call.finish(OK))
    return None


_text("CGATT", Form.TEST, "+CGATT: (0,1)")


@_command("CGATT", Form.READ)
def read_attachment(call: ModemCall) -> Reply:
    """Answer AT+CGATT?."""
    call.line(f"+CGATT: {int(attached(call))}")
    return OK


@_command("CGATT", Form.WRITE)
def attach(call: ModemCall) -> Reply | None:
    """Answer AT+CGATT=."""
    value = call.number(0, 0, 1)
    if value is None or len(call.texts) != 1:
        return ERROR
    return _attach(call, bool(value))


def found_operators(technology: str = "") -> str:
    """Return what AT+COPS=? finds: the one operator there is.

    Args:
        technology: what stands behind the operator.
    """
    names = ",".join(f'"{name}"' for name in OPERATORS)
    return f"+COPS: (2,{names}{technology}),,(0-4),(0-2)"


_text("COPS", Form.TEST, found_operators())


@_command("COPS", Form.READ)
def read_operator(call: ModemCall) -> Reply:
    """Answer AT+COPS?."""
    call.line(told_operator(call))
    return OK


def told_operator(call: ModemCall, technology: str = "") -> str:
    """Return what AT+COPS? tells: how the operator was selected and, where there is service, which it is.

    Args:
        call: the command.
        technology: what stands behind the operator.
    """
    selection, form = call.modem.selection, call.uart.settings.cops
    if not call.modem.environment.network.service:
        return f"+COPS: {selection}"
    if selection == _LEAVE:  # it is registered nevertheless, by who made the module
        selection = _AUTOMATIC
    return f'+COPS: {selection},{form},"{OPERATORS[form]}"{technology}'


@_command("COPS", Form.WRITE)
def select_operator(call: ModemCall) -> Reply:
    """Answer AT+COPS=: there is one operator; 2 leaves it, 3 only sets the format in which it is told.

    With 4 the selection is manual where the operator was found, and automatic where not.
    """
    mode = call.number(0, 0, 4)
    form = call.number(1, 0, 2) if len(call.texts) > 1 and call.texts[1] else call.uart.settings.cops
    if mode is None or form is None or len(call.texts) > 4:
        return ERROR
    call.uart.settings.cops = form
    if mode != _FORMAT_ONLY:
        found = OPERATORS[form : form + 1] == tuple(call.texts[2:3])
        call.modem.selection = mode if mode <= _LEAVE else _MANUAL if found else _AUTOMATIC
        network = call.modem.environment.network
        call.modem.set_network(dataclasses.replace(network, registered=mode != _LEAVE))
    return OK
