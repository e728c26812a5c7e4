"""The asyncio shell: a responder on a transport, its timers, back-pressure, order of events."""

import asyncio
from collections.abc import Callable

import pytest

from cmux.aio import MuxProtocol
from cmux.protocol import Config, Frame, FrameType, Role, encode
from cmux.protocol.commands import CLD, Signals
from cmux.protocol.events import (
    Cause,
    Closed,
    DataReceived,
    Event,
    Opened,
    SessionClosed,
    SessionOpened,
    SignalsChanged,
    Writable,
)
from cmux.protocol.messages import encode_message

SABM0 = encode(Frame(0, True, FrameType.SABM, True))
SABM1 = encode(Frame(1, True, FrameType.SABM, True))
UA0 = encode(Frame(0, True, FrameType.UA, True))
UA1 = encode(Frame(1, True, FrameType.UA, True))
CLOSE = encode(Frame(0, True, FrameType.UIH, False, encode_message(CLD(), command=True)))


class Pipe(asyncio.Transport):
    """A transport that hands what is written to a function, soon."""

    def __init__(self, deliver: Callable[[bytes], object] | None = None) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False
        self.protocol: asyncio.Protocol | None = None
        self.high: int | None = None
        self._deliver = deliver

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed
        self.written += data
        if self._deliver is not None:
            asyncio.get_running_loop().call_soon(self._deliver, bytes(data))
        if self.high is not None and len(self.written) > self.high and self.protocol is not None:
            self.protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            if self.protocol is not None:
                asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def is_closing(self) -> bool:
        return self.closed


class Turned:
    """A clock that stands still, with its timers."""

    def __init__(self) -> None:
        self.time = 100.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def now(self) -> float:
        return self.time

    def call_later(self, delay: float, callback: Callable[[], None]) -> "Turned.Handle":
        entry = (self.time + delay, callback)
        self.timers.append(entry)
        return Turned.Handle(self, entry)

    class Handle:
        def __init__(self, clock: "Turned", entry: tuple[float, Callable[[], None]]) -> None:
            self.clock, self.entry = clock, entry

        def cancel(self) -> None:
            if self.entry in self.clock.timers:
                self.clock.timers.remove(self.entry)

    def advance(self, seconds: float) -> None:
        self.time += seconds
        for entry in [entry for entry in self.timers if entry[0] <= self.time]:
            self.timers.remove(entry)
            entry[1]()


