"""A command being executed, with the module and the foreground context that its handler works on."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..interpreter.commandline import Command
from ..interpreter.replies import Reply
from ..interpreter.table import CommandTable
from ..interpreter.uart import Uart
from ..interpreter.uart_settings import SendSettings
from ..modem import ModemCall
from .context import Context
from .modem import QuectelGsmModem
from .ownership import Need

log: logging.Logger = logging.getLogger(__name__)


class Call(ModemCall):
    """Represents one command being executed, with its module and its foreground context.

    Args:
        commands: the table that answers it.
        modem: the module.
        uart: where it was typed.
        command: what was typed.
    """

    __slots__ = ("_commands",)

    modem: QuectelGsmModem

    def __init__(self, commands: CommandTable[Call], modem: QuectelGsmModem, uart: Uart, command: Command) -> None:
        super().__init__(modem, uart, command)
        self._commands = commands

    def run(self) -> Reply | None:
        """Execute the command; return how it ends, or None when it ends later."""
        return self._commands.answer(self)

    @property
    def context(self) -> Context:
        """The foreground context of the UART."""
        return self.modem.foreground(self.uart.number)

    @property
    def sending(self) -> SendSettings:
        """How AT+QISEND asks for data here: settings of the context or of the UART."""
        return self.uart.sending


def needs(need: Need) -> Callable[[Call], bool]:
    """Return the condition that the UART of a call may do something with its foreground context.

    Args:
        need: what the command does with the context.
    """

    def admitted(call: Call) -> bool:
        if call.modem.admit(call.uart.number, need):
            return True
        number = call.uart.number + 1
        log.info("uart %d does not control context %d: %s", number, call.context.number, call.command.name)
        return False

    return admitted
