"""Helper programs: each in a process of its own, which is ended by its id, and each wait has a deadline."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

HERE = Path(__file__).parent
_numbers = count(1)


def within(seconds: float, what: str) -> Iterator[float]:
    """Yield the time left, again and again; TimeoutError when there is none."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        yield left
    raise TimeoutError(f"{what}: nothing within {seconds:g} s")


class Program:
    """A program that says when it is ready.

    Args:
        command: what to start.
        ready: what the line looks like that it prints then; None: it prints none.
        environment: more variables of its environment.
    """

    def __init__(self, *command: str | Path, ready: str | None = "^ready", environment: dict[str, str] | None = None):
        self._name = " ".join(str(word) for word in command)
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed in stop()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env={**os.environ, **(environment or {})},
        )
        self.lines: list[str] = []
        self._said = b""
        try:
            while ready is not None and not (self.lines and re.search(ready, self.lines[-1])):
                self.lines.append(self.line())
        except BaseException:
            self.stop()
            raise

    def line(self, seconds: float = 60.0) -> str:
        """Return the next line that it prints."""
        assert self.process.stdout is not None
        for left in within(seconds, self._name):
            if b"\n" in self._said:
                break
            if select.select([self.process.stdout], [], [], left)[0]:
                octets = os.read(self.process.stdout.fileno(), 4096)
                if not octets:
                    self._complaints.seek(0)
                    said = self._complaints.read()[-1000:].decode(errors="replace")
                    raise RuntimeError(f"{self._name} ended: {said}")
                self._said += octets
        line, _, self._said = self._said.partition(b"\n")
        return line.decode(errors="replace").rstrip("\r")

    def stop(self) -> None:
        """End it."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._complaints.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Peer(Program):
    """A program behind a pty.

    Args:
        place: the folder of its link.
        command: what to start; ``{link}`` is replaced by the path of the link.
    """

    def __init__(self, place: Path, *command: str | Path) -> None:
        self.link = str(place / f"line{next(_numbers)}")
        super().__init__(*(str(part).replace("{link}", self.link) for part in command))
        for _ in within(10, self.link):
            if os.path.lexists(self.link) or os.path.lexists(f"{self.link}1"):
                break
            time.sleep(0.01)

    def counts(self) -> tuple[float, dict[int, int]]:
        """Return what the channels of a module have received so far, and when that was."""
        self.process.send_signal(signal.SIGUSR1)
        told = json.loads(self.line())
        return told["at"], {int(dlci): octets for dlci, octets in told["received"].items()}


def bare(place: Path, kind: str) -> Peer:
    """Start the other side of a bare pty: ``echo``, ``transfer`` or ``paced``."""
    return Peer(place, sys.executable, HERE / "bare_peer.py", "{link}", kind)


def module(place: Path, *kinds: str, n1: int = 127, rate: int = 0) -> Peer:
    """Start the module of these measurements, whose channels do what `answering` describes: ``0=transfer``."""
    words = [word for kind in kinds for word in ("--kind", kind)]
    words += ["--n1", str(n1), "--rate", str(rate)]
    return Peer(place, sys.executable, HERE / "module_side.py", "{link}", *words)


def emulated(place: Path, *loopback: int, n1: int = 127, rate: int = 0, count: int = 1) -> Peer:
    """Start the emulated module with data sent back on some DLCIs; more than one have numbers behind their link."""
    words = [word for dlci in loopback for word in ("--loopback", str(dlci))]
    words += ["--line-rate", str(rate)] if rate else []
    words += ["--count", str(count)] if count > 1 else []
    return Peer(place, sys.executable, "-m", "drivers", "emulate", "--pty", "{link}", "--n1", str(n1), *words)


@contextmanager
def descriptor(path: str) -> Iterator[int]:
    """Open a pty as a program does that knows nothing about us."""
    opened = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        tty.setraw(opened)
        yield opened
    finally:
        os.close(opened)


@contextmanager
def attached(line: str, channels: int = 1, n1: int = 127) -> Iterator[list[int]]:
    """Run ``gsm0710 attach`` on a line; gives descriptors of the ptys of its channels."""
    words = ["--channels", f"1-{channels}", "--n1", str(n1), "--settle", "0"]
    with Program(sys.executable, "-m", "cmux", "attach", line, *words) as program:
        paths = [told.split()[1] for told in program.lines if re.match(r"\d+ /", told)]
        opened = [os.open(path, os.O_RDWR | os.O_NOCTTY) for path in paths]
        try:
            for each in opened:
                tty.setraw(each)
            yield opened
        finally:
            for each in opened:
                os.close(each)
