"""What a program takes: memory of one more modem, wake-ups of lines without traffic, imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from measuring import MB, Rows, Run, Target, row
from peers import HERE, Program, emulated

LINES = 16
IDLE = 51
UNWANTED = ("asyncio", "ssl", "rich")


@row
def memory(run: Run) -> Rows:
    """Open modems one after the other in one process, and send 1 MB forth and back on each of their four channels.

    Private memory of the process for each of 15 modems more; the reference is the process with the first one.
    ``with ptys``: what `gsm0710 attach` has besides, a bridge to a pty for each channel.
    """
    reference = "the process with one modem"

    def host(kind: str) -> dict[str, float]:
        with emulated(run.place, 1, 2, 3, 4, count=LINES) as peer:
            words = [kind, peer.link, str(LINES), str(run.octets(MB))]
            with Program(sys.executable, HERE / "memory_host.py", *words, ready=None) as program:
                told: dict[str, float] = json.loads(program.line(300))
                return told

    seen = run.turns({"cmux.open": lambda: host("open"), "with ptys": lambda: host("attach")}, None)
    for name, target in (("cmux.open", Target("<=", 450, scale=None)), ("with ptys", None)):
        each = [told["each"] for told in seen[name]]
        run.lose(int(sum(told["lost"] for told in seen[name])))
        yield run.figure(
            f"one more modem, {name}", "KB", each, (reference, [told["one"] for told in seen[name]]), target
        )


@row
def idle(run: Run) -> Rows:
    """Open 51 modems in one process, with four channels each, and count for 5 s how often it is woken."""
    with emulated(run.place, 1, 2, 3, 4, count=IDLE) as peer:
        words = ["idle", peer.link, str(IDLE), "0"]
        seconds = {"SECONDS": str(run.seconds(5))}
        with Program(sys.executable, HERE / "memory_host.py", *words, ready=None, environment=seconds) as program:
            runs = [float(json.loads(program.line(120))["woken"]) for _ in range(run.runs)]
    yield run.figure("51 lines", "wake-ups/s", runs, None, Target("<=", 0, scale=None))


@row
def imports(run: Run) -> Rows:
    """Start Python for `import cmux`, and `gsm0710 --help`; against `import construct, serial, crcmod`."""
    reference = "import construct, serial, crcmod"
    script = Path(sys.executable).parent / "gsm0710"
    program = [str(script)] if script.exists() else [sys.executable, "-m", "drivers"]
    commands = {
        "import cmux": [sys.executable, "-c", "import cmux"],
        "gsm0710 --help": [*program, "--help"],
        reference: [sys.executable, "-c", reference],
    }

    def started(*command: str) -> Callable[[], float]:
        def measure() -> float:
            began = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True, cwd="/", timeout=60)
            return (time.perf_counter() - began) * 1e3

        return measure

    turns = {name: started(*command) for name, command in commands.items()}
    seen = run.turns(turns, reference, runs=max(run.runs, run.count(15)))
    for name, limit in (("import cmux", 1.4), ("gsm0710 --help", 1.9)):
        yield run.figure(name, "ms", seen[name], (reference, seen[reference]), Target("<=", limit))
    for name in ("import cmux", "gsm0710 --help"):
        loaded = [float(len(modules(commands[name]) & set(UNWANTED))) for _ in range(run.runs)]
        what = f"{name}, of {', '.join(UNWANTED)} loaded"
        yield run.figure(what, "modules", loaded, None, Target("<=", 0, scale=None))


def modules(command: list[str]) -> set[str]:
    """Return the modules that a command imports."""
    environment = {**os.environ, "PYTHONPROFILEIMPORTTIME": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/", timeout=60, env=environment)
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
