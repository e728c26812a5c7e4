"""The statements of the standards for AT commands, what does them, and the tests that show them belong together."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[1] / "docs"
statements = runpy.run_path(str(DOCS / "statements.py"))
TEXT = "a text"


def of(table: dict[str, Any]) -> list[Any]:
    return list(statements["load"](table)[1].values())


def test_every_statement_has_names_that_exist_and_a_test() -> None:
    assert statements["problems"]() == []


def test_the_page_is_current() -> None:
    assert (DOCS / "statements.md").read_text(encoding="utf-8") == statements["page"]()


def test_a_statement_whose_tests_did_not_pass_is_a_problem() -> None:
    known = list(statements["load"]()[1])
    passed = {number: ["a test"] for number in known[1:]}
    assert statements["problems"](passed) == [f"{known[0]}: no test with it has passed"]


def test_they_stand_in_the_order_of_their_clauses() -> None:
    rows = {clause: [TEXT, "ATO"] for clause in ("10.1", "6.4A", "7.15b", "6.4", "7.15a", "7.2")}
    found = of({"V.250": {"title": "", "6.3": [TEXT, "ATO"]}, "27.007": {"title": "", **rows}})
    numbers = ["V.250 6.3", *(f"27.007 {clause}" for clause in ("6.4", "6.4A", "7.2", "7.15a", "7.15b", "10.1"))]
    assert [one.number for one in found] == numbers


@pytest.mark.parametrize(
    ("clause", "names", "tests", "problem"),
    [
        ("7.18", "AT+CPIN?", {"27.007 7.18": ["test_it::test_one"]}, None),
        ("7.18", "AT+CPIN?", {}, "no test is marked with it"),
        ("7.18", "AT+CLCX", {"27.007 7.18": ["test_it::test_one"]}, "the module has no AT+CLCX"),
        ("7.18", "", {"27.007 7.18": ["test_it::test_one"]}, "nothing of the module is named"),
        (
            "seven",
            "ATO",
            {"27.007 seven": ["test_it::test_one"]},
            "seven is not a clause, with a letter behind it or not",
        ),
    ],
)
def test_what_is_missing_of_a_statement_is_a_problem(
    clause: str, names: str, tests: dict[str, list[str]], problem: str | None
) -> None:
    if clause == "seven":
        one = [statements["Statement"]("27.007", clause, TEXT, tuple(names.split()))]
    else:
        one = of({"27.007": {"title": "", clause: [TEXT, names]}})
    wanted = [] if problem is None else [f"27.007 {clause}: {problem}"]
    assert statements["problems"](None, one, tests) == wanted


def test_a_mark_that_nothing_is_stated_under_is_a_problem() -> None:
    found = statements["problems"](None, [], {"27.007 7.19": ["test_it::test_one"]})
    assert found == ["27.007 7.19: marked in test_it::test_one, but nothing is stated under it"]


def test_a_test_that_claims_too_much_shows_nothing_clearly() -> None:
    rows = {f"7.{number}": [TEXT, "ATO"] for number in range(1, 8)}
    tests = {f"27.007 {clause}": ["test_it::test_one"] for clause in rows}
    found = statements["problems"](None, of({"27.007": {"title": "", **rows}}), tests)
    assert found == ["test_it::test_one: marked with 7 statements, 6 are the most"]
