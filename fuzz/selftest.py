"""Put one defect at a time into a copy of the tree; a target has to find it: ``make fuzz-selftest``.

The table is ``defects.toml``, one defect a row: the targets that each have to find it, where it is (folder and symbol),
the line that is changed, what stands there instead, and what is wrong then. Each is to be found within 60 s.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
COPIED = ("cmux", "drivers", "fuzz", "tests/support", "tests/vectors", "pyproject.toml")
LIMIT = 60
"""Seconds in which a defect has to be found."""

sys.path.append(str(ROOT / "tests" / "support"))

from syntax_trees import definition  # noqa: E402 - it is in the folder above


@dataclass(frozen=True)
class Defect:
    """A row of the table, for one target."""

    target: str
    place: str
    old: str
    new: str
    what: str

    def find(self, root: Path) -> tuple[Path, int]:
        """Return the file and the line of it in a tree.

        Raises:
            ValueError: the line is not there exactly once.
        """
        folder, symbol = self.place.split(":")
        found = sorted(
            {
                (path, number)
                for path, lines in definition(root / folder, symbol)
                for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1)
                if line.strip() == self.old and (lines is None or number in lines)
            }
        )
        if len(found) != 1:
            raise ValueError(f"{self.place} has {len(found)} lines {self.old!r}, one is wanted")
        return found[0]

    def apply(self, root: Path) -> None:
        """Put it into a tree."""
        path, number = self.find(root)
        lines = path.read_text(encoding="utf-8").split("\n")
        lines[number - 1] = lines[number - 1].replace(self.old, self.new)
        path.write_text("\n".join(lines), encoding="utf-8")


def load() -> list[Defect]:
    """Return the table, with one defect for each target that has to find it."""
    rows = tomllib.loads((HERE / "defects.toml").read_text(encoding="utf-8"))["defects"]
    return [Defect(target, *rest) for targets, *rest in rows for target in targets.split()]


def copy(root: Path) -> None:
    """Copy what a run needs."""
    for name in COPIED:
        source, goal = ROOT / name, root / name
        if source.is_dir():
            shutil.copytree(source, goal, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        elif source.exists():
            goal.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, goal)


def find(defect: Defect) -> tuple[bool, float, str]:
    """Return whether a target finds a defect, after how many seconds, and the end of what was said."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        root = Path(folder)
        copy(root)
        defect.apply(root)
        begun = time.monotonic()
        command = [
            sys.executable,
            "fuzz/run.py",
            "--target",
            defect.target,
            "--time",
            str(LIMIT * 3 // 4),  # the rest is for starting
            "--first",
        ]
        environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(  # noqa: S603 - our own program
            command, cwd=root, env=environment, capture_output=True, text=True, check=False
        )
        seconds, said = time.monotonic() - begun, done.stdout + done.stderr
        # 1 is the exit code of a slow target, too
        findings = re.search(r"^all +[\d,]+ +\d+ +(\d+)$", done.stdout, re.M)
        return bool(findings and int(findings[1])) and seconds <= LIMIT, seconds, said[-300:]


def main() -> int:
    """Run; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", metavar="WORD", help="only defects with this word in their row")
    words = parser.parse_args().words
    defects = [one for one in load() if all(any(word in part for part in vars(one).values()) for word in words)]
    missed = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for defect, (found, seconds, said) in zip(defects, pool.map(find, defects), strict=True):
            missed += not found
            print(f"{'found ' if found else 'MISSED'} {seconds:4.0f} s  {defect.target}: {defect.what}", flush=True)
            if not found:
                print(said)
    print(f"{len(defects) - missed} of {len(defects)} defects found")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
