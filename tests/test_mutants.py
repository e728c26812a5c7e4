"""The defects of tests/mutants can still be made, and there are tests that should notice them; `make mutants` tries."""

from __future__ import annotations

import importlib.util
import runpy
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
_SPEC = importlib.util.spec_from_file_location("mutants_run", ROOT / "tests" / "mutants" / "run.py")
assert _SPEC is not None
assert _SPEC.loader is not None
run = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = run  # dataclasses look their module up
_SPEC.loader.exec_module(run)
MUTANTS = run.load()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.number} {mutant.defect}")
def test_a_mutant_can_be_made_and_has_tests(mutant: run.Mutant) -> None:
    path, line = mutant.find()
    sound, mutated = path.read_text(encoding="utf-8"), mutant.apply(path, line)
    assert [old.strip() for old, new in zip(sound.split("\n"), mutated.split("\n"), strict=True) if old != new] == [
        mutant.old
    ]
    assert mutant.number in run.marked()


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_the_parts_together_are_all_of_them_once(parts: int) -> None:
    taken = [run.part(f"{which}/{parts}") for which in range(1, parts + 1)]
    rows = [row for first, step in taken for row in list(range(len(MUTANTS)))[first - 1 :: step]]
    assert sorted(rows) == list(range(len(MUTANTS)))


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/2/3", "/2"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        run.part(text)


acceptance = runpy.run_path(str(ROOT / "docs" / "acceptance.py"))


def stated_and_broken(document: Any) -> tuple[set[str], set[str], set[tuple[str, int]]]:
    """Return the numbers that are stated, those that have a defect, and the side and the chapter of each defect."""
    statements = {number: one for number, one in acceptance["load"](document).statements.items() if one.behaves}
    own = [mutant for mutant in MUTANTS if mutant.number.startswith(document.letter)]
    sides = {(mutant.side, statements[mutant.number].chapter) for mutant in own}
    return set(statements), {mutant.number for mutant in own}, sides


def test_every_statement_of_the_app_note_that_behaves_has_a_defect() -> None:
    """One per number at least; and both sides have theirs in every chapter that is about what passes between them."""
    app_note, _ = acceptance["DOCUMENTS"]
    stated, broken, sides = stated_and_broken(app_note)
    assert broken == stated
    assert sides >= {(side, chapter) for side in ("emulator", "tcpip") for chapter in app_note.on_the_line}


def test_many_statements_about_lte_modules_have_a_defect() -> None:
    """Both sides have some in every subject that they have statements of."""
    _, lte = acceptance["DOCUMENTS"]
    stated, broken, sides = stated_and_broken(lte)
    assert broken <= stated
    assert len([mutant for mutant in MUTANTS if mutant.number.startswith("L")]) >= 40
    wanted = {"E": ["emulator"], "D": ["tcpip"], "ED": ["emulator", "tcpip"]}
    statements = acceptance["load"](lte).statements.values()
    assert sides >= {(side, one.chapter) for one in statements for side in wanted[one.by]}


MODULES = {
    "one.py": """\
        LIMIT = 1
        class One:
            size: int = 1
            def __init__(self):
                self.made = 1
                self._made = 1
            def _set(self):
                self.value = 2
            @property
            def value(self):
                return 1
            @value.setter
            def value(self, new):
                self.value = 2
        class Both:
            same = 1
        """,
    "below/two.py": """\
        def _private():
            return 3
        class Both:
            same = 1
        """,
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with one side."""
    for name, text in MODULES.items():
        path = tmp_path / "drivers" / "side" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return tmp_path


def mutant(place: str, old: str, new: str = "pass") -> run.Mutant:
    return run.Mutant("S1.2", place, old, new, "a defect")


@pytest.mark.parametrize(
    ("place", "old", "where"),
    [
        ("side:LIMIT", "LIMIT = 1", ("one.py", 1)),
        ("side:One.size", "size: int = 1", ("one.py", 3)),
        ("side:One.made", "self.made = 1", ("one.py", 5)),
        ("side:One", "self._made = 1", ("one.py", 6)),
        ("side:One.value", "self.value = 2", ("one.py", 14)),
        ("side", "return 3", ("below/two.py", 2)),
    ],
)
def test_a_line_is_found_by_the_public_name_around_it_in_whatever_module(
    root: Path, place: str, old: str, where: tuple[str, int]
) -> None:
    file, line = where
    assert mutant(place, old).find(root) == (root / "drivers" / "side" / file, line)


@pytest.mark.parametrize(
    ("place", "old", "problem"),
    [
        ("side:One", "a = 1", r"side:One has 0 lines 'a = 1', one is wanted$"),
        ("side:One", "self.value = 2", r"has 2 lines .*wanted, drivers/side/one\.py:8, drivers/side/one\.py:14"),
        ("side", "same = 1", r"has 2 lines .*wanted, drivers/side/below/two\.py:4, drivers/side/one\.py:16"),
        ("side:Both.same", "same = 1", r"Both\.same is defined in below/two\.py and in one\.py in side, one"),
        ("side:Nobody", "same = 1", "no module in side defines Nobody"),
        ("side:One._made", "self._made = 1", "no module in side defines One._made"),
        ("side:_private", "return 3", "no module in side defines _private"),
        ("elsewhere", "return 3", "elsewhere has 0 lines"),
    ],
)
def test_a_place_that_has_the_line_not_exactly_once_is_refused_and_named(
    root: Path, place: str, old: str, problem: str
) -> None:
    with pytest.raises(ValueError, match=rf"^S1\.2: .*{problem}"):
        mutant(place, old).find(root)


def test_a_mutant_that_is_no_python_is_refused(root: Path) -> None:
    one = mutant("side:LIMIT", "LIMIT = 1", "LIMIT = ")
    with pytest.raises(ValueError, match="side:LIMIT with 'LIMIT = ' is no Python"):
        one.apply(*one.find(root))


def test_mutants_are_chosen_by_number_side_class_symbol_or_place() -> None:
    one = mutant("side:One.value", "self.value = 2")
    assert all(map(one.is_meant_by, ("S1.2", "side", "One", "One.value", "side:One.value")))
    assert not any(map(one.is_meant_by, ("S1.20", "sid", "value", "one.py")))
