"""A driver in each shell, on a plain UART and on a channel: one test for all four, called as on threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from aio_lab import aio_laboratory
from chosen_behaviour import behaviour_of
from driver_lab import PATIENCE, laboratory
from families_lab import InLoop, Loop

from drivers.clock import Clock
from drivers.emulator import Behaviour, EmulatedModule
from drivers.emulator.environment import Network
from drivers.tcpip import TcpipDriver, aio

HOSTS = {"www.quectel.com": "127.0.0.1"}
WAYS = [(shell, line) for shell in ("threads", "aio") for line in ("plain", "channel")]


class Way:
    """A module, and drivers of one shell on one kind of line.

    Args:
        stack: what ends it all.
        shell: ``threads`` or ``aio``.
        line: ``plain`` or ``channel``.
        options: `behaviour`, `clock` and `line_rate`, as for `laboratory`.
    """

    def __init__(self, stack: ExitStack, shell: str, line: str, **options: Any) -> None:
        self._uart = int(line == "channel")
        self._octets = bytearray()
        self._came = threading.Condition()
        clock = options.get("clock")
        made = {**options, "behaviour": behaviour_of(options.get("behaviour")), "hosts": HOSTS}
        self._call: Callable[[Callable[[], Any]], Any] = lambda function: function()
        if shell == "aio":
            loop = Loop()
            stack.callback(loop.close)
            self._call = loop.call
        if line == "channel":
            lab: Any = (
                loop.enter(stack, aio_laboratory(**made)) if shell == "aio" else stack.enter_context(laboratory(**made))
            )
            self.module: EmulatedModule = lab.module
            self._make: Callable[..., Any] = lambda context, **more: lab.driver(1, context, **more)
        elif shell == "aio":
            self.module = loop.enter(stack, EmulatedModule(**made))
            streams = loop.call(self.module.connect)
            stack.callback(loop.call, streams[1].close)
            self._make = lambda context, **more: aio.TcpipDriver(streams, context, clock=clock, **more)
        else:
            self.module = stack.enter_context(EmulatedModule(**made))
            port = stack.enter_context(self.module.port())
            self._make = lambda context, **more: TcpipDriver(port, context, clock=clock, **more)
        self._in_loop = shell == "aio"
        self._call(lambda: self.module.on_octets(self._note))

    def _note(self, dlci: int, direction: str, data: bytes) -> None:
        if direction == "received" and dlci == self._uart:
            with self._came:
                self._octets += data
                self._came.notify_all()

    def wait_for(self, text: bytes, count: int = 1) -> None:
        """Wait until the module has got a text so many times."""
        with self._came:
            assert self._came.wait_for(lambda: self._octets.count(text) >= count, PATIENCE), (text, self.heard)

    @property
    def heard(self) -> bytes:
        """All that the module got there."""
        return bytes(self._octets)

    def driver(self, context: int = 0, **options: Any) -> Any:
        """Make a driver."""
        made = self._call(lambda: self._make(context, **options))
        return InLoop(self._call, made) if self._in_loop else made

    def round_trip(self) -> None:
        """Return when the module has done what it could do by now: it has read what was written, for example."""
        for _ in range(3):
            self._call(lambda: self.module._on_loop(lambda: None))

    def set_network(self, network: Network) -> None:
        """See `EmulatedModule.set_network`."""
        self._call(lambda: self.module.set_network(network))


MakeWay = Callable[..., Way]
NAMES = ["-".join(names) for names in WAYS]


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


@contextmanager
def way_named(
    name: str, behaviour: Behaviour | None = None, *, clock: Clock | None = None, line_rate: int = 0
) -> Iterator[Way]:
    """Make the one of `NAMES`, and want nothing of it left at the end."""
    shell, _, line = name.partition("-")
    with nothing_left() as stack:
        options = {} if clock is None else {"clock": clock}
        yield Way(stack, shell, line, behaviour=behaviour, line_rate=line_rate, **options)


@pytest.fixture(params=WAYS, ids="-".join)
def way(request: pytest.FixtureRequest) -> Iterator[MakeWay]:
    """What makes the module and its drivers; arguments as for `Way`."""
    with nothing_left() as stack:
        yield lambda **options: Way(stack, *request.param, **options)


LATE = Behaviour(late_settings="error")
"""What the app note 3.1 says, to the letter."""
