"""The commands about voice calls: making, answering and ending them, and whose number is shown."""

from __future__ import annotations

import re

from ..calls.states import CallState
from ..interpreter.commandline import Form
from ..interpreter.replies import (
    ERROR,
    NO_CARRIER,
    NO_NETWORK_SERVICE,
    NOT_ALLOWED,
    NOT_FOUND,
    NOT_SUPPORTED,
    OK,
    Reply,
    cme,
)
from ..interpreter.table import CommandEntry, CommandTable
from ..interpreter.uart_call import UartCall
from ..interpreter.uart_commands import add_number, uart_commands
from ..modem import ModemCall
from .dial_commands import dials
from .sim import sim_problem

voice_commands: CommandTable[ModemCall] = CommandTable()
_command = voice_commands.command
_text = voice_commands.text

_ACTIVITY = {
    CallState.IDLE: 0,
    CallState.INCOMING: 3,
    CallState.DIALLING: 4,
    CallState.ALERTING: 4,
    CallState.ACTIVE: 4,
}
"""AT+CPAS (27.007 §8.1)."""

_TONES = re.compile(r"[0-9A-D*#]", re.IGNORECASE)

# Making a call


@dials(r"[TP]?(?![*#][0-9*#]*#;)(\+?[0-9*#A-D]{1,40})[,W!@]*(I?)G?;")
def dial_voice(call: ModemCall, match: re.Match[str]) -> Reply | None:
    """Make a voice call; I and i behind the number hide this one's number and show it (27.007 §6.2)."""
    return _make(call, match[1], match[2])


@dials(r">([A-Z]{2})?(\d{1,3})(I?)G?;")
def dial_place(call: ModemCall, match: re.Match[str]) -> Reply | None:
    """Make a voice call to the number at a place of a phone book (27.007 §6.3)."""
    book = call.modem.phone_book
    entry = book.at(match[1].upper() if match[1] else book.store, int(match[2]))
    return cme(NOT_FOUND) if entry is None else _make(call, entry.number, match[3])


@dials(r'>"([^"]+)"(I?)G?;')
def dial_name(call: ModemCall, match: re.Match[str]) -> Reply | None:
    """Make a voice call to the number of a name in the phone book (27.007 §6.3)."""
    name = match[1].casefold()
    number = next((one.number for one in call.modem.phone_book.entries.values() if one.text.casefold() == name), None)
    return cme(NOT_FOUND) if number is None else _make(call, number, match[2])


def _make(call: ModemCall, number: str, hidden: str) -> Reply | None:
    if (problem := sim_problem(call)) is not None:
        return problem
    if not call.modem.environment.network.service:
        return cme(NO_NETWORK_SERVICE)
    withheld = hidden == "I" or (not hidden and call.uart.settings.clir == 1)
    waits = bool(call.uart.settings.colp)
    calls = call.modem.calls
    if not calls.dial(call.uart, number, withheld=withheld, finish=call.finish if waits else None):
        return cme(NOT_ALLOWED)
    if not waits:
        return OK
    call.uart.abortable(calls.hang_up)
    return None


# Answering and ending it


@_command("A", Form.EXECUTE)
def answer(call: ModemCall) -> Reply:
    """Answer ATA."""
    return OK if call.modem.calls.answer() else NO_CARRIER


_OF_THE_UART: CommandEntry[UartCall] | None = uart_commands.get("H", Form.EXECUTE)


@_command("H", Form.EXECUTE)
def end_calls(call: ModemCall) -> Reply | None:
    """Answer ATH: what the UART itself has is ended, and the voice call."""
    if call.texts not in ([], ["0"]):
        return ERROR
    call.modem.calls.hang_up()
    return OK if _OF_THE_UART is None else _OF_THE_UART.handler(call)


_text("CHUP", Form.TEST, "")


@_command("CHUP", Form.EXECUTE)
def end_voice_calls(call: ModemCall) -> Reply:
    """Answer AT+CHUP."""
    call.modem.calls.hang_up()
    return OK


_text("CHLD", Form.TEST, "+CHLD: (0,1,1x)")


@_command("CHLD", Form.WRITE)
def hold(call: ModemCall) -> Reply:
    """Answer AT+CHLD=: a call that comes in is refused, any is ended; none is held, as there is one at a time."""
    calls, what = call.modem.calls, call.texts
    if what == ["0"]:
        return OK if calls.state is CallState.INCOMING and calls.hang_up() else cme(NOT_ALLOWED)
    if what in (["1"], ["11"]):
        return OK if calls.hang_up() else cme(NOT_ALLOWED)
    return cme(NOT_SUPPORTED)


_text("CLCC", Form.TEST, "")


@_command("CLCC", Form.EXECUTE)
def list_calls(call: ModemCall) -> Reply:
    """Answer AT+CLCC."""
    for line in call.modem.calls.lines():
        call.line(f"+CLCC: {line}")
    return OK


_text("CPAS", Form.TEST, "+CPAS: (0,2-4)")


@_command("CPAS", Form.EXECUTE)
def activity(call: ModemCall) -> Reply:
    """Answer AT+CPAS."""
    call.line(f"+CPAS: {_ACTIVITY[call.modem.calls.state]}")
    return OK


_text("VTS", Form.TEST, "+VTS: (0-9,A-D,*,#)")


@_command("VTS", Form.WRITE)
def send_tone(call: ModemCall) -> Reply:
    """Answer AT+VTS=: a tone, in a call only."""
    if len(call.texts) > 2 or not _TONES.fullmatch(call.texts[0]):
        return ERROR
    return OK if call.modem.calls.state is CallState.ACTIVE else cme(NOT_ALLOWED)


# What is shown


_SHOWN = (("CLIP", "(0,1)", 1, ",1"), ("COLP", "(0,1)", 1, ",1"), ("CLIR", "(0-2)", 2, ",4"), ("CRC", "(0,1)", 1, ""))
"""Settings of the UART: each with its values, the greatest one, and what the network provides, shown behind."""

for _name, _values, _highest, _network in _SHOWN:
    add_number(voice_commands, _name, _values, _name.lower(), _highest, behind=_network)
