"""The commands about phone books and the module's own number: AT+CPBS, AT+CPBR, AT+CPBF, AT+CPBW, AT+CNUM."""

from __future__ import annotations

import re

from ..calls.phone_book import LONGEST_NUMBER, LONGEST_TEXT, STORES, WRITABLE, PhoneEntry
from ..interpreter.commandline import Form
from ..interpreter.replies import (
    ERROR,
    INVALID_INDEX,
    NOT_A_NUMBER,
    NOT_ALLOWED,
    NUMBER_TOO_LONG,
    OK,
    TEXT_TOO_LONG,
    Reply,
    cme,
)
from ..interpreter.table import CommandTable
from ..modem import ModemCall
from ..sms.text_mode import shown, typed
from ..subscribers import type_of
from .sim import sim_problem

phone_book_commands: CommandTable[ModemCall] = CommandTable()
_command = phone_book_commands.command

_DIGITS = re.compile(r"\+?[0-9*#]+")
_TYPES = (129, 145)


@_command("CPBS", Form.TEST)
def stores(call: ModemCall) -> Reply:
    """Answer AT+CPBS=?."""
    call.line("+CPBS: ({})".format(",".join(f'"{store}"' for store in STORES)))
    return OK


@_command("CPBS", Form.READ)
def read_store(call: ModemCall) -> Reply:
    """Answer AT+CPBS?."""
    book = call.modem.phone_book
    call.line(f'+CPBS: "{book.store}",{len(book.entries)},{book.room}')
    return OK


@_command("CPBS", Form.WRITE)
def select_store(call: ModemCall) -> Reply:
    """Answer AT+CPBS=."""
    if len(call.texts) != 1 or call.texts[0] not in STORES:
        return ERROR
    call.modem.phone_book.store = call.texts[0]
    return OK


@_command("CPBR", Form.TEST)
def places(call: ModemCall) -> Reply:
    """Answer AT+CPBR=?."""
    call.line(f"+CPBR: (1-{call.modem.phone_book.room}),{LONGEST_NUMBER},{LONGEST_TEXT}")
    return OK


@_command("CPBR", Form.WRITE)
def read_entries(call: ModemCall) -> Reply:
    """Answer AT+CPBR=: one place, or all from one to another; empty ones show nothing."""
    book = call.modem.phone_book
    first = call.number(0, 0, 999)
    last = call.number(1, 0, 999) if len(call.texts) > 1 else first
    if first is None or last is None or len(call.texts) > 2:
        return ERROR
    if not 1 <= first <= last <= book.room:
        return cme(INVALID_INDEX)
    _show(call, "CPBR", {place: one for place, one in book.entries.items() if first <= place <= last})
    return OK


phone_book_commands.text("CPBF", Form.TEST, f"+CPBF: {LONGEST_NUMBER},{LONGEST_TEXT}")


@_command("CPBF", Form.WRITE)
def find_entries(call: ModemCall) -> Reply:
    """Answer AT+CPBF=: the entries whose names begin with a text."""
    if len(call.texts) != 1:
        return ERROR
    try:
        wanted = typed(call.texts[0], call.uart.messages.charset).casefold()
    except ValueError:
        return ERROR
    entries = call.modem.phone_book.entries
    _show(call, "CPBF", {place: one for place, one in entries.items() if one.text.casefold().startswith(wanted)})
    return OK


def _show(call: ModemCall, name: str, entries: dict[int, PhoneEntry]) -> None:
    for place, one in entries.items():
        call.line(f'+{name}: {place},"{one.number}",{one.kind},"{shown(one.text, call.uart.messages.charset)}"')


@_command("CPBW", Form.TEST)
def writable(call: ModemCall) -> Reply:
    """Answer AT+CPBW=?."""
    call.line(f"+CPBW: (1-{call.modem.phone_book.room}),{LONGEST_NUMBER},(129,145),{LONGEST_TEXT}")
    return OK


@_command("CPBW", Form.WRITE)
def write_entry(call: ModemCall) -> Reply:
    """Answer AT+CPBW=: an entry at a place, or at the first that is free; a place alone erases."""
    texts, book = call.texts, call.modem.phone_book
    place = call.number(0, 0, 999) if texts[0] else None
    if len(texts) > 4 or (texts[0] and place is None) or texts == [""]:
        return ERROR
    entry = None
    if len(texts) > 1:
        number, kind = texts[1], call.number(2, 0, 255) if len(texts) > 2 and texts[2] else type_of(texts[1])
        try:
            text = typed(texts[3], call.uart.messages.charset) if len(texts) > 3 else ""
        except ValueError:
            return ERROR
        if kind not in _TYPES:
            return ERROR
        if (problem := _entry_problem(number, text)) is not None:
            return cme(problem)
        entry = PhoneEntry(number, kind, text)
    if book.store not in WRITABLE:
        return cme(NOT_ALLOWED)
    return OK if book.write(place, entry) else cme(INVALID_INDEX)


def _entry_problem(number: str, text: str) -> int | None:
    if len(number) > LONGEST_NUMBER:
        return NUMBER_TOO_LONG
    if not _DIGITS.fullmatch(number):
        return NOT_A_NUMBER
    return TEXT_TOO_LONG if len(text) > LONGEST_TEXT else None


phone_book_commands.text("CNUM", Form.TEST, "")


@_command("CNUM", Form.EXECUTE)
def own_number(call: ModemCall) -> Reply:
    """Answer AT+CNUM: the module's number, of voice calls (27.007 §7.1)."""
    if (problem := sim_problem(call)) is not None:
        return problem
    number = call.modem.environment.subscriber.number
    call.line(f'+CNUM: "","{number}",{type_of(number)},7,4')
    return OK
