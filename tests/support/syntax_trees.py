"""What the syntax trees of a folder say: where each public name is defined, and what its tests are marked with."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

Test = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Definition(NamedTuple):
    """Where a name is defined: a file, and its lines, counted from 1, with those of its decorators."""

    path: Path
    lines: range


@cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file, which does not change while this process runs."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def modules(folder: Path, without: Iterable[str] = ()) -> list[Path]:
    """Return the modules in a folder and below it, or the one module that it is, without those in some folders.

    Args:
        folder: a folder, or a module.
        without: names of folders below it, at any depth.
    """
    left_out = set(without)
    paths = [folder] if folder.is_file() else sorted(folder.rglob("*.py"))
    return [path for path in paths if left_out.isdisjoint(path.relative_to(folder).parts)]


@cache
def definitions(folder: Path, without: tuple[str, ...] = ()) -> dict[str, list[Definition]]:
    """Return where the modules in a folder, and below it, define each public name; or where one module does.

    Those are functions, classes and variables at the top, and what a class has, as ``Class.name``: methods, attributes,
    and attributes that its ``__init__`` makes.
    """
    found: dict[str, list[Definition]] = {}
    for path in modules(folder, without):
        for name, node in _defined(tree(path)):
            if not any(part.startswith("_") for part in name.split(".")):
                first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
                lines = range(first, (node.end_lineno or node.lineno) + 1)
                found.setdefault(name, []).append(Definition(path, lines))
    return found


def definition(folder: Path, name: str, without: tuple[str, ...] = ()) -> list[Definition]:
    """Return where the one module that has a public name defines it: several times where it has a setter, or overloads.

    Args:
        folder: where it is looked for, or a module.
        name: the name.
        without: names of folders that are not looked into: those of other families, which have names of their own.

    Raises:
        LookupError: no module in the folder or below it has the name, or several have it.
    """
    found = definitions(folder, without).get(name, [])
    paths = sorted({one.path.relative_to(folder).as_posix() for one in found})
    if not paths:
        raise LookupError(f"no module in {folder.name} defines {name}")
    if len(paths) > 1:
        raise LookupError(f"{name} is defined in {' and in '.join(paths)} in {folder.name}, one module is wanted")
    return found


def around(path: Path, line: int) -> str | None:
    """Return the public name at the top of a module that a line belongs to: in it, or in the text above or below it."""
    above: ast.stmt | None = None
    for node in tree(path).body:
        inside = line <= (node.end_lineno or node.lineno)
        if isinstance(node, ast.Expr):  # a string about the name above; the first one is about the module
            if inside and line >= node.lineno:
                return _public(above)
        elif inside:
            return _public(node)
        else:
            above = node
    return None


def _public(node: ast.stmt | None) -> str | None:
    return next((name for name in (_names(node) if node else ()) if not name.startswith("_")), None)


def _defined(module: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    for node in module.body:
        for name in _names(node):
            yield name, node
        if isinstance(node, ast.ClassDef):
            for member in node.body:
                for name in _names(member):
                    yield f"{node.name}.{name}", member
                if isinstance(member, ast.FunctionDef) and member.name == "__init__":
                    for name, made in _made_by(member):
                        yield f"{node.name}.{name}", made


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    return [target.id for target in _targets(node) if isinstance(target, ast.Name)]


def _made_by(method: ast.FunctionDef) -> Iterator[tuple[str, ast.stmt]]:
    for node in ast.walk(method):
        if isinstance(node, ast.stmt):
            for target in _targets(node):
                if isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self":
                    yield target.attr, node


def _targets(node: ast.stmt) -> list[ast.expr]:
    if isinstance(node, ast.AnnAssign):
        return [node.target]
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [one for target in targets for one in (target.elts if isinstance(target, ast.Tuple) else [target])]


def tests(path: Path) -> Iterator[tuple[str, Test]]:
    """Iterate over the classes and functions of a file of tests, each as ``file::Class::function``."""
    for node in tree(path).body:
        if isinstance(node, Test):
            yield f"{path.stem}::{node.name}", node
        if isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield f"{path.stem}::{node.name}::{member.name}", member


@cache
def files_of_tests(root: Path) -> dict[str, list[Path]]:
    """Return the files of tests of a tree by their names without folder and suffix."""
    found: dict[str, list[Path]] = {}
    for path in sorted([*(root / "tests").rglob("test_*.py"), *(root / "fuzz").rglob("fuzz_*.py")]):
        found.setdefault(path.stem, []).append(path)
    return dict(sorted(found.items()))


@cache
def marked(root: Path, mark: str) -> dict[str, list[str]]:
    """Return the tests that have ``@pytest.mark.<mark>`` with each argument; a file that moves changes nothing."""
    found: dict[str, list[str]] = {}
    for paths in files_of_tests(root).values():
        for path in paths:
            for name, node in tests(path):
                for argument in _arguments(node, mark):
                    found.setdefault(argument, []).append(name)
    return found


def ambiguous(root: Path, names: Iterable[str]) -> list[str]:
    """Return what is wrong with names of tests: that several files have the name of the file."""
    files = files_of_tests(root)
    stems = sorted({name.partition("::")[0] for name in names})
    return [
        f"{stem} is not one file: {', '.join(path.relative_to(root).as_posix() for path in files[stem])}"
        for stem in stems
        if len(files.get(stem, ())) > 1
    ]


def _arguments(node: Test, mark: str) -> list[str]:
    return [
        str(argument.value)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == f"pytest.mark.{mark}"
        for argument in decorator.args
        if isinstance(argument, ast.Constant)
    ]
