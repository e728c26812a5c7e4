"""Which line ends which wait, and with what: the table of docs/tcpip.md, in both shells, without the help of time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from driver_lab import PATIENCE
from silent_module import OK, USUAL, Bed, SilentModule, lines
from stepped_clock import SteppedClock

from drivers import errors

PAGE = Path(__file__).parents[4] / "docs" / "tcpip.md"
SOON = 3.0  # seconds of the clock
SHELLS = ("threads", "aio")


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    call: str
    options: str
    after: str
    first: bytes
    line: str
    end: str

    def __str__(self) -> str:
        return f"{self.call} {self.options} {self.line}"


def rows() -> Iterator[Row]:
    table = PAGE.read_text().partition("## What ends a wait")[2].partition("\n## ")[0]
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 4:
            call, *options = re.findall(r"`(.+?)`(?:,|$)", cells[0])
            after, *first = re.findall(r"`(.+?)`", cells[1])
            yield Row(call, ", ".join(options), after, lines(*first), cells[2].strip("`"), cells[3])


ROWS = list(rows())


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What ends it all."""
    with ExitStack() as made:
        yield made


def over(future: Any) -> Any:
    def wait(seconds: float) -> bool:
        try:
            future.exception(seconds)
        except NotYet:
            return False
        return True

    return wait


def called(bed: Bed, row: Row) -> Any:
    """Do what waits in the row."""
    if row.call.startswith("command("):
        return eval(f"bed.channel.{row.call}", {"bed": bed})  # noqa: S307 - the page is ours
    driver = bed.driver(**eval(f"dict({row.options})"))  # noqa: S307
    if row.call.startswith("sendall("):
        session = driver.connect("TCP", "10.0.0.2", 7)
        return eval(f"session.{row.call}", {"session": session})  # noqa: S307
    return eval(f"driver.{row.call}", {"driver": driver})  # noqa: S307


def test_the_table_has_its_rows() -> None:
    assert len(ROWS) > 50


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_which_line_ends_which_wait(stack: ExitStack, shell: str, row: Row) -> None:
    clock = SteppedClock()
    goes_on = row.end == "*goes on*"
    usual = next((answer for name, answer in USUAL.items() if row.after.startswith(name)), OK)
    said = row.first + lines(row.line) + (usual.removeprefix(row.first) if goes_on else b"")
    state = "PDP DEACT" if "DEACT" in row.line else "IP IND" if row.call == "activate()" else "IP STATUS"
    bed = Bed(stack, shell, SilentModule(row.after, said, state=state), clock)
    pool = stack.enter_context(ThreadPoolExecutor(1))
    future = pool.submit(called, bed, row)
    assert clock.pass_until(over(future), SOON, 1.0), f"still waits; {bed.module.commands}"
    failure = future.exception(PATIENCE)
    if goes_on or row.end == "its answer":
        assert failure is None, failure
        return
    wanted = getattr(errors, re.findall(r"`(.+?)`", row.end)[0])
    assert isinstance(failure, wanted), repr(failure)
    assert row.line in str(failure)
