"""The fuzz targets as a system: their corpus, how their time is shared, and the defects that they have to find."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
from rows import each

ROOT = Path(__file__).parents[1]
FUZZ = ROOT / "fuzz"


def program(name: str) -> ModuleType:
    """Load a program of the folder under a name that no other module has."""
    spec = importlib.util.spec_from_file_location(f"fuzz_{name}_program", FUZZ / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


run = program("run")
selftest = program("selftest")
guided = run.guided
TARGETS = run.targets()
DEFECTS = selftest.load()


# --- The corpus ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in TARGETS if guided.corpus(name)])
def test_what_is_in_the_corpus_is_no_finding(name: str) -> None:
    on_octets = run.target(name).on_octets()
    for path in guided.corpus(name):
        on_octets(path.read_bytes())


def test_the_corpus_is_small_and_of_targets_that_there_are() -> None:
    files = [path for path in (FUZZ / "corpus").rglob("*") if path.is_file()]
    assert {path.parent.name for path in files} <= set(TARGETS)
    assert len({path.parent.name for path in files}) >= 20
    assert max(Counter(path.parent.name for path in files).values()) <= 20
    assert sum(path.stat().st_size for path in files) < 300_000


@pytest.mark.parametrize("name", ["fuzz_octets", "fuzz_urls", "FuzzSlowSleepers"])
def test_any_octets_are_good_for_an_entry(name: str) -> None:
    """An old entry draws another example, or none."""
    on_octets = run.target(name).on_octets()
    for octets in (b"", b"\x00", b"\xff" * 10_000, bytes(range(256))):
        on_octets(octets)


BROKEN = """
from hypothesis import given, strategies as st

@given(st.integers(0, 255))
def fuzz_broken(number):
    assert number < 7
"""


DRAWING = """
from hypothesis import given, strategies as st

@given(st.data())
def fuzz_that_draws(data):
    for _ in range(data.draw(st.integers(0, 9))):
        data.draw(st.binary(max_size=3))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of targets with a broken one, and an entry in its corpus that shows it."""
    (tmp_path / "corpus" / "fuzz_broken").mkdir(parents=True)
    (tmp_path / "fuzz_of_a_test.py").write_text(BROKEN)
    (tmp_path / "corpus" / "fuzz_broken" / "large").write_bytes(b"\xff" * 64)
    monkeypatch.setattr(run, "HERE", tmp_path)
    monkeypatch.setattr(guided, "HERE", tmp_path)
    return tmp_path


def test_a_run_begins_with_the_corpus_and_tells_how_to_see_a_finding_again(folder: Path) -> None:
    result = run.run_one("fuzz_broken", 0.0)
    assert result.findings == 1
    assert result.executions == 1
    line = result.text.splitlines()[-1]
    assert line.startswith("to see it again: python fuzz/run.py --replay fuzz_broken @")
    assert Path(line.partition("@")[2]).resolve() == folder / "corpus" / "fuzz_broken" / "large"


def test_octets_of_a_finding_are_shown_as_the_smallest_example(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(AssertionError) as raised:
        run.replay("fuzz_broken", f"@{folder}/corpus/fuzz_broken/large")
    assert "number=7" in "".join(getattr(raised.value, "__notes__", [])) + capsys.readouterr().out


def test_a_finding_of_a_run_is_shown_again_by_the_line_that_it_prints(folder: Path) -> None:
    shutil.rmtree(folder / "corpus")
    result = run.run_one("fuzz_broken", 60.0)
    blob = result.text.splitlines()[-1].rpartition(" ")[2]
    with pytest.raises(AssertionError):
        run.replay("fuzz_broken", blob)


def test_the_end_of_the_time_is_no_finding(folder: Path) -> None:
    (folder / "fuzz_of_a_test.py").write_text(DRAWING)
    result = run.run_one("fuzz_that_draws", 0.2)
    assert (result.findings, result.text) == (0, "")
    assert result.executions > 0


def test_a_target_is_instrumented_with_what_its_file_drives() -> None:
    driven = {path.stem: guided.driven(path) for path in TARGETS.values()}
    assert all(driven.values())
    assert "drivers.emulator" in driven["fuzz_at_server"]
    assert not any(name.startswith("drivers") for name in driven["fuzz_frames"])


# --- Time ---------------------------------------------------------------------------------------------------------

Shares = list[tuple[str, float]]


@pytest.fixture
def shares(monkeypatch: pytest.MonkeyPatch) -> Shares:
    """Processes that are none: with a tenth of a second an execution for `slow`, and a finding at once in `broken`."""
    given: Shares = []
    rates = {"slow": 10.0, "quick": 1000.0, "broken": 0.0}

    def in_a_process(name: str, seconds: float, *, shrink: bool) -> object:
        given.append((name, seconds))
        return run.Result(name, int(rates[name] * seconds), seconds, int(name == "broken"), "wrong")

    monkeypatch.setattr(run, "_in_a_process", in_a_process)
    monkeypatch.setattr(run.os, "cpu_count", lambda: 2)
    return given


def test_a_slow_target_gets_more_of_the_time_and_the_sum_is_what_was_asked_for(shares: Shares) -> None:
    assert run.run_all(["slow", "quick"], 150.0) == 0
    assert sum(seconds for _, seconds in shares) == pytest.approx(2 * 150.0)
    assert sum(seconds for name, seconds in shares if name == "slow") > 100.0
    assert sum(seconds for name, seconds in shares if name == "quick") * 1000 > run.LEAST


def test_where_none_is_slow_all_get_the_same(shares: Shares) -> None:
    assert run.run_all(["quick", "slow"], 1000.0) == 0
    spent = {one: sum(seconds for name, seconds in shares if name == one) for one in ("quick", "slow")}
    assert spent["quick"] == pytest.approx(spent["slow"])


def test_too_few_executions_are_a_failure(shares: Shares, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.run_all(["slow", "quick"], 10.0) == 1
    assert re.search(r"^slow +125 .* fewer than 1,000", capsys.readouterr().out, re.MULTILINE)


def test_a_finding_is_a_failure(shares: Shares, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.run_all(["quick", "broken"], 60.0) == 1
    assert "--- broken\nwrong" in capsys.readouterr().out


# --- Planted defects ----------------------------------------------------------------------------------------------


@each(("defect", DEFECTS))
def test_a_defect_changes_one_line(defect: object) -> None:
    """Where it is, is found by its symbol; that the line is there once, `apply` wants."""
    path, number = defect.find(ROOT)  # type: ignore[attr-defined]
    assert path.read_text(encoding="utf-8").split("\n")[number - 1].strip() == defect.old  # type: ignore[attr-defined]


def test_each_target_has_two_defects_to_find_at_least() -> None:
    count = Counter(one.target for one in DEFECTS)
    assert set(count) <= set(TARGETS)
    assert {name: count[name] for name in TARGETS if count[name] < 2} == {}
