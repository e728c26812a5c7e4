"""No module needs itself by way of others, not even for types or inside a function."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from circles import PACKAGES, ROOT, circles, imports


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_go_in_no_circle(package: str) -> None:
    assert circles(imports(ROOT / package)) == []


def needs(folder: Path, modules: Mapping[str, str]) -> dict[str, set[str]]:
    """Write a package ``top``, and return what its modules import."""
    for name, text in {"__init__": "", **modules}.items():
        path = folder / "top" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return imports(folder / "top")


def test_modules_on_floors_are_no_circle(tmp_path: Path) -> None:
    found = needs(tmp_path, {"high": "from .middle import x\nfrom . import low", "middle": "import top.low", "low": ""})
    assert found == {"top": set(), "top.high": {"top.middle", "top.low"}, "top.middle": {"top.low"}, "top.low": set()}
    assert circles(found) == []


@pytest.mark.parametrize(
    "closing",
    [
        "from .one import x",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .one import x",
        "def call():\n    from . import one",
        "async def call():\n    import top.one as other",
        "try:\n    from top import one\nexcept ImportError:\n    pass",
    ],
    ids=["top", "type checking", "function", "coroutine", "try"],
)
def test_a_circle_is_found_wherever_an_import_of_it_stands(tmp_path: Path, closing: str) -> None:
    modules = {
        "one": "from .two import x",
        "two": "from .three import x",
        "three": closing,
        "user": "from . import one",
    }
    assert circles(needs(tmp_path, modules)) == [["top.one", "top.three", "top.two"]]


def test_circles_that_share_no_module_are_told_apart_and_a_module_may_need_itself(tmp_path: Path) -> None:
    modules = {"a": "import top.b", "b": "import top.a", "c": "import top.a, top.d", "d": "from .c import x"}
    assert circles(needs(tmp_path, {**modules, "e": "from . import e"})) == [
        ["top.a", "top.b"],
        ["top.c", "top.d"],
        ["top.e"],
    ]


def test_relative_imports_are_resolved_in_modules_and_packages(tmp_path: Path) -> None:
    found = needs(
        tmp_path,
        {
            "sub/__init__": "from .one import x\nfrom .. import other",
            "sub/one": "from ..other import x\nfrom . import two",
            "sub/two": "from .. import other, x",
            "other": "import os, top.sub.deep\nfrom os import path",
            "sub/deep": "",
        },
    )
    assert found["top.sub"] == {"top.sub.one", "top.other"}
    assert found["top.sub.one"] == {"top.other", "top.sub.two"}
    assert found["top.sub.two"] == {"top.other", "top"}
    assert found["top.other"] == {"top.sub.deep"}


def test_a_package_is_a_module_of_its_own(tmp_path: Path) -> None:
    """What a package hands out it imports from its modules, which may import each other."""
    package = {"sub/__init__": "from .one import x", "sub/one": "from .two import x", "sub/two": "import top.sub.three"}
    assert circles(needs(tmp_path / "top", {**package, "sub/three": "import top"})) == []
    assert circles(needs(tmp_path / "sub", {**package, "sub/three": "from . import x"})) == [
        ["top.sub", "top.sub.one", "top.sub.three", "top.sub.two"]
    ]


def test_as_a_program_it_prints_each_circle_on_a_line() -> None:
    found = [circle for package in PACKAGES for circle in circles(imports(ROOT / package))]
    program = [sys.executable, str(ROOT / "tests" / "support" / "circles.py")]
    ended = subprocess.run(program, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout.splitlines()) == (bool(found), [" ".join(circle) for circle in found])
