"""Write docs/acceptance.md: what the app note states, the driver's name for it, what emulates it, which tests show it.

``python docs/acceptance.py`` writes the page; ``--check`` says what is missing and whether the page is current;
``--passed REPORT`` also wants a test that passed for each number, as ``pytest --requirement-report REPORT`` tells, and
``--lines REPORT`` one of them in which octets crossed a line to the module, as ``pytest --line-report REPORT`` tells.
"""

from __future__ import annotations

import argparse
import importlib
import json
import operator
import sys
import textwrap
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from drivers.emulator.interpreter.commandline import BadLine, parse
from drivers.emulator.quectel_gsm.commands import all_commands

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))

from syntax_trees import ambiguous, definition, marked

DOCS = Path(__file__).parent
ROOT = DOCS.parent
PAGE = DOCS / "acceptance.md"
FACES = ("drivers.tcpip", "drivers.modem", "cmux")
"""What hands out the names that programs use."""
MOST = 6
"""Numbers that one test may show: one that claims more shows none of them clearly."""
ON_THE_LINE = range(3, 11)
"""The chapters whose statements are about what passes between a host and the module."""

_INTRODUCTION = """
The {statements} statements of Quectel's app note GSM_TCPIP_AN V1.01, numbered by chapter, in our words. For each of the
{behaving} that are about behaviour: the name that a program uses, the part of the emulated module that does it, and the
tests that are marked with it. Programs have the names from `drivers.tcpip`, `drivers.modem` or `cmux`; those of the
module are defined somewhere in `drivers.emulator`, beside an AT command stands the function that answers it where it
has one of its own. `make acceptance` writes this page; `make mutants` shows that the tests of a number fail when driver
or module have a defect there.
"""


@dataclass(frozen=True)
class Statement:
    """One numbered statement.

    Args:
        number: ``S4.8``.
        text: what is stated.
        driver: the driver's names for it; none where nothing behaves.
        emulator: what of the emulated module does it.
    """

    number: str
    text: str
    driver: tuple[str, ...] = ()
    emulator: tuple[str, ...] = ()

    @property
    def chapter(self) -> int:
        """The chapter of the app note."""
        return int(self.number[1:].partition(".")[0])

    @property
    def behaves(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.driver)


def load() -> tuple[dict[int, str], dict[str, Statement]]:
    """Return the titles of the chapters, and all statements."""
    table = tomllib.loads((DOCS / "acceptance.toml").read_text(encoding="utf-8"))
    titles = {int(chapter): rows.pop("title") for chapter, rows in table.items()}
    statements = {}
    for rows in table.values():
        for number, row in rows.items():
            text, driver, emulator = (row, "", "") if isinstance(row, str) else row
            statements[number] = Statement(number, text, tuple(driver.split()), tuple(emulator.split()))
    return titles, statements


def driver_problem(name: str, faces: Sequence[str] = FACES) -> str | None:
    """Return what is wrong with a name of the driver: that nothing hands it out, or several things under one name."""
    first = name.partition(".")[0]
    found: dict[int, str] = {}
    for face in faces:
        module = importlib.import_module(face)
        try:
            operator.attrgetter(name)(module)
        except AttributeError:
            continue
        found.setdefault(id(getattr(module, first)), face)
    if not found:
        return f"the driver has no {name}"
    return None if len(found) == 1 else f"{name} is in {' and in '.join(found.values())}, one of them is wanted"


def module_problem(name: str, folder: Path = ROOT / "drivers" / "emulator") -> str | None:
    """Return what is wrong with a name of the module: that it is not there once, or a private function answers."""
    if not name.startswith("AT"):
        try:
            definition(folder, name)
        except LookupError as error:
            return str(error)
        return None
    function = answering(name)
    if function is None:
        return f"the module has no {name}"
    return f"{name} is answered by {function}, which is private" if function.startswith("_") else None


