"""The commands about one UART alone: its settings and registers, hanging up, and data mode (V.250)."""

from __future__ import annotations

from typing import TypeVar

from .commandline import Form
from .number_setting import NumberSetting
from .replies import ERROR, NO_CARRIER, NOT_SUPPORTED, OK, Reply, cme
from .table import CommandTable
from .uart_call import UartCall

C = TypeVar("C", bound=UartCall)

uart_commands: CommandTable[UartCall] = CommandTable()

# The UART's own settings


def _basic(name: str, field: str, highest: int, default: int = 0) -> None:
    """Add a basic command whose digit is a setting of the UART."""

    @uart_commands.command(name, Form.EXECUTE)
    def change(call: UartCall) -> Reply:
        value = call.number(0, 0, highest) if call.command.arguments else default
        if value is None:
            return ERROR
        former = getattr(call.uart.settings, field)
        setattr(call.uart.settings, field, bool(value) if isinstance(former, bool) else value)
        call.uart.carrier.show()
        return OK


_basic("E", "echo", 1)
_basic("V", "verbose", 1)
_basic("Q", "quiet", 1)
_basic("X", "x", 4)
_basic("&D", "dtr", 2)
_basic("&C", "dcd", 1)


@uart_commands.command("&W", Form.EXECUTE)
def store_settings(call: UartCall) -> Reply:
    """Answer AT&W."""
    call.uart.stored = call.uart.settings.copy()
    return OK


@uart_commands.command("Z", Form.EXECUTE)
def stored_settings(call: UartCall) -> Reply:
    """Answer ATZ: hang up, and the settings that AT&W has stored (V.250 §6.1.1); contexts and their owners stay."""
    _hang_up(call)
    call.uart.settings = call.uart.stored.copy()
    call.uart.carrier.show()
    return OK


@uart_commands.command("&F", Form.EXECUTE)
def factory_settings(call: UartCall) -> Reply:
    """Answer AT&F: the UART's settings as they left the factory."""
    call.uart.settings = call.uart.factory.copy()
    call.uart.carrier.show()
    return OK


@uart_commands.command("&V", Form.EXECUTE)
def view(call: UartCall) -> Reply:
    """Answer AT&V."""
    own = call.uart.settings
    registers = "\r\n".join(f"S{number}: {value:03d}" for number, value in sorted(own.registers.items()))
    call.line(
        f"ACTIVE PROFILE\r\nE: {own.echo:d}\r\nQ: {own.quiet:d}\r\nV: {own.verbose:d}\r\nX: {own.x}\r\n{registers}"
    )
    return OK


def add_register(table: CommandTable[C], number: int, least: int, highest: int) -> None:
    """Add an S register, which the UART's settings must have.

    Args:
        table: where to.
        number: of the register.
        least: the least value.
        highest: the greatest value.
    """

    @table.command(f"S{number}", Form.READ)
    def read(call: C) -> Reply:
        call.line(f"{call.uart.settings.registers[number]:03d}")
        return OK

    @table.command(f"S{number}", Form.WRITE)
    def write(call: C) -> Reply:
        value = call.number(0, least, highest)
        if value is None:
            return ERROR
        call.uart.settings.registers[number] = value
        return OK


for _number_of_register, _highest in ((0, 255), (3, 127), (4, 127), (5, 127), (7, 255)):
    add_register(uart_commands, _number_of_register, 0, _highest)


def add_number(
    table: CommandTable[C],
    name: str,
    values: str,
    field: str,
    highest: int,
    *,
    behind: str = "",
    refused: Reply = ERROR,
) -> None:
    """Add a number that is a field of the UART's settings.

    Args:
        table: where to.
        name: of the command.
        values: what the test form shows.
        field: which field.
        highest: the greatest value.
        behind: what is shown behind it.
        refused: the answer to a value that it cannot have.
    """

    def put(call: UartCall, value: int) -> None:
        setattr(call.uart.settings, field, value)

    setting = NumberSetting[C](
        lambda call: getattr(call.uart.settings, field), put, 0, highest, behind=behind, refused=refused
    )
    setting.add(table, name, values)


add_number(uart_commands, "CMEE", "(0-2)", "cmee", 2, refused=cme(NOT_SUPPORTED))

# What dialers send first, of modems with a loudspeaker and a choice of dialling and of fax: V.250 §6.3, T.31 §8.2

for _name in ("L", "M", "P", "T"):
    uart_commands.text(_name, Form.EXECUTE, "")
uart_commands.text("FCLASS", Form.TEST, "0")
uart_commands.text("FCLASS", Form.READ, "0")


@uart_commands.command("FCLASS", Form.WRITE)
def service_class(call: UartCall) -> Reply:
    """Answer AT+FCLASS=: there is data, 0, and no fax."""
    return OK if call.texts == ["0"] else ERROR


# Calls and data mode


def _hang_up(call: UartCall) -> None:
    if call.uart.modem.end_call(call.uart.number):
        call.uart.carrier.lost()


@uart_commands.command("H", Form.EXECUTE)
def hang_up(call: UartCall) -> Reply:
    """Answer ATH (V.250 §6.3.6)."""
    _hang_up(call)
    return OK


@uart_commands.command("O", Form.EXECUTE)
def online(call: UartCall) -> Reply | None:
    """Answer ATO."""
    if call.texts not in ([], ["0"]):
        return ERROR
    return None if call.uart.resume_data_mode() else NO_CARRIER
