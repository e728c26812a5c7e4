"""docs/lessons.md and docs/lessons-lte.md: every lesson has tests that exist, or says in words why none concerns it.

So do the files of tests that other pages name.
"""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import NamedTuple

import pytest
from rows import each
from syntax_trees import ambiguous, files_of_tests, tests

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "docs" / name for name in ("lessons.md", "lessons-lte.md")]
ALL_PAGES = runpy.run_path(str(ROOT / "docs" / "python_blocks.py"))["all_pages"]()

_TEST = re.compile(r"`((?:test|fuzz)_\w+::(?:\w+::)?(?:test|fuzz)_\w+)`")
_FILE = re.compile(r"`((?:test|fuzz)_\w+)(?:::[\w:]+)?`")


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


LESSONS = {page: lessons(page.read_text(encoding="utf-8")) for page in PAGES}


@each(("page", PAGES))
def test_the_lessons_are_numbered_without_a_gap(page: Path) -> None:
    own = LESSONS[page]
    assert [lesson.number for lesson in own] == [f"L{number}" for number in range(1, len(own) + 1)]


def test_those_about_lte_modules_are_forty() -> None:
    assert len(LESSONS[PAGES[1]]) == 40


@each(("page", PAGES))
def test_every_line_of_a_table_is_a_lesson(page: Path) -> None:
    """A row that is written otherwise would not be looked at."""
    lines = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    titles = [line for line in lines if line.startswith(("| |", "|---"))]
    assert len(lines) == len(LESSONS[page]) + len(titles)


@each(("lesson", [lesson for own in LESSONS.values() for lesson in own]))
def test_a_lesson_has_tests_that_exist_or_a_reason(lesson: Lesson) -> None:
    assert all(len(cell) > 4 for cell in lesson[1:])
    names = _TEST.findall(lesson.shown)
    assert ambiguous(ROOT, names) == []
    for name in names:
        paths = files_of_tests(ROOT).get(name.partition("::")[0], [])
        assert name in {test for path in paths for test, _ in tests(path)}, name
    rest = _TEST.sub("", lesson.shown).replace("<br>", "")
    assert "::" not in rest, f"no name of a test: {rest}"
    assert names or len(rest.split()) >= 3, "neither a test nor a reason"


def test_a_row_that_names_what_is_not_there_is_found() -> None:
    row = Lesson("L1", "a program", "it broke", "not here", "`test_lessons::test_that_nobody_wrote`")
    for shown in (
        row.shown,
        "`test_nowhere::test_x`",
        "`test_lessons::Test::test_x`",
        "`tests/test_lessons.py::test_the_lessons_are_numbered_without_a_gap`",
        "",
        "tests/x::y z w",
    ):
        with pytest.raises(AssertionError):
            test_a_lesson_has_tests_that_exist_or_a_reason.one(row._replace(shown=shown))
    test_a_lesson_has_tests_that_exist_or_a_reason.one(row._replace(shown="no locks in the core"))


@each(("page", ALL_PAGES))
def test_a_file_of_tests_that_a_page_names_is_there_once_wherever_it_is(page: Path) -> None:
    names = _FILE.findall(page.read_text(encoding="utf-8"))
    assert ambiguous(ROOT, names) == []
    assert set(names) - set(files_of_tests(ROOT)) == set()


def test_a_name_that_several_files_have_is_found(tmp_path: Path) -> None:
    for folder in ("tests/one", "tests/two", "fuzz"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "test_same.py").touch()
    (tmp_path / "fuzz" / "fuzz_other.py").touch()
    names = ["test_same::test_x", "test_same::test_y", "fuzz_other", "test_gone"]
    assert ambiguous(tmp_path, names) == ["test_same is not one file: tests/one/test_same.py, tests/two/test_same.py"]
