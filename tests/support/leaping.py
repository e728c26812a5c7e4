"""Time that passes only where nothing else happens: what waits for an hour has it at once, in threads and in a loop."""

from __future__ import annotations

import asyncio
import inspect
import selectors
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from families_lab import InLoop
from silent_module import SilentModule, SilentPort, SilentTransport
from stepped_clock import others_run

from drivers.at import AtChannel
from drivers.at import aio as at_aio
from drivers.clock import Clock, FakeClock, SystemClock
from drivers.tcpip import ContextTable, TcpipDriver, aio

START = 1000.0
PATIENCE = 60.0
FOR_EVER = 10.0  # real seconds in which nothing comes, where there is no timer: nothing will
SHELLS = ("threads", "aio")


class LeapingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time leaps to its next timer when nothing is ready.

    Args:
        grace: real seconds that octets may take from one socket of this process to another; 0 where there are none.
    """

    def __init__(self, grace: float = 0.0) -> None:
        self._at = START
        loop, kind = self, selectors.DefaultSelector

        class Leaping(kind):  # type: ignore[misc, valid-type]  # which one it is depends on the system
            def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
                ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
                if ready or timeout == 0:
                    return ready
                if timeout is None:
                    ready = super().select(FOR_EVER)
                    assert ready, "what is waited for has no deadline, and does not come"
                elif not grace or not (ready := super().select(grace)):
                    loop._at += timeout
                return ready

        super().__init__(Leaping())
        self._complaints: list[dict[str, Any]] = []
        self.set_exception_handler(lambda _loop, context: self._complaints.append(context))

    def time(self) -> float:
        """See `asyncio.AbstractEventLoop`."""
        return self._at

    def call(self, function: Callable[[], Any]) -> Any:
        """Call a function in the loop, and wait for what it returns, where that can be awaited."""

        async def body() -> Any:
            result = function()
            return await result if inspect.isawaitable(result) else result

        return self.run_until_complete(body())

    def finish(self) -> None:
        """End the loop, and want nothing left in it, and no complaint."""
        left = asyncio.all_tasks(self)
        if left:
            self.run_until_complete(asyncio.wait(left, timeout=1000.0))
        stuck = [task for task in left if not task.done()]
        self.close()
        assert not stuck, stuck
        assert not self._complaints, self._complaints


class LoopClock(SystemClock):
    """The time of a loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now(self) -> float:
        """See `Clock.now`."""
        return self._loop.time()


class LeapingClock(SystemClock):
    """A clock for threads: it leaps to the next deadline when none of them has had anything to do for a moment.

    Args:
        quiet: that moment, in real seconds.
    """

    def __init__(self, quiet: float = 0.001) -> None:
        self._quiet = quiet
        self._at = START
        self._asked = 0
        self._dues: dict[object, float] = {}

    def now(self) -> float:
        """See `Clock.now`."""
        self._asked += 1
        return self._at

    def wait(self, condition: threading.Condition, timeout: float | None) -> bool:
        """See `Clock.wait`."""
        self._asked += 1
        if timeout is None:
            return condition.wait()
        key, due = object(), self._at + timeout
        self._dues[key] = due
        try:
            while self._at < due:
                asked = self._asked
                if condition.wait(self._quiet):
                    return True
                if asked == self._asked and due <= min(self._dues.copy().values()) and not others_run():
                    self._at = max(self._at, due)
            return False
        finally:
            del self._dues[key]
            self._asked += 1


class Bench:
    """A module that is a double, and what makes channels and drivers on it in one of the shells.

    Args:
        channel: the AT channel, or one that is called through a loop.
        driver: makes a driver on it, with its options.
    """

    def __init__(self, channel: Any, driver: Callable[..., Any]) -> None:
        self.channel = channel
        self.driver = driver


@contextmanager
def bench(shell: str, module: SilentModule, *, still: bool = False) -> Iterator[Bench]:
    """Set up a channel to a module, and want nothing left of it at the end.

    Args:
        shell: ``threads`` or ``aio``.
        module: the module.
        still: whether no time passes for threads, where no deadline is to run out.
    """
    with (
        _on_threads(module, FakeClock() if still else LeapingClock())
        if shell == "threads"
        else _in_loop(module) as made
    ):
        yield made


@contextmanager
def _on_threads(module: SilentModule, clock: Clock) -> Iterator[Bench]:
    before = set(threading.enumerate())
    channel = AtChannel(SilentPort(module), clock=clock)
    try:
        yield Bench(channel, lambda **options: TcpipDriver(channel, table=ContextTable(), clock=clock, **options))
    finally:
        channel.close()
    for thread in set(threading.enumerate()) - before:
        thread._started.wait(PATIENCE)  # type: ignore[attr-defined]
        thread.join(PATIENCE)
        assert not thread.is_alive(), thread


@contextmanager
def _in_loop(module: SilentModule) -> Iterator[Bench]:
    loop = LeapingLoop()
    clock = LoopClock(loop)

    def make() -> at_aio.AtChannel:
        reader = asyncio.StreamReader()
        transport = SilentTransport(module, reader)
        writer = asyncio.StreamWriter(transport, asyncio.StreamReaderProtocol(reader), reader, loop)
        return at_aio.AtChannel(reader, writer, name="module", clock=clock)

    def driver(**options: Any) -> InLoop:
        table = ContextTable()
        return InLoop(loop.call, loop.call(lambda: aio.TcpipDriver(inner, table=table, clock=clock, **options)))

    inner = loop.call(make)
    try:
        yield Bench(InLoop(loop.call, inner), driver)
    finally:
        loop.call(inner.close)
        loop.call(inner._writer.close)
        loop.finish()
