"""The timeout of a call bounds the whole call, clean-up included, wherever the module falls silent; in both shells."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from typing import Any

import pytest
from driver_lab import PATIENCE
from silent_module import OK, Bed, SilentModule
from stepped_clock import FOR_EVER, SteppedClock

from drivers.errors import AtError, AtTimeout, DriverError
from drivers.tcpip.core.bounded import Bounded, Stay
from drivers.tcpip.core.procedure import Procedure

SHELLS = pytest.mark.parametrize("shell", ["threads", "aio"])
SERVER = ("TCP", "10.0.0.2", 7)
LONG = 300.0  # seconds of the clock that are enough for any clean-up
TIMEOUT = 3.0
PLACES = [
    ("ATE0", b""),
    ("AT+QIFGCNT=", b""),
    ("AT+QICSGP=", b""),
    ("AT+QIDNSIP", b""),
    ("AT+QIOPEN", b""),
    ("AT+QIOPEN", OK),
]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What ends it all."""
    with ExitStack() as made:
        yield made


def passes(clock: SteppedClock, call: Future[Any], most: float) -> bool:
    """Let time pass until a call is over."""
    step = 0.5 if most == TIMEOUT else 2.5
    return clock.pass_until(lambda seconds: not wait((call,), seconds).not_done, most, step)


@SHELLS
@pytest.mark.parametrize("options", [{}, {"muxip": True}, {"transparent": True}], ids=str)
@pytest.mark.parametrize(("at", "says"), PLACES)
def test_connect_takes_no_longer_and_the_next_call_finds_all_cleaned_up(
    stack: ExitStack, shell: str, options: dict[str, Any], at: str, says: bytes
) -> None:
    clock = SteppedClock()
    bed = Bed(stack, shell, SilentModule(at, says, silent=True), clock)
    pool = stack.enter_context(ThreadPoolExecutor(1))
    stack.callback(clock.advance, FOR_EVER)  # what still waits at the end runs into its time
    driver = bed.driver(**options)
    begun = clock.now()
    call = pool.submit(driver.connect, *SERVER, timeout=TIMEOUT)
    assert passes(clock, call, TIMEOUT), bed.module.commands
    with pytest.raises(AtTimeout, match=f"did not come within {TIMEOUT:g} s") as caught:
        call.result(PATIENCE)
    assert clock.now() - begun <= TIMEOUT
    if at == "AT+QIOPEN" and says:
        assert "CONNECT OK after AT+QIOPEN=" in str(caught.value)
    bed.module.wake()
    bed.module.answers["AT+QIOPEN"] = OK + (b"\r\n0, CONNECT OK\r\n" if "muxip" in options else b"\r\nCONNECT OK\r\n")
    again = pool.submit(driver.connect, *SERVER)
    assert passes(clock, again, LONG), bed.module.commands
    session = again.result(PATIENCE)
    assert session.open
    if at == "AT+QIOPEN" and not options:
        after = bed.module.commands[bed.module.commands.index('AT+QIOPEN="TCP", "10.0.0.2",7') + 1 :]
        assert {"AT+QICLOSE", "AT+QIDEACT"} & set(after[: after.index('AT+QIOPEN="TCP", "10.0.0.2",7')])


@SHELLS
def test_a_call_that_waits_for_another_one_is_bounded_too(stack: ExitStack, shell: str) -> None:
    clock = SteppedClock()
    bed = Bed(stack, shell, SilentModule("AT+QIOPEN", OK), clock)
    pool = stack.enter_context(ThreadPoolExecutor(2))
    stack.callback(clock.advance, FOR_EVER)  # what still waits at the end runs into its time
    driver = bed.driver()
    first = pool.submit(driver.connect, *SERVER)
    clock.await_wait(230.0)
    second = pool.submit(driver.connect, *SERVER, timeout=TIMEOUT)
    clock.await_wait(TIMEOUT)
    clock.advance(TIMEOUT)
    with pytest.raises(AtTimeout, match="the turn of the call did not come within 3 s"):
        second.result(PATIENCE)
    bed.say("CONNECT OK")
    assert first.result(PATIENCE).open


@SHELLS
def test_a_driver_is_closed_while_a_call_is_cleaned_up(stack: ExitStack, shell: str) -> None:
    clock = SteppedClock()
    bed = Bed(stack, shell, SilentModule("AT+QIOPEN", OK, silent=True), clock)
    pool = stack.enter_context(ThreadPoolExecutor(1))
    stack.callback(clock.advance, FOR_EVER)  # what still waits at the end runs into its time
    driver = bed.driver()
    call = pool.submit(driver.connect, *SERVER, timeout=TIMEOUT)
    assert passes(clock, call, TIMEOUT)
    closing = pool.submit(driver.close)
    assert passes(clock, closing, LONG)
    assert isinstance(closing.exception(PATIENCE), DriverError | None)


@SHELLS
def test_reclaiming_takes_no_longer(stack: ExitStack, shell: str) -> None:
    clock = SteppedClock()
    bed = Bed(stack, shell, SilentModule("AT+QIFGCNT=", silent=True), clock)
    pool = stack.enter_context(ThreadPoolExecutor(1))
    stack.callback(clock.advance, FOR_EVER)  # what still waits at the end runs into its time
    call = pool.submit(bed.driver().reclaim, timeout=TIMEOUT)
    assert passes(clock, call, TIMEOUT)
    assert isinstance(call.exception(PATIENCE), AtTimeout)


def test_a_callback_on_the_reader_is_told_so_at_once(stack: ExitStack) -> None:
    bed = Bed(stack, "threads", SilentModule(), SteppedClock())
    driver, said = bed.driver(), list[BaseException]()
    told = threading.Event()

    def connect(direction: str, octets: bytes) -> None:
        if direction == "rx" and not said:
            try:
                driver.connect(*SERVER, timeout=TIMEOUT)
            except AtError as error:
                said.append(error)
                told.set()

    bed.channel.on_octets(connect)
    bed.channel.command("AT")
    assert told.wait(PATIENCE)
    assert "a callback on the reader" in str(said[0])


def nothing(stay: Stay) -> Procedure[str]:
    yield from ()
    stay()
    return "made"


def test_a_caller_does_not_leave_what_has_just_been_made() -> None:
    bounded = Bounded(nothing, lambda what: AtTimeout("late", command=what))
    assert bounded.progress.next_request() is None
    assert not bounded.leave()
    bounded.ended(None)
    assert bounded.result() == "made"


def test_what_is_made_for_a_caller_who_has_left_is_undone() -> None:
    bounded = Bounded(nothing, lambda what: AtTimeout("late", command=what))
    assert bounded.leave()
    with pytest.raises(AtTimeout, match="late"):
        bounded.progress.next_request()
    with pytest.raises(AtTimeout, match="late"):
        bounded.result()
