"""Both shells on a line whose other end does what it likes, and users who call in any order from two threads or tasks.

The line (``tests/support/hostile_line.py``) answers, refuses, repeats, is late, says noise or nothing, sends frames and
data, takes octets one by one, or none, fails, ends. Time is quick (``tests/support/hurried_shells.py``).

Invariants:
1. Every call returns, or raises an exception of the documented trees (``tests/support/documented.py``).
2. What is read on a channel are pieces of what the line has sent on it in frames without a fault, in their order.
3. `close()` ends, whoever else waits; no thread, task or descriptor is left.
4. Nothing is left to the hooks for exceptions that nobody has caught, and no callback fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

from documented import assert_documented
from hostile_line import ObjectPort, SocketPort
from hurried_shells import FACTOR, JumpingLoop, hurried_threads
from hypothesis import given
from shell_plans import Plan, Step, of_line, plans

import cmux
import cmux.aio
from cmux.errors import LocalError
from cmux.protocol.commands import PortSettings, Signals

PATIENCE = 30.0
"""Real seconds after which a thread that has not come back never will."""
DEADLINE = 2000.0
"""Seconds of the loop in which each call of the asyncio shell ends; where threads read the line, 10 real ones."""
SHORT = 0.05

# --- What holds for both shells -----------------------------------------------------------------------------------


@dataclass
class Watch:
    """What must not happen, and what was read."""

    shell: str
    complaints: list[object] = field(default_factory=list)
    pieces: dict[int, list[bytes]] = field(default_factory=dict)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Want nothing to be left behind, and no exception that nobody has caught."""
        gc.freeze()  # so that the collection at the end is quick
        threads, descriptors = set(threading.enumerate()), _descriptors()
        log, handler = logging.getLogger("cmux"), logging.Handler(logging.ERROR)
        handler.emit = lambda record: self.complaints.append(record.getMessage())  # type: ignore[method-assign]
        log.addHandler(handler)
        try:
            with (
                patch.object(threading, "excepthook", lambda args: self.complaints.append(args.exc_value)),
                patch.object(sys, "unraisablehook", lambda args: self.complaints.append(args.exc_value)),
            ):
                yield
                left_open = _descriptors() - descriptors  # before the collection: it would close some
                gc.collect()
        finally:
            log.removeHandler(handler)
            gc.unfreeze()
        left = set(threading.enumerate()) - threads
        assert not left, left
        assert not left_open, left_open
        assert not self.complaints, self.complaints

    def raised(self, error: Exception, step: Step) -> None:
        """Want an exception to be a documented one."""
        assert_documented(error, self.shell, str(step))

    def read(self, dlci: int, piece: bytes) -> None:
        """Note what was read."""
        self.pieces.setdefault(dlci, []).append(piece)

    def compare(self, port: ObjectPort | SocketPort) -> None:
        """Compare what was read with what the line has sent."""
        for dlci, pieces in self.pieces.items() if port.peer.of_frames else ():
            sent, at = port.peer.sent_on(dlci), 0
            for piece in pieces:
                found = sent.find(piece, at)
                assert found >= 0, (dlci, pieces, sent, at)
                at = found + len(piece)


def _descriptors() -> set[str]:
    found = set()
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # that of the folder itself
            found.add(f"{name}: {os.readlink(f'/proc/self/fd/{name}')}")
    return found


# --- Threads ------------------------------------------------------------------------------------------------------


