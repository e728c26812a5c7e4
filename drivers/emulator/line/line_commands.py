"""The commands about the physical line: its rate, its flow control, its framing, and AT+CMUX."""

from __future__ import annotations

from ..interpreter.commandline import Form
from ..interpreter.replies import ERROR, NOT_ALLOWED, NOT_SUPPORTED, OK, Reply, cme
from ..interpreter.table import CommandTable
from ..modem import ModemCall

line_commands: CommandTable[ModemCall] = CommandTable()

_HARDWARE = 2  # of AT+IFC: RTS and CTS


@line_commands.command("IPR", Form.READ)
def read_rate(call: ModemCall) -> Reply:
    """Answer AT+IPR?."""
    call.line(f"+IPR: {call.modem.rate}")
    return OK


@line_commands.command("IPR", Form.TEST)
def rates(call: ModemCall) -> Reply:
    """Answer AT+IPR=?."""
    call.line(f"+IPR: (),(0,{','.join(map(str, call.modem.RATES))})")
    return OK


@line_commands.command("IPR", Form.WRITE)
def set_rate(call: ModemCall) -> Reply:
    """Answer AT+IPR=; not in multiplexer mode."""
    rates = (0, *call.modem.RATES)
    value = call.number(0, 0, max(rates))
    if value is None or len(call.texts) != 1 or value not in rates:
        return ERROR
    if call.modem.multiplexing:
        return OK if call.modem.environment.behaviour.ipr_multiplexed == "OK" else ERROR
    call.modem.rate = value
    if value and call.modem.change_rate is not None:
        call.modem.change_rate(value)
    return OK


@line_commands.command("IFC", Form.READ)
def read_flow(call: ModemCall) -> Reply:
    """Answer AT+IFC?."""
    call.line("+IFC: {},{}".format(*call.modem.flow))
    return OK


@line_commands.command("IFC", Form.TEST)
def flows(call: ModemCall) -> Reply:
    """Answer AT+IFC=?."""
    known = call.modem.FLOWS
    shown = f"({known[0]}-{known[-1]})" if len(known) > known[-1] else f"({','.join(map(str, known))})"
    call.line(f"+IFC: {shown},{shown}")
    return OK


@line_commands.command("IFC", Form.WRITE)
def set_flow(call: ModemCall) -> Reply:
    """Answer AT+IFC=."""
    first = call.number(0, 0, 2)
    second = call.number(1, 0, 2) if len(call.texts) == 2 else first
    if first not in call.modem.FLOWS or second not in call.modem.FLOWS or len(call.texts) > 2:
        return ERROR
    hardware = _HARDWARE in call.modem.flow
    call.modem.flow = (first, second)
    if hardware != (_HARDWARE in call.modem.flow) and call.modem.change_rts_cts is not None:
        call.modem.change_rts_cts(not hardware)
    return OK


line_commands.text("ICF", Form.TEST, "+ICF: (1-6),(0-3)")
line_commands.text("ICF", Form.READ, "+ICF: 3,3")


@line_commands.command("ICF", Form.WRITE)
def set_framing(call: ModemCall) -> Reply:
    """Answer AT+ICF=; only the usual 8 data bits, no parity, 1 stop bit."""
    return OK if call.texts in (["3"], ["3", "3"]) else ERROR


@line_commands.command("CMUX", Form.TEST)
def multiplexer_ranges(call: ModemCall) -> Reply:
    """Answer AT+CMUX=?."""
    return _describe(call, ranges=True)


@line_commands.command("CMUX", Form.READ)
def multiplexer_state(call: ModemCall) -> Reply:
    """Answer AT+CMUX?."""
    return _describe(call, ranges=False)


def _describe(call: ModemCall, *, ranges: bool) -> Reply:
    if call.modem.environment.behaviour.cmux_refused:
        return ERROR
    describe = call.modem.describe_multiplexer
    if describe is None:
        return cme(NOT_SUPPORTED)
    call.line(describe(ranges))
    return OK


@line_commands.command("CMUX", Form.WRITE)
def multiplex(call: ModemCall) -> Reply | None:
    """Answer AT+CMUX=."""
    environment = call.modem.environment
    if environment.behaviour.cmux_refused:
        return ERROR
    if call.modem.multiplexing or call.modem.multiplex is None:
        return cme(NOT_ALLOWED) if environment.model.cmux.coded_errors else ERROR
    return call.modem.multiplex(call.uart, call.command)
