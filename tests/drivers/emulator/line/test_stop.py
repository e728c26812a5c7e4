"""A host that says stop: how little follows on a line with a rate, and that nothing is lost when it says go on.

What may follow is what a UART and a multiplexer of a real module still have in hand: at most 64 octets on the plain
UART, and two frames on a DLC.
"""

from __future__ import annotations

import queue
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import serial
from emulator_host import Turning
from wired import Wired, WiredMux

from cmux.protocol import Multiplexer
from cmux.protocol.commands import Signals
from drivers.clock import FakeClock
from drivers.emulator import Behaviour, EmulatedModule
from drivers.emulator.line import serial_line

XON, XOFF = b"\x11", b"\x13"
COMMAND = "AT" + ";".join(["+GSN", "+CIMI", "+QCCID"] * 5)
LONG = COMMAND.encode() + b"\r"
ANSWER = 300  # octets at least
RATE = 9600
OCTET = 10 / RATE


@asynccontextmanager
async def plain(rate: int = RATE, **options: object) -> AsyncIterator[Wired]:
    clock = FakeClock()
    async with EmulatedModule(line_rate=rate, clock=clock, **options) as module:  # type: ignore[arg-type]
        yield Wired(module, clock)


@asynccontextmanager
async def multiplexed(*dlcis: int, rate: int = RATE) -> AsyncIterator[WiredMux]:
    clock = FakeClock()
    async with EmulatedModule(line_rate=rate, clock=clock) as module:
        host = WiredMux(module, clock)
        await host.ask("ATE0")
        await host.start(*dlcis)
        for dlci in dlcis:
            host.type(dlci, b"ATE0\r")
            await host.until(lambda one=dlci: host.data[one].endswith(b"OK\r\n"))  # type: ignore[misc]
            host.data[dlci].clear()
        yield host


@pytest.mark.parametrize("rate", [9600, 115_200, 921_600])
async def test_at_most_64_octets_follow_xoff_and_the_rest_follows_xon(rate: int) -> None:
    async with plain(rate) as host:
        await host.ask("AT+IFC=1,1;E0")
        wanted = (await host.ask(COMMAND)) * 20
        host.came.clear()
        host.say(LONG * 20)
        await host.said()
        host.say(XOFF)
        before = len(host.came)
        await host.turn(2)
        assert len(host.came) - before <= 64
        host.say(XON)
        await host.until(lambda: len(host.came) >= len(wanted))
        await host.turn(0.1)
        assert bytes(host.came) == wanted


@pytest.mark.parametrize("fifo", [1, 16, 64])
async def test_what_follows_xoff_is_the_octet_on_the_line_and_the_fifo(fifo: int) -> None:
    """Also where the timers of the module are late, by 20 octets."""
    for step in (OCTET / 4, 20 * OCTET):
        async with plain(behaviour=Behaviour(fifo=fifo)) as host:
            await host.ask("AT+IFC=1,1;E0")
            host.say(LONG * 20)
            await host.said()
            await host.fresh(step)
            host.say(XOFF)
            before = len(host.came)
            await host.turn(2, step)
            assert fifo - 1 <= len(host.came) - before <= fifo + 2  # which leave while XOFF comes


async def test_a_behaviour_of_the_uart_out_of_range_is_told() -> None:
    for text in ("fifo=0", "fifo=65", "fifo=many"):
        with pytest.raises(ValueError, match="fifo is a number from 1 to 64"):
            Behaviour.parse([text])
    assert Behaviour.parse(["fifo=1"]) == Behaviour(fifo=1)


async def test_a_module_that_answers_xoff_says_ff_once() -> None:
    """As the library for the M10 expects: 255 is the answer to XOFF, and comes just once."""
    async with plain(behaviour=Behaviour(xoff_answer="FF")) as host:
        await host.ask("AT+IFC=1,1;E0")
        host.came.clear()
        host.say(XOFF + XOFF)
        host.say(XOFF)
        await host.turn(0.1)
        assert bytes(host.came) == b"\xff"
        host.say(XON + b"AT\r")
        await host.turn(0.1)
        assert bytes(host.came) == b"\xff\r\nOK\r\n"


