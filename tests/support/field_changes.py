"""Finds in syntax trees who changes a field of a `Dlc`.

A name that only `Dlc` has may be assigned nowhere else, whatever it is assigned on. For one that others have, too, it
counts whether the object is a `Dlc`: by annotations (``dlc: Dlc``, ``def _look(...) -> Dlc``, ``dict[int, Dlc]``), and
by what is assigned, looped over, looked up and returned from there on. A protocol that `Dlc` fulfils counts as `Dlc`.
What is called ``dlc``, without an annotation, is one as well: parameters of lambdas have none.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Literal

Kind = Literal["dlc", "dlcs", "field"]
"""What an expression is: a DLC, something that holds DLCs, or a field of one."""

Names = dict[str, Kind]

_BY_NAME: Names = {"dlc": "dlc"}
"""What a name is where nothing says more about it."""

_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_BINDING = (ast.arg, ast.AnnAssign, ast.Assign, ast.NamedExpr, ast.For, ast.comprehension)
"""What says what a name is."""
_MATTER = (*_BINDING, *_FUNCTION, ast.ClassDef, ast.Call, ast.Delete, ast.AugAssign, ast.AsyncFor, ast.withitem)
_SETTERS = {"setattr", "delattr", "__setattr__", "__delattr__"}
_MUTATORS = {
    *("append", "extend", "insert", "pop", "popitem", "popleft", "appendleft", "remove", "clear", "sort", "reverse"),
    *("add", "discard", "update", "setdefault", "subtract", "difference_update", "intersection_update"),
    *("__setitem__", "__delitem__", "__iadd__"),
}
_HOLDS_THE_SAME = {"list", "tuple", "set", "sorted", "reversed", "iter", "filter", "values", "copy"}
_TAKES_ONE_OUT = {"min", "max", "next", "get", "pop", "setdefault"}


def _targets(node: ast.AST) -> list[ast.expr]:
    """What a statement assigns, changes or deletes."""
    match node:
        case ast.Assign(targets=found) | ast.Delete(targets=found):
            return [one for target in found for one in _flat(target)]
        case ast.AugAssign(target=one) | ast.AnnAssign(target=one) | ast.NamedExpr(target=one):
            return [one]
        case ast.For(target=one) | ast.AsyncFor(target=one) | ast.comprehension(target=one):
            return list(_flat(one))
        case ast.withitem(optional_vars=ast.expr() as one):
            return list(_flat(one))
    return []


def _flat(target: ast.expr) -> Iterator[ast.expr]:
    match target:
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            for part in parts:
                yield from _flat(part)
        case ast.Starred(value=value):
            yield from _flat(value)
        case _:
            yield target


def own_fields(tree: ast.AST) -> set[str]:
    """The names that classes declare, or that their methods assign on ``self``."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            found |= {one.id for part in node.body for one in _targets(part) if isinstance(one, ast.Name)}
        for target in _targets(node):
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
                found.add(target.attr)
    return found


@cache
def _scopes(tree: ast.AST) -> list[list[ast.AST]]:
    """What matters of each function that is in no other, and of what is in none."""
    found: list[list[ast.AST]] = []
    outside: list[ast.AST] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, _FUNCTION):
            found.append([one for one in ast.walk(node) if isinstance(one, _MATTER)])
        else:
            outside += [node] * isinstance(node, _MATTER)
            waiting += ast.iter_child_nodes(node)
    return [*found, outside]


def _methods(node: ast.ClassDef) -> set[str]:
    return {part.name for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)}


def _fulfilled(dlc: ast.Module, others: list[ast.Module]) -> set[str]:
    """The names of the protocols whose methods `Dlc` has."""
    classes = {tree: [one for one in ast.walk(tree) if isinstance(one, ast.ClassDef)] for tree in (dlc, *others)}
    has = set().union(*(_methods(one) for one in classes[dlc] if one.name == "Dlc"))
    protocols = [
        one for tree in others for one in classes[tree] if any(ast.unparse(base) == "Protocol" for base in one.bases)
    ]
    return {one.name for one in protocols if _methods(one) and _methods(one) <= has}


