"""Settings of the whole module that are one number: a command each, with test, read and write."""

from __future__ import annotations

from typing import TypeVar

from ..interpreter.commandline import Form
from ..interpreter.replies import ERROR, OK, Reply
from ..interpreter.table import CommandTable
from ..modem import ModemCall

C = TypeVar("C", bound=ModemCall)


def add_number(table: CommandTable[C], name: str, values: str, highest: int) -> None:
    """Add a setting that `Modem.numbers` holds.

    Args:
        table: where to.
        name: of the command.
        values: what the test form shows.
        highest: the greatest number.
    """
    table.text(name, Form.TEST, f"+{name}: {values}")

    @table.command(name, Form.READ)
    def read(call: ModemCall) -> Reply:
        call.line(f"+{name}: {call.modem.numbers[name]}")
        return OK

    @table.command(name, Form.WRITE)
    def write(call: ModemCall) -> Reply:
        value = call.number(0, 0, highest)
        if value is None or len(call.texts) != 1:
            return ERROR
        call.modem.numbers[name] = value
        return OK
