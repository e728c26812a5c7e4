"""Third-party programs, a private message bus for them, and an emulated module as a process of its own."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from forked_programs import Forked

T = TypeVar("T")
PATIENCE = 30.0  # seconds until a program that does not do what it should fails its test


@contextlib.contextmanager
def running(*command: str | Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program, and end it."""
    words = [str(part) for part in command]
    kind = Forked if words[:2] == [sys.executable, "-m"] else subprocess.Popen
    with kind(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **environment},
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


@contextlib.contextmanager
def emulator(*arguments: str | Path) -> Iterator[str]:
    """Run a module; gives where it can be reached."""
    with running(sys.executable, "-m", "drivers", "emulate", *arguments) as process:
        assert process.stdout is not None
        word, _, where = process.stdout.readline().strip().partition(" ")
        assert word == "ready"
        yield where


@contextlib.contextmanager
def emulators(count: int, *arguments: str | Path) -> Iterator[list[str]]:
    """Run several modules in one process; gives where each can be reached."""
    with running(sys.executable, "-m", "drivers", "emulate", "--count", str(count), *arguments) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip().partition(" ") for _ in range(count)]
        assert {word for word, _, _ in lines} == {"ready"}
        yield [where for _, _, where in lines]


def control(path: Path, line: str) -> str:
    """Say one line on the control socket of an emulator; returns its answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(PATIENCE)
        client.connect(str(path))
        client.sendall(line.encode() + b"\n")
        return client.makefile(encoding="utf-8").readline().strip()


@contextlib.contextmanager
def message_bus() -> Iterator[str]:
    """Run a bus that programs take for the system's; gives its address."""
    with running("dbus-daemon", "--session", "--print-address=1", "--nofork", "--nopidfile") as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()


def call(bus: str, name: str, path: str, method: str, *arguments: str) -> str:
    """Call a method; returns what dbus-send prints, or an empty text when it failed."""
    command = ["dbus-send", "--system", "--print-reply", "--reply-timeout=20000", f"--dest={name}", path, method]
    done = subprocess.run(
        [*command, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": bus},
    )
    return done.stdout if done.returncode == 0 else ""


def wait_for(what: str, look: Callable[[], T | None], patience: float = PATIENCE) -> T:
    """Look again and again until something is there."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come in {patience:g} s")


class Line:
    """A pty that another program offers, spoken to as a terminal."""

    def __init__(self, path: str) -> None:
        import serial

        self.port = serial.serial_for_url(path, timeout=10)

    def ask(self, command: str, end: str = "OK") -> str:
        """Type a command; returns everything up to this end."""
        self.port.write(command.encode() + b"\r")
        answer = self.port.read_until(end.encode() + b"\r\n")
        assert answer.endswith(end.encode() + b"\r\n"), answer
        return answer.decode()

    def close(self) -> None:
        self.port.close()
