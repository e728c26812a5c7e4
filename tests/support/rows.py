"""Tables whose rows are shown by one test: where a row is a matter of microseconds, a test for each costs much more.

Six processes collect each test, and one runs and reports it: four milliseconds of a processor together.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import pytest


def each(*tables: tuple[str, Iterable[Any]]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Call a test with each row of a table; of several tables, with each combination.

    All rows are tried. What fails is told with its row; the first failure is shown whole. `one` of the test is the
    function for a single row.

    Args:
        tables: the names of arguments, with commas between, and the rows: a value for one name, a tuple for several.
    """
    names = [[name.strip() for name in given.split(",")] for given, _ in tables]
    rows = [list(table) for _, table in tables]
    assert all(rows), "a table without rows shows nothing"

    def made(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def every_row(*own: Any, **fixtures: Any) -> None:
            failed: list[str] = []
            first: BaseException | None = None
            for chosen in product(*rows):
                values = _values(names, chosen)
                try:
                    test(*own, **fixtures, **values)
                except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - told below
                    first = first or error
                    failed.append(f"{_shown(values)}: {_short(error)}")
            if first is not None:
                raise AssertionError("\n".join([f"{len(failed)} rows fail:", *failed[:20]])) from first

        signature = inspect.signature(test)
        own = {name for each_of in names for name in each_of}
        kept = [one for name, one in signature.parameters.items() if name not in own]
        every_row.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
        del every_row.__wrapped__  # type: ignore[attr-defined]  # pytest would look at its arguments
        every_row.one = test  # type: ignore[attr-defined]
        return every_row

    return made


def _values(names: list[list[str]], chosen: tuple[Any, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for each_of, row in zip(names, chosen, strict=True):
        values |= zip(each_of, row, strict=True) if len(each_of) > 1 else {each_of[0]: row}.items()
    return values


def _shown(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={str(value)[:80]}" for name, value in values.items())


def _short(error: BaseException) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
