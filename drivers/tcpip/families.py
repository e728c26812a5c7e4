"""The kinds of modules that ``dialect=`` knows by name, each with its family."""

from __future__ import annotations

from .core.stack import Dialect
from .quectel_gsm import dialects as quectel_gsm

DIALECTS: dict[str, Dialect] = {**quectel_gsm.DIALECTS}
"""By name. A program may add its own, or give a `Dialect` to a driver without adding it."""


def dialect_of(named: str | Dialect) -> Dialect:
    """Return a dialect by its name, or the one that is given; `ValueError` where there is none of that name."""
    if isinstance(named, Dialect):
        return named
    found = DIALECTS.get(named)
    if found is None:
        raise ValueError(f"dialect is one of {', '.join(DIALECTS)}, not {named!r}")
    return found
