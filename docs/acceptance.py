"""Write docs/acceptance.md and docs/acceptance-lte.md: what is stated, who does it by which name, which tests show it.

``python docs/acceptance.py`` writes the pages; ``--check`` says what is missing and whether the pages are current;
``--passed REPORT`` also wants a test that passed for each number, as ``pytest --requirement-report REPORT`` tells, and
``--lines REPORT`` one of them in which octets crossed a line to the module, as ``pytest --line-report REPORT`` tells.
"""

from __future__ import annotations

import importlib
import operator
import sys
import textwrap
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from drivers.emulator.interpreter.commandline import BadLine, parse

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))

from evidence_pages import run
from syntax_trees import ambiguous, definition, marked

DOCS = Path(__file__).parent
ROOT = DOCS.parent
FACES = ("drivers.tcpip", "drivers.modem", "cmux")
"""What hands out the names that programs use."""
MOST = 6
"""Numbers that one test may show: one that claims more shows none of them clearly."""
DOERS = {"E": "module", "D": "driver", "ED": "both"}
"""Who does what is stated, where a row says that."""

_ABOUT_NAMES = """
Programs have the names from `drivers.tcpip`, `drivers.modem` or `cmux`; those of the module are defined somewhere in
`drivers.emulator`, beside an AT command stands the function that answers it where it has one of its own. `make
acceptance` writes this page; `make mutants` shows that the tests of a number fail when driver or module have a defect
there.
"""


@dataclass(frozen=True)
class Document:
    """What is stated about one family, and its page.

    Args:
        name: that of its table and of its page, without suffix.
        letter: with which its numbers begin.
        family: the folder that its modules have below ``drivers/emulator`` and ``drivers/tcpip``.
        title: that of the page.
        introduction: what the page begins with.
        chapter: the title of a chapter, with its number and its own title to be filled in.
        on_the_line: the chapters whose statements are about what passes between a host and the module.
    """

    name: str
    letter: str
    family: str
    title: str
    introduction: str
    chapter: str
    on_the_line: range

    @property
    def page(self) -> Path:
        """Where the page is."""
        return DOCS / f"{self.name}.md"


APP_NOTE = Document(
    "acceptance",
    "S",
    "quectel_gsm",
    "What the app note states",
    """
The {statements} statements of Quectel's app note GSM_TCPIP_AN V1.01, numbered by chapter, in our words. For each of the
{behaving} that are about behaviour: the name that a program uses, the part of the emulated module that does it, and the
tests that are marked with it.""",
    "Chapter {}: {}",
    range(3, 11),
)
LTE = Document(
    "acceptance-lte",
    "L",
    "quectel_lte",
    "What LTE modules do",
    """
What manuals, logs and programs tell of the TCP/IP stack of Quectel LTE modules, in {statements} statements of our own:
who does it, the emulated module or the driver, where it is known from, the name by which a program meets it, the part
of the emulated module that does it or lets it be met, and the tests that are marked with it.""",
    "{}: {}",
    range(1, 12),
)
DOCUMENTS = (APP_NOTE, LTE)


@dataclass(frozen=True)
class Statement:
    """One numbered statement.

    Args:
        number: ``S4.8``.
        text: what is stated.
        driver: the driver's names for it; none where nothing behaves.
        emulator: what of the emulated module does it.
        by: who does it, one of `DOERS`; empty where the table does not say that.
        sources: where it is known from, marks of the table.
    """

    number: str
    text: str
    driver: tuple[str, ...] = ()
    emulator: tuple[str, ...] = ()
    by: str = ""
    sources: tuple[str, ...] = ()

    @property
    def chapter(self) -> int:
        """The chapter of the app note, or the subject."""
        return int(self.number[1:].partition(".")[0])

    @property
    def behaves(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.driver or self.by)


@dataclass(frozen=True)
class Table:
    """All that is stated in a document.

    Args:
        titles: those of the chapters.
        statements: by their numbers.
        sources: what the marks of the sources mean.
    """

    titles: dict[int, str]
    statements: dict[str, Statement]
    sources: dict[str, str] = field(default_factory=dict)


def load(document: Document) -> Table:
    """Return what is stated in a document."""
    table: dict[str, Any] = tomllib.loads((DOCS / f"{document.name}.toml").read_text(encoding="utf-8"))
    sources = table.pop("sources", {})
    titles = {int(chapter): rows.pop("title") for chapter, rows in table.items()}
    statements = {}
    for rows in table.values():
        for number, row in rows.items():
            statements[number] = _statement(number, (row, "", "") if isinstance(row, str) else row)
    return Table(titles, statements, sources)


def _statement(number: str, row: Sequence[str]) -> Statement:
    """Read a row: what is stated, who does it and the sources where the document tells these, and the names."""
    text, *told, driver, emulator = row
    by, sources = told or ("", "")
    marks = tuple(sources.split(", ")) if sources else ()
    return Statement(number, text, tuple(driver.split()), tuple(emulator.split()), by, marks)


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


def other_families(family: str) -> tuple[str, ...]:
    """Return the folders of the other families, whose names are not meant."""
    return tuple(one.family for one in DOCUMENTS if one.family != family)


def module_problem(
    name: str, family: str = APP_NOTE.family, folder: Path = ROOT / "drivers" / "emulator"
) -> str | None:
    """Return what is wrong with a name of the module: that it is not there once, or a private function answers."""
    if not name.startswith("AT"):
        try:
            definition(folder, name, other_families(family))
        except LookupError as error:
            return str(error)
        return None
    function = answering(name, family)
    if function is None:
        return f"the module has no {name}"
    return f"{name} is answered by {function}, which is private" if function.startswith("_") else None


