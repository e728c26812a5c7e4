"""Pages walked as a reader would: commands typed, files written, Python run, and what comes compared with the page.

What a page shows is one of these:

* ``console``: commands behind ``$``, what they print below them. ``…`` stands for any text in a line, and for any
  number of lines where it stands alone. A command that runs until it is stopped runs on until the page ends, or until
  the page shows it again with ``^C`` below it.
* ``python``: runs in this process; the blocks of a page are one program. ``output`` behind it is what it prints.
* any other language: if the first line is the name of a file in a comment, ``# lines.toml``, the file is written.

Everything else, ``text`` and ``sh`` for instance, is not run. A page has ``/tmp``, the ports 7000 to 7009 and
``/dev/ttyUSB0``, a module, for itself.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import io
import os
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from forked_programs import Forked

from drivers.emulator import EmulatedModule

PATIENCE = 40.0  # seconds until what does not come fails the walk
PEERS = (
    *("chat", "gammu", "minicom", "mosquitto_pub", "picocom", "pppd", "ser2net", "slirp-fullbolt", "socat", "tshark"),
)
"""Programs that nobody here wrote."""

_FENCE = re.compile(r"^(?P<ticks>`{3,}) *(?P<language>[\w-]+)\n(?P<text>.*?)^(?P=ticks)$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"# ([\w-][\w./-]*)\n")
_STAYS = re.compile(r"gsm0710 (?:emulate|attach|monitor)\b(?!.* --once)(?!.* --list)|ser2net\b|socat pty")
_ALONE = re.compile(r"gsm0710 [^|&;<>$`*?\\~]*")
_LISTENING = "0A"  # in /proc/net/tcp
_LINK = re.compile(r"\blink=([^,\s]+)")
_NOISE = re.compile(r"Running as user \"root\"")
"""What tshark says in CI, and not to a reader."""
_VARIES = (
    (re.compile(r"\d\d:\d\d:\d\d\.\d+"), "TIME"),
    (re.compile(r"\d{4}-\d\d-\d\d"), "DATE"),
    (re.compile(r"\d+\.\d{6,9}\b"), "SECONDS"),
    (re.compile(r"\s+"), " "),
)
"""What is another one in each run, and the width of columns."""


class Block(NamedTuple):
    """One block of a page."""

    language: str
    text: str


class Command(NamedTuple):
    """One command of a block, and what the page shows below it."""

    typed: str
    shown: list[str]


def blocks(page: Path) -> list[Block]:
    """The blocks of a page."""
    return [Block(found["language"], found["text"]) for found in _FENCE.finditer(page.read_text(encoding="utf-8"))]


def commands(text: str) -> list[Command]:
    """The commands of a block."""
    found: list[Command] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append(Command(line[2:], []))
        elif found and not found[-1].shown and found[-1].typed.endswith("\\"):
            found[-1] = Command(f"{found[-1].typed[:-1]}{line.strip()}", [])
        else:
            assert found, f"{line!r} stands above every command"
            found[-1].shown.append(line)
    return found


def typed(page: Path) -> list[str]:
    """The commands of a page."""
    return [one.typed for block in blocks(page) if block.language == "console" for one in commands(block.text)]


def peers(page: Path) -> list[str]:
    """The programs that nobody here wrote and that a page runs."""
    words = {word for command in typed(page) for word in re.findall(r"(?:^|[|;&] *)([\w-]+)", command)}
    return sorted(words & set(PEERS))


def matches(shown: list[str], came: list[str], *, whole: bool) -> bool:
    """Whether what came is what the page shows; if not `whole`, more may come."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() in ("…", "...") else f"{re.escape(_plain(line)).replace('…', '.*')}\n"
        for line in shown
    )
    text = "".join(f"{_plain(line)}\n" for line in came)
    return (re.fullmatch if whole else re.match)(pattern, text) is not None


def _plain(line: str) -> str:
    for what, instead in _VARIES:
        line = what.sub(instead, line)
    return line.strip()


