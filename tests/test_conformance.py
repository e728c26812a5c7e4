"""Clauses of 27.010, code and tests belong together; the pages drawn from them are current."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
conformance = runpy.run_path(str(DOCS / "conformance.py"))
diagrams = runpy.run_path(str(DOCS / "state_diagrams.py"))


def test_every_clause_is_cited_and_shown_or_listed_as_not_done() -> None:
    assert conformance["problems"]() == []


def test_a_citation_of_no_clause_is_a_problem() -> None:
    cited = ["5.3", "5.3.1", "5.3.1.1", "5.4.6", "5.4.6.4", "6.2.2", "5.9.9", "5.30"]
    strays = conformance["unknown"](cited, ["5.3.1", "5.4.6", "5.4.6.3.1"], ["6"])
    assert strays == ["5.3.1.1", "5.4.6.4", "5.9.9", "5.30"]


def test_a_citation_outside_the_core_is_looked_at_too(tmp_path: Path) -> None:
    (tmp_path / "shell").mkdir()
    (tmp_path / "shell" / "line.py").write_text("# 27.010 5.9.9: a rule\n", encoding="utf-8")
    assert conformance["cited"](tmp_path) == {"5.9.9": {"line"}}
    assert {"services", "virtual_uart"} <= set.union(*conformance["cited"](DOCS.parent / "cmux").values())


def test_a_citation_counts_for_the_public_name_that_it_stands_in_or_beside(tmp_path: Path) -> None:
    text = '''"""A module (27.010 5.1)."""
import os  # 27.010 5.2

# 27.010 5.3: a comment above
LIMIT: int = 1  # 27.010 5.4
"""27.010 5.5: a string below."""

_PRIVATE = 1  # 27.010 5.6
# 27.010 5.7

class Dlc:
    def _private(self):
        """27.010 5.8."""

def _private():
    """27.010 5.9."""
# 27.010 5.10'''
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "one.py").write_text(text, encoding="utf-8")
    names = {"5.3": {"LIMIT"}, "5.4": {"LIMIT"}, "5.5": {"LIMIT"}, "5.7": {"Dlc"}, "5.8": {"Dlc"}}
    assert conformance["names"](tmp_path) == names


def test_a_clause_of_another_specification_is_no_citation() -> None:
    text = "AT+CMUX (27.007 §5.7) and (27.010 §5.1.2, §5.1.5); # 27.010 5.2.3, 5.2.4 and 5.2.6.1\n§6"
    assert conformance["citations"](text) == {"5.1.2", "5.1.5", "5.2.3", "5.2.4", "5.2.6.1", "6"}


def test_a_clause_whose_tests_did_not_pass_is_a_problem() -> None:
    titles, _ = conformance["load"]()
    passed = {clause: ["a test"] for clause in titles if clause != "5.3.1"}
    assert conformance["problems"](passed) == ["5.3.1: no test with it has passed"]


def test_the_page_is_current() -> None:
    assert (DOCS / "conformance.md").read_text(encoding="utf-8") == conformance["page"]()


@pytest.mark.parametrize("name", diagrams["DIAGRAMS"])
def test_a_diagram_is_current(name: str) -> None:
    assert (DOCS / f"state-{name}.svg").read_text(encoding="utf-8") == diagrams["draw"](name)


@pytest.mark.parametrize("name", diagrams["DIAGRAMS"])
def test_a_diagram_is_legible_where_it_is_shown_1280_pixels_wide(name: str) -> None:
    assert diagrams["FONT"] * 1280 / diagrams["WIDTH"] >= 11
    assert list(diagrams["Drawing"](diagrams["DIAGRAMS"][name]).crowded()) == []


@pytest.mark.parametrize("table", ["TRANSITIONS", "POWER_TRANSITIONS"])
def test_each_transition_is_drawn_once(table: str) -> None:
    drawings = [diagrams["Drawing"](one) for one in diagrams["DIAGRAMS"].values() if one.table is diagrams[table]]
    arrows = [pair for drawing in drawings for pair in drawing.paths]
    inside = [(state, state) for drawing in drawings for state in drawing.diagram.drawn if drawing.inside(state)]
    assert sorted(arrows + inside) == sorted(diagrams["grouped"](diagrams[table]))
