"""The console script ``gsm0710``: the commands of ``cmux.cli`` and those that need a driver or the emulated module."""

from __future__ import annotations

__all__ = ["main"]

_INTERRUPTED = 130


def main(argv: list[str] | None = None) -> int:
    """Run ``gsm0710``.

    Args:
        argv: the arguments; those of the process by default.

    Returns:
        The exit code.
    """
    try:
        from .program import run_program  # takes a while, in which there may be an interrupt

        return run_program(argv)
    except KeyboardInterrupt:
        return _INTERRUPTED
