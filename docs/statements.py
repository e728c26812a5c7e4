"""Write docs/statements.md: statements of 27.005, 27.007 and V.250, what of the emulated module does them, their tests.

``python docs/statements.py`` writes the page; ``--check`` says what is missing and whether the page is current;
``--passed REPORT`` also wants a test that passed for each statement, as ``pytest --statement-report REPORT`` tells.
"""

from __future__ import annotations

import re
import sys
import textwrap
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))

from acceptance import MOST, answering, module_problem
from evidence_pages import run
from syntax_trees import ambiguous, marked

DOCS = Path(__file__).parent
ROOT = DOCS.parent
PAGE = DOCS / "statements.md"

_CLAUSE = re.compile(r"\d+(\.\d+[A-Z]?)*[a-z]?")  # 7.18, 6.4A, or 7.15b for the second statement of 7.15

_INTRODUCTION = """
What the emulated module implements of the standards for AT commands, in our words: each statement with its clause (a
letter tells several statements of one clause apart), the part of the module that does it, and the tests that are marked
with it. Quectel's app note and 27.010 have [pages](acceptance.md) of [their own](conformance.md).
`make acceptance` writes this page.
"""


@dataclass(frozen=True)
class Statement:
    """One statement of a standard.

    Args:
        standard: ``27.007``.
        clause: ``7.15b``.
        text: what is stated.
        emulator: what of the emulated module does it: AT commands of its table, or public names.
    """

    standard: str
    clause: str
    text: str
    emulator: tuple[str, ...]

    @property
    def number(self) -> str:
        """What tests are marked with."""
        return f"{self.standard} {self.clause}"

    @property
    def place(self) -> tuple[tuple[int, str], ...]:
        """Where it stands among the statements of the standard."""
        return tuple((int(re.sub(r"\D", "", part)), re.sub(r"\d", "", part)) for part in self.clause.split("."))


def load(table: dict[str, dict[str, str | list[str]]] | None = None) -> tuple[dict[str, str], dict[str, Statement]]:
    """Return the titles of the standards, and all statements in the order of their clauses.

    Args:
        table: what the file has, where it is not read.
    """
    if table is None:
        table = tomllib.loads((DOCS / "statements.toml").read_text(encoding="utf-8"))
    titles = {standard: str(rows["title"]) for standard, rows in table.items()}
    found = [
        Statement(standard, clause, row[0], tuple(row[1].split()))
        for standard, rows in table.items()
        for clause, row in rows.items()
        if clause != "title"
    ]
    found.sort(key=lambda one: (list(titles).index(one.standard), one.place))
    return titles, {one.number: one for one in found}


def shown() -> dict[str, list[str]]:
    """Return the tests that are marked with each statement."""
    return marked(ROOT, "statement")


def problems(
    passed: dict[str, list[str]] | None = None,
    statements: Iterable[Statement] | None = None,
    tests: dict[str, list[str]] | None = None,
) -> list[str]:
    """Return what is missing.

    Args:
        passed: the tests that passed for each statement, where that is known.
        statements: those to look at, where they are not all of the file.
        tests: the tests that are marked with each, where they are not those of the tree.
    """
    known = list(load()[1].values() if statements is None else statements)
    marks = shown() if tests is None else tests
    found: list[str] = []
    for one in known:
        if not _CLAUSE.fullmatch(one.clause):
            found.append(f"{one.number}: {one.clause} is not a clause, with a letter behind it or not")
        if not one.emulator:
            found.append(f"{one.number}: nothing of the module is named")
        found += [f"{one.number}: {problem}" for name in one.emulator if (problem := module_problem(name))]
        if one.number not in marks:
            found.append(f"{one.number}: no test is marked with it")
        elif passed is not None and not passed.get(one.number):
            found.append(f"{one.number}: no test with it has passed")
    numbers = {one.number for one in known}
    found += [
        f"{number}: marked in {marks[number][0]}, but nothing is stated under it"
        for number in marks
        if number not in numbers
    ]
    counts = Counter(test for names in marks.values() for test in names)
    found += [
        f"{test}: marked with {count} statements, {MOST} are the most" for test, count in counts.items() if count > MOST
    ]
    return found + ambiguous(ROOT, counts)


def page() -> str:
    """Return the text of the page."""
    titles, statements = load()
    tests = shown()
    lines = [
        "<!-- Written by docs/statements.py; do not edit. -->",
        "",
        "# What the standards for AT commands state",
        "",
        *textwrap.wrap(_INTRODUCTION.strip(), 120, break_long_words=False, break_on_hyphens=False),
    ]
    for standard, title in titles.items():
        rows = [_row(one, tests.get(one.number, [])) for one in statements.values() if one.standard == standard]
        if rows:
            lines += ["", f"## {standard}: {title}", "", "| | | emulated module | tests |", "|---|---|---|---|", *rows]
    return "\n".join(lines) + "\n"


def _row(one: Statement, tests: list[str]) -> str:
    text = one.text[0].upper() + one.text[1:]
    names = [
        f"`{name}`: `{function}`" if name.startswith("AT") and (function := answering(name)) else f"`{name}`"
        for name in one.emulator
    ]
    return f"| {one.clause} | {text} | {'<br>'.join(names)} | {'<br>'.join(f'`{test}`' for test in tests)} |"


def main() -> int:
    """Write or check the page; return the exit code."""
    description = (__doc__ or "").splitlines()[0]
    return run("docs/statements.py", description, {"passed": "--statement-report"}, problems, {PAGE: page})


if __name__ == "__main__":
    sys.exit(main())
