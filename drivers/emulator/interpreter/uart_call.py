"""A command being executed, as its handler sees it in every family of modules."""

from __future__ import annotations

from .commandline import Command
from .replies import Reply
from .uart import Uart


class UartCall:
    """Represents one command being executed.

    Args:
        uart: where it was typed.
        command: what was typed.
    """

    __slots__ = ("command", "uart")

    def __init__(self, uart: Uart, command: Command) -> None:
        self.uart: Uart = uart
        self.command: Command = command

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.command} on {self.uart!r}>"

    @property
    def texts(self) -> list[str]:
        """The command's values as they were typed, without quotes."""
        return [argument.text for argument in self.command.arguments]

    def number(self, index: int, low: int, high: int) -> int | None:
        """Return one of the command's values as a number, or None when it is missing or not in the range.

        Args:
            index: which value, from 0.
            low: the smallest number.
            high: the largest number.
        """
        arguments = self.command.arguments
        return arguments[index].number(low, high) if index < len(arguments) else None

    def line(self, text: str) -> None:
        """Answer with an information line.

        Args:
            text: the line without CR LF.
        """
        self.uart.line(text)

    def finish(self, reply: Reply) -> None:
        """End a command that was answered later; nothing happens when the UART has been reset meanwhile.

        Args:
            reply: how it ends.
        """
        self.uart.finish(self, reply)
