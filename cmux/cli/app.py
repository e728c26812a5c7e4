"""What all commands share: common options, log level, exit codes, and one clear line instead of a traceback."""

from __future__ import annotations

import argparse
import io
import ipaddress
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import serial

from .. import __version__
from ..errors import CmuxError
from ..kinds import whole
from ..protocol.hints import Named
from .build import build
from .hinted import HintsAsOptions, as_option, in_words

T = TypeVar("T")

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
_LAST_PORT = 65535

_EPILOG = "Exit codes: 0 done, 1 failed (one line on stderr says why), 2 wrong usage, 130 interrupted."

_VERBOSE = re.compile("--verbose|-q*v[qv]*")


class CommandError(Exception):
    """A command failed; the text is the line for stderr, without the name of the program."""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors stand out: the line that says what is wrong, below one that says what is needed."""

    given: Sequence[str] = ()
    """The arguments that it parses."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse arguments, by default those of the process."""
        self.given = sys.argv[1:] if args is None else list(args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """End the program, and say what is wrong with its arguments."""
        formatter = self._get_formatter()
        needed = [action for action in self._actions if action.required or not action.option_strings]
        formatter.add_usage(None, needed, self._mutually_exclusive_groups)
        usage = " ".join(formatter.format_help().split())
        self.exit(USAGE, f"{usage} [OPTIONS], see {self.prog} --help\n{self.prog}: error: {message}\n")


class Commands:
    """A command line that is built command by command.

    Args:
        program: its name.
        description: one sentence that says what it is for.
    """

    def __init__(self, program: str, description: str) -> None:
        self.parser: argparse.ArgumentParser = _Parser(program, description=description, epilog=_EPILOG)
        _add_common(self.parser, argparse.SUPPRESS)
        self._subparsers = self.parser.add_subparsers(
            title="commands", metavar="COMMAND", dest="command", required=True
        )

    def __repr__(self) -> str:
        return f"<Commands of {self.parser.prog}: {', '.join(self._subparsers.choices)}>"

    def add(
        self, name: str, function: Callable[[argparse.Namespace], int], *, summary: str, examples: Sequence[str] = ()
    ) -> argparse.ArgumentParser:
        """Add a command.

        Args:
            name: the name of the command.
            function: gets the parsed arguments, and returns the exit code. If it raises `CommandError`, `CmuxError` or
                OSError, the exit code is 1 and stderr gets one line.
            summary: one sentence.
            examples: command lines, shown below the options.

        Returns:
            The parser of the command, for its own options.
        """
        epilog = (
            "\n".join(["examples:", *(f"  {example}" for example in examples), "", _EPILOG]) if examples else _EPILOG
        )
        parser = self._subparsers.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        _add_common(parser, argparse.SUPPRESS)
        parser.set_defaults(function=function, parser=parser)
        return parser


class _Version(argparse.Action):
    """Shows the version and ends the program; ``-v``, before it or behind it, adds which build this is."""

    def __init__(self, option_strings: Sequence[str], dest: str, default: str, help: str) -> None:
        super().__init__(option_strings, dest, nargs=0, default=default, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        """Do that."""
        print("gsm0710", __version__)
        if isinstance(parser, _Parser) and any(map(_VERBOSE.fullmatch, parser.given)):
            print(build())
        parser.exit(DONE)


def _add_common(parser: argparse.ArgumentParser, default: str) -> None:
    group = parser.add_argument_group("common options")
    group.add_argument("-q", "--quiet", action="store_true", default=default, help="show errors only")
    group.add_argument("-v", "--verbose", action="count", default=default, help="show more (-vv: every event)")
    group.add_argument("--version", action=_Version, default=default, help="show the version (-v: and the build)")


def number(low: int, high: int) -> Callable[[str], int]:
    """Return a type for ``add_argument``.

    Args:
        low: the smallest number that is accepted.
        high: the largest number that is accepted.

    Returns:
        A function that reads a number, and reports what is wrong with it.
    """

    def read(text: str) -> int:
        value = whole(text)
        if not low <= value <= high:
            raise ValueError(f"{value} is out of range: {low} to {high}")
        return value

    return reading(read)


def reading(read: Callable[[str], T]) -> Callable[[str], T]:
    """Return a type for ``add_argument``: argparse puts the name of the option before the message of its error.

    Args:
        read: reads a text; raises ValueError, with a message that says what is wrong.

    Returns:
        A function that does the same.
    """

    def read_argument(text: str) -> T:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read_argument


def some(text: str) -> str:
    """Return a text that is not empty.

    Raises:
        ValueError: it is.
    """
    if not text:
        raise ValueError("'' is empty")
    return text


def address(text: str) -> tuple[str, int]:
    """Read ``HOST:PORT``.

    Args:
        text: the address; without a host the loopback is meant. An IPv6 address stands in brackets.

    Returns:
        The host and the port.

    Raises:
        ValueError: the text is no such address.
    """
    name, _, port = text.rpartition(":")
    host = name.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not (port.isascii() and port.isdigit()) or int(port) > _LAST_PORT or not _is_host(host):
        raise ValueError(f"{text!r} is not HOST:PORT with a port from 0 to {_LAST_PORT}")
    return host, int(port)


def _is_host(text: str) -> bool:
    """Tell whether a text may be the name or the address of a host, so that asking the system for it makes sense."""
    try:
        if ":" in text:
            return bool(ipaddress.IPv6Address(text))
        return "\0" not in text and bool(text.encode("idna"))
    except ValueError:
        return False


def consecutive(first: tuple[str, int], count: int) -> list[tuple[str, int]]:
    """Return consecutive ports of a host.

    Args:
        first: the host and the first port; 0 picks each.
        count: how many.

    Returns:
        A host and a port for each.

    Raises:
        ValueError: there are not so many.
    """
    host, port = first
    if port + count - 1 > _LAST_PORT:
        raise ValueError(f"{count} ports from {port} on exceed {_LAST_PORT}")
    return [(host, port and port + index) for index in range(count)]


def run(
    program: str,
    description: str,
    adders: Sequence[Callable[[Commands], None]],
    argv: list[str] | None = None,
    *,
    errors: tuple[type[Exception], ...] = (),
) -> int:
    """Run a command line.

    Args:
        program: its name, for usage and error lines.
        description: one sentence that says what it is for.
        adders: functions that each add their commands.
        argv: the arguments; by default those of the process.
        errors: further exceptions that lead to exit code 1 and one line on stderr.

    Returns:
        The exit code.
    """
    expected: tuple[type[Exception], ...] = (CommandError, CmuxError, serial.SerialException, OSError, *errors)
    _mend_streams()
    commands = Commands(program, description)
    for add in adders:
        add(commands)
    if not (sys.argv[1:] if argv is None else argv):
        commands.parser.print_help()
        return DONE
    try:
        arguments, unknown = commands.parser.parse_known_args(argv)
        if unknown:
            arguments.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    except SystemExit as exit_:  # argparse has reported what is wrong, or shown the help
        return exit_.code if isinstance(exit_.code, int) else USAGE
    try:
        with _logging(arguments), _terminable():
            code: int = arguments.function(arguments)
        sys.stdout.flush()
        return code
    except SystemExit as exit_:  # the command found its arguments wrong, and parser.error() has reported it
        return exit_.code if isinstance(exit_.code, int) else USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except expected as error:
        print(f"{program} {arguments.command}: {one_line(error)}", file=sys.stderr)
        return FAILED


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end a command in the same orderly way as SIGINT."""
    ours = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler) if ours else None
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGTERM, before)


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


@contextmanager
def _logging(arguments: argparse.Namespace) -> Iterator[None]:
    """Show the log of the two packages on stderr while the command runs."""
    if getattr(arguments, "quiet", False):
        level = logging.ERROR
    else:
        usual = getattr(arguments, "log_level", logging.WARNING)
        level = {0: usual, 1: logging.INFO}.get(getattr(arguments, "verbose", 0), logging.DEBUG)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(HintsAsOptions("%(name)s: %(message)s"))
    loggers = [logging.getLogger(name) for name in ("cmux", "drivers")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(level)
    try:
        yield
    finally:
        for logger, old in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(old)


def one_line(error: Exception, named: Named = as_option) -> str:
    """Return an error as text for people, in one line and without the words that Python puts around errors of files.

    Args:
        error: the error.
        named: how settings are written where it is shown.
    """
    text = in_words(error, named)
    if isinstance(error, OSError) and error.strerror:
        text = f"{os.fsdecode(error.filename)}: {error.strerror}" if error.filename else error.strerror
    return " ".join(text.split()) or type(error).__name__
