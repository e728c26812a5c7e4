"""The same tests of sessions for each family and in both shells: a module, drivers on it, and one way to call them."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from aio_lab import AioLab, aio_laboratory
from driver_lab import BG96, M10, PATIENCE, Kind, laboratory
from toy_family import TOY
from toy_module import ToyModule, ToyPort, ToyUart

from drivers import tcpip
from drivers.at.aio import AtChannel
from drivers.clock import Clock
from drivers.modem.aio import Modem
from drivers.tcpip import aio


class Bench(ABC):
    """A module and what stands on it; `driver` and what it makes are called as on threads, whatever the shell is."""

    family: str
    shell: str

    @abstractmethod
    def driver(self, uart: int = 1, *, several: bool = False) -> Any:
        """A driver on a channel of the module.

        Args:
            uart: which channel.
            several: whether it is to have several sessions at once.
        """

    @abstractmethod
    def lose_context(self) -> None:
        """Let the network take the context away."""

    @abstractmethod
    def cut_line(self) -> None:
        """Let the line to the module die."""

    def free_port(self) -> int:
        """A port that a listener can have."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port: int = taken.getsockname()[1]
            return port


class InLoop:
    """An object of the shell of asyncio, called from a test that knows nothing of event loops."""

    def __init__(self, call: Callable[[Callable[[], Any]], Any], inner: Any) -> None:
        self._call = call
        self._inner = inner

    def _wrap(self, value: Any) -> Any:
        made = isinstance(value, aio.TcpipDriver | aio.Session | aio.Listener | aio.Watch | AtChannel | Modem)
        return InLoop(self._call, value) if made else value

    def __getattr__(self, name: str) -> Any:
        found = self._call(lambda: getattr(self._inner, name))
        if name == "local_address":
            return self._call(found)
        if not inspect.isroutine(found):
            return self._wrap(found)

        def call(*arguments: Any, **options: Any) -> Any:
            plain = [one._inner if isinstance(one, InLoop) else one for one in arguments]
            return self._wrap(self._call(lambda: found(*plain, **options)))

        return call

    def __enter__(self) -> Any:
        return self._wrap(self._call(self._inner.__aenter__))

    def __exit__(self, *exc: object) -> None:
        self._call(lambda: self._inner.__aexit__(*exc))


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def call(self, function: Callable[[], Any]) -> Any:
        """Call a function in the loop; wait for what it returns, where that can be awaited."""

        async def body() -> Any:
            result = function()
            return await result if inspect.isawaitable(result) else result

        return asyncio.run_coroutine_threadsafe(body(), self._loop).result(PATIENCE * 6)

    def enter(self, stack: ExitStack, manager: contextlib.AbstractAsyncContextManager[Any]) -> Any:
        """Enter a context manager in the loop, and leave it with a stack."""
        entered = self.call(manager.__aenter__)
        stack.callback(self.call, lambda: manager.__aexit__(None, None, None))
        return entered

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()


class OnThreads(Bench):
    """On an emulated module."""

    shell = "threads"
    kind: Kind

    def __init__(self, stack: ExitStack) -> None:
        self._lab = stack.enter_context(laboratory(kind=self.kind))

    def driver(self, uart: int = 1, *, several: bool = False) -> Any:
        return self._lab.driver(uart, uart - 1, **options_for(self.kind, several))

    def lose_context(self) -> None:
        self._lab.module.drop_contexts()

    def cut_line(self) -> None:
        self._lab.mux.close()


class InAsyncio(Bench):
    """On an emulated module in the same loop."""

    shell = "aio"
    kind: Kind

    def __init__(self, stack: ExitStack) -> None:
        self._loop = Loop()
        stack.callback(self._loop.close)
        self._lab: AioLab = self._loop.enter(stack, aio_laboratory(kind=self.kind))

    def driver(self, uart: int = 1, *, several: bool = False) -> Any:
        options = options_for(self.kind, several)
        return InLoop(self._loop.call, self._loop.call(lambda: self._lab.driver(uart, uart - 1, **options)))

    def lose_context(self) -> None:
        self._loop.call(lambda: self._lab.module.drop_contexts())

    def cut_line(self) -> None:
        self._loop.call(self._lab.mux.close)


def options_for(kind: Kind, several: bool) -> dict[str, Any]:
    """Return the options of a driver that is to have several sessions at once, or need not."""
    return {"muxip": several} if kind is M10 else {}


class GsmOnThreads(OnThreads):
    family, kind = "quectel_gsm", M10


class GsmInLoop(InAsyncio):
    family, kind = "quectel_gsm", M10


class LteOnThreads(OnThreads):
    family, kind = "quectel_lte", BG96


class LteInLoop(InAsyncio):
    family, kind = "quectel_lte", BG96


class ToyOnThreads(Bench):
    family, shell = "toy", "threads"

    def __init__(self, stack: ExitStack) -> None:
        self.module = ToyModule()
        stack.callback(self.module.finish)
        self.ports = {uart: ToyPort(self.module, uart) for uart in (1, 2)}

    def driver(self, uart: int = 1, *, several: bool = False) -> Any:
        return tcpip.TcpipDriver(self.ports[uart], uart - 1, dialect=TOY)

    def lose_context(self) -> None:
        self.module.lose_context(0)

    def cut_line(self) -> None:
        for port in self.ports.values():
            port.die()


class ToyInLoop(Bench):
    family, shell = "toy", "aio"

    def __init__(self, stack: ExitStack) -> None:
        self.module = ToyModule()
        stack.callback(self.module.finish)
        self._loop = Loop()
        stack.callback(self._loop.close)
        self._table = tcpip.ContextTable()
        self.clock: Clock | None = None
        """The clock of drivers that are made from now on; None: the real one."""
        self._ends: dict[int, socket.socket] = {}
        self._streams = {uart: self._line(stack, uart) for uart in (1, 2)}

    def _line(self, stack: ExitStack, uart: int) -> Any:
        ours, theirs = socket.socketpair()
        self._ends[uart] = theirs
        end = ToyUart(self.module, partial(self._say, theirs), uart)
        thread = threading.Thread(target=self._serve, args=(theirs, end))
        thread.start()
        reader, writer = self._loop.call(lambda: asyncio.open_connection(sock=ours))
        stack.callback(thread.join)
        stack.callback(self._loop.call, lambda: writer.close() or writer.wait_closed())
        return reader, writer

    def _say(self, line: socket.socket, octets: bytes) -> None:
        with contextlib.suppress(OSError):  # nobody hears it any more
            line.sendall(octets)

    def _serve(self, line: socket.socket, end: ToyUart) -> None:
        with line, contextlib.suppress(OSError):
            while octets := line.recv(4096):
                end.feed(octets)

    def driver(self, uart: int = 1, *, several: bool = False) -> Any:
        options = {"dialect": TOY, "table": self._table, "clock": self.clock}
        made = self._loop.call(lambda: aio.TcpipDriver(self._streams[uart], uart - 1, **options))
        return InLoop(self._loop.call, made)

    def lose_context(self) -> None:
        self.module.lose_context(0)

    def cut_line(self) -> None:
        for end in self._ends.values():
            end.shutdown(socket.SHUT_RDWR)


BENCHES = (GsmOnThreads, GsmInLoop, LteOnThreads, LteInLoop, ToyOnThreads, ToyInLoop)


@pytest.fixture(params=BENCHES, ids=lambda kind: f"{kind.family}-{kind.shell}")
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A module of each family, with drivers of each shell."""
    before = set(threading.enumerate())
    with ExitStack() as stack:
        yield request.param(stack)
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE)
    assert set(threading.enumerate()) <= before
