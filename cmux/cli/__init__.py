"""The commands of the multiplexer, for ``python -m cmux`` and for the console script.

Commands that need AT commands or the emulated module are in ``drivers.cli``.
"""

from .app import CommandError, Commands, number, run
from .attach import add_attach
from .decode import add_decode
from .doctor import add_doctor
from .terminal import add_terminal

__all__ = ["CommandError", "Commands", "add_commands", "main", "number", "run"]


def add_commands(commands: Commands) -> None:
    """Add every command of this package.

    Args:
        commands: the command line to add them to.
    """
    add_attach(commands)
    add_decode(commands)
    add_doctor(commands)
    add_terminal(commands)


def main(argv: list[str] | None = None) -> int:
    """Run ``python -m cmux``.

    Args:
        argv: the arguments; None: those of the process.

    Returns:
        The exit code.
    """
    return run("python -m cmux", "Work with GSM 07.10 / 3GPP TS 27.010 multiplexers.", [add_commands], argv)
