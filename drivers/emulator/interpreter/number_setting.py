"""Settings that are one number: a command each, with test, read and write, wherever the number is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from .commandline import Form
from .replies import ERROR, OK, Reply
from .table import CommandTable
from .uart_call import UartCall

C = TypeVar("C", bound=UartCall)


def always(call: UartCall, value: int) -> bool:
    """Allow any value."""
    return True


@dataclass(frozen=True)
class NumberSetting(Generic[C]):
    """A setting that is one number.

    Args:
        get: returns it.
        put: keeps a new one.
        low: the least value.
        high: the greatest value.
        allows: returns whether a value within these may be kept now.
        behind: what is shown behind it.
        refused: the answer to any other value.
        readable: returns whether it may be read now, else the answer is ERROR; None when it always may.
        writable: the same for changing it.
    """

    get: Callable[[C], object]
    put: Callable[[C, int], None]
    low: int
    high: int
    allows: Callable[[C, int], bool] = always
    behind: str = ""
    refused: Reply = ERROR
    readable: Callable[[C], bool] | None = None
    writable: Callable[[C], bool] | None = None

    def add(self, table: CommandTable[C], name: str, values: str) -> None:
        """Add its command.

        Args:
            table: where to.
            name: of the command.
            values: what the test form shows.
        """
        table.text(name, Form.TEST, f"+{name}: {values}")

        @table.command(name, Form.READ, self.readable)
        def read(call: C) -> Reply:
            call.line(f"+{name}: {self.get(call)}{self.behind}")
            return OK

        @table.command(name, Form.WRITE, self.writable)
        def write(call: C) -> Reply:
            value = call.number(0, self.low, self.high)
            if value is None or len(call.texts) != 1 or not self.allows(call, value):
                return self.refused
            self.put(call, value)
            return OK
