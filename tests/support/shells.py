"""Both shells behind one set of calls, all of which wait: a test says once what holds on threads and in asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self, TypeVar

import serial

import cmux
import cmux.aio
from cmux.protocol import Multiplexer
from cmux.protocol.commands import Signals
from cmux.protocol.link import Link

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds after which a test has failed that waits still."""

QUICK: dict[str, Any] = {"t1": 0.02, "t2": 0.05, "n2": 1}
"""Settings for a peer that is not going to answer."""

SHORT: dict[str, Any] = {"t1": 0.1, "t2": 0.15, "n2": 1}
"""Settings for a peer that answers at first."""

CLD = bytes.fromhex("F9 03 EF 05 C3 01 F2 F9")
"""What the host says to end a session."""


class Channel(ABC):
    """An open channel: a port of the one shell, a pair of streams of the other."""

    dlci: int
    end: object
    """The port, or the reader: a DLC has one as long as it is open."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Write octets, and wait while the peer takes none."""

    @abstractmethod
    def read(self, count: int) -> bytes:
        """Read so many octets."""

    @abstractmethod
    def waiting(self) -> int:
        """Return how many octets have come and are not read."""

    @abstractmethod
    def set_signals(self, *, rtc: bool, rtr: bool = True) -> None:
        """Set our V.24 signals."""

    @abstractmethod
    def close(self) -> None:
        """Close the channel, and wait until it is closed."""

    @abstractmethod
    def until_read_waits(self) -> None:
        """Wait until a call of `read` waits, where one that comes later is told otherwise."""

    def echoes(self, data: bytes = b"echo") -> bool:
        """Say whether octets come back."""
        self.write(data)
        return self.read(len(data)) == data