class ModemLine:
    """A serial port as pyserial has it, with CTS; what the module writes is in `came`."""

    def __init__(self) -> None:
        self.came = bytearray()
        self.cts: object = True
        self.is_open = True
        self.baudrate = RATE
        self.rtscts = False
        self.name = "a line with CTS"
        self.write_timeout: float | None = None
        self._said: queue.Queue[bytes] = queue.Queue()

    @property
    def in_waiting(self) -> int:
        return 0

    def say(self, octets: bytes) -> None:
        self._said.put(octets)

    def read(self, size: int = 1) -> bytes:
        try:
            return self._said.get(timeout=0.01)
        except queue.Empty:
            return b""

    def write(self, octets: bytes) -> int:
        self.came += octets
        return len(octets)

    def close(self) -> None:
        self.is_open = False


@asynccontextmanager
async def with_cts(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[ModemLine, Turning]]:
    """Run a module on a line with CTS, on which it has a lot to say."""
    port, clock = ModemLine(), Turning()
    monkeypatch.setattr(serial_line, "open_port", lambda url, baudrate: port)
    async with EmulatedModule(line_rate=RATE, clock=clock) as module:
        module.serve_serial("a line with CTS", RATE)
        port.say(b"AT+IFC=2,2;E0\r")
        while b"OK" not in port.came:
            await clock.turn(0.01)
        port.say(LONG * 5)
        while len(port.came) < ANSWER:
            await clock.turn(0.01)
        yield port, clock


async def test_at_most_64_octets_follow_rts_and_the_rest_follows_later(monkeypatch: pytest.MonkeyPatch) -> None:
    async with with_cts(monkeypatch) as (port, clock):
        port.cts = False
        before = len(port.came)
        for _ in range(50):
            await clock.turn(0.02)
        assert len(port.came) - before <= 64
        port.cts = True
        before = len(port.came)
        for _ in range(10):
            await clock.turn(0.02)
        assert 0.2 / OCTET - 30 <= len(port.came) - before <= 0.2 / OCTET + 30  # and at the rate of the line


@pytest.mark.parametrize(
    "error", [OSError(25, "Inappropriate ioctl for device"), serial.SerialException("not told yet")]
)
async def test_a_line_that_cannot_tell_its_cts_stops_nothing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    class NoCts(ModemLine):
        @property
        def cts(self) -> bool:
            raise error

        @cts.setter
        def cts(self, on: bool) -> None:
            pass

    monkeypatch.setitem(globals(), "ModemLine", NoCts)
    async with with_cts(monkeypatch) as (port, clock):
        before = len(port.came)
        for _ in range(10):
            await clock.turn(0.02)
        assert len(port.came) - before >= 0.2 / OCTET - 30


class Arduino:
    """A host with a buffer of 128 octets that stops the module with fewer than 6 of them free, as the library does.

    Args:
        host: its end of the line.
        pause: seconds that the program takes before it empties the buffer.
    """

    def __init__(self, host: Wired, pause: float) -> None:
        self.taken = bytearray()
        self.lost = 0
        self._host = host
        self._pause = pause
        self._buffer = bytearray()
        self._since: float | None = None
        host.hears = self._hear

    def _hear(self, octets: bytes) -> None:
        for octet in octets:
            free = 128 - len(self._buffer)
            if free:
                self._buffer.append(octet)
            else:
                self.lost += 1
            if free < 6 and self._since is None:
                self._since = self._host.clock.now()
                self._host.say(XOFF)

    def work(self) -> None:
        if self._since is not None and self._host.clock.now() < self._since + self._pause:
            return
        self.taken += self._buffer
        self._buffer.clear()
        if self._since is not None:
            self._since = None
            self._host.say(XON)

    async def run(self, seconds: float) -> None:
        """Empty the buffer when it is nearly full, or nothing comes any more."""
        for _ in range(round(seconds / (OCTET / 2))):
            await self._host.turn(OCTET / 2, OCTET / 2)
            if self._since is not None:
                self.work()
        self.work()


