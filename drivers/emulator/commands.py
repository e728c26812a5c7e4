"""All commands of the module."""

from __future__ import annotations

from .call import Call
from .data_commands import data_commands
from .identification import identification
from .interpreter.table import CommandTable
from .interpreter.uart_commands import uart_commands
from .line.line_commands import line_commands
from .message_commands import message_commands
from .network_commands import network_commands
from .phone_commands import phone_commands
from .quectel_commands import quectel_commands
from .state_commands import state_commands
from .tcpip_commands import session_commands
from .tcpip_settings import settings_commands

_TABLES = (
    identification,
    line_commands,
    phone_commands,
    quectel_commands,
    message_commands,
    settings_commands,
    session_commands,
    data_commands,
    state_commands,
    network_commands,
)


def all_commands() -> CommandTable[Call]:
    """Return the module's command table."""
    table: CommandTable[Call] = uart_commands
    for more in _TABLES:
        table = table.merged(more)
    return table
