"""The console script ``gsm0710``: the commands of ``cmux.cli`` and those that need a driver or the emulated module."""

from __future__ import annotations

from cmux.cli import add_commands, run

from ..errors import DriverError
from .demo import add_demo
from .emulate import add_emulate

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Run ``gsm0710``.

    Args:
        argv: the arguments; those of the process by default.

    Returns:
        The exit code.
    """
    description = "GSM 07.10 / 3GPP TS 27.010 multiplexer, TCP/IP driver and emulated module."
    return run("gsm0710", description, [add_demo, add_emulate, add_commands], argv, errors=(DriverError,))
