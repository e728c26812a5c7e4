"""An emulated module with drivers of both shells, on a channel of a multiplexer and on a plain UART."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from aio_lab import aio_laboratory
from driver_lab import PATIENCE, laboratory
from families_lab import InLoop, Loop

from drivers.clock import Clock
from drivers.emulator import Behaviour, EmulatedModule
from drivers.tcpip import TcpipDriver, aio

PLACES = ("threads-channel", "threads-plain", "aio-channel", "aio-plain")


@dataclass
class Place:
    """One module; `driver` makes drivers on its first UART, which are called as on threads, whatever the shell is."""

    module: EmulatedModule
    driver: Callable[..., Any]
    heard: bytearray
    """All that the module got there."""


@contextmanager
def place(name: str, behaviour: Behaviour | None = None, *, clock: Clock | None = None) -> Iterator[Place]:
    """Set one of `PLACES` up, and want no thread and no task left at the end."""
    shell, _, line = name.partition("-")
    before = set(threading.enumerate())
    with ExitStack() as stack:
        made = (_on_threads if shell == "threads" else _in_loop)(stack, line, behaviour, clock)
        made.module.on_octets(lambda _, direction, data: made.heard.extend(data if direction == "received" else b""))
        yield made
    for thread in set(threading.enumerate()) - before:
        thread._started.wait(PATIENCE)  # type: ignore[attr-defined]  # a peer may be about to start it
        thread.join(PATIENCE)
    assert set(threading.enumerate()) <= before


def _on_threads(stack: ExitStack, line: str, behaviour: Behaviour | None, clock: Clock | None) -> Place:
    if line == "channel":
        lab = stack.enter_context(laboratory(behaviour, clock=clock))
        return Place(lab.module, lambda **options: lab.driver(1, 0, **options), bytearray())
    options = {} if clock is None else {"clock": clock}
    module = stack.enter_context(EmulatedModule(behaviour=behaviour or Behaviour(), **options))  # type: ignore[arg-type]
    port = module.port()
    stack.callback(port.close)
    return Place(module, lambda **wanted: TcpipDriver(port, clock=clock, **wanted), bytearray())


def _in_loop(stack: ExitStack, line: str, behaviour: Behaviour | None, clock: Clock | None) -> Place:
    loop = Loop()
    stack.callback(loop.close)
    if line == "channel":
        lab = loop.enter(stack, aio_laboratory(behaviour, clock=clock))
        make = lambda **options: lab.driver(1, 0, **options)  # noqa: E731
        return Place(lab.module, lambda **wanted: InLoop(loop.call, loop.call(lambda: make(**wanted))), bytearray())
    options = {} if clock is None else {"clock": clock}
    module = EmulatedModule(behaviour=behaviour or Behaviour(), **options)  # type: ignore[arg-type]
    loop.enter(stack, module)
    streams = loop.call(module.connect)
    stack.callback(loop.call, lambda: streams[1].close() or streams[1].wait_closed())

    def driver(**wanted: Any) -> Any:
        return InLoop(loop.call, loop.call(lambda: aio.TcpipDriver(streams, clock=clock, **wanted)))

    return Place(module, driver, bytearray())
