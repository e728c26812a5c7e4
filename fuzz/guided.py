"""Targets guided by coverage, under atheris; and the corpus, which is what that has found worth keeping.

``corpus/NAME/`` has octets from which the target NAME draws an example (`fuzz_one_input` of Hypothesis). Any octets are
good for that: an entry of an earlier version of a target draws another example, or none.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

HERE = Path(__file__).parent
FOUND = HERE / "found"
"""Where the octets of findings are."""
MOST = 12
"""Entries of the corpus of a target, besides those with a name of their own."""
LONGEST = 1024
"""Octets of an entry."""
_HANGS = 60
"""Seconds after which an execution counts as hanging."""
_CHOSEN = re.compile(r"[0-9a-f]{40}")
_IMPORTS = re.compile(r"^(?:from|import) ([\w.]+)", re.M)

OnOctets = Callable[[bytes], object]


def folder(name: str) -> Path:
    """Return where the corpus of a target is."""
    return HERE / "corpus" / name


def corpus(name: str) -> list[Path]:
    """Return the entries for a target."""
    return sorted(path for path in folder(name).glob("*") if path.is_file())


def driven(path: Path) -> set[str]:
    """Return the packages that a file of targets drives: those that it, or what it has of `tests/support`, imports."""
    found: set[str] = set()
    for name in _IMPORTS.findall(path.read_text(encoding="utf-8")):
        support = HERE.parent / "tests" / "support" / f"{name}.py"
        if name.partition(".")[0] in ("cmux", "drivers"):
            found.add(name)
        elif support.exists():
            found |= driven(support)
    return found


def fuzz(path: Path, make: Callable[[], OnOctets], seconds: float, *folders: str | Path) -> NoReturn:
    """Run a target under atheris, which ends the process.

    Args:
        path: the file of the target.
        make: imports it.
        seconds: how long.
        folders: where new inputs go, and where others are.
    """
    import atheris

    with atheris.instrument_imports(include=sorted(driven(path))):
        on_octets = make()
    FOUND.mkdir(exist_ok=True)
    name = Path(folders[-1]).name
    atheris.Setup(
        [
            sys.argv[0],
            f"-max_total_time={max(1, round(seconds))}",
            f"-timeout={_HANGS}",
            f"-artifact_prefix={FOUND / name}-",
            *(str(one) for one in folders if Path(one).is_dir()),
        ],
        on_octets,
    )
    atheris.Fuzz()
    raise SystemExit(0)


def run(name: str, seconds: float, keeping: Callable[[], OnOctets] | None) -> int:
    """Run a target under atheris in a process of its own; return the exit code.

    Args:
        name: the target.
        seconds: how long.
        keeping: makes the target, by which inputs for the corpus are chosen; None: none are.
    """
    before = set(FOUND.glob(f"{name}-*"))
    with tempfile.TemporaryDirectory(prefix="fuzz-") as work:
        command = [sys.executable, str(HERE / "run.py"), "--guided", name, work, "--time", str(seconds)]
        code = subprocess.run(command, check=False).returncode  # noqa: S603 - our own program
        if keeping is not None:
            keep(name, keeping(), sorted(Path(work).iterdir()))
    for path in sorted(set(FOUND.glob(f"{name}-*")) - before):
        print(f"to see it again: python fuzz/run.py --replay {name} @{os.path.relpath(path)}")
    return min(code, 1) if code >= 0 else 1


def keep(name: str, on_octets: OnOctets, new: list[Path]) -> None:
    """Keep the inputs that together reach most; entries with a name of their own stay.

    Args:
        name: the target.
        on_octets: runs it.
        new: files with inputs.
    """
    chosen = [path for path in corpus(name) if _CHOSEN.fullmatch(path.name)]
    inputs = {path.read_bytes() for path in (*chosen, *new) if path.stat().st_size <= LONGEST}
    reached = {
        octets: _reached(on_octets, octets) for octets in sorted(inputs, key=lambda octets: (len(octets), octets))
    }
    for path in chosen:
        path.unlink()
    folder(name).mkdir(parents=True, exist_ok=True)
    known: set[object] = set()
    for _ in range(MOST):
        best = max(reached, key=lambda octets: len(reached[octets] - known), default=b"")
        if not reached.get(best, known) - known:
            break
        known |= reached[best]
        (folder(name) / hashlib.sha1(best, usedforsecurity=False).hexdigest()).write_bytes(best)


def _reached(on_octets: OnOctets, octets: bytes) -> set[object]:
    """Return the jumps from line to line that an input causes in the product."""
    from coverage import Coverage

    measured = Coverage(data_file=None, branch=True, source=["cmux", "drivers"], messages=False)
    with suppress(Exception), measured.collect():
        on_octets(octets)
    data = measured.get_data()
    return {(path, arc) for path in data.measured_files() for arc in data.arcs(path) or ()}
