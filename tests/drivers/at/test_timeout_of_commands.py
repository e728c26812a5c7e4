"""The timeout of a command bounds the whole call, whatever the channel needs before it; in both shells."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack

import pytest
from driver_lab import PATIENCE
from silent_module import Bed, SilentModule, lines
from stepped_clock import FOR_EVER, SteppedClock

from drivers.errors import AtTimeout
from drivers.modem import Modem, NetworkTimeout

SHELLS = pytest.mark.parametrize("shell", ["threads", "aio"])


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What ends it all."""
    with ExitStack() as made:
        yield made


@SHELLS
@pytest.mark.parametrize(("first", "timeout"), [("ATE0", 1.0), ("ATE0", 3.0), ("AT+CSQ", 3.0)])
def test_a_module_that_is_silent_costs_no_more_than_the_timeout(
    stack: ExitStack, shell: str, first: str, timeout: float
) -> None:
    clock = SteppedClock()
    bed = Bed(stack, shell, SilentModule(first, silent=True), clock)
    pool = stack.enter_context(ThreadPoolExecutor(1))
    stack.callback(clock.advance, FOR_EVER)  # what still waits at the end runs into its time
    begun = clock.now()
    call = pool.submit(bed.channel.command, "AT+CSQ", timeout=timeout)

    assert clock.pass_until(lambda seconds: not wait((call,), seconds).not_done, timeout, 0.5)
    with pytest.raises(AtTimeout, match=rf"AT\+CSQ.* within {timeout:g} s"):
        call.result(PATIENCE)
    assert clock.now() - begun == timeout


@SHELLS
def test_so_does_another_one_that_has_the_channel(stack: ExitStack, shell: str) -> None:
    clock = SteppedClock()
    bed = Bed(stack, shell, SilentModule("AT+COPS?"), clock)
    pool = stack.enter_context(ThreadPoolExecutor(2))
    stack.callback(clock.advance, FOR_EVER)  # what still waits at the end runs into its time
    first = pool.submit(bed.channel.command, "AT+COPS?", timeout=60.0)
    clock.await_wait(60.0)
    second = pool.submit(bed.channel.command, "AT+CSQ", timeout=3.0)
    clock.await_wait(3.0)
    clock.advance(3.0)
    with pytest.raises(AtTimeout, match="more than 3 s"):
        second.result(PATIENCE)
    bed.say("+COPS: 0", "OK")
    assert first.result(PATIENCE).lines == ("+COPS: 0",)
    assert bed.channel.command("AT+CSQ").final == "OK"


@SHELLS
def test_a_late_answer_is_not_that_to_the_next_command(stack: ExitStack, shell: str) -> None:
    clock = SteppedClock()
    bed = Bed(stack, shell, SilentModule("AT+CSQ"), clock)
    pool = stack.enter_context(ThreadPoolExecutor(1))
    stack.callback(clock.advance, FOR_EVER)  # what still waits at the end runs into its time
    call = pool.submit(bed.channel.command, "AT+CSQ", timeout=3.0)
    clock.await_wait(3.0)
    clock.advance(3.0)
    with pytest.raises(AtTimeout):
        call.result(PATIENCE)
    bed.say("+CSQ: 1,0", "OK")
    bed.module.answers["AT+CREG?"] = lines("+CREG: 0,1", "OK")
    assert bed.channel.command("AT+CREG?").lines == ("+CREG: 0,1",)


@pytest.mark.parametrize(("command", "name"), [("AT+CGREG?", "wait_for_network"), ("AT+CPIN?", "wait_for_sim")])
def test_waiting_for_a_state_ends_although_the_module_is_silent(stack: ExitStack, command: str, name: str) -> None:
    clock = SteppedClock()
    bed = Bed(stack, "threads", SilentModule(command, silent=True), clock)
    pool = stack.enter_context(ThreadPoolExecutor(1))
    stack.callback(clock.advance, FOR_EVER)
    begun = clock.now()
    call = pool.submit(getattr(Modem(bed.channel, clock=clock), name), 3.0)
    assert clock.pass_until(lambda seconds: not wait((call,), seconds).not_done, 3.0, 0.5)
    with pytest.raises(NetworkTimeout, match=re.escape(f"after 3 s the answer to {command} has not come")):
        call.result(PATIENCE)
    assert clock.now() - begun == 3.0
