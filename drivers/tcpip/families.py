"""The dialects that ``dialect=`` accepts by name, each with its family."""

from __future__ import annotations

from .core.stack import Dialect
from .quectel_gsm import dialects as quectel_gsm

DIALECTS: dict[str, Dialect] = {**quectel_gsm.DIALECTS}
"""The dialects by name. A program may add its own, or pass a `Dialect` to a driver without adding it."""


def dialect_of(named: str | Dialect) -> Dialect:
    """Return the dialect with a name, or the dialect that is passed; raise `ValueError` for an unknown name."""
    if isinstance(named, Dialect):
        return named
    found = DIALECTS.get(named)
    if found is None:
        raise ValueError(f"dialect is one of {', '.join(DIALECTS)}, not {named!r}")
    return found
