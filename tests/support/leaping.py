"""Time that passes only where nothing else happens: what waits for an hour has it at once, in threads and in a loop."""

from __future__ import annotations

import asyncio
import inspect
import selectors
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from families_lab import InLoop
from silent_module import SilentModule, SilentPort, SilentTransport
from stepped_clock import SteppedClock, others_run

from drivers.at import AtChannel
from drivers.at import aio as at_aio
from drivers.clock import Clock, SystemClock
from drivers.modem import Modem
from drivers.modem import aio as modem_aio
from drivers.tcpip import ContextTable, TcpipDriver, aio

START = 1000.0
PATIENCE = 60.0
FOR_EVER = 10.0  # real seconds in which nothing comes, where there is no timer: nothing will
SHELLS = ("threads", "aio")
WHOLE = 65536
MOMENT = 2e-4  # real seconds
MOMENTS = 3
PORTION = 1e-4  # seconds from one portion to the next in a loop


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


class LeapingClock(SteppedClock):
    """A clock for threads that leaps to the next deadline when none of them has had anything to do for some moments."""

    def __init__(self) -> None:
        super().__init__()
        self._asked = 0

    def now(self) -> float:
        """See `Clock.now`."""
        self._asked += 1
        return super().now()

    @contextmanager
    def leaping(self) -> Iterator[None]:
        """Leap meanwhile."""
        over = threading.Event()
        thread = threading.Thread(target=self._leap, args=(over,), name="leaps of a clock")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _leap(self, over: threading.Event) -> None:
        quiet, asked = 0, -1
        while not over.wait(MOMENT):
            quiet = 0 if asked != self._asked or others_run() else quiet + 1
            if quiet == MOMENTS:
                quiet = 0
                with self._noted:
                    left = min(self._left(), default=0.0)
                self.advance(max(0.0, left))
            asked = self._asked


class Bench:
    """A module that is a double, and what makes channels and drivers on it in one of the shells.

    Args:
        channel: the AT channel, or one that is called through a loop.
        driver: makes a driver on it, with its options.
        modem: makes what asks the general commands on it.
        say: lets the module send octets, and returns when the channel has read them.
        divide: sets how many octets come at once at the most.
        now: returns the time of the clock.
    """

    def __init__(
        self,
        channel: Any,
        driver: Callable[..., Any],
        modem: Callable[[], Any],
        say: Callable[[bytes], object],
        divide: Callable[[int], object],
        now: Callable[[], float],
    ) -> None:
        self.channel = channel
        self.driver = driver
        self.modem = modem
        self.say = say
        self.divide = divide
        self.now = now


@contextmanager
def bench(shell: str, module: SilentModule, *, still: bool = False, name: str = "module") -> Iterator[Bench]:
    """Set up a channel to a module, and want nothing left of it at the end.

    Args:
        shell: ``threads`` or ``aio``.
        module: the module.
        still: whether no time passes for threads, where no deadline is to run out.
        name: the name of the port.
    """
    if shell == "aio":
        with _in_loop(module, name) as made:
            yield made
        return
    clock = LeapingClock()
    with nullcontext() if still else clock.leaping(), _on_threads(module, clock, name) as made:
        yield made


@contextmanager
def _on_threads(module: SilentModule, clock: Clock, name: str) -> Iterator[Bench]:
    before = set(threading.enumerate())
    port = SilentPort(module, name)
    channel = AtChannel(port, clock=clock)

    def driver(**options: Any) -> TcpipDriver:
        return TcpipDriver(channel, table=ContextTable(), clock=clock, **options)

    def say(octets: bytes) -> None:
        port.say(octets)
        assert port.drained(PATIENCE)

    try:
        yield Bench(
            channel,
            driver,
            lambda: Modem(channel, clock=clock),
            say,
            lambda portion: setattr(port, "_chunk", portion),
            clock.now,
        )
    finally:
        channel.close()
    for thread in set(threading.enumerate()) - before:
        thread._started.wait(PATIENCE)  # type: ignore[attr-defined]
        thread.join(PATIENCE)
        assert not thread.is_alive(), thread


class _InPortions(SilentTransport):
    """Gives what the module says in portions, one after the other."""

    def __init__(self, module: SilentModule, reader: asyncio.StreamReader) -> None:
        super().__init__(module, reader)
        self.portion = WHOLE
        self._free = 0.0

    def write(self, data: Any) -> None:
        """See `SilentTransport`."""
        delay = self._module.delay(bytes(data))
        if said := self._module.feed(bytes(data)):
            asyncio.get_running_loop().call_later(delay, self.say, said)

    def say(self, octets: bytes) -> None:
        """See `SilentTransport`."""
        loop = asyncio.get_running_loop()
        for start in range(0, len(octets), self.portion):
            self._free = max(self._free, loop.time()) + PORTION
            loop.call_at(self._free, self._reader.feed_data, octets[start : start + self.portion])


@contextmanager
def _in_loop(module: SilentModule, name: str) -> Iterator[Bench]:
    loop = LeapingLoop()
    clock = LoopClock(loop)

    def make() -> tuple[at_aio.AtChannel, _InPortions]:
        reader = asyncio.StreamReader()
        transport = _InPortions(module, reader)
        writer = asyncio.StreamWriter(transport, asyncio.StreamReaderProtocol(reader), reader, loop)
        return at_aio.AtChannel(reader, writer, name=name, clock=clock), transport

    inner, transport = loop.call(make)

    def driver(**options: Any) -> InLoop:
        table = ContextTable()
        return InLoop(loop.call, loop.call(lambda: aio.TcpipDriver(inner, table=table, clock=clock, **options)))

    async def said(octets: bytes) -> None:
        transport.say(octets)
        await asyncio.sleep(PORTION * (len(octets) // transport.portion + 2))

    try:
        yield Bench(
            InLoop(loop.call, inner),
            driver,
            lambda: InLoop(loop.call, loop.call(lambda: modem_aio.Modem(inner, clock=clock))),
            lambda octets: loop.call(lambda: said(octets)),
            lambda portion: setattr(transport, "portion", portion),
            clock.now,
        )
    finally:
        loop.call(inner.close)
        loop.call(transport.close)
        loop.finish()
