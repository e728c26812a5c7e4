"""The AT commands that modules of every family have: SIM, network, calls, messages, phone books, data calls, power.

A table for each subject, and all of them together. Commands about one UART alone are in `interpreter`, those about the
line in `line`, those of a TCP/IP stack in the folder of their family.
"""

from __future__ import annotations

from ..interpreter.table import CommandTable
from ..interpreter.uart_commands import uart_commands
from ..line.line_commands import line_commands
from ..modem import ModemCall
from .data_calls import data_call_commands
from .dial_commands import dial_commands
from .message_sending import sending_commands
from .message_settings import message_settings
from .message_stores import store_commands
from .packet_data import packet_data_commands
from .phone import phone_commands
from .phone_book import phone_book_commands
from .registration import registration_commands
from .sim import sim_commands
from .sound import sound_commands
from .supplementary import supplementary_commands
from .voice import voice_commands

_TABLES = (
    line_commands,
    sim_commands,
    registration_commands,
    packet_data_commands,
    phone_commands,
    dial_commands,
    data_call_commands,
    voice_commands,
    supplementary_commands,
    phone_book_commands,
    sound_commands,
    message_settings,
    store_commands,
    sending_commands,
)


def shared_commands() -> CommandTable[ModemCall]:
    """Return the table of all commands that modules of every family have."""
    table: CommandTable[ModemCall] = uart_commands
    for more in _TABLES:
        table = table.merged(more)
    return table
