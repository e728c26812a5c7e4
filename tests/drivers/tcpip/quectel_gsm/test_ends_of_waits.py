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
from stepped_clock import FOR_EVER, SteppedClock

from drivers import errors

PAGE = Path(__file__).parents[4] / "docs" / "tcpip.md"
SOON = 4.0  # seconds of the clock
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


def pool_of(stack: ExitStack, clock: SteppedClock) -> ThreadPoolExecutor:
    """Make a thread for a call; one that still waits at the end of a test runs into its time."""
    pool = stack.enter_context(ThreadPoolExecutor(1))
    stack.callback(clock.advance, FOR_EVER)
    return pool


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
    pool = pool_of(stack, clock)
    future = pool.submit(called, bed, row)
    assert clock.pass_until(over(future), SOON, 1.0), f"still waits; {bed.module.commands}"
    failure = future.exception(PATIENCE)
    if goes_on or row.end == "its answer":
        assert failure is None, failure
        return
    wanted = getattr(errors, re.findall(r"`(.+?)`", row.end)[0])
    assert isinstance(failure, wanted), repr(failure)
    assert row.line in str(failure)


def opened(pool: ThreadPoolExecutor, driver: Any, clock: SteppedClock, bed: Bed, answer: str) -> Any:
    """Begin to open a session, and wait until only CONNECT OK is missing."""
    call = pool.submit(driver.connect, "TCP", "10.0.0.3", 8)
    clock.await_wait(230.0)
    assert not call.done()
    bed.say(answer)
    return call


@pytest.mark.parametrize("shell", SHELLS)
def test_closed_of_another_session_ends_only_that(stack: ExitStack, shell: str) -> None:
    clock = SteppedClock()
    bed = Bed(stack, shell, SilentModule(), clock)
    pool = pool_of(stack, clock)
    driver = bed.driver(muxip=True)
    bed.module.answers["AT+QIOPEN=0"] = OK + lines("0, CONNECT OK")
    bed.module.answers["AT+QIOPEN=1"] = OK
    session = driver.connect("TCP", "10.0.0.2", 7)
    bed.module.state = "IP PROCESSING"
    call = opened(pool, driver, clock, bed, "0, CLOSED")
    assert session.recv(1) == b""
    assert not call.done()
    bed.say("1, CLOSED")
    with pytest.raises(errors.ConnectRefused, match="1, CLOSED"):
        call.result(PATIENCE)


@pytest.mark.parametrize("shell", SHELLS)
def test_error_to_a_command_of_somebody_else_is_not_that_of_the_opening(stack: ExitStack, shell: str) -> None:
    clock = SteppedClock()
    bed = Bed(stack, shell, SilentModule(), clock)
    pool = pool_of(stack, clock)
    bed.module.answers["AT+QIOPEN"] = OK
    bed.module.answers["AT+CSQ"] = lines("ERROR")
    call = opened(pool, bed.driver(), clock, bed, "+CREG: 1")
    with pytest.raises(errors.CommandError):
        bed.channel.command("AT+CSQ")
    assert not call.done()
    bed.say("CONNECT OK")
    assert call.result(PATIENCE).open


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", ["connect", "listen", "resolve"])
@pytest.mark.parametrize("mine", [False, True])
def test_of_two_contexts_the_one_that_is_gone_ends_its_wait(
    stack: ExitStack, shell: str, name: str, mine: bool
) -> None:
    """+PDP DEACT does not say of which context: the module is asked."""
    clock = SteppedClock()
    arguments, at, answer = {
        "connect": (("TCP", "10.0.0.2", 7), "AT+QIOPEN", "CONNECT OK"),
        "listen": ((), "AT+QISERVER", "SERVER OK"),
        "resolve": (("a.example",), "AT+QIDNSGIP", "10.0.0.2"),
    }[name]
    state = "PDP DEACT" if mine else "IP STATUS"
    bed = Bed(stack, shell, SilentModule(at, OK + lines("+PDP DEACT"), state=state), clock)
    pool = pool_of(stack, clock)
    driver, other = bed.driver(), bed.driver(context=1)
    other.activate()
    call = pool.submit(getattr(driver, name), *arguments)
    if mine:
        with pytest.raises(errors.DriverError, match="DEACT"):
            call.result(PATIENCE)
        return
    bed.module.wait_for("AT+QISTAT")
    bed.say(answer)
    assert clock.pass_until(over(call), SOON, 0.5)
    assert call.result(PATIENCE)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_end_of_a_call_of_that_channel_is_not_the_end_of_an_opening(stack: ExitStack, shell: str) -> None:
    clock = SteppedClock()
    bed = Bed(stack, shell, SilentModule(), clock)
    pool = pool_of(stack, clock)
    driver = bed.driver()
    bed.module.answers["AT+QIOPEN"] = OK
    driver.claim()
    bed.say("RING")
    call = opened(pool, driver, clock, bed, "NO CARRIER")
    bed.say("CONNECT OK")
    assert call.result(PATIENCE).open


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("timeout", [3.0, None])
def test_what_came_instead_is_named_when_the_time_is_over(stack: ExitStack, shell: str, timeout: float | None) -> None:
    clock = SteppedClock()
    bed = Bed(stack, shell, SilentModule("AT+QIOPEN", OK + lines("+CGEV: NW DEACT")), clock)
    pool = pool_of(stack, clock)
    call = pool.submit(bed.driver().connect, "TCP", "10.0.0.2", 7, timeout=timeout)
    assert clock.pass_until(over(call), 300.0, 0.5 if timeout else 10.0)
    failure = call.exception(PATIENCE)
    assert isinstance(failure, errors.AtTimeout)
    assert "(came: OK, +CGEV: NW DEACT)" in str(failure)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_refusal_is_not_hidden_by_the_answer_to_a_question_about_it(stack: ExitStack, shell: str) -> None:
    bed = Bed(stack, shell, SilentModule(), SteppedClock())
    bed.module.answers.update({"AT+QISERVER": lines("+CME ERROR: 4"), "AT+QISERVER?": OK})
    with pytest.raises(errors.CmeError, match=r"AT\+QISERVER was answered \+CME ERROR: 4"):
        bed.driver().listen()


@pytest.mark.parametrize("shell", SHELLS)
def test_claiming_takes_no_longer_than_its_timeout_and_half_a_second(stack: ExitStack, shell: str) -> None:
    clock = SteppedClock()
    bed = Bed(stack, shell, SilentModule("ATE0", silent=True), clock)
    call = pool_of(stack, clock).submit(bed.driver().claim, timeout=2.0)
    assert clock.pass_until(over(call), 2.5, 0.5)
    assert isinstance(call.exception(PATIENCE), errors.AtTimeout)
