"""``terminal``: type on one channel, with pyserial's miniterm."""

from __future__ import annotations

import argparse
import sys
from typing import Any, cast

from serial.tools import miniterm

from ..protocol.config import MAX_DLCI
from .app import DONE, CommandError, Commands
from .lines import add_line_options, from_arguments

_EXAMPLES = (
    "gsm0710 terminal /dev/ttyUSB0 --dlci 2",
    "gsm0710 terminal socket://10.0.0.7:7000 --dlci 1 --option advanced",
)


def add_terminal(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: the command line that is being put together.
    """
    parser = commands.add(
        "terminal", terminal, summary="Type on one channel of a line; Ctrl-] leaves.", examples=_EXAMPLES
    )
    parser.add_argument("port", metavar="PORT", help="the line: a path or any pyserial URL")
    parser.add_argument("--dlci", type=_dlci, required=True, metavar="N", help="which channel")
    parser.add_argument("--eol", choices=("cr", "crlf", "lf"), default="cr", help="what Enter sends (default cr)")
    parser.add_argument("--echo", action="store_true", help="show what is typed")
    add_line_options(parser)


def _dlci(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MAX_DLCI:
        raise argparse.ArgumentTypeError(f"{text} is not a data channel: use 1 to {MAX_DLCI}")
    return number


def terminal(arguments: argparse.Namespace) -> int:
    """Run the command.

    Args:
        arguments: see `add_terminal`.

    Returns:
        The exit code.

    Raises:
        CommandError: there is no terminal to type on, or the line died.
    """
    if not sys.stdin.isatty():
        raise CommandError("standard input is no terminal: use attach, or a cmux: URL in a program of your own")
    try:
        settings = from_arguments(arguments)
    except ValueError as error:
        arguments.parser.error(str(error))
    with settings.open() as mux:
        port = mux.channel(arguments.dlci)
        window = miniterm.Miniterm(cast(Any, port), echo=arguments.echo, eol=arguments.eol, filters=["default"])
        window.exit_character, window.menu_character = "\x1d", "\x14"
        window.set_rx_encoding("utf-8", errors="replace")
        window.set_tx_encoding("utf-8", errors="replace")
        print(f"--- {port.port}; Ctrl-] leaves, Ctrl-T Ctrl-H helps ---", file=sys.stderr)
        window.start()
        try:
            window.join(True)
        except KeyboardInterrupt:
            pass
        finally:
            window.stop()
            port.cancel_read()
            window.join()
            window.console.cleanup()
        if mux.error is not None:
            raise CommandError(f"the line died: {mux.error}")
    return DONE
