"""The commands of a command line: their names, their exit codes, the options that all of them have."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import takewhile
from typing import Any, Final, NamedTuple, NoReturn

from .. import __version__

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
COMMAND: Final = "command"
"""The attribute of parsed arguments that has the name of the command."""

_VERBOSE = re.compile("--verbose|-q*v[qv]*")

_EPILOG = "Exit codes: 0 done, 1 failed (one line on stderr says why), 2 wrong usage, 130 interrupted."


class CommandError(Exception):
    """A command failed; the text is the line for stderr, without the name of the program."""


class Subcommand(NamedTuple):
    """What the help of the whole program says of a command; anything else is loaded when the command is chosen."""

    name: str
    """Its name."""
    summary: str
    """What it does, in one sentence."""
    module: str
    """The module that it is in."""
    adder: str
    """The function of the module that adds it to a `Commands`."""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors stand out: the line that says what is wrong, below one that says what is needed.

    A word that there is not is told before anything that may follow from it, with the one that may be meant.
    """

    complete: Callable[[], None] | None = None
    """Adds the options of a command, once it is chosen."""
    given: Sequence[str] = ()
    """The arguments that it parses."""

    def error(self, message: str) -> NoReturn:
        """End the program, and say what is wrong with its arguments."""
        formatter = self._get_formatter()
        needed = [action for action in self._actions if action.required or not action.option_strings]
        formatter.add_usage(None, needed, self._mutually_exclusive_groups)
        usage = " ".join(formatter.format_help().split())
        self.exit(USAGE, f"{usage} [OPTIONS], see {self.prog} --help\n{self.prog}: error: {message}\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse arguments: for a command, those behind its name."""
        self.given = sys.argv[1:] if args is None else list(args)
        if self.complete is not None:
            self.complete()
        if unknown := self._unknown_options():
            self.error(self.unrecognized(unknown))
        return super().parse_known_args(args, namespace)

    def unrecognized(self, words: Sequence[str]) -> str:
        """Return the message for arguments that there are not."""
        from ..spelling import did_you_mean  # not for those who spell it right

        options = [word.partition("=")[0] for word in words if word.startswith("-")]
        questions = (did_you_mean(option, self._option_string_actions) for option in options)
        return f"unrecognized arguments: {' '.join(words)}{next(filter(None, questions), '')}"

    def _unknown_options(self) -> list[str]:
        """Return the long options that were given and that there are not, nor are abbreviations of any."""
        given = list(takewhile(lambda word: word != "--", self.given))
        if self._subparsers is not None:  # what follows the command is not for this parser
            given = list(takewhile(lambda word: word.startswith("-"), given))
        if {"-h", "--help", "--version"}.intersection(given):
            return []
        names = tuple(self._option_string_actions)
        long = [word for word in given if word.startswith("--") and " " not in word]  # with a blank it is a value
        return [word for word in long if not any(name.startswith(word.partition("=")[0]) for name in names)]

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Check that a value is one of those that an argument may have."""
        if action.choices is None or value in action.choices:
            return
        from ..spelling import did_you_mean

        choices = list(map(str, action.choices))
        if action.dest != COMMAND:
            question = did_you_mean(str(value), choices)
            raise argparse.ArgumentError(action, f"{value!r} is not one of {', '.join(choices)}{question}")
        question = did_you_mean(str(value), [*choices, *self._option_string_actions])
        raise argparse.ArgumentError(None, f"there is no command {value!r}{question or ': ' + ', '.join(choices)}")


class Commands:
    """A command line that is built command by command.

    Args:
        program: its name.
        description: one sentence that says what it is for.
    """

    def __init__(self, program: str, description: str) -> None:
        parser = _Parser(program, description=description, epilog=_EPILOG)
        _add_common(parser, argparse.SUPPRESS)
        self.parser: argparse.ArgumentParser = parser
        self._subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", dest=COMMAND, required=True)
        self._offered: dict[str, _Parser] = {}

    def __repr__(self) -> str:
        return f"<Commands of {self.parser.prog}: {', '.join(self._subparsers.choices)}>"

    def offer(self, command: Subcommand) -> None:
        """Add a command that is loaded when it is chosen.

        Args:
            command: the command.
        """
        parser = self._offered[command.name] = self._made(command)
        parser.complete = lambda: getattr(import_module(command.module), command.adder)(self)

    def add(
        self, command: Subcommand, function: Callable[[argparse.Namespace], int], *, examples: Sequence[str] = ()
    ) -> argparse.ArgumentParser:
        """Add a command, or complete it if it was offered.

        Args:
            command: the command.
            function: gets the parsed arguments, and returns the exit code. If it raises `CommandError`, `CmuxError` or
                OSError, the exit code is 1 and stderr gets one line.
            examples: command lines, shown below the options.

        Returns:
            The parser of the command, for its own options.
        """
        parser = self._offered.pop(command.name, None) or self._made(command)
        parser.complete = None
        if examples:
            parser.epilog = "\n".join(["examples:", *(f"  {example}" for example in examples), "", _EPILOG])
        _add_common(parser, argparse.SUPPRESS)
        parser.set_defaults(function=function, parser=parser)
        return parser

    def _made(self, command: Subcommand) -> _Parser:
        return self._subparsers.add_parser(
            command.name,
            help=command.summary,
            description=command.summary,
            epilog=_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )


class _Version(argparse.Action):
    """Shows the version and ends the program; ``-v``, before it or behind it, adds which build this is."""

    def __init__(self, option_strings: Sequence[str], dest: str, default: str, help: str) -> None:
        super().__init__(option_strings, dest, nargs=0, default=default, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        """Do that."""
        print("gsm0710", __version__)
        if isinstance(parser, _Parser) and any(map(_VERBOSE.fullmatch, parser.given)):
            from .build import build  # loads the checksums

            print(build())
        parser.exit(DONE)


def _add_common(parser: argparse.ArgumentParser, default: str) -> None:
    group = parser.add_argument_group("common options")
    group.add_argument(
        "-q", "--quiet", action="store_true", default=default, help="show errors, and what was asked for, and no more"
    )
    group.add_argument("-v", "--verbose", action="count", default=default, help="show more (-vv: every event)")
    group.add_argument("--version", action=_Version, default=default, help="show the version (-v: and the build)")
