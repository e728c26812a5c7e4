"""docs/lessons.md: every lesson has tests, or says in words why none concerns it, and the tests that it names exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "lessons.md"

_TEST = re.compile(r"`((?:tests|fuzz)/[\w/]+\.py)::((?:\w+::)?(?:test|fuzz)_\w+)`")


class Lesson(NamedTuple):
    """One row of the page."""

    number: str
    reference: str
    happened: str
    done: str
    shown: str


def lessons(text: str) -> list[Lesson]:
    """The rows of all tables of the page."""
    rows = [line for line in text.splitlines() if line.startswith("| L")]
    return [Lesson(*(cell.strip() for cell in row.strip("|").split(" | "))) for row in rows]


@cache
def functions(path: Path) -> frozenset[str]:
    """The tests that a file defines, those of classes with the name of the class."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{one.name}" for one in node.body if isinstance(one, ast.FunctionDef)}
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found.add(node.name)
    return frozenset(found)


LESSONS = lessons(PAGE.read_text(encoding="utf-8"))


def test_the_lessons_are_numbered_without_a_gap() -> None:
    assert [lesson.number for lesson in LESSONS] == [f"L{number}" for number in range(1, 84)]


def test_every_line_of_a_table_is_a_lesson() -> None:
    """A row that is written otherwise would not be looked at."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    titles = [line for line in lines if line.startswith(("| |", "|---"))]
    assert len(lines) == len(LESSONS) + len(titles)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.number)
def test_a_lesson_has_tests_that_exist_or_a_reason(lesson: Lesson) -> None:
    assert all(len(cell) > 4 for cell in lesson[1:])
    names = _TEST.findall(lesson.shown)
    for path, name in names:
        assert (ROOT / path).is_file(), path
        assert name in functions(ROOT / path), f"{path}::{name}"
    rest = _TEST.sub("", lesson.shown).replace("<br>", "")
    assert "::" not in rest, f"no name of a test: {rest}"
    assert names or len(rest.split()) >= 3, "neither a test nor a reason"


def test_a_row_that_names_what_is_not_there_is_found() -> None:
    row = Lesson("L1", "a program", "it broke", "not here", "`tests/test_lessons.py::test_that_nobody_wrote`")
    for shown in (
        row.shown,
        "`tests/nowhere.py::test_x`",
        "`tests/test_lessons.py::Test::test_x`",
        "",
        "tests/x::y z w",
    ):
        with pytest.raises(AssertionError):
            test_a_lesson_has_tests_that_exist_or_a_reason(row._replace(shown=shown))
    test_a_lesson_has_tests_that_exist_or_a_reason(row._replace(shown="no locks in the core"))
