"""Runs the user's command that resets a dead module: before every third attempt in a row to open its line."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import tempfile
import threading
from typing import IO

from .errors import ConfigError
from .logs import port_logger

ATTEMPTS: int = 3
"""Before every third attempt in a row the command runs."""
TIME_LIMIT: float = 60.0
"""The most seconds that it may take."""
VARIABLE: str = "GSM0710_PORT"
"""The variable of its environment that has the name of the port."""

_MOST_SHOWN = 200
_KILLED = 5.0  # seconds that a process has to be gone


def split_command(name: str, text: object) -> tuple[str, ...]:
    """Split a command into a program and its arguments, as a shell would, but nothing is expanded.

    Args:
        name: the name of the setting that it belongs to.
        text: the command.

    Returns:
        The program and its arguments.

    Raises:
        ConfigError: it is not a command.
    """
    if not isinstance(text, str):
        raise ConfigError(f"{name} = {text!r} is not a string")
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise ConfigError(f"{name} = {text!r} is not a command: {error}") from error
    if not words or not words[0] or "\0" in text:
        raise ConfigError(f"{name} = {text!r} is not a command: it names no program")
    return words


class Resetter:
    """Counts attempts to open a line, and runs the command when it is time for it.

    Args:
        port: the name of the port.
        command: the program and its arguments; empty: there is none.
    """

    def __init__(self, port: str, command: tuple[str, ...] = ()) -> None:
        self._port = port
        self._command = command
        self._attempts = 0
        self._lock = threading.Lock()  # of _process and _cancelled
        self._process: subprocess.Popen[bytes] | None = None
        self._cancelled = False

    @property
    def goes_on(self) -> bool:
        """Whether an opening that failed is tried again, because the command has not run yet."""
        return bool(self._command) and self._attempts < ATTEMPTS

    def is_due(self) -> bool:
        """Note that an attempt is about to be made, and say whether the command has to run first."""
        self._attempts += 1
        return bool(self._command) and self._attempts % ATTEMPTS == 0

    def attempt(self) -> None:
        """Note that an attempt is about to be made, and run the command first, if it is due."""
        if self.is_due():
            self.run()

    def succeeded(self) -> None:
        """Note that the last attempt was successful."""
        self._attempts = 0

    def cancel(self) -> None:
        """End the command, and run it no more."""
        with self._lock:
            self._cancelled = True
            self._kill()

    def run(self) -> None:
        """Run the command, for at most `TIME_LIMIT` seconds; what goes wrong is logged."""
        log = port_logger(self._port)
        log.warning("the module is reset: %s", shlex.join(self._command))
        # A file, not a pipe: what the program leaves running in the background may keep that open.
        with tempfile.TemporaryFile() as errors:
            try:
                process = self._start(errors)
            except (OSError, ValueError) as error:
                log.warning("the module cannot be reset: %s: %s", self._command[0], error)
                return
            if process is None:
                return
            try:
                self._wait(process, errors)
            finally:
                with self._lock:
                    self._kill()
                    self._process = None
                with contextlib.suppress(subprocess.TimeoutExpired):  # one that the system does not end
                    process.wait(_KILLED)

    def _start(self, errors: IO[bytes]) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if not self._cancelled:
                self._process = subprocess.Popen(  # noqa: S603 - the user's own command, and no shell
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    env={**os.environ, VARIABLE: self._port},
                    start_new_session=True,
                )
            return self._process

    def _wait(self, process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
        log = port_logger(self._port)
        try:
            code = process.wait(TIME_LIMIT)
        except subprocess.TimeoutExpired:
            log.warning("the reset has not ended within %g s, and is ended", TIME_LIMIT)
            return
        if code and not self._cancelled:
            errors.seek(0)
            text = errors.read(_MOST_SHOWN).decode("utf-8", "replace").strip()
            log.warning("the reset has failed with code %d%s", code, f": {text}" if text else "")

    def _kill(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        with contextlib.suppress(OSError):
            if os.name == "posix":
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
