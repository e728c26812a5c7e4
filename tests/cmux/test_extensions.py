"""Extensions run if they were compiled from the sources beside them, and are refused otherwise."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from syntax_trees import tree

import cmux
from cmux.extensions import LIST, SUFFIX, has_extensions, sources

ROOT = Path(__file__).parents[2]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package with an extension and the list of its sources."""
    (tmp_path / "one.py").write_text("A: Final = 1\n")
    (tmp_path / "two.py").write_text("B = A\n")
    (tmp_path / f"two{SUFFIX}").write_bytes(b"machine code")
    (tmp_path / LIST).write_text("\n".join(sources(str(tmp_path))))
    return tmp_path


def test_an_extension_of_these_sources_is_taken(package: Path) -> None:
    assert has_extensions(str(package)) is True


@pytest.mark.parametrize("name", ["one.py", "two.py"])
@pytest.mark.parametrize("change", [lambda path: path.write_text("B = A + 0\n"), Path.unlink])
def test_one_of_other_sources_is_refused_with_what_to_do(package: Path, name: str, change: object) -> None:
    change(package / name)  # type: ignore[operator]
    with pytest.raises(ImportError) as refused:
        has_extensions(str(package))
    assert str(refused.value) == (
        f"{package} was compiled before {name} changed: install gsm0710 again, with GSM0710_COMPILE=1 to compile it "
        "again, or without it to run the sources"
    )


def test_a_source_that_is_new_is_a_change(package: Path) -> None:
    (package / "three.py").touch()
    with pytest.raises(ImportError, match=r"before three\.py changed"):
        has_extensions(str(package))


def test_an_extension_without_the_list_is_refused(package: Path) -> None:
    (package / LIST).unlink()
    with pytest.raises(ImportError, match=r"before one\.py, two\.py changed"):
        has_extensions(str(package))


def test_without_an_extension_for_this_interpreter_the_sources_run(package: Path) -> None:
    (package / f"two{SUFFIX}").rename(package / "two.cpython-27-pdp11-linux-gnu.so")
    (package / "two.py").touch()
    assert has_extensions(str(package)) is False
    assert has_extensions(str(package / "cmux.zip/cmux/protocol")) is False


@pytest.mark.parametrize("module", ["cmux", "cmux.protocol.frames", "drivers.emulator"])
def test_nothing_is_imported_that_is_out_of_date(tmp_path: Path, module: str) -> None:
    for name in ("cmux", "drivers"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.so", LIST))
    core = tmp_path / "cmux/protocol"
    (core / f"frames{SUFFIX}").write_bytes(b"not even machine code")
    (core / LIST).write_text("\n".join(sources(str(core))))
    (core / "frames.py").write_text((core / "frames.py").read_text() + "\n")
    imported = subprocess.run(
        [sys.executable, "-c", f"import {module}"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert imported.stderr.splitlines()[-1].startswith(f"ImportError: {core}")
    assert "was compiled before frames.py changed" in imported.stderr


def test_what_the_build_compiles_is_there() -> None:
    (modules,) = [
        ast.literal_eval(node.value)
        for node in tree(ROOT / "hatch_build.py").body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "MODULES"
    ]
    core = Path(cmux.__file__).parent / "protocol"
    assert [name for name in modules if not (core / f"{name}.py").exists()] == []
    assert sorted(modules) == [*modules]
