"""The command line of ``gsm0710``, assembled from its commands."""

from __future__ import annotations

import cmux.cli

from ..errors import DriverError
from .subcommands import COMMANDS


def run_program(argv: list[str] | None) -> int:
    """Run ``gsm0710``.

    Args:
        argv: the arguments; None: those of the process.

    Returns:
        The exit code.
    """
    description = "GSM 07.10 / 3GPP TS 27.010 multiplexer, TCP/IP driver and emulated module."
    return cmux.cli.run("gsm0710", description, (*COMMANDS, *cmux.cli.COMMANDS), argv, errors=(DriverError,))
