"""The dialects that ``dialect=`` accepts by name, each with its family."""

from __future__ import annotations

import re

from .core.stack import Dialect
from .quectel_gsm import dialects as quectel_gsm
from .quectel_lte import dialects as quectel_lte

__all__ = ["DIALECTS"]

DIALECTS: dict[str, Dialect] = {**quectel_gsm.DIALECTS, **quectel_lte.DIALECTS}
"""The dialects by name. A program may add its own, or pass a `Dialect` to a driver without adding it."""


def recognise(model: str) -> Dialect | None:
    """Return the dialect of a model, as the module names it; None if there is none."""
    for dialect in DIALECTS.values():
        if any(re.search(rf"(?<![A-Z0-9])(?:{one})(?![0-9])", model, re.IGNORECASE) for one in dialect.models):
            return dialect
    return None


def dialect_of(named: str | Dialect) -> Dialect:
    """Return the dialect with a name, or the dialect that is passed; raise `ValueError` for an unknown name."""
    if isinstance(named, Dialect):
        return named
    found = DIALECTS.get(named)
    if found is None:
        raise ValueError(f"dialect is one of {', '.join(DIALECTS)}, not {named!r}")
    return found
