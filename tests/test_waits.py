"""No queue without a bound and no wait without a deadline, but for what is listed here with its reason."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from waits import found, found_in

ROOT = Path(__file__).parents[1]

ALLOWED: dict[str, set[str]] = {
    "A command waits for its user, for a signal, or for the end of lines that it has cancelled.": {
        "cmux/cli/attach.py: done.get()",
        "cmux/cli/attach.py: thread.join()",
        "cmux/cli/console.py: select.select([self.fd, self._wake_read], [], [])",
        "cmux/cli/console.py: self.join()",
        "cmux/cli/progress.py: thread.join()",
        "cmux/cli/stopping.py: queue.SimpleQueue(), without a bound",
        "cmux/cli/terminal.py: window.wait()",
        "drivers/cli/demo.py: watcher.join()",
        "drivers/cli/emulate.py: stop.wait(), awaited",
    },
    "The clock of tests stands still until one of them turns it.": {
        "drivers/clock.py: condition.wait()",
    },
    "No more is queued than the calls that wait, or what the core hands out ahead of the line.": {
        "cmux/aio/thread_transport.py: asyncio.Queue(), without a bound",
        "cmux/threads/callbacks.py: SimpleQueue(), without a bound",
        "cmux/threads/services.py: SimpleQueue(), without a bound",
    },
    "It has ended: the result is taken at once.": {
        "cmux/aio/line.py: opening.result()",
        "drivers/at/aio/channel.py: drain.result()",
        "drivers/tcpip/aio/runner.py: bounded.result()",
        "drivers/tcpip/threads/runner.py: bounded.result()",
    },
    "A task has the deadline of its caller (`asyncio.timeout`); the end of the line and `close` wake it.": {
        "cmux/aio/channels.py: before.closed, awaited",
        "cmux/aio/channels.py: self._offered.wait(), awaited",
        "cmux/aio/line.py: asyncio.wrap_future(executor.submit(resetter.run)), awaited",
        "cmux/aio/line.py: asyncio.wrap_future(opening), awaited",
        "cmux/aio/line.py: self._collector.connected, awaited",
        "cmux/aio/line.py: self._released.wait(), awaited",
        "cmux/aio/mux.py: answer, awaited",
        "cmux/aio/mux.py: asyncio.shield(self._closing), awaited",
        "cmux/aio/mux.py: asyncio.wait([task]), awaited",
        "cmux/aio/mux.py: self._changed.wait(), awaited",
        "cmux/aio/thread_transport.py: self._queue.get(), awaited",
        "drivers/at/aio/channel.py: asyncio.gather(*tasks, return_exceptions=True), awaited",
        "drivers/at/aio/channel.py: asyncio.shield(task), awaited",
        "drivers/at/aio/channel.py: asyncio.wait((acquiring,)), awaited",
        "drivers/at/aio/channel.py: asyncio.wait((drain, changed), return_when=asyncio.FIRST_COM…, awaited",
        "drivers/at/aio/channel.py: self._changed.wait()",
        "drivers/at/aio/channel.py: self._changed.wait(), awaited",
        "drivers/at/aio/channel.py: self._turn.acquire()",
        "drivers/at/aio/channel.py: self._turn.acquire(), awaited",
        "drivers/tcpip/aio/waiting.py: bell.wait(), awaited",
        "drivers/tcpip/aio/watch.py: asyncio.gather(self._task, return_exceptions=True), awaited",
    },
    "The module's own loop: what waits there is cancelled with the module, or by `Environment.within`.": {
        "drivers/emulator/environment.py: over, awaited",
        "drivers/emulator/environment.py: self._network_changed.wait(), awaited",
        "drivers/emulator/environment.py: task, awaited",
        "drivers/emulator/line/ways_in.py: asyncio.Event().wait(), awaited",
        "drivers/emulator/line/ways_in.py: asyncio.gather(*self._tasks, return_exceptions=True), awaited",
        "drivers/emulator/network/icmp.py: ready, awaited",
        "drivers/emulator/network/ntp.py: answer, awaited",
        "drivers/emulator/quectel_gsm/activation.py: asyncio.shield(self._pending), awaited",
    },
    "The loop of the module runs, and does at once what it is asked; closing it has a deadline for each line.": {
        "drivers/emulator/lifetime.py: asyncio.run_coroutine_threadsafe(run(), loop).result()",
        "drivers/emulator/lifetime.py: asyncio.run_coroutine_threadsafe(self._stop(), loop).result(…",
        "drivers/emulator/lifetime.py: ready.wait()",
        "drivers/emulator/lifetime.py: thread.join()",
    },
    "A thread that has been told to end and whose own waits have been cancelled, or have deadlines.": {
        "cmux/aio/thread_transport.py: self._thread.join()",
        "cmux/reconnector.py: self._thread.join()",
        "cmux/threads/mux.py: reconnector.join()",
        "drivers/emulator/line/serial_line.py: thread.join()",
        "drivers/sockets.py: self._threads[1].join()",
        "drivers/tcpip/threads/watch.py: self._thread.join()",
    },
    "A thread without work waits for it, until it is told to end.": {
        "cmux/threads/callbacks.py: self._queue.get()",
        "cmux/threads/line_reader.py: self._line.wait()",
        "cmux/threads/tcp_bridge.py: selector.select()",
        "cmux/threads/tcp_bridge.py: self._changed.wait()",
        "drivers/emulator/line/serial_line.py: self._condition.wait_for(lambda: self._closing or (self._rea…",
        "drivers/emulator/line/serial_line.py: self._condition.wait_for(lambda: self._queue or self._closin…",
    },
    "A caller who wants no deadline waits until the line dies or is closed; `close` itself has deadlines.": {
        "cmux/threads/channel_waits.py: poll.poll()",
        "cmux/threads/mux.py: self._closed.wait()",
        "cmux/threads/virtual_uart.py: handle.condition.wait()",
    },
}
"""The reasons, ten at the most, and the places of each."""


def places() -> set[str]:
    return {
        f"{path.relative_to(ROOT).as_posix()}: {one.what}"
        for package in ("cmux", "drivers")
        for path in sorted((ROOT / package).rglob("*.py"))
        for one in found_in(path)
    }


def test_there_is_no_unbounded_queue_and_no_wait_without_a_deadline_but_for_those_with_a_reason() -> None:
    assert places() - set().union(*ALLOWED.values()) == set()


def test_what_has_a_reason_is_there() -> None:
    assert set().union(*ALLOWED.values()) - places() == set()


def test_there_are_no_more_than_ten_reasons() -> None:
    assert len(ALLOWED) <= 10


FAULTS = [
    "self.q = queue.Queue()",
    "q: queue.Queue[int] = queue.Queue()",
    "q = SimpleQueue()",
    "q = asyncio.Queue()",
    "q = multiprocessing.Queue()",
    "self.q = deque()",
    "self.q: deque[bytes] = collections.deque()",
    "event.wait()",
    "event.wait(None)",
    "event.wait(timeout=None)",
    "with c:\n    c.wait_for(lambda: x)",
    "thread.join()",
    "future.result()",
    "x = self._queue.get()",
    "process.wait()",
    "process.communicate()",
    "process.communicate(b'')",
    "select.select([a], [b], [])",
    "select.select([a], [b], [], None)",
    "selector.select()",
    "p = select.poll()\np.poll()",
    "lock.acquire()",
    "async def f():\n    await event.wait()",
    "async def f():\n    await asyncio.wait([task])",
    "async def f():\n    await future",
    "async def f():\n    await self.future",
    "async def f():\n    await asyncio.shield(task)",
    "async def f():\n    await queue.get()",
    "async def f():\n    await lock.acquire()",
    "async def f():\n    await asyncio.gather(a, b)",
    "async def f():\n    async with other:\n        await event.wait()",
]
FINE = [
    "self.q = queue.Queue(10)",
    "self.q = queue.Queue(maxsize=10)",
    "self.q = deque(maxlen=10)",
    "self.q = deque([], 10)",
    "self.q = deque()\nself.q.popleft()",
    "event.wait(1.0)",
    "event.wait(timeout=1.0)",
    "event.wait(left)",
    "c.wait_for(lambda: x, 1.0)",
    "c.wait_for(lambda: x, timeout=left)",
    "thread.join(2.0)",
    "', '.join(texts)",
    "os.path.join(a, b)",
    "future.result(1.0)",
    "settings.get('x')",
    "self._queue.get(timeout=1)",
    "process.communicate(timeout=1)",
    "process.poll()",
    "select.select([a], [b], [], 1.0)",
    "selector.select(1.0)",
    "p = select.poll()\np.poll(100)",
    "lock.acquire(timeout=1)",
    "with lock:\n    pass",
    "async def f():\n    async with asyncio.timeout(1):\n        await event.wait()",
    "async def f():\n    async with asyncio.timeout_at(at):\n        await future",
    "async def f():\n    await asyncio.wait([task], timeout=1)",
    "async def f():\n    await call()",
]


@pytest.mark.parametrize("source", FAULTS)
def test_the_walk_sees(source: str) -> None:
    assert len(found(ast.parse(source))) == 1


@pytest.mark.parametrize("source", FINE)
def test_the_walk_does_not_mistake(source: str) -> None:
    assert found(ast.parse(source)) == []