def answering(name: str, family: str = APP_NOTE.family) -> str | None:
    """Return which function of the module of a family answers a command as it is typed.

    Returns:
        The name of the function, an empty one for what many commands have in common, None when nothing answers.
    """
    commands = f"drivers.emulator.{family}.commands"
    try:
        command = parse(name.removeprefix("AT"))[0]
        table = importlib.import_module(commands).all_commands()
    except (BadLine, IndexError):
        return None
    entry = table.get(command.name, command.form)
    if entry is None:
        return None
    function: str = entry.handler.__qualname__
    return "" if "<locals>" in function else function


def shown() -> dict[str, list[str]]:
    """Return the tests that are marked with each number."""
    return marked(ROOT, "requirement")


def problems(
    document: Document, passed: dict[str, list[str]] | None = None, lines: dict[str, int] | None = None
) -> list[str]:
    """Return what is missing of a document.

    Args:
        document: which.
        passed: the tests that passed for each number, where that is known.
        lines: the octets that a module heard in each test that passed, where that is known.
    """
    table, tests = load(document), shown()
    found: list[str] = []
    for number, one in table.statements.items():
        found += [
            f"{number}: no source {mark}" for mark in one.sources if mark not in table.sources and "#" not in mark
        ]
        found += [f"{number}: {problem}" for problem in lacks(document, one, tests, passed, lines)]
    for number in tests:
        if number.startswith(document.letter) and number not in table.statements:
            found.append(f"{number}: marked in {tests[number][0]}, but nothing is stated under it")
    return found


def lacks(
    document: Document,
    one: Statement,
    tests: dict[str, list[str]],
    passed: dict[str, list[str]] | None = None,
    lines: dict[str, int] | None = None,
) -> list[str]:
    """Return what a statement lacks: names that exist, a test, one that passed, one of those that reached a module."""
    own = {"driver": ("D", one.driver), "emulated module": ("E", one.emulator)}
    found = [f"nothing of the {side} is named" for side, (by, names) in own.items() if by in one.by and not names]
    found += [problem for name in one.driver if (problem := driver_problem(name))]
    found += [problem for name in one.emulator if (problem := module_problem(name, document.family))]
    if one.behaves and one.number not in tests:
        found.append("no test is marked with it")
    elif one.behaves and passed is not None and not passed.get(one.number):
        found.append("no test with it has passed")
    elif one.behaves and passed is not None and lines is not None and not _on_the_line(document, one, passed, lines):
        found.append("no test with it that passed sent an octet to a module")
    return found


def _on_the_line(document: Document, one: Statement, passed: dict[str, list[str]], lines: dict[str, int]) -> bool:
    if one.by == "D" or one.chapter not in document.on_the_line:
        return True
    return any(lines.get(test) for test in passed[one.number])


def problems_of_marks() -> list[str]:
    """Return what is wrong with the marks of tests, whatever is stated."""
    counts = Counter(test for marks in shown().values() for test in marks)
    found = [f"{test}: marked with {n} numbers, {MOST} are the most" for test, n in counts.items() if n > MOST]
    return found + ambiguous(ROOT, counts)


def page(document: Document) -> str:
    """Return the text of the page of a document."""
    table, tests = load(document), shown()
    count = sum(one.behaves for one in table.statements.values())
    introduction = document.introduction.format(statements=len(table.statements), behaving=count) + _ABOUT_NAMES
    told = bool(table.sources)
    lines = [
        "<!-- Written by docs/acceptance.py; do not edit. -->",
        "",
        f"# {document.title}",
        "",
        *textwrap.wrap(introduction.strip(), 120),
    ]
    for chapter, title in table.titles.items():
        titles = ["", "", *(["by", "sources"] if told else []), "driver", "emulated module", "tests"]
        lines += ["", f"## {document.chapter.format(chapter, title)}", "", _line(titles), "|---" * len(titles) + "|"]
        for one in table.statements.values():
            if one.chapter == chapter:
                known = [DOERS[one.by], ", ".join(one.sources)] if told else []
                names = _names(document, one, tests.get(one.number, []))
                lines.append(_line([one.number, _text(one), *known, *names]))
    if told:
        lines += ["", "## The sources", "", "| | |", "|---|---|", *map(_line, table.sources.items())]
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)


def _text(one: Statement) -> str:
    parts = one.text[0].upper() + one.text[1:]
    return "`".join(part if n % 2 else part.replace("<", "&lt;") for n, part in enumerate(parts.split("`")))


def _names(document: Document, one: Statement, tests: Sequence[str]) -> list[str]:
    """Return the cells of what does it, and of what shows it."""
    if not one.behaves:
        return ["", "", ""]
    answers = {name: answering(name, document.family) for name in one.emulator if name.startswith("AT")}
    emulator = [f"`{name}`: `{function}`" if (function := answers.get(name)) else f"`{name}`" for name in one.emulator]
    return [
        "<br>".join(cell) for cell in ([f"`{name}`" for name in one.driver], emulator, [f"`{one}`" for one in tests])
    ]


def all_problems(passed: dict[str, list[str]] | None, lines: dict[str, int] | None) -> list[str]:
    """Return what is missing of all documents; for the arguments see `problems`."""
    return problems_of_marks() + [one for document in DOCUMENTS for one in problems(document, passed, lines)]


def main() -> int:
    """Write or check the pages; return the exit code."""
    reports = {"passed": "--requirement-report", "lines": "--line-report"}
    pages = {document.page: partial(page, document) for document in DOCUMENTS}
    return run("docs/acceptance.py", (__doc__ or "").splitlines()[0], reports, all_problems, pages)


if __name__ == "__main__":
    sys.exit(main())
