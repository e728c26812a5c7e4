"""Finds, in syntax trees, queues without a bound and waits without a deadline."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from syntax_trees import tree

_QUEUES = {"Queue", "LifoQueue", "PriorityQueue", "SimpleQueue"}
_REMOVING = {"popleft", "pop", "clear", "remove", "get"}
_WAITING = {  # by name: how many arguments a call has at least that gives a deadline
    **{"wait": 1, "join": 1, "result": 1, "communicate": 2, "select": 1, "poll": 1, "wait_for": 2, "acquire": 2},
    **{"get": 2},
}
_BY_KEYWORD = {"timeout", "blocking"}
_SHOWN = 60
_TIMED = {"timeout", "timeout_at", "wait_for"}


class Found(NamedTuple):
    """What was found in a module."""

    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.line}: {self.what}"


def found_in(path: Path) -> list[Found]:
    """Return what stands in a module, in order."""
    return found(tree(path))


def found(module: ast.Module) -> list[Found]:
    """Return what stands in a syntax tree, in order."""
    walker = _Walker(module)
    walker.visit(module)
    return sorted(walker.found)


class _Walker(ast.NodeVisitor):
    def __init__(self, module: ast.Module) -> None:
        self.found: list[Found] = []
        self._shrinking = {
            _last(node.func.value)
            for node in ast.walk(module)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _REMOVING
        }
        self._polled = set(_polls(module))
        self._timed = 0
        self._awaited: set[ast.AST] = set()

    def _add(self, node: ast.expr, what: str = "") -> None:
        text = ast.unparse(node)
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        self.found.append(Found(node.lineno, shown + what))

    # -- queues ----------------------------------------------------------------------------------------------------

    def visit_Assign(self, node: ast.Assign) -> None:
        self._made([_last(target) for target in node.targets], node.value)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._made([_last(node.target)], node.value)
        self.generic_visit(node)

    def _made(self, names: list[str], value: ast.expr) -> None:
        if not isinstance(value, ast.Call):
            return
        kind = _last(value.func)
        sizes = [one.arg for one in value.keywords]
        if kind in _QUEUES and (kind == "SimpleQueue" or not (value.args or "maxsize" in sizes)):
            self._add(value, ", without a bound")
        if kind == "deque" and len(value.args) < 2 and "maxlen" not in sizes and not self._shrinking & set(names):
            self._add(value, ", which only grows")

    # -- waits -----------------------------------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> None:
        if node not in self._awaited:
            self._call(node)
        self.generic_visit(node)

    def _call(self, node: ast.Call) -> None:
        if not isinstance(node.func, ast.Attribute) or node.func.attr not in _WAITING:
            return
        name, of = node.func.attr, node.func.value
        given = len(node.args) + any(word.arg in _BY_KEYWORD for word in node.keywords)
        if name == "join" and (isinstance(of, ast.Constant | ast.JoinedStr) or _last(of) in ("path", "os")):
            return  # of texts
        if name == "get" and (node.args or node.keywords or not _is_queue(of)):
            return  # of a dictionary
        if name == "poll" and _last(of) not in self._polled:
            return  # of a process: it tells at once
        if name == "result" and node.args:
            return
        if name == "select" and _last(of) == "select":
            given -= 3  # select.select has the three lists before the time-out
            given = 1 if given >= 1 else 0
        elif name == "select" and "selector" not in _last(of):
            return
        elif name in ("wait_for", "acquire", "communicate"):
            given = 1 if given >= _WAITING[name] or node.keywords else 0
        if not given or _is_none(node):
            self._add(node)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> None:
        timed = any(_last(one.context_expr) in _TIMED for one in node.items)
        self._timed += timed
        self.generic_visit(node)
        self._timed -= timed

    def visit_Await(self, node: ast.Await) -> None:
        awaited = node.value
        if self._timed:
            self._awaited.update(ast.walk(awaited))
        elif isinstance(awaited, ast.Name | ast.Attribute):
            self._add(awaited, ", awaited")
        elif isinstance(awaited, ast.Call):
            self._awaited.add(awaited)
            name = _last(awaited.func)
            words = {one.arg for one in awaited.keywords}
            waits = name in ("wait", "acquire", "join", "shield", "wrap_future", "gather") or (
                name == "get" and not awaited.args
            )
            if waits and "timeout" not in words:
                self._add(awaited, ", awaited")
        self.generic_visit(node)


def _polls(module: ast.Module) -> Iterator[str]:
    """The names of what ``select.poll`` has made."""
    for node in ast.walk(module):
        if isinstance(node, ast.Assign) and ast.unparse(node.value) == "select.poll()":
            yield from (_last(target) for target in node.targets)


def _is_none(node: ast.Call) -> bool:
    """Whether the deadline of a call is None, as written."""
    values = [*node.args[-1:], *(word.value for word in node.keywords if word.arg == "timeout")]
    return bool(values) and isinstance(values[-1], ast.Constant) and values[-1].value is None


def _is_queue(node: ast.expr) -> bool:
    return any(word in _last(node).lower() for word in ("queue", "wakes", "done", "answers"))


def _last(node: ast.expr) -> str:
    """The last part of a name."""
    while isinstance(node, ast.Subscript | ast.Call):
        node = node.value if isinstance(node, ast.Subscript) else node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
