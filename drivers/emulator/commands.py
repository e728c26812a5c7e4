"""All commands of the module."""

from __future__ import annotations

from .general import general
from .table import CommandTable
from .tcpip_commands import session_commands
from .tcpip_settings import settings_commands


def all_commands() -> CommandTable:
    """Return the module's command table."""
    return general.merged(settings_commands).merged(session_commands)
