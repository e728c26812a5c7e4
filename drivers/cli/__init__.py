"""The console script ``gsm0710``: ``demo``, ``emulate``, ``monitor``, and the commands of ``cmux.cli``.

A command that needs neither a driver nor the emulated module is in ``cmux.cli``. Only commands are here: the rules of
sessions and modules are in ``drivers.tcpip`` and ``drivers.emulator``.
"""

from __future__ import annotations

__all__ = ["main"]

_INTERRUPTED = 130


def main(argv: list[str] | None = None) -> int:
    """Run ``gsm0710``.

    Args:
        argv: the arguments; None: those of the process.

    Returns:
        The exit code.
    """
    try:
        from .program import run_program  # takes a while, in which there may be an interrupt

        return run_program(argv)
    except KeyboardInterrupt:
        return _INTERRUPTED
