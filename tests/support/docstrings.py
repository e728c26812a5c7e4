"""What the docstring of a public name has to have, and does not: arguments, results and exceptions."""

from __future__ import annotations

import ast
import enum
import functools
import inspect
import itertools
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

OURS = ("cmux", "drivers")
SELF = {"self", "cls"}
NOTHING = {"None", "Dialogue[None]", "Procedure[None]", "Iterator[None]", "NoReturn", "Self"}
ELSEWHERE = re.compile("arguments are those of|this and the following (parameters|arguments)|for each field")
RESULT = re.compile(r"\b([Rr]eturns?|[Yy]ields?|Tell|Say)\b")


class Function(NamedTuple):
    """A function, method or property behind a public name."""

    what: Any
    owner: type | None
    """The class that it is in."""

    @property
    def function(self) -> Any:
        """What is called."""
        return self.what.fget if isinstance(self.what, property) else self.what


def public_functions(names: Callable[[], Iterator[tuple[str, str, object]]]) -> dict[str, Function]:
    """Return the functions, methods and properties behind public names, each once."""
    found: dict[int, tuple[str, Function]] = {}
    for module, name, value in names():
        if inspect.isfunction(value):
            found.setdefault(id(value), (f"{module}.{name}", Function(value, None)))
        elif isinstance(value, type):
            for member, what in members(value):
                found.setdefault(id(what), (f"{module}.{name}.{member}", Function(what, value)))
    return dict(found.values())


def members(owner: type) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties of a class that this project defines."""
    for base in owner.__mro__:
        if base.__module__.partition(".")[0] not in OURS:
            continue
        for name, value in vars(base).items():
            what = value.__func__ if isinstance(value, classmethod | staticmethod) else value
            what = what.func if isinstance(what, functools.cached_property) else what
            if not name.startswith("_") and (inspect.isfunction(what) or isinstance(what, property)):
                yield name, what


def sections(text: str) -> dict[str, str]:
    """Return the parts of a docstring by their titles; what stands before the first one is under the empty title."""
    parts = re.split(r"^(Args|Returns|Raises|Yields):$", text, flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def lacking(one: Function, text: str) -> list[str]:
    """Return what the docstring of a function or property lacks.

    Args:
        one: the function or property.
        text: its docstring, with what is said elsewhere if it refers to that.
    """
    if not text:
        return ["a docstring"]
    told = sections(text)
    signature = inspect.signature(one.function)
    taken = [
        name
        for name, parameter in signature.parameters.items()
        if name not in SELF and not name.startswith("_") and "WatchOptions" not in str(parameter.annotation)
    ]
    named = arguments(told) | everywhere(one.owner)
    missing = [f"argument {name}" for name in taken if name not in named]
    said = {"Returns", "Yields"} & {*told} or RESULT.search(told[""])
    if not isinstance(one.what, property) and returns(signature) and not said:
        missing.append("what it returns")
    explained = told.get("Raises", "") + told[""]
    return missing + [f"exception {name}" for name in sorted(raised(one.function)) if name not in explained]


def arguments(told: dict[str, str]) -> set[str]:
    """Return the arguments that a docstring describes."""
    return set(re.findall(r"^ +\*{0,2}(\w+)(?: \([^)]*\))?:", told.get("Args", ""), re.MULTILINE))


def everywhere(owner: type | None) -> set[str]:
    """Return the arguments that the docstring of a class describes for all of its methods: ``Every ``now`` is …``."""
    texts = [base.__doc__ or "" for base in (owner.__mro__ if owner is not None else ())]
    return {name for text in texts for name in re.findall(r"\b[Ee]very ``(\w+)``", text)}


def returns(signature: inspect.Signature) -> bool:
    """Tell whether a function returns something; a dialogue, when it has ended."""
    kind = str(signature.return_annotation)
    return signature.return_annotation not in (None, inspect.Signature.empty) and kind not in NOTHING


def raised(function: Callable[..., object]) -> set[str]:
    """Return the exceptions that a function raises itself: those that a ``raise`` in it names."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError):
        return set()
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
            name = node.exc.func.id
            if name[0].isupper() and name not in ("NotImplementedError", "AttributeError"):
                found.add(name)
    return found


def lacking_in_class(owner: type, text: str) -> list[str]:
    """Return what the docstring of a class lacks: arguments of its constructor."""
    if not text:
        return ["a docstring"]
    if issubclass(owner, enum.Enum) or hasattr(owner, "__required_keys__") or getattr(owner, "_is_protocol", False):
        return []
    if ELSEWHERE.search(text):
        return []
    named = arguments(sections(text))
    if is_dataclass(owner):
        taken = [field.name for field in fields(owner) if field.init and "source" not in field.metadata]
        named |= {name for base in owner.__mro__ for name in attributes(base)}
    elif "__init__" in vars(owner):
        taken = [one for one in inspect.signature(owner.__init__).parameters if one not in SELF]  # type: ignore[misc]
    else:
        taken = []
    return [f"argument {one}" for one in taken if one not in named and not one.startswith("_")]


def attributes(owner: type) -> set[str]:
    """Return the attributes of a class that a docstring of their own describes, below their declaration."""
    if owner.__module__.partition(".")[0] not in OURS:
        return set()
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    return {
        one.target.id
        for one, below in itertools.pairwise(tree.body if isinstance(tree, ast.ClassDef) else [])
        if isinstance(one, ast.AnnAssign)
        and isinstance(one.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
    }
