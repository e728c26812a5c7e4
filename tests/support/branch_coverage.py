"""Tell how many branches the tests have taken: ``branch_coverage.py coverage.json LEAST FOLDER…``; exit code 1 below.

Lines that are left out (``pragma: no cover``) are counted, too: ten at most, each with its reason behind it.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

MOST_LEFT_OUT = 10
_LEFT_OUT = re.compile(r"#\s*pragma: no (?:cover|branch)(.*)")


def branches(report: dict[str, dict[str, dict[str, dict[str, int]]]], folder: str) -> tuple[int, int]:
    """Return how many branches of a folder were taken, and how many there are."""
    files = [entry["summary"] for name, entry in report["files"].items() if name.startswith(f"{folder}/")]
    return sum(one["covered_branches"] for one in files), sum(one["num_branches"] for one in files)


def left_out(folder: Path) -> list[tuple[str, str]]:
    """Return the lines of a folder that are left out, each with its reason."""
    return [
        (f"{path}:{number}", found[1].strip(" :-–—"))
        for path in sorted(folder.rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (found := _LEFT_OUT.search(line))
    ]


def main(arguments: list[str]) -> int:
    """Print a table; return the exit code."""
    path, least, *folders = arguments
    report = json.loads(Path(path).read_text(encoding="utf-8"))
    wrong = False
    for folder in folders:
        taken, there = branches(report, folder)
        share = 100 * taken / there if there else 0.0
        wrong |= share < float(least)
        print(f"{folder:16} {taken:5,} of {there:5,} branches  {share:6.2f} %{'  too few' * (share < float(least))}")
    lines = [line for folder in folders for line in left_out(Path(folder))]
    for line, reason in lines:
        print(f"{line} is left out: {reason or 'no reason is given'}")
    wrong |= len(lines) > MOST_LEFT_OUT or any(not reason for _, reason in lines)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
