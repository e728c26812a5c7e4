"""Write docs/acceptance.md: what the app note states, the driver's name for it, what emulates it, which tests show it.

``python docs/acceptance.py`` writes the page; ``--check`` says what is missing and whether the page is current;
``--passed REPORT`` also wants a test that passed for each number, as ``pytest --requirement-report REPORT`` tells, and
``--lines REPORT`` one of them in which octets crossed a line to the module, as ``pytest --line-report REPORT`` tells.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import re
import sys
import textwrap
import tomllib
from dataclasses import dataclass
from pathlib import Path

from drivers.emulator.commandline import BadLine, parse
from drivers.emulator.commands import all_commands

DOCS = Path(__file__).parent
ROOT = DOCS.parent
PAGE = DOCS / "acceptance.md"
MOST = 6
"""Numbers that one test may show: one that claims more shows none of them clearly."""
ON_THE_LINE = range(3, 11)
"""The chapters whose statements are about what passes between a host and the module."""

_INTRODUCTION = """
The {statements} statements of Quectel's app note GSM_TCPIP_AN V1.01, numbered by chapter, in our words. For each of the
{behaving} that are about behaviour: the name that a program uses, the part of the emulated module that does it, and the
tests that are marked with it. Names are looked up in `drivers.tcpip` and `drivers`, those of the module in
`drivers.emulator`. `make acceptance` writes this page; `make mutants` shows that the tests of a number fail when driver
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


def exists(name: str, *packages: str) -> bool:
    """Tell whether there is an object of a dotted name in one of these packages; the empty one is the top."""
    return any(_exists([*filter(None, package.split(".")), *name.split(".")]) for package in packages)


def _exists(parts: list[str]) -> bool:
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            if isinstance(found, type) and not hasattr(found, part):
                return part == parts[-1] and _made_by(found, part)
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def _made_by(owner: type, name: str) -> bool:
    """Tell whether a class gives its objects an attribute of this name."""
    text = Path(str(sys.modules[owner.__module__].__file__)).read_text(encoding="utf-8")
    return re.search(rf"\bself\.{name}\b[^=\n]* = ", text) is not None


def answering(name: str) -> str | None:
    """Return which function of the module answers a command as it is typed, None when none does."""
    try:
        command = parse(name.removeprefix("AT"))[0]
    except (BadLine, IndexError):
        return None
    entry = all_commands().get(command.name, command.form)
    if entry is None:
        return None
    module = entry.handler.__module__.removeprefix("drivers.emulator.")
    function = entry.handler.__qualname__
    return module if "<locals>" in function else f"{module}.{function}"


def shown() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the tests that are marked with each number, and the numbers of each test."""
    tests: dict[str, list[str]] = {}
    numbers: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for test in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef) and test.name.startswith("test_"):
                name = f"{path.relative_to(ROOT / 'tests').as_posix()}::{test.name}"
                for number in _marked(test):
                    tests.setdefault(number, []).append(name)
                    numbers.setdefault(name, []).append(number)
    return tests, numbers


def _marked(test: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    numbers: list[str] = []
    for decorator in test.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.requirement":
            numbers += [arg.value for arg in decorator.args if isinstance(arg, ast.Constant)]
    return numbers


def problems(passed: dict[str, list[str]] | None = None, lines: dict[str, int] | None = None) -> list[str]:
    """Return what is missing.

    Args:
        passed: the tests that passed for each number, where that is known.
        lines: the octets that a module heard in each test that passed, where that is known.
    """
    _, statements = load()
    tests, numbers = shown()
    found: list[str] = []
    for number, one in statements.items():
        found += [f"{number}: the driver has no {name}" for name in one.driver if not _driver(name)]
        found += [f"{number}: the module has no {name}" for name in one.emulator if not _emulator(name)]
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
    found += [
        f"{test}: marked with {len(own)} numbers, {MOST} are the most"
        for test, own in numbers.items()
        if len(own) > MOST
    ]
    return found


def _on_the_line(one: Statement, tests: list[str], lines: dict[str, int] | None) -> bool:
    return lines is None or one.chapter not in ON_THE_LINE or any(lines.get(test) for test in tests)


def _driver(name: str) -> bool:
    return exists(name, "drivers.tcpip", "drivers", "")


def _emulator(name: str) -> bool:
    return answering(name) is not None if name.startswith("AT") else exists(name, "drivers.emulator")


def page() -> str:
    """Return the text of the page."""
    titles, statements = load()
    tests, _ = shown()
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
    emulator = "<br>".join(
        f"`{name}`: `{answering(name)}`" if name.startswith("AT") else f"`{name}`" for name in one.emulator
    )
    names = [f"`{test.rpartition('/')[2].replace('.py', '')}`" for test in tests]
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
