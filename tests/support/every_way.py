"""A driver in each shell, on a plain UART and on channels, of each family: one test for all, called as on threads."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from driver_lab import KINDS, M10, PATIENCE, Kind, line_of
from families_lab import InLoop, Loop

import cmux
import cmux.aio
from drivers.clock import Clock
from drivers.emulator import Behaviour, EmulatedModule
from drivers.emulator.environment import Network
from drivers.tcpip import ContextTable, TcpipDriver, aio

HOSTS = {"www.quectel.com": "127.0.0.1"}
WAYS = [(shell, line) for shell in ("threads", "aio") for line in ("plain", "channel")]
ON_M10 = (M10,)


class Way:
    """A module, and drivers of one shell on one kind of line.

    Args:
        stack: what ends it all.
        shell: ``threads`` or ``aio``.
        line: ``plain`` (there is one UART, 0), or ``channel`` (the UARTs are the channels of a multiplexer).
        behaviour: that of the module.
        clock: the clock of module and drivers; None: the real one.
        line_rate: see `EmulatedModule`.
        kind: the kind of module.
    """

    def __init__(
        self,
        stack: ExitStack,
        shell: str,
        line: str,
        *,
        kind: Kind = M10,
        behaviour: Behaviour | None = None,
        clock: Clock | None = None,
        line_rate: int = 0,
    ) -> None:
        self.plain = line == "plain"
        self.kind = kind
        self.tables = [ContextTable(), ContextTable()]
        """The table of this program, and that of another one."""
        self._stack, self._clock = stack, clock
        self._octets = {"received": bytearray(), "sent": bytearray()}
        self._came = threading.Condition()
        self._ports: dict[int, Any] = {}
        self._loop: Loop | None = None
        timed: dict[str, Any] = {} if clock is None else {"clock": clock}
        opening = line_of(clock)
        module = EmulatedModule(hosts=HOSTS, line_rate=line_rate, **kind.module(behaviour), **timed)
        if shell == "aio":
            self._loop = Loop()
            stack.callback(self._loop.close)
            stack.callback(self._loop.call, _tasks_end)
            self.module = self._loop.enter(stack, module)
            self._mux = (
                None
                if self.plain
                else self._loop.enter(stack, self._loop.call(lambda: cmux.aio.open(self.module.serve_pty(), **opening)))
            )
        else:
            self.module = stack.enter_context(module)
            self._mux = None if self.plain else stack.enter_context(cmux.open(self.module.serve_pty(), **opening))
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

    def driver(
        self, context: int = 0, *, uart: int = 1, program: int = 0, several: bool = False, **options: Any
    ) -> Any:
        """Make a driver.

        Args:
            context: its context, counted from 0.
            uart: which channel; on a plain UART there is but one.
            program: whose table it takes: 0, or 1 for another program.
            several: whether it is to have several sessions at once.
            options: as for a `TcpipDriver`.
        """
        port = self._port(uart)
        options = {"dialect": self.kind.model, **options, "clock": self._clock, "table": self.tables[program]}
        if several:
            options |= self.kind.several
        number = self.kind.first + context
        if self._loop is None:
            return TcpipDriver(port, number, **options)
        return InLoop(self._call, self._call(lambda: aio.TcpipDriver(port, number, **options)))

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
    """Makes the module and its drivers in one shell, on one kind of line, of one kind of module; see `Way`."""

    stack: ExitStack
    shell: str
    line: str
    kind: Kind = M10

    def __call__(self, **options: Any) -> Way:
        """Make it; arguments as for `Way`."""
        return Way(self.stack, self.shell, self.line, kind=self.kind, **options)


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


def _in(place: tuple[str, str], kind: Kind, *values: Any) -> Any:
    """Return the parameters of a test in one place on one kind of module."""
    names = (*(() if kind is M10 else (kind.model,)), *place, *map(str, values))
    return pytest.param((*place, kind), *values, id="-".join(names))


def only(line: str = "", shell: str = "", *, kinds: tuple[Kind, ...] = ON_M10) -> pytest.MarkDecorator:
    """Run a test on some kinds of line, and of modules: what takes more than one UART, or what holds for each family.

    Args:
        line: ``channel`` for what takes more than one UART, ``plain`` for what takes no more than one.
        shell: the one shell that it runs in.
        kinds: the kinds of modules.
    """
    chosen = [one for one in WAYS if line in ("", one[1]) and shell in ("", one[0])]
    return pytest.mark.parametrize("way", [_in(one, kind) for kind in kinds for one in chosen], indirect=True)


def in_each_way(names: str, *rows: tuple[Any, ...], kinds: tuple[Kind, ...] = ON_M10) -> pytest.MarkDecorator:
    """Run a test with rows of values, each in one place: on threads plain and on a channel, then in asyncio, and so on.

    Args:
        names: those of the values, with blanks between.
        rows: the values.
        kinds: the kinds of modules, each of which has all rows.
    """
    values = [_in(place, kind, *row) for kind in kinds for place, row in zip(itertools.cycle(WAYS), rows)]
    return pytest.mark.parametrize(("way", *names.split()), values, indirect=["way"])


def on_each_kind(name: str, cases: Iterable[tuple[Kind, Mapping[str, Any]]]) -> pytest.MarkDecorator:
    """Run a test in all four places with the cases of each kind of module.

    Args:
        name: the parameter that has the case.
        cases: those of each kind, by their names.
    """
    values = [
        pytest.param((*way, kind), value, id=_in(way, kind, case).id)
        for kind, named in cases
        for case, value in named.items()
        for way in WAYS
    ]
    return pytest.mark.parametrize(("way", name), values, indirect=["way"])


EACH_KIND = only(kinds=KINDS)
"""Runs a test in all four places, on a module of each family."""
ONE_OR_SEVERAL = pytest.mark.parametrize(
    ("way", "several"),
    [_in(way, kind, one) for kind in KINDS for one in (False, True)[not kind.several :] for way in WAYS],
    indirect=["way"],
)
"""Runs a test there with drivers that have one session or several, where a kind of module has such a difference."""
LATE = Behaviour(late_settings="error")
"""What the app note 3.1 says, to the letter."""
