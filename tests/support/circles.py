"""Find circles of imports: ``python tests/support/circles.py`` prints those of this tree, and exits with 1 for any.

Looked at are the syntax trees, so that imports under ``if TYPE_CHECKING`` and inside functions count. A package's
``__init__`` is a module of its own: importing ``a.b.c`` is no import of ``a`` or ``a.b`` here, though Python runs them.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from syntax_trees import tree

ROOT = Path(__file__).parents[2]
PACKAGES = ("cmux", "drivers")


def imports(package: Path) -> dict[str, set[str]]:
    """Return which modules of a package each of its modules imports."""
    paths = {_name(path, package.parent): path for path in sorted(package.rglob("*.py"))}
    return {
        name: {one for one in _imported(tree(path), name, path.stem == "__init__", paths) if one in paths}
        for name, path in paths.items()
    }


def circles(needs: Mapping[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules in which each needs each, directly or not; one that imports itself is a group."""
    reached = {name: _reached(name, needs) for name in needs}
    groups = {
        frozenset(other for other in reached[name] if name in reached[other]) for name in needs if name in reached[name]
    }
    return sorted(sorted(group) for group in groups)


def _name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(module: ast.Module, name: str, is_package: bool, modules: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = name.split(".")
            here = parts[: len(parts) - node.level + is_package] if node.level else []
            source = ".".join([*here, *filter(None, [node.module])])
            for alias in node.names:
                submodule = f"{source}.{alias.name}"
                yield submodule if submodule in modules else source


def _reached(start: str, needs: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    left = [start]
    while left:
        new = needs[left.pop()] - found
        found |= new
        left += new
    return found


def main() -> int:
    """Print the circles; return the exit code."""
    found = [circle for package in PACKAGES for circle in circles(imports(ROOT / package))]
    for circle in found:
        print(" ".join(circle))
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
