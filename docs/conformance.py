"""Write docs/conformance.md: each clause of 27.010, where the code cites it, which tests show it.

``python docs/conformance.py`` writes the page; ``--check`` says what is missing and whether the page is current;
``--passed REPORT`` also wants a test that passed for each clause, as ``pytest --clause-report REPORT`` tells.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))

from evidence_pages import run
from syntax_trees import ambiguous, around, marked

DOCS = Path(__file__).parent
ROOT = DOCS.parent
CORE = ROOT / "cmux" / "protocol"
PAGE = DOCS / "conformance.md"

_CITED = re.compile(r"(?:27\.010|(?<!27\.007 )§)[ §]*((?:\d+(?:\.\d+)*)(?:(?:, | to | and )§?\d+(?:\.\d+)*)*)")
_CLAUSE = re.compile(r"\d+(?:\.\d+)*")


def load() -> tuple[dict[str, str], dict[str, str]]:
    """Return the titles of the clauses, and why some are not done."""
    table = tomllib.loads((DOCS / "clauses.toml").read_text(encoding="utf-8"))
    return table["clauses"], table["not_done"]


def cited(folder: Path) -> dict[str, set[str]]:
    """Return the modules in a folder, and below it, that cite each clause."""
    found: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*.py")):
        for clause in citations(path.read_text(encoding="utf-8")):
            found.setdefault(clause, set()).add(path.stem)
    return found


def names(folder: Path = CORE) -> dict[str, set[str]]:
    """Return the public names in the modules of a folder, and below it, that cite each clause, in or beside them."""
    found: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*.py")):
        for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for clause in citations(text):
                if name := around(path, line):
                    found.setdefault(clause, set()).add(name)
    return found


def citations(text: str) -> set[str]:
    """Return the clauses of 27.010, and of no other specification, that a text cites."""
    return {clause for match in _CITED.finditer(text) for clause in _CLAUSE.findall(match[1])}


def unknown(clauses: Iterable[str], titles: Iterable[str], not_done: Iterable[str]) -> list[str]:
    """Return the clauses that have no tests: neither done, nor a chapter of what is, nor part of what is not."""
    chapters, excused = [f"{one}." for one in (*titles, *not_done)], [f"{one}." for one in not_done]
    return [
        one
        for one in clauses
        if not any(two.startswith(f"{one}.") for two in chapters)
        and not any(f"{one}.".startswith(two) for two in excused)
    ]


def shown() -> dict[str, list[str]]:
    """Return the tests that are marked with each clause."""
    return marked(ROOT, "clause")


def problems(passed: dict[str, list[str]] | None = None) -> list[str]:
    """Return what is missing: a clause without code or test, a mark or citation that names no clause."""
    titles, not_done = load()
    code, tests = names(), shown()
    missing = [f"{clause}: no public name in cmux/protocol cites it" for clause in titles if clause not in code]
    missing += [f"{clause}: no test is marked with it" for clause in titles if clause not in tests]
    missing += [f"{clause}: marked in {min(tests[clause])}, but no clause" for clause in tests if clause not in titles]
    anywhere = cited(CORE.parent)
    strays = unknown(anywhere, titles, not_done)
    missing += [f"{clause}: cited in {min(anywhere[clause])}, but no clause" for clause in strays]
    missing += ambiguous(ROOT, (test for marks in tests.values() for test in marks))
    missing += [f"{clause}: done and not done" for clause in titles if clause in not_done]
    if passed is not None:
        missing += [f"{clause}: no test with it has passed" for clause in titles if not passed.get(clause)]
    return missing


def page() -> str:
    """Return the text of the page."""
    titles, not_done = load()
    code, tests = names(), shown()
    lines = [
        "<!-- Written by docs/conformance.py; do not edit. -->",
        "",
        "# Conformance to 3GPP TS 27.010",
        "",
        "Each clause, the names in `cmux.protocol` that cite it, and the tests that are marked with it.",
        "",
        "| clause | | code | tests |",
        "|---|---|---|---|",
    ]
    for clause, title in titles.items():
        cited_by = ", ".join(f"`{name}`" for name in sorted(code.get(clause, ())))
        marks = sorted(tests.get(clause, ()))
        more = f" and {len(marks) - 4} more" if len(marks) > 4 else ""
        shown_by = "<br>".join(f"`{name}`" for name in marks[:4]) + more
        lines.append(f"| {clause} | {title} | {cited_by} | {shown_by} |")
    lines += ["", "## Not done", "", "| clause | why |", "|---|---|"]
    lines += [f"| {clause} | {why} |" for clause, why in not_done.items()]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write or check the page; return the exit code."""
    description = (__doc__ or "").splitlines()[0]
    return run("docs/conformance.py", description, {"passed": "--clause-report"}, problems, {PAGE: page})


if __name__ == "__main__":
    sys.exit(main())
