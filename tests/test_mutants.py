"""The defects of tests/mutants can still be made, and there are tests that should notice them; `make mutants` tries."""

from __future__ import annotations

import importlib.util
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_SPEC = importlib.util.spec_from_file_location("mutants_run", ROOT / "tests" / "mutants" / "run.py")
assert _SPEC is not None
assert _SPEC.loader is not None
run = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = run  # dataclasses look their module up
_SPEC.loader.exec_module(run)
MUTANTS = run.load()
MARKED = run.marked()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.number} {mutant.defect}")
def test_a_mutant_can_be_made_and_has_tests(mutant: run.Mutant) -> None:
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    mutated = mutant.apply(text)
    assert [old.strip() for old, new in zip(text.split("\n"), mutated.split("\n"), strict=True) if old != new] == [
        mutant.old
    ]
    assert mutant.number in MARKED


def test_every_statement_that_behaves_has_a_defect() -> None:
    """One per number at least; and both sides have theirs in every chapter that is about what passes between them."""
    acceptance = runpy.run_path(str(ROOT / "docs" / "acceptance.py"))
    _, statements = acceptance["load"]()
    behaving = {number for number, one in statements.items() if one.behaves}
    assert {mutant.number for mutant in MUTANTS} == behaving
    sides = {(mutant.file.split("/")[1], statements[mutant.number].chapter) for mutant in MUTANTS}
    assert sides >= {(side, chapter) for side in ("emulator", "tcpip") for chapter in acceptance["ON_THE_LINE"]}


@pytest.mark.parametrize("text", ["nothing\n", "a = 1\nb = 2\n  a = 1\n"])
def test_a_line_that_is_not_there_exactly_once_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"drivers/x\.py has [02] lines 'a = 1', one is wanted"):
        run.Mutant("S1.2", "drivers/x.py", "a = 1", "a = 2", "another value").apply(text)


def test_a_mutant_that_is_no_python_is_refused() -> None:
    with pytest.raises(ValueError, match="is no Python"):
        run.Mutant("S1.2", "drivers/x.py", "a = 1", "a = ", "no value").apply("a = 1\n")
