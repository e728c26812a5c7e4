"""A host in memory at the end of an emulated module's line: nothing but a clock that the test turns makes it go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cmux.protocol import Config, Multiplexer, Role
from cmux.protocol.events import DataReceived
from drivers.clock import FakeClock
from drivers.emulator import EmulatedModule


class Wired(asyncio.Transport):
    """The host's end of the line.

    Args:
        module: a running one.
        clock: its clock.
    """

    def __init__(self, module: EmulatedModule, clock: FakeClock) -> None:
        super().__init__()
        self.module = module
        self.came = bytearray()
        self.heard = 0
        self.clock = clock
        self.hears: Callable[[bytes], object] = self.came.extend
        self._wire = module._new_line()
        self._wire.connection_made(self)

    def say(self, octets: bytes) -> None:
        """Send octets to the module."""
        self._wire.data_received(octets)

    async def turn(self, seconds: float, step: float = 0.001) -> None:
        """Let time pass, in steps."""
        for _ in range(round(seconds / step)):
            self.clock.advance(step)
            for _ in range(3):
                await asyncio.sleep(0)

    async def until(self, holds: Callable[[], object], step: float = 0.001, patience: float = 60.0) -> None:
        """Let time pass until something holds."""
        for _ in range(round(patience / step)):
            if holds():
                return
            await self.turn(step, step)
        raise AssertionError(f"it does not hold after {patience} s; what came ends with {bytes(self.came[-80:])!r}")

    async def said(self) -> None:
        """Let time pass until the line has carried what was said."""
        await self.until(lambda: not self._wire.rx.waiting)

    async def fresh(self, step: float) -> None:
        """Let time pass until all that the line has carried has just been handed over."""
        before = self.heard
        await self.until(lambda: self.heard != before, step)

    async def ask(self, line: str, end: bytes = b"OK\r\n") -> bytes:
        """Type a line, and return what comes up to an end."""
        before = len(self.came)
        self.say(line.encode() + b"\r")
        await self.until(lambda: end in self.came[before:])
        return bytes(self.came[before:])

    # As a transport

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.heard += len(data)
        self.hears(bytes(data))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        self._wire.connection_lost(None)

    def fill(self, full: bool) -> None:
        """Take nothing more from the module, or go on."""
        (self._wire.pause_writing if full else self._wire.resume_writing)()


class WiredMux(Wired):
    """The same in multiplexer mode."""

    def __init__(self, module: EmulatedModule, clock: FakeClock, config: Config | None = None) -> None:
        super().__init__(module, clock)
        self.core = Multiplexer(Role.INITIATOR, config or Config(n1=127, t1=2.5, t2=2.55))
        self.data: dict[int, bytearray] = {}

    async def start(self, *dlcis: int) -> None:
        """Open DLCI 0 and others."""
        await self.ask("AT+CMUX=0")
        self.hears = self._receive
        self.core.start(self.clock.now())
        self.flush()
        await self.until(lambda: self.core.session_open)
        for dlci in dlcis:
            self.data[dlci] = bytearray()
            self.core.open(dlci, self.clock.now())
            self.flush()
            await self.until(lambda one=dlci: self.core.is_open(one))  # type: ignore[misc]
        await self.turn(0.5)

    def type(self, dlci: int, octets: bytes) -> None:
        """Send octets on a DLC."""
        assert self.core.send(dlci, octets, self.clock.now()) == len(octets)
        self.flush()

    def frames(self, dlci: int) -> int:
        """Return how many frames have come on a DLC."""
        dlcs = self.core.stats()["dlcs"]
        assert isinstance(dlcs, dict)
        return int(dlcs[dlci]["frames_received"])

    def flush(self) -> None:
        """Send what the core has."""
        if octets := self.core.data_to_send(self.clock.now()):
            self.say(octets)

    def _receive(self, octets: bytes) -> None:
        for event in self.core.receive_data(octets, self.clock.now()):
            if isinstance(event, DataReceived):
                self.data[event.dlci] += event.data
        self.flush()