class ThreadUser:
    """Calls the thread shell."""

    def __init__(self, mux: cmux.Mux, port: ObjectPort | SocketPort, watch: Watch) -> None:
        self._mux, self._port, self._watch = mux, port, watch

    def follow(self, steps: list[Step]) -> None:
        """Do what a plan says."""
        for step in steps:
            if step.name.startswith("line: "):
                of_line(self._port, step)
                continue
            try:
                self._call(step)
            except Exception as error:  # noqa: BLE001 - which ones are allowed is the question
                self._watch.raised(error, step)

    def _call(self, step: Step) -> None:
        mux, dlci, number = self._mux, step.dlci, step.number
        match step.name:
            case "open":
                mux.channel(dlci, n1=step.n1)
            case "accept":
                mux.accept(SHORT)
            case "write":
                mux.port(dlci).write(bytes(number))
            case "read":
                self._watch.read(dlci, mux.port(dlci).read(number))
            case "flush":
                mux.port(dlci).flush()
            case "discard":
                mux.port(dlci).reset_output_buffer()
                mux.port(dlci).cancel_read()
            case "close":
                mux.port(dlci).close()
            case "signals" if number:
                mux.port(dlci).rts = number > 1
            case "facts":
                uart = mux.port(dlci)
                repr((mux, uart, mux.error, mux.stats(), mux.signals(dlci), mux.parameters(dlci)))
                repr((uart.cts, uart.in_waiting, uart.out_waiting, uart.fileno()))
            case "end":
                mux.close()
            case _:
                of_either(mux, step)


