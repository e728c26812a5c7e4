"""What counts the branches that the tests take: too few, and lines that are left out without a reason, are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from branch_coverage import main


def report(folder: Path, taken: int, there: int, text: str = "x = 1\n") -> list[str]:
    (folder / "room").mkdir()
    (folder / "room" / "module.py").write_text(text, encoding="utf-8")
    summary = {"covered_branches": taken, "num_branches": there}
    path = folder / "coverage.json"
    path.write_text(json.dumps({"files": {"room/module.py": {"summary": summary}, "other.py": {}}}), encoding="utf-8")
    return [str(path), "95", "room"]


@pytest.mark.parametrize(("taken", "code"), [(95, 0), (100, 0), (94, 1), (0, 1)])
def test_less_than_the_least_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], taken: int, code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(report(tmp_path, taken, 100)) == code
    assert ("too few" in capsys.readouterr().out) == bool(code)


def test_a_folder_of_which_nothing_was_measured_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path, least, _ = report(tmp_path, 1, 1)
    assert main([path, least, "elsewhere"]) == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x = 1  # pragma: no cover - Windows only\n", 0),
        ("x = 1  # pragma: no cover\n", 1),
        ("x = 1  # pragma: no branch\n", 1),
        ("x = 1  # pragma: no cover - a reason\n" * 10, 0),
        ("x = 1  # pragma: no cover - a reason\n" * 11, 1),
    ],
)
def test_lines_that_are_left_out_are_few_and_have_reasons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(report(tmp_path, 100, 100, text)) == code