def answering(name: str) -> str | None:
    """Return which function of the module answers a command as it is typed.

    Returns:
        The name of the function, an empty one for what many commands have in common, None when nothing answers.
    """
    try:
        command = parse(name.removeprefix("AT"))[0]
    except (BadLine, IndexError):
        return None
    entry = all_commands().get(command.name, command.form)
    if entry is None:
        return None
    function = entry.handler.__qualname__
    return "" if "<locals>" in function else function


def shown() -> dict[str, list[str]]:
    """Return the tests that are marked with each number."""
    return marked(ROOT, "requirement")


def problems(passed: dict[str, list[str]] | None = None, lines: dict[str, int] | None = None) -> list[str]:
    """Return what is missing.

    Args:
        passed: the tests that passed for each number, where that is known.
        lines: the octets that a module heard in each test that passed, where that is known.
    """
    _, statements = load()
    tests = shown()
    found: list[str] = []
    for number, one in statements.items():
        wrong = [*map(driver_problem, one.driver), *map(module_problem, one.emulator)]
        found += [f"{number}: {problem}" for problem in wrong if problem]
        if not one.behaves:
            continue
        if number not in tests:
            found.append(f"{number}: no test is marked with it")
        elif passed is not None and not passed.get(number):
            found.append(f"{number}: no test with it has passed")
        elif passed is not None and not _on_the_line(one, passed[number], lines):
            found.append(f"{number}: no test with it that passed sent an octet to a module")
    for number in tests:
        if number.startswith("S") and number not in statements:
            found.append(f"{number}: marked in {tests[number][0]}, but nothing is stated under it")
    counts = Counter(test for marks in tests.values() for test in marks)
    found += [f"{test}: marked with {n} numbers, {MOST} are the most" for test, n in counts.items() if n > MOST]
    return found + ambiguous(ROOT, counts)


def _on_the_line(one: Statement, tests: list[str], lines: dict[str, int] | None) -> bool:
    return lines is None or one.chapter not in ON_THE_LINE or any(lines.get(test) for test in tests)


def page() -> str:
    """Return the text of the page."""
    titles, statements = load()
    tests = shown()
    count = sum(one.behaves for one in statements.values())
    lines = [
        "<!-- Written by docs/acceptance.py; do not edit. -->",
        "",
        "# What the app note states",
        "",
        *textwrap.wrap(_INTRODUCTION.strip().format(statements=len(statements), behaving=count), 120),
    ]
    for chapter, title in titles.items():
        lines += [
            "",
            f"## Chapter {chapter}: {title}",
            "",
            "| | | driver | emulated module | tests |",
            "|---|---|---|---|---|",
        ]
        for one in statements.values():
            if one.chapter == chapter:
                lines.append(_row(one, tests.get(one.number, [])))
    return "\n".join(lines) + "\n"


def _row(one: Statement, tests: list[str]) -> str:
    parts = one.text[0].upper() + one.text[1:]
    text = "`".join(part if n % 2 else part.replace("<", "&lt;") for n, part in enumerate(parts.split("`")))
    if not one.behaves:
        return f"| {one.number} | {text} | | | |"
    driver = "<br>".join(f"`{name}`" for name in one.driver)
    answers = {name: answering(name) for name in one.emulator if name.startswith("AT")}
    emulator = "<br>".join(
        f"`{name}`: `{function}`" if (function := answers.get(name)) else f"`{name}`" for name in one.emulator
    )
    names = [f"`{test}`" for test in tests]
    return f"| {one.number} | {text} | {driver} | {emulator} | {'<br>'.join(names)} |"


def main() -> int:
    """Write or check the page; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing, say what is missing")
    parser.add_argument("--passed", metavar="REPORT", help="what `pytest --requirement-report` has written")
    parser.add_argument("--lines", metavar="REPORT", help="what `pytest --line-report` has written")
    options = parser.parse_args()
    passed, lines = (
        json.loads(Path(path).read_text(encoding="utf-8")) if path else None for path in (options.passed, options.lines)
    )
    found = problems(passed, lines)
    if not options.check:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        found.append("docs/acceptance.md is not current: python docs/acceptance.py")
    for line in found:
        print(line, file=sys.stderr)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
