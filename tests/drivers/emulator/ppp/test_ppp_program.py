"""One run of the program: its terminal, what waits for the line, and every way in which it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from emulator_host import PATIENCE, settle
from ppp_programs import BRIEF, ECHO, FLOOD, STUBBORN, gone, python, spared_hangups

from drivers.emulator.ppp.program import HELD, PppProgram


class Listener:
    """Takes what a program says."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.taking = True
        self.program: PppProgram | None = None
        self._came = asyncio.Event()

    def changed(self) -> None:
        if self.program is not None:
            while self.taking and (data := self.program.take_raw()):
                self.heard += data
        self._came.set()

    async def until(self, wanted: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not wanted():
                self._came.clear()
                await self._came.wait()


@asynccontextmanager
async def running(command: tuple[str, ...]) -> AsyncIterator[tuple[PppProgram, Listener]]:
    listener = Listener()
    program = await PppProgram.start(command, listener.changed, asyncio.get_running_loop())
    listener.program = program
    try:
        yield program, listener
    finally:
        await end(program)


async def end(program: PppProgram) -> None:
    program.hang_up()
    await asyncio.wait_for(program.exited, PATIENCE)


async def process_of(listener: Listener) -> int:
    await listener.until(lambda: b"." in listener.heard)
    return int(listener.heard.partition(b".")[0])


async def test_it_leads_a_session_whose_terminal_is_its_own() -> None:
    code = (
        "tty = os.open('/dev/tty', os.O_RDWR)\n"
        "leads = os.getsid(0) == os.getpid() == os.getpgrp() == os.tcgetpgrp(tty)\n"
        "os.write(tty, b'%d %d.' % (leads, os.isatty(0) and os.ttyname(0) == os.ttyname(1)))\nos.read(0, 1)"
    )
    async with running(python(code)) as (_, listener):
        await listener.until(lambda: b"." in listener.heard)
        assert listener.heard == b"1 1."


async def test_the_terminal_is_raw_in_both_directions() -> None:
    every = bytes(range(256)) * 40
    async with running(ECHO) as (program, listener):
        await process_of(listener)
        listener.heard.clear()
        done: list[bool] = []
        program.send(every, done.append)
        await listener.until(lambda: len(listener.heard) >= len(every))
        assert listener.heard == every
        assert done == [True]
        assert program.lost == 0


async def test_what_waits_for_the_line_has_a_bound() -> None:
    async with running(FLOOD) as (program, listener):
        listener.taking = False
        await listener.until(lambda: len(program._received) >= HELD)
        await settle()
        assert HELD <= len(program._received) < 2 * HELD
        listener.taking = True
        listener.changed()
        await listener.until(lambda: len(listener.heard) > 10 * HELD)


async def test_octets_for_a_program_that_reads_nothing_wait_and_are_lost_with_it() -> None:
    async with running(STUBBORN) as (program, listener):
        await process_of(listener)
        done: list[bool] = []
        program.send(bytes(1 << 20), done.append)
        assert not done
        program.hang_up()
        assert done == [True]
        assert program.lost > 0


async def test_one_that_ends_is_read_to_its_last_octet_and_reaped() -> None:
    async with running(BRIEF) as (program, listener):
        await listener.until(lambda: listener.heard == b"bye")
        assert program.connected
        program.send(b"x", lambda sent: None)
        await listener.until(lambda: not program.connected)
        await asyncio.wait_for(program.exited, PATIENCE)


@pytest.mark.skipif(sys.platform != "linux", reason="terminals of other systems hold less")
async def test_one_that_ends_is_read_to_its_last_octet_however_slow_the_line_is() -> None:
    """docs/ppp.md: what is written faster than the line takes it waits."""
    async with running(python("os.write(1, b'a' * 15000)")) as (program, listener):
        listener.taking = False
        await asyncio.wait_for(program.exited, PATIENCE)
        await listener.until(lambda: program._master < 0)  # it waits for no host that reads
        assert program.connected
        listener.taking = True
        listener.changed()
        assert listener.heard == b"a" * 15000
        assert not program.connected


async def test_what_a_terminal_that_stays_open_brings_ends_with_its_program() -> None:
    code = (
        "if os.fork(): os.read(0, 1); os._exit(0)\nos.setsid(); signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "os.write(1, b'%d.' % os.getpid())\nwhile True: time.sleep(60)"
    )
    async with running(python(code)) as (program, listener):
        child = await process_of(listener)
        try:
            program.send(b"x", lambda sent: None)
            await asyncio.wait_for(program.exited, PATIENCE)
            await listener.until(lambda: not program.connected)
        finally:
            os.kill(child, signal.SIGKILL)


async def test_the_end_is_told_once_when_the_terminal_ends_behind_the_process() -> None:
    async with running(python("os.read(0, 1); os.write(1, b'a' * 5000)")) as (program, listener):
        connected: list[bool] = []
        timers: list[Callable[[], None]] = []

        def changed() -> None:
            listener.changed()
            connected.append(program.connected)

        program._changed = changed
        program._again = lambda seconds, work: timers.append(work)  # type: ignore[method-assign]
        listener.taking = False
        program.send(b"x", lambda sent: None)
        await asyncio.wait_for(program.exited, PATIENCE)
        listener.taking = True
        changed()
        await listener.until(lambda: not program.connected)
        for work in timers:
            work()
        assert connected.count(False) == 1


async def test_one_that_is_hung_up_on_gets_sighup() -> None:
    async with running(ECHO) as (program, listener):
        await process_of(listener)
        program.hang_up()
        assert not program.connected
        await asyncio.wait_for(program.exited, PATIENCE)
        assert program.returncode == -signal.SIGHUP


async def test_one_that_ignores_sighup_is_killed() -> None:
    async with running(STUBBORN) as (program, listener):
        await process_of(listener)
        program.hang_up()
        await asyncio.wait_for(program.exited, PATIENCE)
        assert program.returncode == -signal.SIGKILL


async def test_one_that_closes_its_terminal_and_stays_is_ended() -> None:
    code = "os.write(1, b'%d.' % os.getpid())\nos.read(0, 1)\nos.close(0)\nos.close(1)\nwhile True: time.sleep(60)"
    async with running(python(code)) as (program, listener):
        process = await process_of(listener)
        program.send(b"x", lambda sent: None)
        await listener.until(lambda: not program.connected)
        await gone(process)


async def test_what_it_has_started_itself_goes_with_it() -> None:
    code = (
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\nchild = os.fork()\nif not child:\n  while True: time.sleep(60)\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)\nos.write(1, b'%d.' % child)\nwhile True: time.sleep(60)"
    )
    async with running(python(code)) as (program, listener):
        child = await process_of(listener)
        program.hang_up()
        await asyncio.wait_for(program.exited, PATIENCE)
        await gone(child)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="descriptors are counted as Linux shows them")
async def test_a_start_that_is_given_up_at_any_moment_leaves_no_descriptor() -> None:
    loop = asyncio.get_running_loop()
    await end(await PppProgram.start(BRIEF, lambda: None, loop))  # the loop has made its own descriptors
    before = sorted(os.listdir("/proc/self/fd"))
    for steps in range(8):
        start = loop.create_task(PppProgram.start(ECHO, lambda: None, loop))
        for _ in range(steps):
            await asyncio.sleep(0)
        start.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await end(await start)
    await settle()
    assert sorted(os.listdir("/proc/self/fd")) == before


async def test_a_module_that_was_started_with_nohup_still_hangs_up() -> None:
    with spared_hangups():
        async with running(ECHO) as (program, listener):
            await process_of(listener)
            program.hang_up()
            await asyncio.wait_for(program.exited, PATIENCE)
            assert program.returncode == -signal.SIGHUP
