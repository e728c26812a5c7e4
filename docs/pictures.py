"""Draw the pictures of README.md from real runs on the emulated module: demo.svg, monitor.svg, the ladder of chapter 8.

Usage: python docs/pictures.py [--check]

What differs between two runs are figures (addresses, ports, times, counters). A picture in which nothing else has
changed is left as it is, so that drawing them again changes nothing; --check goes by the same rule and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import NamedTuple

import serial
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
GSM0710 = (sys.executable, "-m", "drivers")
CLEAR = "\x1b[H\x1b[J"
CUT = "\x1b[2m  ⋮\x1b[0m"
BEGIN, END = "<!-- Written by `make pictures`; do not edit. -->\n", "<!-- Written until here. -->\n"
DIGIT = re.compile(r"(?:&#160;| )+|[\d.]+")

FORMAT = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="{unique_id}-what">
<title id="{unique_id}-what">WHAT</title>
<style>
.{unique_id}-matrix {{ font: {char_height}px/{line_height}px ui-monospace, Menlo, Consolas, monospace }}
.{unique_id}-title {{ font: bold 18px system-ui, sans-serif }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""That of rich without its font, which would be fetched from elsewhere."""


class Terminal:
    """A program on a terminal of its own.

    Args:
        arguments: what follows ``gsm0710`` on the command line.
        columns: its width.
    """

    def __init__(self, *arguments: str, columns: int = 100) -> None:
        self._master, slave = os.openpty()
        termios.tcsetwinsize(slave, (200, columns))
        environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")}
        environment |= {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(  # noqa: S603
            (*GSM0710, *arguments), stdin=slave, stdout=slave, stderr=slave, env=environment
        )
        os.close(slave)
        self._shown = b""

    def until(self, done: Callable[[str], bool]) -> str:
        """Return what is shown once `done` is true of it, or the program has ended."""
        while not done(self._text()):
            try:
                self._shown += os.read(self._master, 65536)
            except OSError:  # EIO: the program has closed its terminal
                break
        return self._text()

    def meanwhile(self) -> str:
        """Return what is shown at present."""
        while select.select([self._master], [], [], 0)[0]:
            self._shown += os.read(self._master, 65536)
        return self._text()

    def end(self) -> int:
        """Interrupt the program if it still runs, and return its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        self.until(lambda _: False)
        os.close(self._master)
        return self._process.wait()

    def _text(self) -> str:
        return self._shown.decode(errors="replace").replace("\r\n", "\n")


@contextmanager
def emulated(folder: str) -> Iterator[str]:
    """Run an emulated module whose second virtual UART sends back what it gets; yield its path."""
    path = f"{folder}/m10"
    module = Terminal("emulate", "--pty", path, "--loopback", "2")
    try:
        module.until(lambda shown: "ready" in shown)
        yield path
    finally:
        module.end()


def demo() -> str:
    """What `gsm0710 demo` shows: how it begins, four of its sixteen steps, and how it ends."""
    terminal = Terminal("demo")
    shown = terminal.until(lambda _: False)
    if terminal.end():
        raise RuntimeError(shown)
    start, *steps, end = re.split(r"\n(?=\x1b\[\d+m\n)", shown)
    return "\n".join([*start.splitlines()[:2], "", CUT, *steps[5:9], "", CUT, end])


def monitor() -> str:
    """What `gsm0710 monitor` shows when two programs have used its channels for two seconds."""
    with tempfile.TemporaryDirectory() as folder, emulated(folder) as path:
        terminal = Terminal("monitor", path, "--link", f"{folder}/modem", columns=200)  # the folder has a long name
        terminal.until(lambda shown: "packet service" in shown)
        with (
            serial.Serial(f"{folder}/modem1", timeout=5) as asking,
            serial.Serial(f"{folder}/modem2", timeout=5) as echo,
        ):
            for command in (b"AT+CSQ\r", b"AT+COPS?\r"):
                asking.write(command)
                asking.read_until(b"OK\r\n")
            echo.write(bytes(6000))
            echo.read(6000)
            shown = terminal.until(
                lambda shown: "packet service" in shown.rpartition(CLEAR)[2] and shown.count(CLEAR) > 1
            )
        terminal.end()
    return shown.rpartition(CLEAR)[2].replace(folder, "/tmp")  # noqa: S108


def ladder() -> str:
    """The sequence diagram of `gsm0710 demo`."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run((*GSM0710, "demo", "--json"), check=True, capture_output=True, env=environment)  # noqa: S603
    rows = ["sequenceDiagram", *(f"    participant {uart} as VIRTUAL_UART_{uart}" for uart in (1, 2, 3))]
    rows.append("    participant M as TCP/IP stack")
    step: list[Said] = []
    section = ""
    for entry in map(json.loads, done.stdout.splitlines()):
        if "step" in entry or "ok" in entry:
            rows += arrows(step)
            step.clear()
        if "step" in entry and entry["section"].split()[0] != section:
            section = entry["section"].split()[0]
            rows.append(f"    Note over 1,M: §{section}")
        if "octets" in entry and not entry["set_up"]:
            text = bytes.fromhex(entry["octets"]).decode().strip("\r\n ").replace("\x1a", " Ctrl-Z")
            if text:
                step.append(Said(entry["uart"], entry["direction"] == "tx", text.replace(">", "#gt;")))
    return "\n".join(["```mermaid", *rows, "```", ""])


class Said(NamedTuple):
    """A line on a virtual UART."""

    uart: int
    to_module: bool
    text: str


def arrows(step: list[Said]) -> Iterator[str]:
    """The arrows of a step, without echoes and without the OK between two commands."""
    drawn: list[Said] = []
    sent = ""
    for one in step:
        before = drawn[-1] if drawn else None
        if not one.to_module and sent.startswith(one.text):
            continue
        if before is not None and one.to_module and before.text == "OK":
            drawn.pop()
            before = drawn[-1]
        if before is not None and before[:2] == one[:2]:
            drawn[-1] = one._replace(text=f"{before.text}<br/>{one.text}")
        else:
            drawn.append(one)
        sent = one.text if one.to_module else sent
    for one in drawn:
        yield f"    {one.uart}->>M: {one.text}" if one.to_module else f"    M-->>{one.uart}: {one.text}"


def picture(shown: str, command: str, what: str, name: str, columns: int) -> str:
    """Return what a terminal has shown as SVG.

    Args:
        shown: the text, with its escape sequences for colours.
        command: the command line that has shown it.
        what: what the picture shows, for those who cannot see it.
        name: a word that no other picture has.
        columns: its width.
    """
    console = Console(record=True, width=columns, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    console.print(Text.from_ansi(f"\x1b[1m$ {command}\x1b[0m\n{shown.rstrip()}"), highlight=False)
    return console.export_svg(title=command, code_format=FORMAT.replace("WHAT", escape(what)), unique_id=name)


def differs(old: str, new: str) -> bool:
    """Whether the size has changed, or more than figures; their number of digits moves blanks, too."""
    return old.partition("\n")[0] != new.partition("\n")[0] or DIGIT.sub("0", old) != DIGIT.sub("0", new)


def main() -> int:
    """Draw or check the pictures; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; 1 when a picture is not current")
    options = parser.parse_args()
    page = README.read_text(encoding="utf-8")
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    drawn = {
        ROOT / "docs/demo.svg": picture(demo(), "gsm0710 demo", "chapter 8 of the app note, step by step", "demo", 72),
        ROOT / "docs/monitor.svg": picture(
            monitor(), "gsm0710 monitor /tmp/m10 --link /tmp/modem", "traffic of a line, and its module", "monitor", 86
        ),
        README: before + begin + ladder() + end + after,
    }
    stale = 0
    for path, new in drawn.items():
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        if not differs(old, new):
            continue
        if options.check:
            print(f"{path.name} is not current: make pictures", file=sys.stderr)
            stale = 1
        else:
            path.write_text(new, encoding="utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main())
