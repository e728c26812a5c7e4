"""No module of the emulator needs itself, not even for types."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import drivers.emulator


def test_imports_of_the_emulator_go_in_no_circle() -> None:
    package = Path(drivers.emulator.__file__).parent
    names = {path.stem for path in package.glob("*.py")}
    needs: dict[str, set[str]] = {}
    for path in package.glob("*.py"):
        found = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom))
        here = [node for node in found if node.level == 1]
        needs[path.stem] = {node.module for node in here if node.module in names}
        needs[path.stem] |= {alias.name for node in here if node.module is None for alias in node.names}
    assert len(list(TopologicalSorter(needs).static_order())) == len(needs)
