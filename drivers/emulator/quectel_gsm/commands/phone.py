"""The general commands about the SIM, the network, the clock and the power."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from ...behaviour import Behaviour
from ...environment import Sim
from ...interpreter.commandline import Form
from ...interpreter.replies import (
    ANSWERED,
    ERROR,
    INCORRECT_PASSWORD,
    NO_NETWORK_SERVICE,
    NOT_ALLOWED,
    OK,
    SIM_NOT_INSERTED,
    SIM_PIN_REQUIRED,
    SIM_PUK_REQUIRED,
    Reply,
    cme,
)
from ...interpreter.table import CommandTable
from ..call import Call

phone_commands: CommandTable[Call] = CommandTable()
_command = phone_commands.command
_text = phone_commands.text

IMSI = "460001234567890"
ICCID = "89860012345678901234"
OPERATOR = "CHINA MOBILE"
_OPERATORS = (OPERATOR, "CMCC", "46000")  # long, short, numeric: 27.007 §7.3
_FORMAT_ONLY = 3  # of AT+COPS
_PIN_TRIES = 3
_LOCKED = {Sim.MISSING: SIM_NOT_INSERTED, Sim.PIN: SIM_PIN_REQUIRED, Sim.PUK: SIM_PUK_REQUIRED}

# The SIM


def sim_problem(call: Call) -> Reply | None:
    """Return the error of a command that needs a SIM which is ready, or None when it is."""
    sim = call.modem.environment.network.sim
    return cme(_LOCKED[sim]) if sim in _LOCKED else None


def _of_sim(name: str, text: Callable[[Behaviour], str]) -> None:
    """Add a command that reads the SIM."""
    _text(name, Form.TEST, "")

    @_command(name, Form.EXECUTE)
    def show(call: Call) -> Reply:
        if (problem := sim_problem(call)) is not None:
            return problem
        call.line(text(call.modem.environment.behaviour))
        return OK


_of_sim("CIMI", lambda _: IMSI)
_of_sim("QCCID", lambda behaviour: f"+QCCID: {ICCID}" if behaviour.qccid_prefix else ICCID)
_text("CPIN", Form.TEST, "")


@_command("CPIN", Form.READ)
def read_pin(call: Call) -> Reply:
    """Answer AT+CPIN?."""
    sim = call.modem.environment.network.sim
    if sim is Sim.MISSING:
        return cme(SIM_NOT_INSERTED)
    call.line(f"+CPIN: {sim.value}")
    return OK


@_command("CPIN", Form.WRITE)
def enter_pin(call: Call) -> Reply:
    """Answer AT+CPIN=: the PIN; a third wrong one blocks the SIM."""
    network = call.modem.environment.network
    if network.sim is Sim.MISSING:
        return cme(SIM_NOT_INSERTED)
    if len(call.texts) != 1 or not call.texts[0].isdigit():
        return cme(INCORRECT_PASSWORD)
    if network.sim is not Sim.PIN:
        return cme(NOT_ALLOWED)
    if call.texts[0] != network.pin:
        call.modem.wrong_pins += 1
        if call.modem.wrong_pins == _PIN_TRIES:
            network.sim = Sim.PUK
        return cme(INCORRECT_PASSWORD)
    call.modem.wrong_pins = 0
    network.sim = Sim.READY
    call.modem.announce_sim(call.uart)
    call.modem.tell_registration()
    call.modem.messages.room_made()
    return OK


# The network

_text("CSQ", Form.TEST, "+CSQ: (0-31,99),(0-7,99)")


@_command("CSQ", Form.EXECUTE)
def signal_quality(call: Call) -> Reply:
    """Answer AT+CSQ."""
    call.line("+CSQ: 28,0" if call.modem.environment.network.registered else "+CSQ: 99,99")
    return OK


def _registration(name: str) -> None:
    field = name.lower()
    _text(name, Form.TEST, f"+{name}: (0-2)")

    @_command(name, Form.READ)
    def read(call: Call) -> Reply:
        mode, service = getattr(call.uart.settings, field), call.modem.environment.network.service
        place = ',"1806","2F1E"' if mode == 2 and service else ""
        call.line(f"+{name}: {mode},{int(service)}{place}")
        return OK

    @_command(name, Form.WRITE)
    def write(call: Call) -> Reply:
        value = call.number(0, 0, 2)
        if value is None or len(call.texts) != 1:
            return ERROR
        setattr(call.uart.settings, field, value)
        return OK


_registration("CREG")
_registration("CGREG")


def _attached(call: Call) -> bool:
    network = call.modem.environment.network
    return network.attached and network.service


def _attach(call: Call, wanted: bool) -> Reply | None:
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
def read_attachment(call: Call) -> Reply:
    """Answer AT+CGATT?."""
    call.line(f"+CGATT: {int(_attached(call))}")
    return OK


@_command("CGATT", Form.WRITE)
def attach(call: Call) -> Reply | None:
    """Answer AT+CGATT=."""
    value = call.number(0, 0, 1)
    if value is None or len(call.texts) != 1:
        return ERROR
    return _attach(call, bool(value))


_text("CGDCONT", Form.TEST, '+CGDCONT: (1-2),"IP",,,(0),(0)')


@_command("CGDCONT", Form.READ)
def read_definitions(call: Call) -> Reply:
    """Answer AT+CGDCONT?."""
    for number, (kind, apn) in sorted(call.modem.definitions.items()):
        call.line(f'+CGDCONT: {number},"{kind}","{apn}","",0,0')
    return OK


@_command("CGDCONT", Form.WRITE)
def define(call: Call) -> Reply:
    """Answer AT+CGDCONT=: PDP contexts of 27.007, which the stack does not use; a number alone forgets one."""
    number = call.number(0, 1, 2)
    if number is None:
        return ERROR
    if len(call.texts) == 1:
        call.modem.definitions.pop(number, None)
        return OK
    if call.texts[1].upper() != "IP":
        return ERROR
    call.modem.definitions[number] = ("IP", call.texts[2] if len(call.texts) > 2 else "")
    return OK


_text("CGACT", Form.TEST, "+CGACT: (0,1)")


@_command("CGACT", Form.READ)
def read_activation(call: Call) -> Reply:
    """Answer AT+CGACT?."""
    for number in sorted(call.modem.definitions):
        active = number in call.modem.activated or call.modem.data_calls.uses(number - 1)
        call.line(f"+CGACT: {number},{int(active)}")
    return OK


@_command("CGACT", Form.WRITE)
def activate_definition(call: Call) -> Reply:
    """Answer AT+CGACT=; a data call ends with its context."""
    wanted = call.number(0, 0, 1)
    number = call.number(1, 1, 2) if len(call.texts) == 2 else 1
    if wanted is None or number is None or len(call.texts) > 2:
        return ERROR
    if wanted and not call.modem.environment.network.grants:
        return cme(NO_NETWORK_SERVICE)
    (call.modem.activated.add if wanted else call.modem.activated.discard)(number)
    if not wanted:
        call.modem.data_calls.drop(number - 1)
    return OK


_text("COPS", Form.TEST, f'+COPS: (2,"{OPERATOR}","CMCC","46000"),,(0-4),(0-2)')


@_command("COPS", Form.READ)
def read_operator(call: Call) -> Reply:
    """Answer AT+COPS?."""
    form = call.uart.settings.cops
    call.line(f'+COPS: 0,{form},"{_OPERATORS[form]}"' if call.modem.environment.network.service else "+COPS: 0")
    return OK


@_command("COPS", Form.WRITE)
def select_operator(call: Call) -> Reply:
    """Answer AT+COPS=: there is one operator; 2 leaves it, 3 only sets the format in which it is told."""
    mode = call.number(0, 0, 4)
    form = call.number(1, 0, 2) if len(call.texts) > 1 and call.texts[1] else call.uart.settings.cops
    if mode is None or form is None or len(call.texts) > 4:
        return ERROR
    call.uart.settings.cops = form
    if mode != _FORMAT_ONLY:
        network = call.modem.environment.network
        call.modem.set_network(dataclasses.replace(network, registered=mode != 2))
    return OK


_text("CBC", Form.EXECUTE, "+CBC: 0,95,4085")
_text("CBC", Form.TEST, "+CBC: (0-2),(1-100),(0-5000)")

_text("QNSTATUS", Form.TEST, "")


@_command("QNSTATUS", Form.EXECUTE)
def network_status(call: Call) -> Reply:
    """Answer AT+QNSTATUS: 0 when packet service is there, 1 when it is not."""
    call.line(f"+QNSTATUS: {int(not _attached(call))}")
    return OK


# The clock


_text("CCLK", Form.TEST, "")


@_command("CCLK", Form.READ)
def read_clock(call: Call) -> Reply:
    """Answer AT+CCLK?."""
    call.line(f'+CCLK: "{call.modem.wall_clock.text()}"')
    return OK


@_command("CCLK", Form.WRITE)
def set_clock(call: Call) -> Reply:
    """Answer AT+CCLK=."""
    return OK if len(call.texts) == 1 and call.modem.wall_clock.set_text(call.texts[0]) else ERROR


# Power, and unsolicited lines


def _module_number(name: str, values: str, highest: int) -> None:
    """Add test, read and write of a number that belongs to the whole module."""
    _text(name, Form.TEST, f"+{name}: {values}")

    @_command(name, Form.READ)
    def read(call: Call) -> Reply:
        call.line(f"+{name}: {call.modem.numbers[name]}")
        return OK

    @_command(name, Form.WRITE)
    def write(call: Call) -> Reply:
        value = call.number(0, 0, highest)
        if value is None or len(call.texts) != 1:
            return ERROR
        call.modem.numbers[name] = value
        return OK


_module_number("QIURC", "(0,1)", 1)
_module_number("QNITZ", "(0,1)", 1)
_module_number("QCOLP", "(0,1)", 1)
_module_number("QINDRI", "(0,1)", 1)
_module_number("QSCLK", "(0-2)", 2)
_module_number("CTZU", "(0-3)", 3)
_text("CFUN", Form.TEST, "+CFUN: (0,1,4),(0,1)")


@_command("CFUN", Form.READ)
def read_functionality(call: Call) -> Reply:
    """Answer AT+CFUN?."""
    call.line(f"+CFUN: {call.modem.functionality}")
    return OK


@_command("CFUN", Form.WRITE)
def set_functionality(call: Call) -> Reply:
    """Answer AT+CFUN=; 0 and 4 take the contexts away, a second value of 1 restarts the module."""
    level = call.number(0, 0, 4)
    restart = call.number(1, 0, 1) if len(call.texts) == 2 else 0
    if level not in (0, 1, 4) or restart is None or len(call.texts) > 2:
        return ERROR
    modem = call.modem
    if restart:
        call.uart.reply(OK)
        modem.restart()
        return ANSWERED
    if level == modem.functionality:  # as many hosts ask for full functionality at first: the network stays as it is
        return OK
    modem.functionality = level
    network = modem.environment.network
    modem.set_network(dataclasses.replace(network, registered=level == 1, attached=level == 1))
    return OK


_text("QPOWD", Form.TEST, "+QPOWD: (0,1)")


@_command("QPOWD", Form.WRITE)
def power_down(call: Call) -> Reply:
    """Answer AT+QPOWD=: contexts and owners are gone; the module itself stays reachable."""
    if call.number(0, 0, 1) is None or len(call.texts) != 1:
        return ERROR
    call.uart.line("NORMAL POWER DOWN")
    call.modem.power_down()
    if call.modem.restarted is not None:
        call.modem.restarted()
    return ANSWERED
