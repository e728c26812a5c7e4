"""Gammu and its daemon as programs on an emulated module, each of whose runs has a deadline."""

from __future__ import annotations

import contextlib
import subprocess
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from emulator_programs import running

from drivers.cli.emulate import BASE
from drivers.emulator import EmulatedModule

DEADLINE = 60.0  # seconds; a run of gammu takes three to six


class Gammu:
    """Runs gammu on a module.

    Args:
        module: one that runs.
        folder: where its configuration goes.
    """

    def __init__(self, module: EmulatedModule, folder: Path) -> None:
        self.module = module
        self.folder = folder
        self.said: deque[tuple[str, bytes]] = deque(maxlen=40)  # what crossed the line last
        module.on_octets(lambda _, direction, octets: self.said.append((direction, octets)))
        self._device = f"[gammu]\ndevice = {module.serve_pty(folder / 'm10')}\nconnection = at\n"
        self.configuration = self.write("gammurc", self._device)

    def write(self, name: str, text: str) -> Path:
        """Write a file."""
        path = self.folder / name
        path.write_text(text)
        return path

    def run(self, *arguments: str, program: str = "gammu") -> str:
        """Run it to its end; return what it prints.

        Raises:
            AssertionError: it fails, or does not end by itself; with the last octets that crossed the line.
        """
        command = [program, "-c", str(self.configuration), *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"{arguments} hangs: {error.stdout!r}, {error.stderr!r}, {list(self.said)}") from None
        assert done.returncode == 0, f"{arguments}: {done.stdout} {done.stderr} {list(self.said)}"
        return done.stdout

    @contextlib.contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Run it, and end it afterwards."""
        with running("gammu", "-c", self.configuration, *arguments) as process:
            yield process

    @contextlib.contextmanager
    def daemon(self) -> Iterator[Callable[[str], Path]]:
        """Run gammu-smsd with folders in place of a database; gives what returns the path of a folder."""
        for name in ("inbox", "outbox", "sent", "error"):
            (self.folder / name).mkdir()
        paths = "".join(
            f"{key} = {self.folder / name}/\n"
            for key, name in (
                ("inboxpath", "inbox"),
                ("outboxpath", "outbox"),
                ("sentsmspath", "sent"),
                ("errorsmspath", "error"),
            )
        )
        often = "commtimeout = 1\nloopsleep = 1\nreceivefrequency = 1\nchecksecurity = 0\nchecksignal = 0\n"
        smsd = f"[smsd]\nservice = files\nlogfile = {self.folder / 'log'}\ncheckbattery = 0\n{often}{paths}"
        self.configuration = self.write("smsdrc", self._device + smsd)
        with running("gammu-smsd", "-c", self.configuration):
            yield lambda name: self.folder / name


@contextlib.contextmanager
def gammu(folder: Path, **settings: object) -> Iterator[Gammu]:
    """Have gammu, on a module that takes as long as one for programs does."""
    with EmulatedModule(behaviour=BASE, **settings) as module:  # type: ignore[arg-type]
        yield Gammu(module, folder)
