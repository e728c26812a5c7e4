"""docs/troubleshooting.md has every exception and every line of ``doctor``; ``test_hints`` compares the hints."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import cmux
import drivers
from cmux.errors import CmuxError
from drivers.errors import DriverError

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")


def rows(title: str) -> set[str]:
    """The first cells of the table below a heading."""
    assert f"\n## {title}\n" in PAGE
    chapter = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)`", chapter, re.MULTILINE))


def below(one: type[Exception]) -> Iterator[type[Exception]]:
    """An exception and all that derive from it."""
    yield one
    for each in one.__subclasses__():
        yield from below(each)


def names(root: type[Exception], package: str) -> set[str]:
    """The names of the exceptions of a tree that a package defines."""
    return {one.__name__ for one in below(root) if one.__module__.split(".")[0] == package}


def test_the_page_has_every_exception() -> None:
    for package in (cmux, drivers):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)
    assert rows("Exceptions of `cmux`") == names(CmuxError, "cmux")
    assert rows("Exceptions of `drivers`") == names(DriverError, "drivers")


def steps() -> set[str]:
    """The names of the steps that findings are made of, as far as they stand in the source."""
    found = set()
    for path in sorted((ROOT / "cmux").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    found.add(str(first.value))
    return found


def test_the_page_has_every_line_of_doctor() -> None:
    told = rows("The lines of `doctor`")
    assert steps() <= told
    assert told - steps() == {"DLCI 1", "note"}  # a number, and what was a step that failed
