"""Checks values against the types and ranges with which they are declared."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from ..masking import shown
from .errors import ConfigError

_PLAIN: Final = {"bool": "true or false", "float": "a number", "str": "a string", "PathLike": "a path"}


def check_types(instance: object) -> None:
    """Check every field of a dataclass against its annotation.

    Args:
        instance: the instance of the dataclass.

    Raises:
        ConfigError: a field has a value of another type; the message names the field.
    """
    kind: Any = type(instance)
    for name, hint in _hints(kind).items():
        check_type(name, getattr(instance, name), hint)


def check_type(name: str, value: object, hint: object) -> None:
    """Check a value against an annotation; a bool does not pass as a number, an int passes as a float.

    Args:
        name: the name of the value in the message.
        value: the value.
        hint: a class, a ``Literal``, or a union of these.

    Raises:
        ConfigError: the value has another type.
    """
    if not _fits(value, hint):
        raise ConfigError(f"{name} = {shown(value)} is not {_allowed(hint, value)}")


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Check that a number lies in a range; both ends are part of it.

    Args:
        name: the name of the number in the message.
        value: the number.
        low: the lowest value.
        high: the highest value.

    Raises:
        ConfigError: the number is out of range, or NaN.
    """
    if not low <= value <= high:
        raise ConfigError(f"{name} = {value!r} is out of range: {low} to {high}")


def either(words: Iterable[object]) -> str:
    """Return alternatives as text: ``a, b or c``."""
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
    return _PLAIN.get(kind, f"of type {kind}")
