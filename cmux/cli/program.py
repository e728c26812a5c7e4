"""The program around the commands: it finds out which one is meant, and runs it."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from .app import DONE, USAGE, Commands, Subcommand


def run(
    program: str,
    description: str,
    offered: Sequence[Subcommand],
    argv: list[str] | None = None,
    *,
    errors: tuple[type[Exception], ...] = (),
) -> int:
    """Run a command line.

    Args:
        program: its name, for usage and error lines.
        description: one sentence that says what it is for.
        offered: its commands.
        argv: the arguments; by default those of the process.
        errors: further exceptions that lead to exit code 1 and one line on stderr.

    Returns:
        The exit code.
    """
    _mend_streams()
    commands = Commands(program, description)
    for command in offered:
        commands.offer(command)
    if not (sys.argv[1:] if argv is None else argv):
        commands.parser.print_help()
        return DONE
    try:
        arguments, unknown = commands.parser.parse_known_args(argv)
        if unknown:
            arguments.parser.error(arguments.parser.unrecognized(unknown))
    except SystemExit as exit_:  # argparse has reported what is wrong, or shown the help
        return exit_.code if isinstance(exit_.code, int) else USAGE
    from .running import run_command  # not for --help: it knows the settings

    return run_command(program, arguments, errors)


def _mend_streams() -> None:
    """Replace standard streams that were closed at the start, and make every character printable."""
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may lack §, and a name may not be text
