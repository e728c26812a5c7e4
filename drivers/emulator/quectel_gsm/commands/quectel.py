"""Quectel's own commands that applications send before they use TCP/IP: answered and kept, without effect here."""

from __future__ import annotations

from ...commands.registration import OPERATOR
from ...environment import Sim
from ...interpreter.commandline import Form
from ...interpreter.replies import ERROR, OK, SIM_NOT_INSERTED, Reply, cme
from ...interpreter.table import CommandTable
from ..call import Call

quectel_commands: CommandTable[Call] = CommandTable()
_command = quectel_commands.command
_text = quectel_commands.text

_INITIALISED = 3  # phone book and messages, too
_REFUSED = ("QREFUSECS: messages", "QREFUSECS: calls")
_TOLD = ("SQ", "FN", "MW", "UR", "BC", "BM", "SM", "CC", "CN")
_QUERY = 2

_text("QINISTAT", Form.TEST, "")


@_command("QINISTAT", Form.EXECUTE)
def initialised(call: Call) -> Reply:
    """Answer AT+QINISTAT: how far the module has come with the SIM."""
    ready = call.modem.environment.network.sim is Sim.READY
    call.line(f"+QINISTAT: {_INITIALISED if ready else 0}")
    return OK


_text("QSPN", Form.TEST, "")


@_command("QSPN", Form.READ)
def provider(call: Call) -> Reply:
    """Answer AT+QSPN?: the name that the SIM has for its network."""
    if call.modem.environment.network.sim is Sim.MISSING:
        return cme(SIM_NOT_INSERTED)
    call.line(f'+QSPN: "{OPERATOR}",0')
    return OK


_text("QLTS", Form.TEST, "")


@_command("QLTS", Form.EXECUTE)
def network_time(call: Call) -> Reply:
    """Answer AT+QLTS: the time that the network has told last, and whether it is summer time."""
    _tell_time(call)
    return OK


@_command("QLTS", Form.WRITE)
def network_time_of_a_kind(call: Call) -> Reply:
    """Answer AT+QLTS=: the same, of whichever kind, as there is one time only."""
    if len(call.texts) != 1 or call.number(0, 0, 2) is None:
        return ERROR
    _tell_time(call)
    return OK


def _tell_time(call: Call) -> None:
    call.line(f'+QLTS: "{call.modem.wall_clock.text()},0"')


_text("QREFUSECS", Form.TEST, "+QREFUSECS: (0,1),(0,1)")


@_command("QREFUSECS", Form.READ)
def read_refused(call: Call) -> Reply:
    """Answer AT+QREFUSECS?."""
    messages, calls = (call.modem.numbers.get(name, 0) for name in _REFUSED)
    call.line(f"+QREFUSECS: {messages},{calls}")
    return OK


@_command("QREFUSECS", Form.WRITE)
def refuse(call: Call) -> Reply:
    """Answer AT+QREFUSECS=: whether messages and calls are refused."""
    messages, calls = call.number(0, 0, 1), call.number(1, 0, 1)
    if messages is None or calls is None or len(call.texts) != len(_REFUSED):
        return ERROR
    call.modem.numbers.update(zip(_REFUSED, (messages, calls), strict=True))
    return OK


_text("QEXTUNSOL", Form.TEST, "+QEXTUNSOL: ({})".format(",".join(f'"{kind}"' for kind in _TOLD)))


@_command("QEXTUNSOL", Form.WRITE)
def tell_more(call: Call) -> Reply:
    """Answer AT+QEXTUNSOL=: whether a kind of unsolicited lines is wanted; 2 asks."""
    mode = call.number(1, 0, _QUERY)
    if mode is None or len(call.texts) != 2 or call.texts[0] not in _TOLD:
        return ERROR
    name = f"QEXTUNSOL: {call.texts[0]}"
    if mode == _QUERY:
        call.line(f'+QEXTUNSOL: "{call.texts[0]}",{call.modem.numbers.get(name, 0)}')
    else:
        call.modem.numbers[name] = mode
    return OK
