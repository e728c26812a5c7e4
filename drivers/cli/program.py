"""The command line of ``gsm0710``, assembled from its commands."""

from __future__ import annotations

from cmux.cli import add_commands, run

from ..errors import DriverError
from .demo import add_demo
from .emulate import add_emulate
from .monitor import add_monitor


def run_program(argv: list[str] | None) -> int:
    """Run ``gsm0710``.

    Args:
        argv: the arguments; None: those of the process.

    Returns:
        The exit code.
    """
    description = "GSM 07.10 / 3GPP TS 27.010 multiplexer, TCP/IP driver and emulated module."
    commands = [add_demo, add_emulate, add_monitor, add_commands]
    return run("gsm0710", description, commands, argv, errors=(DriverError,))