class Running:
    """A command that runs."""

    def __init__(self, typed: str, folder: Path, environment: dict[str, str]) -> None:
        self.typed = typed
        words = ["bash", "-c", f"exec {typed}" if _STAYS.match(typed) else typed]
        kind: type[subprocess.Popen[bytes]] = subprocess.Popen
        if _ALONE.fullmatch(typed):  # the shell would start it, and nothing else
            words = [sys.executable, "-m", "drivers", *shlex.split(typed)[1:]]
            kind = Forked
        self.process = kind(
            words,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.octets = b""

    @property
    def lines(self) -> list[str]:
        """What it has printed."""
        lines = self.octets.decode(errors="replace").replace("\r", "").splitlines()
        return [line for line in lines if not _NOISE.match(line)]

    def read(self, wait: float) -> bool:
        """Take what it prints; returns False when it has ended."""
        assert self.process.stdout is not None
        if select.select([self.process.stdout], [], [], wait)[0]:
            octets = os.read(self.process.stdout.fileno(), 65536)
            self.octets += octets
            return bool(octets)
        return True

    def wait_for(self, shown: list[str]) -> None:
        """Wait until it has printed what the page shows, and has what it makes: links, a port to connect to."""
        until = time.monotonic() + PATIENCE
        while not (matches(shown, self.lines, whole=False) and self._has_begun()):
            left = until - time.monotonic()
            more = left > 0 and self.read(min(left, 0.2))
            assert more, f"{self.typed}\n" + self.octets.decode(errors="replace")

    def _has_begun(self) -> bool:
        links = [Path(link) for link in _LINK.findall(self.typed)]
        return all(link.exists() for link in links) and (not self.typed.startswith("ser2net") or self._listens())

    def _listens(self) -> bool:
        sockets = {os.readlink(one) for one in Path(f"/proc/{self.process.pid}/fd").iterdir() if one.is_symlink()}
        table = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return bool(sockets & {f"socket:[{row[9]}]" for row in table if row[3] == _LISTENING})

    def end(self) -> None:
        """Stop it as Ctrl-C does, and wait for its end."""
        self.process.send_signal(signal.SIGINT)
        self.wait()

    def wait(self) -> int:
        """Wait until it has ended; returns its exit code."""
        until = time.monotonic() + PATIENCE
        try:
            while (left := until - time.monotonic()) > 0 and self.read(left):
                pass
            return self.process.wait(max(0.1, until - time.monotonic()))
        finally:
            self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()


class Walk:
    """A walk through a page; use it as a context manager.

    Args:
        page: the page.
        folder: an empty folder, which takes the place of ``/tmp`` and is the current one.
    """

    def __init__(self, page: Path, folder: Path) -> None:
        self.page = page
        self.folder = folder
        self._stack = contextlib.ExitStack()
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._printed = ""
        self._code = 0
        self._running: list[Running] = []
        self._modules: dict[str, str] = {}
        self._first = _free_ports(10)
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin:/sbin"
        self._environment = {**os.environ, "PATH": path, "HOME": str(folder), "PYTHONUNBUFFERED": "", "TERM": "dumb"}

    def __enter__(self) -> Walk:
        self._stack.enter_context(contextlib.chdir(self.folder))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            for running in reversed(self._running):
                running.end()

    def go(self) -> None:
        """Go through the page."""
        for block in blocks(self.page):
            self.step(block)

    def step(self, block: Block) -> None:
        """Do what one block shows."""
        text = self._here(block.text)
        if block.language == "console":
            for command in commands(text):
                self._type(command)
        elif block.language == "python":
            self._python(text)
        elif block.language == "output":
            printed = self._printed.replace("\r\r\n", "\n")  # as a terminal shows it
            assert matches(text.splitlines(), printed.splitlines(), whole=True), self._printed
        elif (named := _FILE.match(text)) is not None:
            file = self.folder / named[1]
            assert file.is_relative_to(self.folder)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")

    def _here(self, text: str) -> str:
        """Return a text with the paths and ports of this walk."""
        text = text.replace("/tmp/", f"{self.folder}/")  # noqa: S108 - what pages say
        text = re.sub(r"(?<=[:,])700(\d)\b", lambda found: str(self._first + int(found[1])), text)
        return re.sub(r"/dev/ttyUSB\d", lambda found: self._module(found[0]), text)

    def _module(self, name: str) -> str:
        if name not in self._modules:
            self._modules[name] = self._stack.enter_context(EmulatedModule()).serve_pty()
        return self._modules[name]

    def _type(self, command: Command) -> None:
        typed, shown = command
        again = next((one for one in self._running if one.typed == typed), None)
        if again is not None and "^C" in shown:
            self._running.remove(again)
            again.end()
            assert matches([line for line in shown if line != "^C"], again.lines, whole=True), again.lines
            return
        running = Running(f"(exit {self._code}); {typed}" if "$?" in typed else typed, self.folder, self._environment)
        if _STAYS.match(typed):
            self._running.append(running)
            running.wait_for(shown)
            return
        self._code = running.wait()
        printed = "\n".join(running.lines)
        if shown:
            assert matches(shown, running.lines, whole=True), f"$ {typed}\n{printed}"
        else:
            assert self._code == 0, f"$ {typed}\n{printed}"

    def _python(self, text: str) -> None:
        printed = io.StringIO()
        code = compile(text, str(self.page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        with contextlib.redirect_stdout(printed):
            result = eval(code, self._names)  # noqa: S307
            if asyncio.iscoroutine(result):
                asyncio.run(result)
        self._printed = printed.getvalue()


def _free_ports(count: int) -> int:
    """The first of some free ports in a row."""
    for first in _candidates():
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + count):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first
    raise AssertionError("no ports are free")


def _candidates() -> Iterator[int]:
    start = 20000 + os.getpid() % 1000 * 10
    yield from range(start, 32000, 10)
