"""Settings of the whole module that are one number."""

from __future__ import annotations

from typing import TypeVar

from ..interpreter.number_setting import NumberSetting
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

    def put(call: ModemCall, value: int) -> None:
        call.modem.numbers[name] = value

    NumberSetting[C](lambda call: call.modem.numbers[name], put, 0, highest).add(table, name, values)
