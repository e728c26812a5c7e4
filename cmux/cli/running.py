"""Runs a command: its log, what signals do, exit codes, and one clear line instead of a traceback."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

import serial

from ..errors import CmuxError
from .app import DONE, FAILED, INTERRUPTED, USAGE, CommandError
from .hinted import HintsAsOptions, one_line
from .progress import LogBesideProgress, ProgressNotes, progress_line


def run_command(program: str, arguments: argparse.Namespace, errors: tuple[type[Exception], ...]) -> int:
    """Run a command.

    Args:
        program: the name of the program, for error lines.
        arguments: the parsed arguments.
        errors: exceptions of the commands that lead to exit code 1 and one line on stderr, beside the usual ones.

    Returns:
        The exit code.
    """
    expected: tuple[type[Exception], ...] = (CommandError, CmuxError, serial.SerialException, OSError, *errors)
    try:
        with _logging(arguments), _terminable():
            code: int = arguments.function(arguments)
        _write_out(sys.stdout)
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
    finally:
        with suppress(OSError):
            _write_out(sys.stderr)


def _write_out(stream: TextIO) -> None:
    """Write what has been printed; where nobody is left to see it, the end of the interpreter must not try again."""
    try:
        stream.flush()
    except OSError as gone:
        if gone.errno not in (errno.EPIPE, errno.EIO):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


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


@contextmanager
def _logging(arguments: argparse.Namespace) -> Iterator[None]:
    """Show the log of the two packages on stderr while the command runs."""
    if getattr(arguments, "quiet", False):
        level = logging.ERROR
    else:
        usual = getattr(arguments, "log_level", logging.WARNING)
        level = {0: usual, 1: logging.INFO}.get(getattr(arguments, "verbose", 0), logging.DEBUG)
    with progress_line(quiet=getattr(arguments, "quiet", False)) as line:
        shown = LogBesideProgress(sys.stderr, line)
        shown.setFormatter(HintsAsOptions("%(name)s: %(message)s"))
        shown.setLevel(level)
        handlers: list[logging.Handler] = [shown, ProgressNotes(line)] if line.active else [shown]
        loggers = [logging.getLogger(name) for name in ("cmux", "drivers")]
        before = [logger.level for logger in loggers]
        for logger in loggers:
            for handler in handlers:
                logger.addHandler(handler)
            logger.setLevel(min(handler.level for handler in handlers))
        try:
            yield
        finally:
            for logger, old in zip(loggers, before, strict=True):
                for handler in handlers:
                    logger.removeHandler(handler)
                logger.setLevel(old)
