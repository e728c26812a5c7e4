"""Lines in asyncio that die, come back, are paced, and take nothing any more."""

import asyncio
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from module_news import elsewhere
from mux_leaks import nothing_left
from mux_module import Module
from plugged import plugged

import cmux.aio
from cmux import reconnector as reattaching
from cmux.line import physical as line
from cmux.protocol import Config
from cmux.protocol.commands import Signals
from cmux.protocol.config import Role
from cmux.protocol.events import Event, SessionClosed, SignalsChanged
from drivers.clock import FakeClock

pytestmark = pytest.mark.usefixtures("nothing_left")
__all__ = ["nothing_left"]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reattaching, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(reattaching, "LONGEST_DELAY", 0.05)


@pytest.fixture
def link(tmp_path: Path) -> Path:
    return tmp_path / "modem"


# --- Coming back ---


async def test_a_line_that_comes_back_is_opened_anew_with_the_channels_that_were_open(link: Path) -> None:
    made: list[asyncio.Protocol] = []
    ended: list[Exception | None] = []

    class Noted(asyncio.Protocol):
        def __init__(self) -> None:
            made.append(self)

        def connection_lost(self, exc: Exception | None) -> None:
            ended.append(exc)

    with Module() as first, plugged(link, first.path):
        mux = await cmux.aio.open(link, reattach=True)
        reader, writer = await mux.channel(1)
        transport = writer.transport
        assert isinstance(transport, cmux.aio.ChannelTransport)
        transport.set_signals(Signals(rtc=False))
        await mux.create_connection(Noted, 2)
        _, closed = await mux.channel(3)
        closed.close()
        await closed.wait_closed()
    with pytest.raises(cmux.SessionEnded):
        await reader.read(1)
    assert mux.reattaching
    with pytest.raises(cmux.SessionEnded):
        await mux.channel(1)
    with Module() as second, plugged(link, second.path):
        await mux.wait_attached()
        assert not mux.reattaching
        assert mux.error is None
        assert (second.opened(1), second.opened(2), second.opened(3)) == (1, 1, 0)
        assert len(made) == 2
        assert [type(error) for error in ended] == [cmux.SessionEnded]
        reader, writer = await mux.channel(1)
        assert second.opened(1) == 1
        writer.write(b"back")
        assert await reader.readexactly(4) == b"back"
        signals = [event.signals for event in second.events if isinstance(event, SignalsChanged) and event.dlci == 1]
        assert signals[0] == Signals(rtc=False)
        assert mux.stats()["reattached"] == mux.reattached == 1
        await mux.close()
        assert not second.in_mux
        assert second.commands[-1] == "AT"


# --- Many at once ---


# --- Pacing, and a line that takes nothing ---


class Wire(asyncio.Transport):
    """Notes what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.waiting = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.waiting


class Timers:
    """What the loop's timers would do, on a clock that stands still."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.armed: tuple[float, Callable[[], None]] | None = None

    def call_later(self, delay: float, callback: Callable[[], None]) -> "Timers":
        self.armed = (self.clock.now() + delay, callback)
        return self

    def cancel(self) -> None:
        self.armed = None

    def advance(self, seconds: float) -> None:
        until = self.clock.now() + seconds
        while self.armed is not None and self.armed[0] <= until:
            at, callback = self.armed
            self.armed = None
            self.clock.advance(max(0.0, at - self.clock.now()))
            callback()
        self.clock.advance(until - self.clock.now())


def host(clock: FakeClock, events: list[Event], **more: object) -> tuple[cmux.aio.MuxProtocol, Wire, Timers]:
    timers = Timers(clock)
    protocol = cmux.aio.MuxProtocol(
        Role.INITIATOR, Config(), events.append, clock.now, timers.call_later, **more  # type: ignore[arg-type]
    )  # fmt: skip
    wire = Wire()
    protocol.connection_made(wire)
    protocol.data_received(bytes.fromhex("F9 03 73 01 D7 F9"))  # UA
    protocol.multiplexer.open(1, clock.now())
    protocol.flush()
    protocol.data_received(bytes.fromhex("F9 07 73 01 15 F9"))
    return protocol, wire, timers


async def test_a_paced_line_is_given_no_more_than_two_frames_ahead_of_what_it_has_sent() -> None:
    clock = FakeClock()
    protocol, wire, timers = host(clock, [], line_rate=3800)
    timers.advance(1.0)  # whatever was said at the start has left
    wire.written.clear()
    protocol.write(1, bytes(31 * 20))
    frame = 6 + 31
    assert list(map(len, wire.written)) == [frame] * 2
    started = clock.now()
    for _ in range(10):
        timers.advance(0.05)
        sent_by_the_line = (clock.now() - started) * 380
        assert sent_by_the_line < sum(map(len, wire.written)) <= sent_by_the_line + 2 * frame
    timers.advance(5.0)
    assert list(map(len, wire.written)) == [frame] * 20


async def test_a_line_that_takes_nothing_for_half_a_minute_is_lost_and_a_slow_one_is_not() -> None:
    clock, events = FakeClock(), list[Event]()
    protocol, wire, timers = host(clock, events)
    wire.waiting = 5000
    protocol.pause_writing()
    for waiting in (4000, 3000):
        timers.advance(28.0)
        wire.waiting = waiting
        timers.advance(2.0)
        assert protocol.closed_cause is None
    timers.advance(31.0)
    assert isinstance(events[-1], SessionClosed)
    assert "has taken no octet for 30 s" in events[-1].detail


# --- Opening on another machine ---


async def test_cancelling_an_opening_that_waits_for_another_machine_leaves_no_port_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from cmux import opening

    connecting, go_on, closed = threading.Event(), threading.Event(), threading.Event()

    class Late(line.PortLine):
        def close(self) -> None:
            closed.set()

    def slowly(*_: object, **__: object) -> line.Line:
        connecting.set()
        go_on.wait(20)
        return Late(object(), "late", None)  # type: ignore[arg-type]

    monkeypatch.setattr(opening, "open_line", slowly)
    trying = asyncio.create_task(cmux.aio.open("socket://10.255.255.1:1"))
    await elsewhere(lambda: connecting.wait(20))
    trying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trying
    go_on.set()
    assert closed.wait(20)
    for thread in threading.enumerate():
        if thread.name.startswith("cmux opener"):
            thread.join(20)
