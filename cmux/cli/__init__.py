"""The commands of the multiplexer, for ``python -m cmux`` and for the console script.

Commands that need AT commands or the emulated module are in ``drivers.cli``. A command is loaded when it is chosen.
"""

from .app import CommandError, Commands, Subcommand
from .program import run
from .subcommands import COMMANDS

__all__ = ["COMMANDS", "CommandError", "Commands", "Subcommand", "main", "run"]


def main(argv: list[str] | None = None) -> int:
    """Run ``python -m cmux``.

    Args:
        argv: the arguments; None: those of the process.

    Returns:
        The exit code.
    """
    return run("python -m cmux", "Work with GSM 07.10 / 3GPP TS 27.010 multiplexers.", COMMANDS, argv)