@pytest.mark.parametrize("fifo", [1, 16])
async def test_a_host_that_stops_with_fewer_than_6_octets_free_needs_a_fifo_of_1(fifo: int) -> None:
    async with plain(behaviour=Behaviour(fifo=fifo)) as host:
        await host.ask("AT+IFC=1,1;E0")
        wanted = await host.ask(COMMAND)
        arduino = Arduino(host, pause=0.05)
        host.say(LONG)
        await arduino.run(len(wanted) * OCTET + 0.5)
        if fifo == 1:
            assert arduino.lost == 0
            assert bytes(arduino.taken) == wanted
        else:
            assert arduino.lost > 0


Call = Callable[[Multiplexer, float], object]

STOPS: dict[str, tuple[Call, Call]] = {
    "FC (27.010 5.4.6.3.7)": (
        lambda core, now: core.pause_reading(1, now),
        lambda core, now: core.resume_reading(1, now),
    ),
    "RTR (27.010 5.4.6.3.7)": (
        lambda core, now: core.set_signals(1, Signals(rtr=False), now),
        lambda core, now: core.set_signals(1, Signals(rtr=True), now),
    ),
    "FCoff (27.010 5.4.6.3.6)": (
        lambda core, now: core.hold_all(now),
        lambda core, now: core.release_all(now),
    ),
}


@pytest.mark.parametrize("rate", [9600, 921_600])
@pytest.mark.parametrize("stop", STOPS)
async def test_at_most_two_frames_of_a_dlc_follow_a_stop_and_the_rest_follows_later(stop: str, rate: int) -> None:
    says_stop, says_go_on = STOPS[stop]
    async with multiplexed(1, rate=rate) as host:
        host.type(1, LONG)
        await host.until(lambda: host.data[1].endswith(b"OK\r\n"))
        wanted = bytes(host.data[1]) * 20
        host.data[1].clear()
        host.type(1, LONG * 20)
        await host.said()
        await host.fresh(1 / rate)
        says_stop(host.core, host.clock.now())
        host.flush()
        before = host.frames(1)
        await host.turn(4)
        assert host.frames(1) - before <= 2
        says_go_on(host.core, host.clock.now())
        host.flush()
        await host.until(lambda: len(host.data[1]) >= len(wanted))
        await host.turn(0.1)
        assert bytes(host.data[1]) == wanted


async def test_a_stop_of_one_dlc_leaves_the_line_to_the_others() -> None:
    async with multiplexed(1, 2, rate=9600) as host:
        for dlci in (1, 2):
            host.type(dlci, LONG * 20)
        await host.said()
        host.core.pause_reading(1, host.clock.now())
        host.flush()
        await host.turn(0.5)
        stopped, goes_on = len(host.data[1]), len(host.data[2])
        await host.turn(2)
        assert len(host.data[1]) == stopped
        assert len(host.data[2]) - goes_on >= 0.9 * 2 / OCTET * 127 / 133


@pytest.mark.parametrize("mode", ["plain", "multiplexed"])
@pytest.mark.parametrize("rate", [9600, 115_200, 921_600])
async def test_a_line_that_has_enough_to_carry_carries_all_that_its_rate_allows(rate: int, mode: str) -> None:
    """And no more than that, with timers that are late."""
    octet = 10 / rate
    for step in (0.0011, 0.0137):
        if mode == "plain":
            async with plain(rate) as host:
                await host.ask("ATE0")
                host.came.clear()
                host.say(LONG * 90)
                await host.until(lambda: len(host.came) > 100, step)
                before, since = len(host.came), host.clock.now()
                await host.turn(0.2, step)
                carried = (host.clock.now() - since) / octet
                assert abs(len(host.came) - before - carried) <= 0.005 * rate / 10 + 20
        else:
            async with multiplexed(1, rate=rate) as host:
                host.type(1, LONG * 90)
                await host.until(lambda: len(host.data[1]) > 100, step)
                before, since = host.frames(1), host.clock.now()
                await host.turn(0.2, step)
                carried = (host.clock.now() - since) / octet / 133
                assert abs(host.frames(1) - before - carried) <= 0.005 * rate / 10 / 133 + 2