def of_either(mux: Any, step: Step) -> Any:
    """Make a call that both shells have; what it returns is awaited in the one."""
    dlci, number = step.dlci, step.number
    table: dict[str, Callable[[], Any]] = {
        "negotiate": lambda: mux.negotiate(dlci, n1=number),
        "port": lambda: mux.negotiate_port(dlci, PortSettings(9600 + number // 1000)),
        "status": lambda: mux.line_status(dlci, overrun=bool(number)),
        "service": lambda: mux.service(dlci, number % 300 or None),
        "test": lambda: mux.test(bytes(number)),
        "signals": lambda: mux.set_signals(dlci, Signals(ic=True)),
        "break": lambda: mux.send_break(dlci, number / 10),
        "hold": lambda: mux.hold_all(),
        "release": lambda: mux.release_all(),
        "sleep": lambda: mux.sleep(),
        "wake": lambda: mux.wake(),
        "asleep": lambda: mux.asleep,
    }
    return table[step.name]()


_pool = ThreadPoolExecutor(3, "user")
list(_pool.map(lambda _: threading.Event().wait(0.01), range(3)))  # its threads are there from now on


def in_time(call: Callable[[], Any]) -> Any:
    """Make a call on another thread, and want it to come back."""
    running = _pool.submit(call)
    try:
        return running.result(PATIENCE)
    except TimeoutError:
        if running.done():
            raise
        stacks = ["".join(traceback.format_stack(frame)) for frame in sys._current_frames().values()]
        raise AssertionError("a call never returns; the threads are here:\n" + "\n".join(stacks)) from None


@given(plans)
def fuzz_the_thread_shell(plan: Plan) -> None:
    watch = Watch("threads")
    with watch.watching(), hurried_threads():
        port = SocketPort(plan.reactions) if plan.descriptor else ObjectPort(plan.reactions, plan.faults, FACTOR)
        stop, other_end = threading.Event(), None
        if isinstance(port, SocketPort):
            other_end = threading.Thread(target=port.run, args=(stop,), name="other end")
            other_end.start()
        try:
            _on_threads(plan, port, watch)
        finally:
            stop.set()
            if other_end is not None:
                other_end.join()
            if isinstance(port, SocketPort):
                port.release()
    watch.compare(port)


def _on_threads(plan: Plan, port: Any, watch: Watch) -> None:
    opening = Step("opening")
    try:
        mux = in_time(lambda: (cmux.serve if plan.serves else cmux.open)(port, **plan.settings))
    except AssertionError:
        raise
    except Exception as error:  # noqa: BLE001 - which ones are allowed is the question
        assert not isinstance(error, LocalError), error  # the settings are right
        watch.raised(error, opening)
        return
    try:
        for dlci in (1, 2, 3, 61):
            mux.port(dlci).timeout, mux.port(dlci).write_timeout = SHORT, 5.0
        user = ThreadUser(mux, port, watch)
        other = _pool.submit(user.follow, plan.other)
        in_time(lambda: user.follow(plan.first + plan.one))
        in_time(lambda: other.result(PATIENCE))
    finally:
        in_time(mux.close)


# --- Asyncio ------------------------------------------------------------------------------------------------------


class AioUser:
    """Calls the asyncio shell."""

    def __init__(self, mux: cmux.aio.Mux, port: ObjectPort | SocketPort, watch: Watch) -> None:
        self._mux, self._port, self._watch = mux, port, watch
        self._streams: dict[int, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}

    async def follow(self, steps: list[Step]) -> None:
        """Do what a plan says."""
        for step in steps:
            if step.name.startswith("line: "):
                of_line(self._port, step)
                listen(self._port)
                await asyncio.sleep(0)
                continue
            try:
                await self._call(step)
            except Exception as error:  # noqa: BLE001 - which ones are allowed is the question
                self._watch.raised(error, step)

    async def _call(self, step: Step) -> None:
        may_wait = step.name in ("read", "accept", "flush") or step.number == 1
        try:
            async with asyncio.timeout(SHORT if may_wait else DEADLINE) as limit:
                await self._do(step)
        except TimeoutError:
            if not limit.expired():
                raise
            assert may_wait, f"{step} never returns"

    async def _do(self, step: Step) -> None:
        mux, dlci, number = self._mux, step.dlci, step.number
        if step.name in ("write", "read", "flush", "close") and dlci not in self._streams:
            return
        match step.name:
            case "open":
                self._streams[dlci] = await mux.channel(dlci, n1=step.n1)
            case "accept":
                streams = await mux.accept()
                self._streams[streams[1].get_extra_info("dlci")] = streams
            case "write":
                self._streams[dlci][1].write(bytes(number))
            case "read":
                self._watch.read(dlci, await self._streams[dlci][0].read(number))
            case "flush":
                await self._streams[dlci][1].drain()
            case "close":
                self._streams[dlci][1].close()
                # Cancelled itself it would end for everybody: all who wait have one future of the standard library.
                await asyncio.shield(self._streams[dlci][1].wait_closed())
            case "facts" | "discard":
                repr((mux, mux.error, mux.stats(), mux.signals(dlci), mux.parameters(dlci)))
            case "end":
                await mux.close()
            case _:
                result = of_either(mux, step)
                if asyncio.iscoroutine(result):
                    await result


def listen(port: ObjectPort | SocketPort) -> None:
    """Let the loop serve the other end of a descriptor, unless it is deaf."""
    if not isinstance(port, SocketPort):
        return
    loop = asyncio.get_running_loop()

    def turn() -> None:
        if not port.turn():
            loop.remove_reader(port.theirs)

    if port.is_deaf:
        loop.remove_reader(port.theirs)
    else:
        loop.add_reader(port.theirs, turn)


async def _in_loop(plan: Plan, port: Any, watch: Watch) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _, context: watch.complaints.append(context))
    listen(port)
    try:
        async with asyncio.timeout(DEADLINE) as limit:
            mux = await (cmux.aio.serve if plan.serves else cmux.aio.open)(port, **plan.settings)
    except Exception as error:  # noqa: BLE001 - which ones are allowed is the question
        assert not limit.expired(), "opening never returns"
        assert not isinstance(error, LocalError), error  # the settings are right
        watch.raised(error, Step("opening"))
        return
    try:
        user = AioUser(mux, port, watch)
        async with asyncio.TaskGroup() as users:
            users.create_task(user.follow(plan.first + plan.one))
            users.create_task(user.follow(plan.other))
        await user.follow([Step("close", dlci) for dlci in (1, 2)])
    finally:
        async with asyncio.timeout(DEADLINE):
            await mux.close()


@given(plans)
def fuzz_the_asyncio_shell(plan: Plan) -> None:
    plan = replace(plan, by_at=plan.by_at and plan.descriptor)  # beside other threads time only hurries
    watch = Watch("aio")
    with watch.watching():
        port = SocketPort(plan.reactions) if plan.descriptor else ObjectPort(plan.reactions, plan.faults)
        loop = JumpingLoop(0.0 if plan.descriptor else 0.0005)
        try:
            loop.run_until_complete(_in_loop(plan, port, watch))
            if isinstance(port, SocketPort):
                loop.remove_reader(port.theirs)
                port.release()
            for _ in range(3):  # for what has been called soon
                loop.run_until_complete(asyncio.sleep(0))
            assert not asyncio.all_tasks(loop)
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()
    watch.compare(port)
