"""The load of a line: raw streams of octets that come back, and TCP sessions over AT channels, in either shell."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from documented import is_documented
from families_lab import InLoop
from shells import AioChannel, AioShell, Channel, Shell, ThreadChannel

from drivers.tcpip import TcpipDriver, aio

T = TypeVar("T")

LATE = 60.0
"""Seconds after which a call that has a time limit of a few is taken for one that hangs."""


class Record:
    """What the calls of a cell have come to.

    Args:
        shell: the name of the shell that they are made on.
    """

    def __init__(self, shell: str) -> None:
        self._shell = shell
        self.wrong: list[str] = []
        """What must not have happened."""
        self.errors: Counter[str] = Counter()
        """Exceptions of the documented trees, by class."""
        self.octets: int = 0
        """Octets of data that have come back."""
        self.undocumented: int = 0

    def note(self, error: BaseException, where: str) -> None:
        """Note an exception that left the public API."""
        self.errors[type(error).__name__] += 1
        if not is_documented(error, self._shell):
            self.undocumented += 1
            self.wrong.append(f"{where}: {type(error).__module__}.{type(error).__qualname__}: {error}")

    def timed(self, where: str, call: Callable[[], T]) -> T:
        """Make a call that has a time limit; one that takes far longer is noted."""
        begun = time.monotonic()
        try:
            return call()
        finally:
            if time.monotonic() - begun > LATE:
                self.wrong.append(f"{where}: returned after {time.monotonic() - begun:.0f} s")


class Load:
    """Something that uses a channel on threads of its own, until it is stopped or the channel ends.

    Args:
        record: gets what goes wrong.
        name: of the load.
    """

    def __init__(self, record: Record, name: str) -> None:
        self.record = record
        self.name = name
        self.stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def stop(self) -> None:
        """Begin nothing new."""
        self.stopping.set()

    def _start(self, *functions: Callable[[], None]) -> None:
        self._threads = [
            threading.Thread(target=self._guarded, args=(one,), name=f"load {self.name}") for one in functions
        ]
        for thread in self._threads:
            thread.start()

    def _guarded(self, function: Callable[[], None]) -> None:
        try:
            function()
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            self.record.note(error, self.name)

    def over(self, seconds: float) -> bool:
        """Wait until its threads have ended; those that have not are noted."""
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        left = sum(thread.is_alive() for thread in self._threads)
        if left:
            self.record.wrong.append(f"{self.name}: {left} calls have not returned after {seconds:g} s")
        return not left


class RawStream(Load):
    """Octets of a channel, written as fast as it takes them, and read."""

    def __init__(self, record: Record, shell: Shell, channel: Channel, seed: str, pause: float) -> None:
        super().__init__(record, f"channel {channel.dlci}")
        self.dlci = channel.dlci
        self.written, self.read = bytearray(), bytearray()
        self.reading_over = threading.Event()
        self._shell, self._channel, self._pause = shell, channel, pause
        self._chooser = random.Random(seed)  # noqa: S311 - repeatable
        if isinstance(channel, ThreadChannel):
            channel.port.timeout, channel.port.write_timeout = 0.05, None

    def start(self) -> RawStream:
        """Start to write and to read."""
        self._start(self._write, self._read)
        return self

    def _write(self) -> None:
        while not self.stopping.is_set():
            size = self._chooser.choice((1, 7, 127, 128, 300, 1000))
            data = self._chooser.randbytes(size)
            if len(self.written) - len(self.read) > 100_000:  # what is lost never comes back
                self.stopping.wait(0.01)
            self._put(data)
            if self._pause:
                self.stopping.wait(self._pause)

    def stop(self) -> None:
        """Write no more; a write that waits for room ends."""
        self.stopping.set()
        if isinstance(self._channel, ThreadChannel):
            self._channel.port.cancel_write()

    def _put(self, data: bytes) -> None:
        self.written += data  # before: when it raises, nobody knows how many were taken
        if isinstance(self._channel, ThreadChannel):
            taken = self._channel.port.write(data)
            del self.written[len(self.written) - (len(data) - taken) :]
            return
        assert isinstance(self._channel, AioChannel)
        assert isinstance(self._shell, AioShell)
        writer = self._channel.writer

        async def drained() -> bool:
            try:
                async with asyncio.timeout(0.5):
                    await writer.drain()
            except TimeoutError:
                return False
            return True

        self._shell.call(writer.write, data)
        while not self._shell.run(drained()) and not self.stopping.is_set():
            pass

    def _read(self) -> None:
        while not self.reading_over.is_set():
            data = self._get()
            if data is None:
                return
            self.read += data
            self.record.octets += len(data)

    def _get(self) -> bytes | None:
        if isinstance(self._channel, ThreadChannel):
            port = self._channel.port
            return self.record.timed(self.name, lambda: port.read(max(1, port.in_waiting)))
        assert isinstance(self._channel, AioChannel)
        assert isinstance(self._shell, AioShell)
        reader = self._channel.reader

        async def get() -> bytes | None:
            try:
                async with asyncio.timeout(0.05):
                    return await reader.read(65536) or None
            except TimeoutError:
                return b""

        return self._shell.run(get())


class Sessions(Load):
    """A TCP/IP driver of one context on one channel: it connects to a server that sends back what it gets.

    Args:
        record: gets what goes wrong.
        shell: the shell of the channel.
        channel: the channel.
        context: the context.
        port: the port of the server.
        seed: determines the data.
        exact: the line is clean: what comes back has to be what was sent, and nothing may raise.
    """

    def __init__(
        self, record: Record, shell: Shell, channel: Channel, context: int, port: int, seed: str, *, exact: bool
    ) -> None:
        super().__init__(record, f"context {context}")
        self.exact = exact
        self.rounds = 0
        self._port = port
        self._chooser = random.Random(seed)  # noqa: S311 - repeatable
        self.driver: Any
        if isinstance(shell, AioShell):
            assert isinstance(channel, AioChannel)
            streams = (channel.reader, channel.writer)
            made = shell.call(lambda: aio.TcpipDriver(streams, context))
            call: Callable[..., Any] = shell.call
            self.driver = InLoop(call, made)
        else:
            assert isinstance(channel, ThreadChannel)
            self.driver = TcpipDriver(channel.port, context)

    def claim(self) -> Sessions:
        """Get the context, whatever a host before has left."""
        self.record.timed(f"{self.name}: reclaim", lambda: self.driver.reclaim(timeout=20))
        return self

    def start(self) -> Sessions:
        """Start to exchange data."""
        self._start(self._run)
        return self

    def connected(self) -> Any:
        """Open a session."""
        session = self.record.timed(
            f"{self.name}: connect", lambda: self.driver.connect("TCP", "127.0.0.1", self._port, timeout=20)
        )
        session.settimeout(10)
        return session

    def exchange(self, session: Any) -> None:
        """Send octets, and receive them back."""
        data = self._chooser.randbytes(self._chooser.choice((1, 20, 700, 1460)))
        self.record.timed(f"{self.name}: sendall", lambda: session.sendall(data))
        came = bytearray()
        while len(came) < len(data):
            left = len(data) - len(came)
            part = self.record.timed(f"{self.name}: recv", partial(session.recv, left))
            if not part:
                break
            came += part
        self.record.octets += len(came)
        self.rounds += 1
        if self.exact and came != data:
            self.record.wrong.append(f"{self.name}: {len(data)} octets came back as {len(came)} others")

    def _run(self) -> None:
        while not self.stopping.is_set():
            session = None
            try:
                session = self.connected()
                while not self.stopping.is_set():
                    self.exchange(session)
                    self.record.timed(f"{self.name}: AT", lambda: self.driver.channel.command("AT+CSQ", timeout=5))
            except Exception as error:
                if self.exact and not self.stopping.is_set():
                    raise
                self.record.note(error, self.name)
                self.stopping.wait(0.02)
            finally:
                self._end(session)

    def _end(self, session: Any) -> None:
        if session is not None:
            try:
                self.record.timed(f"{self.name}: close", session.close)
            except Exception as error:  # noqa: BLE001 - that is what is looked for
                self.record.note(error, self.name)

    def close(self) -> None:
        """Close the driver; on a line that is dead it says so."""
        try:
            self.record.timed(f"{self.name}: closing", self.driver.close)
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            self.record.note(error, f"{self.name}: closing")
