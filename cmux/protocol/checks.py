"""Checks values against the types and ranges with which they are declared."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from .errors import ConfigError

_PLAIN: Final = {"bool": "true or false", "float": "a number", "str": "a text", "PathLike": "a path"}


def check_types(instance: object) -> None:
    """Check every field of a dataclass against its annotation.

    Args:
        instance: of the dataclass.

    Raises:
        ConfigError: one has another type; the message names it.
    """
    kind: Any = type(instance)
    for name, hint in _hints(kind).items():
        check_type(name, getattr(instance, name), hint)


def check_type(name: str, value: object, hint: object) -> None:
    """Check a value against an annotation; a bool is not a number, and a whole number is a float.

    Args:
        name: what the message calls it.
        value: what was given.
        hint: a class, a ``Literal``, or a union of these.

    Raises:
        ConfigError: it has another type.
    """
    if not _fits(value, hint):
        raise ConfigError(f"{name} = {value!r} is not {_allowed(hint, value)}")


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Check that a number lies in a range, of which both ends are part.

    Args:
        name: what the message calls it.
        value: the number.
        low: the least.
        high: the greatest.

    Raises:
        ConfigError: it lies outside, or is no number at all (NaN).
    """
    if not low <= value <= high:
        raise ConfigError(f"{name} = {value!r} is out of range: {low} to {high}")


def either(words: Iterable[object]) -> str:
    """Write a list for people: ``a, b or c``."""
    *first, last = map(str, words)
    return f"{', '.join(first)} or {last}" if first else last


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind)


def _fits(value: object, hint: Any) -> bool:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in get_args(hint))
    if origin is Literal:
        return any(type(value) is type(one) and value == one for one in get_args(hint))
    if hint in (int, float):
        return isinstance(value, int if hint is int else int | float) and not isinstance(value, bool)
    return isinstance(value, origin or hint)


def _allowed(hint: Any, value: object) -> str:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return either(dict.fromkeys(_allowed(one, value) for one in get_args(hint) if one is not NoneType))
    if origin is Literal:
        return either(get_args(hint))
    if hint is int:
        return "a whole number" if isinstance(value, float) else "a number"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return either(f"{hint.__name__}.{one.name}" for one in hint)
    kind: str = (origin or hint).__name__
    return _PLAIN.get(kind, f"of the type {kind}")
