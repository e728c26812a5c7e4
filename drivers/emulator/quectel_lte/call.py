"""A command being executed, with the module that its handler works on, and the error that it leaves behind."""

from __future__ import annotations

from ..interpreter.commandline import Command
from ..interpreter.replies import ERROR, OK, Reply, cme
from ..interpreter.table import CommandTable
from ..interpreter.uart import Uart
from ..modem import ModemCall
from .codes import Code
from .context import CONTEXTS, PdpContext
from .data_socket import DataSocket
from .modem import QuectelLteModem
from .sockets import ModuleSocket
from .table import SOCKETS

_RECORDED = frozenset(
    (
        *("QICSGP", "QIACT", "QIDEACT", "QIOPEN", "QICLOSE", "QISTATE", "QISEND", "QISENDEX", "QIRD", "QISWTMD"),
        *("QISDE", "QICFG", "QIDNSCFG", "QIDNSGIP", "QPING", "QNTP"),
    )
)


class Call(ModemCall):
    """Represents one command being executed, with its module.

    Args:
        commands: the table that answers it.
        modem: the module.
        uart: where it was typed.
        command: what was typed.
    """

    __slots__ = ("_commands", "_lines")

    modem: QuectelLteModem

    def __init__(self, commands: CommandTable[Call], modem: QuectelLteModem, uart: Uart, command: Command) -> None:
        super().__init__(modem, uart, command)
        self._commands = commands
        self._lines = 0

    def line(self, text: str) -> None:
        """See `UartCall.line`; several lines of one command share one line end between them."""
        (self.uart.next_line if self._lines else self.uart.line)(text)
        self._lines += 1

    def run(self) -> Reply | None:
        """Execute the command; return how it ends, or None when it ends later."""
        if self.command.name not in _RECORDED:
            return self._commands.answer(self)
        self.error = Code.DONE
        reply = self._commands.answer(self)
        return self.refuse() if reply is ERROR and self.error is Code.DONE else reply

    @property
    def error(self) -> Code:
        """How the last TCP/IP command went, as AT+QIGETERROR tells it here."""
        return self.modem.error(self.uart.number)

    @error.setter
    def error(self, code: Code) -> None:
        self.modem.went(self.uart.number, code)

    def refuse(self, code: Code = Code.BAD_PARAMETERS) -> Reply:
        """Return how a command ends that fails: ERROR, and why in what AT+QIGETERROR will say.

        Args:
            code: why.
        """
        self.error = code
        return ERROR if self.modem.environment.behaviour.qi_errors == "ERROR" else cme(int(code))

    def outcome(self, code: Code) -> Reply:
        """Return OK, or ERROR where the code says so."""
        return OK if code is Code.DONE else self.refuse(code)

    def context(self, index: int = 0) -> PdpContext | None:
        """Return the context that one of the command's values names, or None where it names none."""
        number = self.number(index, CONTEXTS[0], CONTEXTS[-1])
        return None if number is None else self.modem.contexts[number]

    def active_context(self, index: int = 0) -> PdpContext | Reply:
        """Return the context that a value names, or how the command ends when that is not an active one."""
        context = self.context(index)
        if context is None:
            return self.refuse()
        return context if context.active else self.refuse(context.problem)

    def id(self, index: int = 0) -> int | None:
        """Return the connectID that one of the command's values is, or None."""
        return self.number(index, 0, SOCKETS - 1)

    def socket(self) -> ModuleSocket | Reply:
        """Return the socket that the first value names, or how the command ends when it may not use one there."""
        number = self.id()
        socket = None if number is None else self.modem.sockets.get(number)
        if socket is None:
            return self.refuse()
        if socket.uart != self.uart.number and self.modem.environment.behaviour.foreign_port == "error":
            return self.refuse(Code.NOT_ALLOWED)
        return socket

    def data_socket(self) -> DataSocket | Reply:
        """Return the socket that carries data under the first value, or how the command ends when none does."""
        socket = self.socket()
        if isinstance(socket, Reply):
            return socket
        return socket if isinstance(socket, DataSocket) else self.refuse(Code.NOT_SUPPORTED)