class Mux(ABC):
    """A `Mux`; what is not defined here is its own, called so that it waits."""

    def __init__(self, shell: Shell, mux: object) -> None:
        self.shell = shell
        self.mux: Any = mux

    @abstractmethod
    def __getattr__(self, name: str) -> Any: ...

    @property
    def link(self) -> Link:
        """The session and the rules of its line."""
        return self.mux._link  # type: ignore[no-any-return]

    @abstractmethod
    def channel(self, dlci: int | str, **parameters: int) -> Channel:
        """See `cmux.Mux.channel`."""

    @abstractmethod
    def accept(self) -> Channel:
        """See `cmux.Mux.accept`."""

    @abstractmethod
    def until(self, ready: Callable[[Multiplexer], object]) -> None:
        """Wait until something holds in the core that an event brings about, or the session is over."""

    @abstractmethod
    def dispatched(self) -> None:
        """Wait until the events of all that was received have been logged and told."""

    @abstractmethod
    def callbacks_done(self) -> None:
        """Wait until the functions of the user's that are under way have run."""

    @abstractmethod
    def close(self) -> None:
        """See `cmux.Mux.close`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Shell(ABC):
    """One of the two shells."""

    name: str

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(16, "waiting")

    @abstractmethod
    def open(self, port: str | os.PathLike[str] | object, **settings: Any) -> Mux:
        """See `cmux.open`."""

    @abstractmethod
    def serve(self, port: str | os.PathLike[str] | object, **settings: Any) -> Mux:
        """See `cmux.serve`."""

    def start(self, call: Callable[..., T], *arguments: object, **named: object) -> Future[T]:
        """Begin a call that may wait, on a thread of its own."""
        return self._pool.submit(call, *arguments, **named)

    def close(self) -> None:
        """Leave nothing behind."""
        self._pool.shutdown()


# --- Threads ---


class ThreadChannel(Channel):
    def __init__(self, port: cmux.VirtualUart) -> None:
        self.port = port
        self.dlci, self.end = port.dlci, port
        port.timeout = PATIENCE

    def write(self, data: bytes) -> None:
        self.port.write(data)

    def read(self, count: int) -> bytes:
        return self.port.read(count)

    def until_read_waits(self) -> None:
        handle, ends = self.port._handle, time.monotonic() + PATIENCE
        assert handle is not None
        while not handle.buffer.wanted:
            assert time.monotonic() < ends, f"nobody reads {self.port!r}"
            time.sleep(0.001)

    def waiting(self) -> int:
        return self.port.in_waiting

    def set_signals(self, *, rtc: bool, rtr: bool = True) -> None:
        self.port.dtr, self.port.rts = rtc, rtr

    def close(self) -> None:
        self.port.close()


class ThreadMux(Mux):
    mux: cmux.Mux

    def __getattr__(self, name: str) -> Any:
        return getattr(self.mux, name)

    def channel(self, dlci: int | str, **parameters: int) -> ThreadChannel:
        return ThreadChannel(self.mux.channel(dlci, **parameters))

    def accept(self) -> ThreadChannel:
        return ThreadChannel(self.mux.accept(PATIENCE))

    def until(self, ready: Callable[[Multiplexer], object]) -> None:
        engine = self.mux._engine
        assert engine.wait(lambda core: bool(ready(core)), PATIENCE) or engine.error is not None

    def dispatched(self) -> None:
        engine = self.mux._engine
        while engine.events:
            with engine._dispatching:
                pass
        with engine._dispatching:
            pass

    def callbacks_done(self) -> None:
        done = threading.Event()
        self.mux._callbacks.put(done.set)
        assert done.wait(PATIENCE)

    def close(self) -> None:
        self.mux.close()


class ThreadShell(Shell):
    name = "threads"

    def open(self, port: str | os.PathLike[str] | object, **settings: Any) -> ThreadMux:
        return ThreadMux(self, cmux.open(port, **settings))  # type: ignore[arg-type]

    def serve(self, port: str | os.PathLike[str] | object, **settings: Any) -> ThreadMux:
        return ThreadMux(self, cmux.serve(port, **settings))  # type: ignore[arg-type]


# --- Asyncio ---


class AioChannel(Channel):
    def __init__(self, shell: AioShell, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        self.shell = shell
        self.reader, self.writer = streams
        self.end = self.reader
        self.dlci = self.writer.get_extra_info("dlci")

    def write(self, data: bytes) -> None:
        async def write() -> None:
            self.writer.write(data)
            await self.writer.drain()

        self.shell.run(write())

    def read(self, count: int) -> bytes:
        return self.shell.run(self.reader.readexactly(count))

    def until_read_waits(self) -> None:
        pass  # a stream keeps its first exception for whoever reads later

    def waiting(self) -> int:
        return self.shell.call(lambda: len(self.reader._buffer))  # type: ignore[attr-defined]

    def set_signals(self, *, rtc: bool, rtr: bool = True) -> None:
        transport: Any = self.writer.transport
        self.shell.call(transport.set_signals, Signals(rtc=rtc, rtr=rtr))

    def close(self) -> None:
        async def close() -> None:
            self.writer.close()
            with contextlib.suppress(serial.SerialException):  # the line died before: a port says nothing of it, either
                await self.writer.wait_closed()

        self.shell.run(close())


class AioMux(Mux):
    shell: AioShell
    mux: cmux.aio.Mux

    def __getattr__(self, name: str) -> Any:
        value = self.shell.call(getattr, self.mux, name)
        if not callable(value):
            return value

        def call(*arguments: object, **named: object) -> object:
            return self.shell.call(value, *arguments, **named)

        return call

    def channel(self, dlci: int | str, **parameters: int) -> AioChannel:
        return AioChannel(self.shell, self.shell.run(self.mux.channel(dlci, **parameters)))

    def accept(self) -> AioChannel:
        return AioChannel(self.shell, self.shell.run(self.mux.accept()))

    def until(self, ready: Callable[[Multiplexer], object]) -> None:
        async def until() -> None:
            while not ready(self.mux.protocol.multiplexer):
                self.mux._changed.clear()
                await self.mux._changed.wait()

        self.shell.run(until())

    def dispatched(self) -> None:
        self.shell.call(lambda: None)

    def callbacks_done(self) -> None:
        self.shell.call(lambda: None)

    def close(self) -> None:
        self.shell.run(self.mux.close())


class AioShell(Shell):
    """A loop on a thread of its own; what it could not tell anybody fails the test."""

    name = "aio"

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self._complaints: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda loop, context: self._complaints.append(context))
        self._thread = threading.Thread(target=self.loop.run_forever, name="the loop of the test")
        self._thread.start()

    def run(self, work: Coroutine[object, object, T]) -> T:
        """Run a coroutine in the loop, and wait for what comes of it."""
        running = asyncio.run_coroutine_threadsafe(work, self.loop)
        try:
            return running.result(PATIENCE)
        finally:
            running.cancel()

    def call(self, function: Callable[..., T | Awaitable[T]], *arguments: object, **named: object) -> T:
        """Call a function in the loop, and wait for what comes of it."""

        async def call() -> T:
            result = function(*arguments, **named)
            return await result if inspect.isawaitable(result) else result  # type: ignore[return-value]

        return self.run(call())

    def open(self, port: str | os.PathLike[str] | object, **settings: Any) -> AioMux:
        return AioMux(self, self.run(cmux.aio.open(port, **settings)))  # type: ignore[arg-type]

    def serve(self, port: str | os.PathLike[str] | object, **settings: Any) -> AioMux:
        return AioMux(self, self.run(cmux.aio.serve(port, **settings)))  # type: ignore[arg-type]

    def close(self) -> None:
        super().close()

        async def left() -> set[asyncio.Task[Any]]:
            await self.loop.shutdown_default_executor()
            return asyncio.all_tasks() - {asyncio.current_task()}  # type: ignore[arg-type]

        tasks = self.run(left())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
        assert not tasks
        assert not self._complaints


SHELLS: dict[str, type[Shell]] = {shell.name: shell for shell in (ThreadShell, AioShell)}
