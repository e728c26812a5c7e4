"""The commands about the network that this family has besides those of all, or answers with the access technology."""

from __future__ import annotations

from ...commands.packet_data import packet_data_commands
from ...commands.registration import OPERATORS, add_registration, found_operators, told_operator
from ...commands.sim import ICCID, add_sim_reading
from ...environment import Sim
from ...interpreter.commandline import Form
from ...interpreter.replies import ERROR, OK, SIM_NOT_INSERTED, Reply, cme
from ...interpreter.table import CommandTable
from ..call import Call

network_state: CommandTable[Call] = CommandTable()
_command = network_state.command
_text = network_state.text


add_registration(network_state, "CEREG")


@_command("COPS", Form.TEST)
def find_operators(call: Call) -> Reply:
    """Answer AT+COPS=?."""
    call.line(found_operators(f",{call.modem.access.number}"))
    return OK


@_command("COPS", Form.READ)
def read_operator(call: Call) -> Reply:
    """Answer AT+COPS?."""
    call.line(told_operator(call, f",{call.modem.access.number}"))
    return OK


@_command("COPS", Form.EXECUTE)
def select_automatically(call: Call) -> Reply:
    """Answer AT+COPS: nothing changes."""
    return OK


_text("CSQ", Form.TEST, "+CSQ: (0-31,99),(0-7,99)")


@_command("CSQ", Form.EXECUTE)
def signal_quality(call: Call) -> Reply:
    """Answer AT+CSQ; the error rate is not known."""
    call.line("+CSQ: 28,99" if call.modem.environment.network.registered else "+CSQ: 99,99")
    return OK


_MODES = '"NOSERVICE","GSM","WCDMA","LTE"'
_MODES_OF = {"bg96": '"NOSERVICE","GSM","CAT-M1","CAT-NB1"'}


@_command("QCSQ", Form.TEST)
def signal_modes(call: Call) -> Reply:
    """Answer AT+QCSQ=?: what the network can be."""
    call.line(f"+QCSQ: {_MODES_OF.get(call.modem.environment.model.name, _MODES)}")
    return OK


@_command("QCSQ", Form.EXECUTE)
def signal_strengths(call: Call) -> Reply:
    """Answer AT+QCSQ: RSSI, RSRP, SINR and RSRQ."""
    signal = f'"{call.modem.access.signal}",-57,-84,180,-9'
    call.line(f"+QCSQ: {signal}" if call.modem.environment.network.service else '+QCSQ: "NOSERVICE"')
    return OK


_text("QNWINFO", Form.TEST, "")


@_command("QNWINFO", Form.EXECUTE)
def network_information(call: Call) -> Reply:
    """Answer AT+QNWINFO: access technology, operator, band and channel."""
    known = f'"{call.modem.access.name}","{OPERATORS[2]}","LTE BAND 3",1650'
    call.line(f"+QNWINFO: {known}" if call.modem.environment.network.service else "+QNWINFO: No Service")
    return OK


_text("QSPN", Form.TEST, "")


def _provider(call: Call) -> Reply:
    """Answer AT+QSPN and AT+QSPN?: long, short and provider's name, the alphabet, and the network's number."""
    if call.modem.environment.network.sim is Sim.MISSING:
        return cme(SIM_NOT_INSERTED)
    if not call.modem.environment.network.service:
        return ERROR
    call.line(f'+QSPN: "{OPERATORS[0]}","{OPERATORS[1]}","",0,"{OPERATORS[2]}"')
    return OK


_command("QSPN", Form.EXECUTE)(_provider)
_command("QSPN", Form.READ)(_provider)


@_command("CGDCONT", Form.READ)
def read_definitions(call: Call) -> Reply:
    """Answer AT+CGDCONT? with an address that is none and four flags, as a BG96 and an EC25 do."""
    for number, (kind, apn) in sorted(call.modem.definitions.items()):
        call.line(f'+CGDCONT: {number},"{kind}","{apn}","0.0.0.0",0,0,0,0')
    return OK


@_command("CGDCONT", Form.EXECUTE)
def define_nothing(call: Call) -> Reply:
    """Answer AT+CGDCONT, which changes nothing."""
    return OK


@_command("CGACT", Form.READ)
def read_activation(call: Call) -> Reply:
    """Answer AT+CGACT?: a context that the stack has, by AT+QIACT, is active, too."""
    modem = call.modem
    activated = {number for number, context in modem.contexts.items() if context.active}
    for number in sorted({*modem.definitions, *activated}):
        active = number in activated or number in modem.activated or modem.data_calls.uses(number)
        call.line(f"+CGACT: {number},{int(active)}")
    return OK


_ACTIVATES = packet_data_commands.get("CGACT", Form.WRITE)


@_command("CGACT", Form.WRITE)
def activate_definition(call: Call) -> Reply | None:
    """Answer AT+CGACT=, or never, until a restart; what is deactivated is so for the stack, too."""
    if _ACTIVATES is None or call.modem.environment.behaviour.cgact_hangs:
        return None
    reply = _ACTIVATES.handler(call)
    if reply is OK and call.number(0, 0, 1) == 0:
        call.modem.drop_context(int(call.texts[1]) if len(call.texts) > 1 else 1)
    return reply


add_sim_reading(network_state, "QCCID", lambda call: f"+QCCID: {ICCID}")
add_sim_reading(network_state, "CCID", lambda call: f"+CCID: {ICCID}")
add_sim_reading(network_state, "ICCID", lambda call: f"+ICCID: {ICCID}")
