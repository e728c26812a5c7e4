"""Find what the shells on threads and in asyncio say twice: ``python tests/support/twins.py`` prints it.

Two modules are compared line by line, as their syntax trees have the lines: ``async`` and ``await``, annotations,
imports and docstrings do not count, nor does what each shell has to have for itself: the signatures of functions and
classes, and functions that only hand on (one ``return`` of a call or of an attribute). What is left out parts nothing:
the lines before and behind it are neighbours.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGES = ("cmux", "drivers/at", "drivers/modem", "drivers/tcpip")
MOST = 10
"""Lines in a row that two shells may have in common."""

_ONE_NAME = {
    "ThreadRunner": "Runner",
    "TaskRunner": "Runner",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "AsyncIterator": "Iterator",
    "AsyncExitStack": "ExitStack",
    "asynccontextmanager": "contextmanager",
}
_NAMES = re.compile(rf"\b({'|'.join(_ONE_NAME)})\b")


class Shape(NamedTuple):
    """What one line says, and where it stands, counted from 1."""

    text: str
    line: int


class Twin(NamedTuple):
    """Lines that two files have in common, in a row."""

    one: Path
    one_line: int
    other: Path
    other_line: int
    texts: tuple[str, ...]

    def __str__(self) -> str:
        places = f"{_shown(self.one)}:{self.one_line} and {_shown(self.other)}:{self.other_line}"
        return "\n    ".join([f"{places} have {len(self.texts)} lines in common", *self.texts])


class _Waiting(ast.NodeTransformer):
    """Takes ``await`` away, and ``async`` from comprehensions."""

    def visit_Await(self, node: ast.Await) -> ast.AST:
        return self.visit(node.value)  # type: ignore[no-any-return]

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        node.is_async = 0
        return self.generic_visit(node)


def shapes(source: str) -> list[Shape]:
    """Return the lines of a module that count."""
    return list(_lines(_Waiting().visit(ast.parse(source)).body, ""))


def twins(one: Path, other: Path, most: int = MOST) -> list[Twin]:
    """Return the longest runs of more than so many lines that two modules have in common."""
    mine, theirs = shapes(one.read_text(encoding="utf-8")), shapes(other.read_text(encoding="utf-8"))
    found: list[Twin] = []
    for length, i, j in _runs([shape.text for shape in mine], [shape.text for shape in theirs]):
        if length > most:
            texts = tuple(shape.text for shape in mine[i : i + length])
            found.append(Twin(one, mine[i].line, other, theirs[j].line, texts))
    return found


def pairs(package: str) -> Iterator[tuple[Path, Path]]:
    """Iterate over the modules of the two shells of a package, each of one with each of the other."""
    for one in sorted((ROOT / package / "threads").glob("*.py")):
        for other in sorted((ROOT / package / "aio").glob("*.py")):
            yield one, other


def _runs(mine: Sequence[str], theirs: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Iterate over all common runs that cannot be made longer: how long, and where each of the two begins."""
    above = [0] * (len(theirs) + 1)
    for i, text in enumerate(mine):
        row = [0] * (len(theirs) + 1)
        for j, its in enumerate(theirs):
            if text == its:
                row[j + 1] = length = above[j] + 1
                if mine[i + 1 : i + 2] != theirs[j + 1 : j + 2] or i + 1 == len(mine):
                    yield length, i + 1 - length, j + 1 - length
        above = row


def _lines(body: Sequence[ast.stmt], indent: str) -> Iterator[Shape]:
    for node in _without_docstring(body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if not _hands_on(node):
                yield from _lines(node.body, "    ")
        elif isinstance(node, ast.ClassDef):
            yield from _lines(node.body, "")
        elif not _declares(node):
            yield from _statement(node, indent)


def _statement(node: ast.stmt, indent: str) -> Iterator[Shape]:
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        yield _shape(f"{ast.unparse(node.target)} = {ast.unparse(node.value)}", node, indent)
    elif isinstance(node, ast.Match):
        yield _shape(f"match {ast.unparse(node.subject)}:", node, indent)
        for case in node.cases:
            yield _shape(_head(case), case.pattern, indent + "    ")
            yield from _lines(case.body, indent + "        ")
    elif isinstance(node, ast.Try | ast.TryStar):
        yield _shape("try:", node, indent)
        yield from _lines(node.body, indent + "    ")
        for handler in node.handlers:
            yield _shape(_head(handler), handler, indent)
            yield from _lines(handler.body, indent + "    ")
        yield from _branch("else:", node.orelse, indent)
        yield from _branch("finally:", node.finalbody, indent)
    elif isinstance(node, ast.If | ast.For | ast.AsyncFor | ast.While | ast.With | ast.AsyncWith):
        yield _shape(_head(node).removeprefix("async "), node, indent)
        yield from _lines(node.body, indent + "    ")
        yield from _branch("else:", getattr(node, "orelse", []), indent)
    else:
        yield _shape(ast.unparse(node), node, indent)


def _branch(word: str, body: Sequence[ast.stmt], indent: str) -> Iterator[Shape]:
    if body:
        yield _shape(word, body[0], indent)
        yield from _lines(body, indent + "    ")


def _head(node: ast.AST) -> str:
    return ast.unparse(node).lstrip("\n").splitlines()[0]


def _shape(text: str, node: ast.stmt | ast.excepthandler | ast.pattern, indent: str) -> Shape:
    return Shape(indent + _NAMES.sub(lambda name: _ONE_NAME[name.group()], text), node.lineno)


def _without_docstring(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """Return the statements that are no strings: docstrings, and those that explain the name above."""
    texts = [isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) for one in body]
    return [one for one, text in zip(body, texts, strict=True) if not text]


def _declares(node: ast.stmt) -> bool:
    """Whether a statement is an import, or says the type of a name without giving it a value."""
    return isinstance(node, ast.Import | ast.ImportFrom) or (isinstance(node, ast.AnnAssign) and node.value is None)


def _hands_on(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function only calls another one, or only returns an attribute."""
    body = _without_docstring(node.body)
    if len(body) != 1 or not isinstance(body[0], ast.Return | ast.Expr):
        return not body
    value = body[0].value
    while isinstance(value, ast.Subscript):
        value = value.value
    return value is None or isinstance(value, ast.Call | ast.Attribute | ast.Name)


def _shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def main() -> int:
    """Print what is said twice; return the exit code."""
    found = [twin for package in PACKAGES for pair in pairs(package) for twin in twins(*pair)]
    for twin in found:
        print(twin)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