class Station:
    """A `MuxProtocol` and what it told."""

    def __init__(self, role: Role = Role.RESPONDER, **settings: object) -> None:
        self.events: list[Event] = []
        self.reply: Callable[[Event], object] = lambda event: None
        self.changed = asyncio.Event()
        self.protocol = MuxProtocol(role, on_event=self._on_event, **settings)  # type: ignore[arg-type]

    def _on_event(self, event: Event) -> None:
        self.events.append(event)
        self.changed.set()
        self.reply(event)

    async def wait(self, ready: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not ready():
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
def clock() -> Turned:
    return Turned()


def on_pipe(station: Station, pipe: Pipe | None = None) -> Pipe:
    pipe = pipe or Pipe()
    pipe.protocol = station.protocol
    station.protocol.connection_made(pipe)
    return pipe


async def joined() -> tuple[Station, Station]:
    host, module = Station(Role.INITIATOR), Station()
    to_module = Pipe(module.protocol.data_received)
    to_host = Pipe(host.protocol.data_received)
    on_pipe(module, to_host)
    on_pipe(host, to_module)
    await host.wait(lambda: host.protocol.multiplexer.session_open)
    return host, module


async def test_a_responder_says_nothing_unasked_and_answers() -> None:
    station = Station()
    pipe = on_pipe(station)
    assert pipe.written == b""
    station.protocol.data_received(SABM0)
    assert pipe.written == UA0
    station.protocol.data_received(SABM1)
    assert bytes(pipe.written[len(UA0) :]).startswith(UA1)
    assert station.events == [SessionOpened(by_peer=True), Opened(1, by_peer=True)]


async def test_two_stations_open_talk_and_close() -> None:
    host, module = await joined()
    module.reply = lambda event: (
        module.protocol.write(event.dlci, event.data.upper()) if isinstance(event, DataReceived) else None
    )
    host.protocol.multiplexer.open(2, host.protocol.now())
    host.protocol.flush()
    await host.wait(lambda: host.protocol.multiplexer.is_open(2))
    assert host.protocol.write(2, b"hello") == 5
    await host.wait(lambda: DataReceived(2, b"HELLO") in host.events)
    host.protocol.close()
    await host.wait(lambda: any(isinstance(event, SessionClosed) for event in host.events))
    await module.wait(lambda: any(isinstance(event, SessionClosed) for event in module.events))
    assert host.protocol.closed_cause is not None
    assert host.protocol.closed_cause.cause is Cause.LOCAL
    assert module.protocol.closed_cause is not None
    assert module.protocol.closed_cause.cause is Cause.PEER


async def test_the_peer_has_its_answer_before_the_owner_hears_of_the_question() -> None:
    station = Station()
    pipe = on_pipe(station)
    seen: list[bytes] = []
    station.reply = lambda event: seen.append(bytes(pipe.written))
    station.protocol.data_received(SABM0)
    station.protocol.data_received(CLOSE)
    assert seen[0] == UA0
    assert len(seen[1]) > len(UA0)  # the answer to CLD: what follows may be AT mode


async def test_a_callback_that_calls_back_does_not_shuffle_events() -> None:
    station = Station()
    on_pipe(station)
    order: list[str] = []

    def reply(event: Event) -> None:
        order.append(f"in {type(event).__name__}")
        if isinstance(event, SessionOpened):
            station.protocol.data_received(SABM1)
        order.append(f"out {type(event).__name__}")

    station.reply = reply
    station.protocol.data_received(SABM0)
    assert order == ["in SessionOpened", "out SessionOpened", "in Opened", "out Opened"]


async def test_one_timer_and_it_is_the_cores(clock: Turned) -> None:
    config = Config(t1=0.5, n2=2)
    station = Station(Role.INITIATOR, config=config, clock=clock.now, call_later=clock.call_later)
    pipe = on_pipe(station)
    assert pipe.written == SABM0
    for count in (2, 3):
        assert len(clock.timers) == 1
        clock.advance(0.5)
        assert pipe.written == SABM0 * count
    clock.advance(0.5)
    assert [type(event) for event in station.events] == [SessionClosed]
    assert station.events[0].cause is Cause.TIMEOUT  # type: ignore[attr-defined]
    assert clock.timers == []


async def test_a_transport_that_is_full_gets_no_more_until_it_asks() -> None:
    station = Station()
    pipe = on_pipe(station)
    station.protocol.data_received(SABM0 + SABM1)
    pipe.written.clear()
    pipe.high = 1000
    taken = station.protocol.write(1, bytes(100_000))
    assert 0 < taken < 100_000
    assert len(pipe.written) < 1000 + 2 * 4096
    held = len(pipe.written)
    station.protocol.flush()
    assert len(pipe.written) == held
    pipe.high = None
    station.protocol.resume_writing()
    assert station.protocol.multiplexer.unsent(1) == 0
    assert Writable(1) in station.events


async def test_the_loss_of_the_line_ends_every_channel_and_the_timer(clock: Turned) -> None:
    station = Station(clock=clock.now, call_later=clock.call_later)
    on_pipe(station)
    station.protocol.data_received(SABM0 + SABM1)
    station.protocol.connection_lost(OSError("unplugged"))
    closed, ended = station.events[-2:]
    assert isinstance(closed, Closed)
    assert isinstance(ended, SessionClosed)
    assert (closed.dlci, closed.cause, ended.cause) == (1, Cause.LINE_LOST, Cause.LINE_LOST)
    assert "unplugged" in ended.detail
    assert clock.timers == []
    station.protocol.flush()  # and nothing more can happen
    station.protocol.close()


async def test_closing_without_a_session_closes_the_transport() -> None:
    station = Station()
    pipe = on_pipe(station)
    station.protocol.close()
    station.protocol.close()
    assert pipe.closed


async def test_letting_go_of_the_transport_leaves_it_open_and_disarms(clock: Turned) -> None:
    station = Station(Role.INITIATOR, clock=clock.now, call_later=clock.call_later)
    pipe = on_pipe(station)
    assert station.protocol.detach() is pipe
    assert not pipe.closed
    assert clock.timers == []
    assert station.protocol.transport is None


async def test_direct_calls_to_the_core_take_effect_with_flush() -> None:
    host, module = await joined()
    host.protocol.multiplexer.open(1, host.protocol.now())
    host.protocol.flush()
    await module.wait(lambda: module.protocol.multiplexer.is_open(1))
    module.protocol.multiplexer.set_signals(1, Signals(ic=True), module.protocol.now())
    module.protocol.flush()
    await host.wait(lambda: any(isinstance(event, SignalsChanged) and event.signals.ic for event in host.events))


async def test_a_session_needs_nobody_who_hears_of_its_events() -> None:
    protocol, pipe = MuxProtocol(Role.RESPONDER), Pipe()
    protocol.connection_made(pipe)
    protocol.data_received(SABM0)
    protocol.data_received(SABM1)
    assert pipe.written.startswith(UA0 + UA1)
    protocol.close()
    protocol.connection_lost(None)


async def test_what_a_callback_causes_is_written_once() -> None:
    station = Station()
    pipe = on_pipe(station)

    def reply(event: Event) -> None:
        if isinstance(event, Opened):
            station.protocol.write(1, b"hello")
            station.protocol.flush()
            station.protocol.flush()

    station.reply = reply
    station.protocol.data_received(SABM0 + SABM1)
    assert pipe.written.count(b"hello") == 1
