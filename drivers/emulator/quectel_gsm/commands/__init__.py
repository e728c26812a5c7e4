"""The AT commands of the Quectel GSM family, a table for each subject, and all of them together.

Commands about one UART alone are in `interpreter`, those about the line in `line`.
"""

from __future__ import annotations

from ...interpreter.table import CommandTable
from ...interpreter.uart_commands import uart_commands
from ...line.line_commands import line_commands
from ..call import Call
from .data import data_commands
from .data_calls import data_call_commands
from .dial_commands import dial_commands
from .identification import identification
from .message_sending import sending_commands
from .message_settings import message_settings
from .message_stores import store_commands
from .network import network_commands
from .phone import phone_commands
from .phone_book import phone_book_commands
from .quectel import quectel_commands
from .sessions import session_commands
from .settings import settings_commands
from .sound import sound_commands
from .states import state_commands
from .supplementary import supplementary_commands
from .voice import voice_commands

_TABLES = (
    identification,
    line_commands,
    phone_commands,
    dial_commands,
    data_call_commands,
    voice_commands,
    supplementary_commands,
    phone_book_commands,
    quectel_commands,
    sound_commands,
    message_settings,
    store_commands,
    sending_commands,
    settings_commands,
    session_commands,
    data_commands,
    state_commands,
    network_commands,
)


def all_commands() -> CommandTable[Call]:
    """Return the table of all commands."""
    table: CommandTable[Call] = uart_commands
    for more in _TABLES:
        table = table.merged(more)
    return table