class FieldChanges:
    """Looks for changes with what is known of names in all modules: functions that return DLCs, attributes with some.

    Args:
        dlc: the module that defines `Dlc`.
        others: all other modules.
    """

    def __init__(self, dlc: ast.Module, others: list[ast.Module]) -> None:
        self.fields = own_fields(dlc)
        self.only_dlc = self.fields.difference(*(own_fields(tree) for tree in others))
        """Those that no other class has."""
        self.annotations = {"Dlc", *_fulfilled(dlc, others)}
        """The names of classes and protocols that annotate a DLC."""
        self.returned: Names = {}
        self.attributes: Names = {}
        for _ in range(3):  # one may be known by another
            for tree in others:
                for scope in _scopes(tree):
                    self._learn(scope, self._names(scope))

    def find(self, tree: ast.Module) -> list[tuple[int, str]]:
        """Return each line that changes a field of a DLC, with the field."""
        found: set[tuple[int, str]] = set()
        for scope in _scopes(tree):
            names = self._names(scope)
            for node in scope:
                found.update(self._assigned(node, names))
                found.update(self._called(node, names))
        return sorted(found)

    def _annotated(self, annotation: ast.expr | None) -> Kind | None:
        text = "" if annotation is None else ast.unparse(annotation).strip("'\"")
        a_dlc = "|".join(sorted(self.annotations))
        if not re.search(rf"\b({a_dlc})\b", text) or "Callable" in text:
            return None
        return "dlc" if re.fullmatch(rf"(\w+\.)*({a_dlc})( \| None)?", text) else "dlcs"

    def _assigned(self, node: ast.AST, names: Names) -> Iterator[tuple[int, str]]:
        for target in _targets(node):
            in_place = isinstance(node, ast.AugAssign) or isinstance(target, ast.Subscript)
            inner = target
            while isinstance(inner, ast.Attribute | ast.Subscript):
                if isinstance(inner, ast.Attribute) and self._kind(inner, names) == "field":
                    yield target.lineno, inner.attr
                inner = inner.value
            if in_place and self._kind(inner, names) == "field":
                yield target.lineno, ast.unparse(inner)

    def _called(self, node: ast.AST, names: Names) -> Iterator[tuple[int, str]]:
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[one, field, *_]) if name in _SETTERS:
                if self._kind(one, names) == "dlc":
                    yield node.lineno, ast.unparse(field)
            case ast.Call(func=ast.Attribute(attr=name, value=value)) if name in _MUTATORS:
                if self._kind(value, names) == "field":
                    yield node.lineno, getattr(value, "attr", ast.unparse(value))

    def _learn(self, scope: Iterable[ast.AST], names: Names) -> None:
        for node in scope:
            match node:
                case ast.FunctionDef(name=name, returns=returns) | ast.AsyncFunctionDef(name=name, returns=returns):
                    self._note(self.returned, name, self._annotated(returns))
                case ast.AnnAssign(target=ast.Attribute(attr=name), annotation=annotation):
                    self._note(self.attributes, name, self._annotated(annotation))
                case ast.Assign(targets=targets, value=value):
                    for target in targets:
                        if isinstance(target, ast.Attribute):
                            self._note(self.attributes, target.attr, self._kind(value, names))
                case ast.ClassDef(body=body):
                    for one in body:
                        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
                            self._note(self.attributes, one.target.id, self._annotated(one.annotation))

    @staticmethod
    def _note(names: Names, name: str, kind: Kind | None) -> None:
        if kind is not None:
            names[name] = kind

    def _names(self, scope: Iterable[ast.AST]) -> Names:
        """What the names in a function are, inner functions included."""
        names = dict(_BY_NAME)
        binding = [node for node in scope if isinstance(node, _BINDING)]
        for _ in range(3):  # one may be known by another
            for node in binding:
                match node:
                    case ast.arg(arg=name, annotation=ast.expr() as annotation):
                        names.pop(name, None)
                        self._note(names, name, self._annotated(annotation))
                    case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                        self._note(names, name, self._annotated(annotation))
                    case ast.Assign(targets=targets, value=value):
                        for target in targets:
                            self._bind(names, target, value)
                    case ast.NamedExpr(target=target, value=value):
                        self._bind(names, target, value)
                    case ast.For(target=target, iter=over) | ast.comprehension(target=target, iter=over):
                        self._loop(names, target, over)
        return names

    def _bind(self, names: Names, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for one, its in zip(target.elts, value.elts, strict=False):
                self._bind(names, one, its)
        elif isinstance(target, ast.Tuple):  # of a named tuple: as a rule the names are those of its fields
            for one in target.elts:
                if isinstance(one, ast.Name):
                    self._note(names, one.id, self.attributes.get(one.id))
        elif isinstance(target, ast.Name):
            self._note(names, target.id, self._kind(value, names))

    def _loop(self, names: Names, target: ast.expr, over: ast.expr) -> None:
        match over, target:
            case ast.Call(func=ast.Attribute(attr="items", value=over)), ast.Tuple(elts=[_, target]):
                pass
        if isinstance(target, ast.Name) and self._kind(over, names) == "dlcs":
            names[target.id] = "dlc"

    def _kind(self, node: ast.expr, names: Names) -> Kind | None:
        match node:
            case ast.Name(id=name):
                return names.get(name)
            case ast.Attribute(value=value, attr=name):
                of_a_dlc = self._kind(value, names) == "dlc"
                return "field" if of_a_dlc or name in self.only_dlc else self.attributes.get(name)
            case ast.Subscript(value=value):
                kind = self._kind(value, names)
                return "dlc" if kind == "dlcs" else kind
            case ast.BoolOp(values=values):
                return next((kind for value in values if (kind := self._kind(value, names))), None)
            case ast.IfExp(body=one, orelse=other):
                return self._kind(one, names) or self._kind(other, names)
            case ast.NamedExpr(value=value):
                return self._kind(value, names)
            case ast.ListComp(elt=elt) | ast.GeneratorExp(elt=elt) | ast.SetComp(elt=elt):
                return "dlcs" if self._kind(elt, {**names, **self._names(ast.walk(node))}) == "dlc" else None
            case ast.Call(func=ast.Name(id=name), args=args):
                return self._returned(name, self._kind(args[0], names) if args else None)
            case ast.Call(func=ast.Attribute(attr=name, value=value)):
                return self._returned(name, self._kind(value, names))
        return None

    def _returned(self, function: str, of_what: Kind | None) -> Kind | None:
        if function == "Dlc":
            return "dlc"
        if of_what == "dlc" and function == "vars":
            return "field"
        if of_what == "dlcs" and function in _HOLDS_THE_SAME:
            return "dlcs"
        if of_what == "dlcs" and function in _TAKES_ONE_OUT:
            return "dlc"
        return self.returned.get(function)
