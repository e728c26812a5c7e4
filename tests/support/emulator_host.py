"""A host program for the emulated module: terminals that compare octets, in AT mode and on virtual UARTs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Self

from cmux.aio import MuxProtocol
from cmux.protocol.config import Config, Option, Role
from cmux.protocol.events import Closed, DataReceived, Event, Opened, SessionClosed, SessionOpened, SignalsChanged
from drivers.clock import FakeClock
from drivers.emulator import EmulatedModule

PATIENCE = float(os.environ.get("GSM0710_PATIENCE", "5"))  # seconds of real time until a test fails that waits in vain


class Terminal:
    """One UART as the host sees it."""

    def __init__(self, send: Callable[[bytes], object]) -> None:
        self._send = send
        self.received = bytearray()
        self._came = asyncio.Event()

    def feed(self, data: bytes) -> None:
        self.received += data
        self._came.set()

    def write(self, data: bytes) -> None:
        self._send(data)

    async def expect(self, octets: bytes) -> None:
        """Take exactly these octets; anything else fails at once."""
        try:
            async with asyncio.timeout(PATIENCE):
                while len(self.received) < len(octets) and octets.startswith(self.received):
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            raise AssertionError(f"wanted {octets!r}, got {bytes(self.received)!r} and no more") from None
        got = bytes(self.received[: len(octets)])
        assert got == octets, f"wanted {octets!r}, got {bytes(self.received)!r}"
        del self.received[: len(octets)]

    async def until(self, end: bytes) -> bytes:
        """Take everything up to and with these octets."""
        try:
            async with asyncio.timeout(PATIENCE):
                while end not in self.received:
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            raise AssertionError(f"wanted ...{end!r}, got {bytes(self.received)!r}") from None
        length = self.received.index(end) + len(end)
        got = bytes(self.received[:length])
        del self.received[:length]
        return got

    async def ask(self, command: str, answer: str = "\r\nOK\r\n", *, echo: bool = True) -> None:
        """Type a command and want exactly its echo and this answer."""
        self.write(command.encode("latin-1") + b"\r")
        await self.expect((f"{command}\r" if echo else "").encode("latin-1") + answer.encode("latin-1"))

    async def quiet(self) -> None:
        """Want nothing more after whatever is under way has come."""
        await settle()
        assert not self.received, f"wanted nothing, got {bytes(self.received)!r}"


async def settle(rounds: int = 30) -> None:
    """Let the loop do what is under way on loopback sockets."""
    for _ in range(rounds):
        await asyncio.sleep(0)
    await asyncio.sleep(0.002)
    for _ in range(rounds):
        await asyncio.sleep(0)


class PlainHost(asyncio.Protocol):
    """A host in AT mode."""

    def __init__(self) -> None:
        self.terminal = Terminal(self._write)
        self.transport: asyncio.Transport | None = None
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.terminal.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()

    def _write(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)


class Lab:
    """A module with a host on its line, in one loop.

    Args:
        module: not started yet.
    """

    def __init__(self, module: EmulatedModule) -> None:
        self.module = module
        self.host = PlainHost()
        self.events: list[Event] = []
        self.mux: MuxProtocol | None = None
        self._terminals: dict[int, Terminal] = {}
        self._happened = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.module.__aenter__()
        host, _, port = self.module.serve_tcp().rpartition(":")
        await asyncio.get_running_loop().create_connection(lambda: self.host, host, int(port))
        return self

    async def __aexit__(self, *error: object) -> None:
        if self.host.transport is not None:
            self.host.transport.abort()
        await self.module.__aexit__(None, None, None)

    @property
    def plain(self) -> Terminal:
        """The UART in AT mode."""
        return self.host.terminal

    async def multiplex(self, command: str = "AT+CMUX=0", option: int = 0) -> None:
        """Enter multiplexer mode."""
        await self.plain.ask(command)
        await self.start(Config(option=Option.ADVANCED, n1=127) if option else None)

    async def multiplex_quietly(self) -> None:
        """Enter multiplexer mode after ATE0."""
        await self.plain.ask("AT+CMUX=0", echo=False)
        await self.start()

    async def start(self, config: Config | None = None) -> None:
        """Open DLCI 0."""
        assert self.host.transport is not None
        self.mux = MuxProtocol(Role.INITIATOR, config or Config(n1=127), self._event)
        self.host.transport.set_protocol(self.mux)
        self.mux.connection_made(self.host.transport)
        await self.happens(lambda event: isinstance(event, SessionOpened))

    async def open(self, dlci: int) -> Terminal:
        """Open a DLC and return its terminal."""
        mux = self.mux
        assert mux is not None
        terminal = Terminal(lambda data: mux.write(dlci, data))
        self._terminals[dlci] = terminal
        mux.multiplexer.open(dlci, mux.now())
        mux.flush()
        event = await self.happens(lambda event: isinstance(event, Opened | Closed) and event.dlci == dlci)
        assert isinstance(event, Opened), event
        return terminal

    async def close(self, dlci: int) -> None:
        """Close a DLC."""
        assert self.mux is not None
        self.mux.multiplexer.close(dlci, self.mux.now())
        self.mux.flush()
        await self.happens(lambda event: isinstance(event, Closed) and event.dlci == dlci)

    async def leave(self) -> None:
        """Leave multiplexer mode."""
        mux, transport = self.mux, self.host.transport
        assert mux is not None
        assert transport is not None
        mux.multiplexer.shutdown(mux.now())
        mux.flush()
        await self.happens(lambda event: isinstance(event, SessionClosed))
        mux.detach()
        transport.set_protocol(self.host)

    async def happens(self, wanted: Callable[[Event], bool]) -> Event:
        """Take the first event that is wanted, and those before it."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    while self.events:
                        event = self.events.pop(0)
                        if wanted(event):
                            return event
                    self._happened.clear()
                    await self._happened.wait()
        except TimeoutError:
            raise AssertionError("the event did not come") from None

    def _event(self, event: Event) -> None:
        if isinstance(event, DataReceived):
            self._terminals[event.dlci].feed(event.data)
        elif not isinstance(event, SignalsChanged):
            self.events.append(event)
            self._happened.set()
        else:
            self.events.append(event)
            self._happened.set()


class Turning(FakeClock):
    """A clock turned by hand, for a module in the same loop."""

    async def turn(self, seconds: float) -> None:
        await settle()
        self.advance(seconds)
        await settle()
