"""All commands of the module."""

from __future__ import annotations

from .data_commands import data_commands
from .general import general
from .message_commands import message_commands
from .network_commands import network_commands
from .phone_commands import phone_commands
from .quectel_commands import quectel_commands
from .state_commands import state_commands
from .table import CommandTable
from .tcpip_commands import session_commands
from .tcpip_settings import settings_commands

_TABLES = (
    phone_commands,
    quectel_commands,
    message_commands,
    settings_commands,
    session_commands,
    data_commands,
    state_commands,
    network_commands,
)


def all_commands() -> CommandTable:
    """Return the module's command table."""
    table = general
    for more in _TABLES:
        table = table.merged(more)
    return table
