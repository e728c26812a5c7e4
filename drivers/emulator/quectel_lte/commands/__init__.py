"""The AT commands of the Quectel LTE family, a table for each subject, and all of them together.

Those that modules of every family have are in `drivers.emulator.commands`.
"""

from __future__ import annotations

from ...commands import shared_commands
from ...interpreter.table import CommandTable
from ..call import Call
from .card import card_commands
from .chipset import chipset_commands
from .contexts import context_commands
from .data import data_commands
from .identity import identity_commands
from .lacking import lacking_commands
from .module_configuration import module_configuration
from .network import network_commands
from .network_state import network_state
from .power import power_commands
from .profile import profile_commands
from .reports import report_commands
from .sessions import session_commands
from .settings import settings_commands
from .sim_lock import sim_lock_commands

_AROUND = (identity_commands, network_state, power_commands, module_configuration)
_ASKED_FIRST = (profile_commands, chipset_commands, card_commands, sim_lock_commands, report_commands, lacking_commands)
_TABLES = (context_commands, session_commands, data_commands, settings_commands, network_commands)


def all_commands() -> CommandTable[Call]:
    """Return the table of all commands."""
    table: CommandTable[Call] = shared_commands()
    for more in (*_AROUND, *_ASKED_FIRST, *_TABLES):
        table = table.merged(more)
    return table
