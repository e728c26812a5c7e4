"""What the module reports of now and of the past: cell, indicators, octets that were carried, why a call has ended."""

from __future__ import annotations

from ...calls.states import CallState
from ...commands.registration import OPERATORS, attached
from ...interpreter.commandline import Form
from ...interpreter.replies import ERROR, OK, Reply
from ...interpreter.table import CommandTable
from ..call import Call
from ..data_socket import DataSocket
from ..surroundings import CELL, COUNTERS, TRACKING_AREA

report_commands: CommandTable[Call] = CommandTable()
_command = report_commands.command
_text = report_commands.text

# The serving cell

_CELLS = ("servingcell", "neighbourcell")
_PHYSICAL_CELL = 187
_CHANNEL = "1650,3,5,5"  # as AT+QNWINFO has it: EARFCN and band; 20 MHz in both directions
_SIGNAL = "-84,-9,-57,16,-"  # as AT+QCSQ has it: RSRP, RSRQ, RSSI, SINR in dB; the level for choosing a cell is unknown


def _in_use(call: Call) -> bool:
    """Return whether a call or a connection keeps the radio link up."""
    modem = call.modem
    connected = any(isinstance(socket, DataSocket) and socket.connected for socket in modem.sockets)
    return connected or modem.data_calls.any or modem.calls.state is not CallState.IDLE


@_command("QENG", Form.WRITE)
def cells(call: Call) -> Reply:
    """Answer AT+QENG=: the serving cell; there is none beside it."""
    name, *more = (text.lower() for text in call.texts)
    if name not in _CELLS or more:
        return ERROR
    if name == "servingcell":
        call.line(f'+QENG: "servingcell",{_serving_cell(call)}')
    return OK


def _serving_cell(call: Call) -> str:
    if not call.modem.environment.network.service:
        return '"SEARCH"'
    state = "CONNECT" if _in_use(call) else "NOCONN"
    country, network = OPERATORS[2][:3], OPERATORS[2][3:]
    cell = f"{country},{network},{CELL.lstrip('0')},{_PHYSICAL_CELL},{_CHANNEL},{TRACKING_AREA}"
    return f'"{state}","{call.modem.access.cell}","FDD",{cell},{_SIGNAL}'


# Indicators (27.007 §8.9)

_INDICATORS = (
    '("battchg",(0-5)),("signal",(0-5)),("service",(0-1)),("call",(0-1)),("roam",(0-1)),("smsfull",(0-1)),'
    '("GPRS coverage",(0-1)),("callsetup",(0-3))'
)
_SETTING_UP = {CallState.INCOMING: 1, CallState.DIALLING: 2, CallState.ALERTING: 3}
_STRONG = 5

_text("CIND", Form.TEST, f"+CIND: {_INDICATORS}")


@_command("CIND", Form.READ)
def indicators(call: Call) -> Reply:
    """Answer AT+CIND?; a battery is not measured, and shown as 0."""
    modem, network = call.modem, call.modem.environment.network
    store = modem.messages.store(2)
    values = (
        0,
        _STRONG if network.registered else 0,
        network.service,
        modem.calls.state is CallState.ACTIVE,
        0,
        store.used >= store.places,
        attached(call),
        _SETTING_UP.get(modem.calls.state, 0),
    )
    call.line(f"+CIND: {','.join(str(int(value)) for value in values)}")
    return OK


# The past

_text("CEER", Form.TEST, "")


@_command("CEER", Form.EXECUTE)
def cause(call: Call) -> Reply:
    """Answer AT+CEER (27.007 §6.10): why the last call or context has ended, or was not granted."""
    call.line(f"+CEER: {call.modem.history.cause}")
    return OK


_RESET, _SAVE = 0, 1
_text("QGDCNT", Form.TEST, f"+QGDCNT: ({_RESET},{_SAVE})")


@_command("QGDCNT", Form.READ)
def counters(call: Call) -> Reply:
    """Answer AT+QGDCNT?: the octets that were sent and received in sockets."""
    call.line("+QGDCNT: {},{}".format(*call.modem.history.counted(call.modem.sockets)))
    return OK


@_command("QGDCNT", Form.WRITE)
def change_counters(call: Call) -> Reply:
    """Answer AT+QGDCNT=: 0 begins at 0, 1 saves what has been counted over the next restart."""
    action, modem = call.number(0, _RESET, _SAVE), call.modem
    if action is None or len(call.texts) != 1:
        return ERROR
    if action == _SAVE:
        modem.kept[COUNTERS] = "{},{}".format(*modem.history.counted(modem.sockets))
    else:
        modem.history.restart(modem.sockets)
    return OK
