"""A driver in each shell, on a plain UART and on channels: one test for all four, called as on threads."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from chosen_behaviour import behaviour_of
from driver_lab import PATIENCE, line_of
from families_lab import InLoop, Loop

import cmux
import cmux.aio
from drivers.clock import Clock
from drivers.emulator import Behaviour, EmulatedModule
from drivers.emulator.environment import Network
from drivers.tcpip import ContextTable, TcpipDriver, aio

HOSTS = {"www.quectel.com": "127.0.0.1"}
WAYS = [(shell, line) for shell in ("threads", "aio") for line in ("plain", "channel")]


class Way:
    """A module, and drivers of one shell on one kind of line.

    Args:
        stack: what ends it all.
        shell: ``threads`` or ``aio``.
        line: ``plain`` (there is one UART, 0), or ``channel`` (the UARTs are the channels of a multiplexer).
        behaviour: that of the module.
        clock: the clock of module and drivers; None: the real one.
        line_rate: see `EmulatedModule`.
    """

    def __init__(
        self,
        stack: ExitStack,
        shell: str,
        line: str,
        *,
        behaviour: Behaviour | None = None,
        clock: Clock | None = None,
        line_rate: int = 0,
    ) -> None:
        self.plain = line == "plain"
        self.tables = [ContextTable(), ContextTable()]
        """The table of this program, and that of another one."""
        self._stack, self._clock = stack, clock
        self._octets = {"received": bytearray(), "sent": bytearray()}
        self._came = threading.Condition()
        self._ports: dict[int, Any] = {}
        self._loop: Loop | None = None
        timed: dict[str, Any] = {} if clock is None else {"clock": clock}
        line = line_of(clock)
        module = EmulatedModule(behaviour=behaviour_of(behaviour), hosts=HOSTS, line_rate=line_rate, **timed)
        if shell == "aio":
            self._loop = Loop()
            stack.callback(self._loop.close)
            stack.callback(self._loop.call, _tasks_end)
            self.module = self._loop.enter(stack, module)
            self._mux = (
                None
                if self.plain
                else self._loop.enter(stack, self._loop.call(lambda: cmux.aio.open(self.module.serve_pty(), **line)))
            )
        else:
            self.module = stack.enter_context(module)
            self._mux = None if self.plain else stack.enter_context(cmux.open(self.module.serve_pty(), **line))
        self._call(lambda: self.module.on_octets(self._note))

    def _call(self, function: Callable[[], Any]) -> Any:
        return function() if self._loop is None else self._loop.call(function)

    def _note(self, dlci: int, direction: str, data: bytes) -> None:
        if self.plain or dlci:
            with self._came:
                self._octets[direction] += data
                self._came.notify_all()

    @property
    def heard(self) -> bytes:
        """All that the module has got from the host, on all UARTs."""
        return bytes(self._octets["received"])

    @property
    def sent(self) -> bytes:
        """All that the module has sent to the host, on all UARTs."""
        return bytes(self._octets["sent"])

    def has_come(self, text: bytes, count: int, seconds: float, *, direction: str = "received") -> bool:
        """Wait so many real seconds until the module has got a text so many times, or has ``sent`` it."""
        octets = self._octets[direction]
        with self._came:
            return self._came.wait_for(lambda: octets.count(text) >= count, seconds)

    def wait_for(self, text: bytes, count: int = 1, *, direction: str = "received") -> None:
        """Wait until that is so."""
        came = self.has_come(text, count, PATIENCE, direction=direction)
        assert came, (text, bytes(self._octets[direction]))

    def _port(self, uart: int) -> Any:
        """Return what a driver takes: a port, or a pair of streams."""
        if self.plain:
            uart = 0
        if uart not in self._ports:
            if self._loop is not None:
                made = self._call(lambda: self.module.connect() if self._mux is None else self._mux.channel(uart))
                self._stack.callback(self._call, lambda: _leave(made[1]))
            else:
                made = self.module.port() if self._mux is None else self._mux.channel(uart)
                self._stack.callback(made.close)
            self._ports[uart] = made
        return self._ports[uart]

    def driver(self, context: int = 0, *, uart: int = 1, program: int = 0, **options: Any) -> Any:
        """Make a driver.

        Args:
            context: its context.
            uart: which channel; on a plain UART there is but one.
            program: whose table it takes: 0, or 1 for another program.
            options: as for a `TcpipDriver`.
        """
        port = self._port(uart)
        options |= {"clock": self._clock, "table": self.tables[program]}
        if self._loop is None:
            return TcpipDriver(port, context, **options)
        return InLoop(self._call, self._call(lambda: aio.TcpipDriver(port, context, **options)))

    def round_trip(self) -> None:
        """Return when the module has done what it could do by now: it has read what was written, for example."""
        for _ in range(3):
            self._call(lambda: self.module._on_loop(lambda: None))

    def set_network(self, network: Network) -> None:
        """See `EmulatedModule.set_network`."""
        self._call(lambda: self.module.set_network(network))

    def trigger(self, moment: str) -> None:
        """See `EmulatedModule.trigger`."""
        self._call(lambda: self.module.trigger(moment))


async def _leave(writer: Any) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def _tasks_end() -> None:
    """Want no task left, but this one."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        await asyncio.wait(left, timeout=PATIENCE)
    assert not [task for task in left if not task.done()]


@dataclass(frozen=True)
class MakeWay:
    """Makes the module and its drivers in one shell, on one kind of line; see `Way`."""

    stack: ExitStack
    shell: str
    line: str

    def __call__(self, **options: Any) -> Way:
        """Make it; arguments as for `Way`."""
        return Way(self.stack, self.shell, self.line, **options)


@contextmanager
def nothing_left() -> Iterator[ExitStack]:
    """Give what ends all that is made, and want no thread left after that."""
    before = set(threading.enumerate())
    with ExitStack() as stack:
        yield stack
    for thread in set(threading.enumerate()) - before:
        thread._started.wait(PATIENCE)  # type: ignore[attr-defined]  # a peer may be about to start it
        thread.join(PATIENCE)
    assert set(threading.enumerate()) <= before


@pytest.fixture(params=WAYS, ids="-".join)
def way(request: pytest.FixtureRequest) -> Iterator[MakeWay]:
    """What makes the module and its drivers."""
    with nothing_left() as stack:
        yield MakeWay(stack, *request.param)


def only(line: str, shell: str = "") -> pytest.MarkDecorator:
    """Run a test on one kind of line: what takes more than one UART, or no more than one; maybe in one shell."""
    chosen = [one for one in WAYS if one[1] == line and shell in ("", one[0])]
    return pytest.mark.parametrize("way", chosen, indirect=True, ids="-".join)


def in_each_way(names: str, *rows: tuple[Any, ...]) -> pytest.MarkDecorator:
    """Run a test with rows of values, each in one place: on threads plain and on a channel, then in asyncio, and so on.

    Args:
        names: those of the values, with blanks between.
        rows: the values.
    """
    placed = list(zip(itertools.cycle(WAYS), rows))
    values = [pytest.param(place, *row, id="-".join(map(str, (*place, *row)))) for place, row in placed]
    return pytest.mark.parametrize(("way", *names.split()), values, indirect=["way"])


LATE = Behaviour(late_settings="error")
"""What the app note 3.1 says, to the letter."""
