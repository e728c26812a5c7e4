"""``terminal``: a terminal on one channel, with pyserial's miniterm."""

from __future__ import annotations

import argparse
import contextlib
import sys
from dataclasses import replace

from ..protocol.config import MAX_DLCI
from ..threads.virtual_uart import VirtualUart
from .app import DONE, INTERRUPTED, CommandError, Commands
from .argument_types import number
from .attach import Attached, add_channel_options
from .console import Window
from .line_options import add_line_options, from_arguments
from .progress import waiting
from .stopping import Stop, stop_by_signal
from .subcommands import TERMINAL

_EXAMPLES = (
    "gsm0710 terminal /dev/ttyUSB0 --dlci 2",
    "gsm0710 terminal /dev/ttyUSB0 --dlci 1 --link /tmp/modem      with channels 2 to 4 as paths",
    "gsm0710 terminal socket://10.0.0.7:7000 --dlci 1 --option advanced",
)


def add_terminal(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: the command line to add it to.
    """
    parser = commands.add(TERMINAL, terminal, examples=_EXAMPLES)
    parser.add_argument("port", metavar="PORT", help="the line: a path or any pyserial URL")
    parser.add_argument("--dlci", type=number(1, MAX_DLCI), required=True, metavar="N", help="the channel")
    parser.add_argument("--eol", choices=("cr", "crlf", "lf"), default="cr", help="what Enter sends (default: cr)")
    parser.add_argument("--echo", action="store_true", help="show what is typed")
    add_channel_options(parser, reattach=False)
    add_line_options(parser)


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
        raise CommandError("standard input is not a terminal: use attach, or a cmux: URL in your own program")
    dlci: int = arguments.dlci
    line = from_arguments(arguments)
    given = line.channels if arguments.channels is not None or line.link is not None else ()
    line = replace(line, settings={**line.settings, "channels": {*given, dlci}})
    with stop_by_signal() as stop:
        attached = Attached(line, stop)
        try:
            with waiting(f"opening {line.name}"):
                mux = attached.open(without=(dlci,) if line.link is not None else line.channels)
            for bridge in attached.bridges:
                print(f"{bridge.uart.dlci} {bridge.path}", file=sys.stderr)
            _type_on(mux.channel(dlci), arguments, stop)
            if mux.error is not None:
                raise CommandError(f"the line died: {mux.error}")
        finally:
            stop.interrupts = False
            with waiting(f"closing {line.name}"):
                attached.close()
    return INTERRUPTED if stop.asked else DONE


def _type_on(port: VirtualUart, arguments: argparse.Namespace, stop: Stop) -> None:
    window = Window(port, echo=arguments.echo, eol=arguments.eol)
    stop.interrupts = False
    window.start()
    try:
        with contextlib.suppress(OSError):  # a terminal that is already gone is noticed below
            if not getattr(arguments, "quiet", False):
                print(f"--- {port.port}; Ctrl-] leaves, Ctrl-T Ctrl-H shows help ---\r", file=sys.stderr)
        stop.interrupts = True
        if not stop.asked:
            window.wait()
    except KeyboardInterrupt:
        pass
    finally:
        stop.interrupts = False
        window.end()
