"""`cmux.aio.open`: channels as streams and transports, backpressure, cancelling, and nothing left."""

import asyncio
import inspect
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
import serial

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from module_news import elsewhere, happened, seen
from mux_leaks import nothing_left
from mux_module import Module
from startup_waits import NOBODY, shorten_waits

import cmux.aio
from cmux.aio import thread_transport as aio_threads
from cmux.aio.channel_transport import ChannelTransport
from cmux.line.physical import PortLine
from cmux.protocol import Config, Option
from cmux.protocol.commands import Signals
from cmux.protocol.events import DataReceived, Outcome, SignalsChanged
from drivers.emulator import EmulatedModule

__all__ = ["nothing_left"]
QUICK = {"t1": 0.02, "t2": 0.05, "n2": 1}


@pytest.fixture
def module(nothing_left: None) -> Iterator[Module]:
    with Module() as module:
        yield module


async def test_streams_of_the_standard_library_carry_octets_both_ways(module: Module) -> None:
    async with await cmux.aio.open(module.path) as mux:
        streams = [await mux.channel(dlci) for dlci in (1, 2, 3)]
        for number, (_, writer) in enumerate(streams):
            writer.write(b"channel %d\n" % number)
        for number, (reader, _) in enumerate(streams):
            assert await reader.readline() == b"channel %d\n" % number
        assert await mux.channel(1) is streams[0]
    assert not module.in_mux
    assert module.commands[-1] == "AT"


async def test_it_needs_no_thread_where_there_is_a_descriptor(module: Module) -> None:
    before = threading.enumerate()
    async with await cmux.aio.open(module.path, channels=[1, 2]):
        assert threading.enumerate() == before


async def test_a_line_without_a_descriptor_is_read_by_a_thread(nothing_left: None) -> None:
    with EmulatedModule(loopback=[1]) as module:
        async with await cmux.aio.open(module.port()) as mux:
            reader, writer = await mux.channel(1)
            writer.write(bytes(5000))
            assert await reader.readexactly(5000) == bytes(5000)
        await asyncio.get_running_loop().shutdown_default_executor()


class SlowPort:
    """An object that takes what it is given one octet at a time, and has nothing to read."""

    timeout: float | None = None

    def __init__(self) -> None:
        self.taken = 0
        self.gate = threading.Semaphore(0)

    def read(self, size: int = 1) -> bytes:
        return b""

    def write(self, data: bytes) -> int:
        self.gate.acquire()
        self.taken += 1
        return 1

    def close(self) -> None: ...


async def test_a_slow_line_without_a_descriptor_makes_the_protocol_pause(
    nothing_left: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aio_threads, "_QUEUE_HIGH", 4)
    monkeypatch.setattr(aio_threads, "_QUEUE_LOW", 1)
    told: list[str] = []
    resumed = asyncio.Event()

    class Told(asyncio.Protocol):
        def pause_writing(self) -> None:
            told.append("pause")

        def resume_writing(self) -> None:
            told.append("resume")
            resumed.set()

    port, released = SlowPort(), asyncio.Event()
    transport = aio_threads.ThreadTransport(
        asyncio.get_running_loop(), PortLine(port, "slow", None), Told(), released
    )  # fmt: skip
    transport.write(b"abc")
    assert told == []
    transport.write(b"de")
    assert told == ["pause"]
    port.gate.release(5)
    async with asyncio.timeout(20):
        await resumed.wait()
    assert told == ["pause", "resume"]
    assert port.taken == 5
    transport.close()
    await released.wait()
    await asyncio.get_running_loop().shutdown_default_executor()


async def test_a_protocol_of_the_callers_own(module: Module) -> None:
    done = asyncio.get_running_loop().create_future()

    class Upper(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert transport.get_extra_info("dlci") == 4
            assert isinstance(transport, asyncio.Transport)
            transport.write(b"hello")
            self.transport, self.data = transport, b""

        def data_received(self, data: bytes) -> None:
            self.data += data
            if self.data == b"hello":
                self.transport.close()

        def connection_lost(self, exc: Exception | None) -> None:
            done.set_result(exc)

    async with await cmux.aio.open(module.path) as mux:
        await mux.create_connection(Upper, 4)
        async with asyncio.timeout(20):
            assert await done is None
        await seen(module, lambda: module.closed(4))


async def test_drain_waits_while_the_peer_takes_nothing(module: Module) -> None:
    module.manners.loopback = ()
    async with await cmux.aio.open(module.path, drain_timeout=0.05) as mux:
        _, writer = await mux.channel(1)
        module.run(lambda core, now: core.pause_reading(1, now))
        await happened(mux, lambda: (signals := mux.signals(1)) is not None and signals.fc)
        sent = bytes(range(256)) * 400
        writer.write(sent)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await writer.drain()
        module.run(lambda core, now: core.resume_reading(1, now))
        async with asyncio.timeout(20):
            await writer.drain()
        await seen(module, lambda: len(module.data.get(1, b"")) == len(sent))
        assert module.data[1] == sent


async def test_what_nobody_reads_stops_the_peer(module: Module) -> None:
    async with await cmux.aio.open(module.path) as mux:
        reader, _ = await mux.channel(1)
        sent = bytes(range(256)) * 2000
        module.run(lambda core, now: module.feed(1, sent))
        await seen(
            module, lambda: any(isinstance(event, SignalsChanged) and event.signals.fc for event in module.events)
        )
        assert await reader.readexactly(len(sent)) == sent


async def test_new_signals_do_not_let_a_stopped_peer_go(module: Module) -> None:
    def told() -> list[Signals]:
        return [event.signals for event in module.events if isinstance(event, SignalsChanged) and event.dlci == 1]

    async with await cmux.aio.open(module.path) as mux:
        _, writer = await mux.channel(1)
        transport = writer.transport
        assert isinstance(transport, ChannelTransport)
        transport.pause_reading()
        await seen(module, lambda: told()[-1:] == [Signals(fc=True)])
        transport.set_signals(Signals(rtc=False))
        await seen(module, lambda: told()[-1] == Signals(fc=True, rtc=False))
        transport.resume_reading()
        await seen(module, lambda: told()[-1] == Signals(rtc=False))
        assert [signals.fc for signals in told()[-3:]] == [True, True, False]


async def test_the_multiplexer_holds_what_the_line_does_not_take_so_that_channels_take_turns(module: Module) -> None:
    module.manners.loopback = ()
    async with await cmux.aio.open(module.path) as mux:
        assert mux._line.transport.get_write_buffer_limits()[1] <= 4096
        (_, file), (_, keys) = await mux.channel(1), await mux.channel(2)
        reads_nothing, goes_on = threading.Event(), threading.Event()
        module.run(lambda core, now: (reads_nothing.set(), goes_on.wait(20)))
        await elsewhere(lambda: reads_nothing.wait(20))
        file.write(bytes(200_000))  # more than the pty holds
        keys.write(b"k")
        goes_on.set()
        await seen(module, lambda: module.data.get(2) == b"k" and len(module.data.get(1, b"")) == 200_000)
        order = [event for event in module.events if isinstance(event, DataReceived)]
        before = order[: next(at for at, event in enumerate(order) if event.dlci == 2)]
        assert sum(len(event.data) for event in before) < 100_000


async def test_a_channel_closes_and_opens_again(module: Module) -> None:
    async with await cmux.aio.open(module.path) as mux:
        for _ in range(2):
            reader, writer = await mux.channel(1)
            writer.write(b"x")
            assert await reader.readexactly(1) == b"x"
            writer.close()
            await writer.wait_closed()
        assert module.opened(1) == 2


async def test_closing_sends_what_is_queued(module: Module) -> None:
    module.manners.loopback = ()
    mux = await cmux.aio.open(module.path)
    _, writer = await mux.channel(1)
    writer.write(bytes(40_000))
    await mux.close()
    await mux.close()
    assert module.data[1] == bytes(40_000)


async def test_closing_a_channel_whose_peer_takes_nothing_ends_after_the_drain_time(module: Module) -> None:
    module.manners.loopback = ()
    async with await cmux.aio.open(module.path, drain_timeout=0.05) as mux:
        _, writer = await mux.channel(1)
        module.run(lambda core, now: core.pause_reading(1, now))
        await happened(mux, lambda: (signals := mux.signals(1)) is not None and signals.fc)
        writer.write(bytes(100_000))
        writer.close()
        async with asyncio.timeout(20):
            await writer.wait_closed()
        await seen(module, lambda: module.closed(1))


async def test_signals_go_both_ways(module: Module) -> None:
    async with await cmux.aio.open(module.path) as mux:
        _, writer = await mux.channel(1)
        transport = writer.transport
        assert isinstance(transport, cmux.aio.ChannelTransport)
        transport.set_signals(Signals(rtc=False))
        module.run(lambda core, now: core.set_signals(1, Signals(ic=True), now))
        await happened(mux, lambda: transport.get_extra_info("signals") == Signals(ic=True))
        await seen(
            module, lambda: any(isinstance(event, SignalsChanged) and not event.signals.rtc for event in module.events)
        )


async def test_the_line_dying_ends_every_wait_with_the_cause(module: Module) -> None:
    mux = await cmux.aio.open(module.path)
    reader, _ = await mux.channel(1)
    waiting = asyncio.create_task(reader.read(1))
    await asyncio.sleep(0)
    module.stop()
    async with asyncio.timeout(20):
        with pytest.raises(cmux.SessionEnded, match="the line was"):
            await waiting
    assert mux.error is not None
    with pytest.raises(cmux.SessionEnded):
        await mux.channel(2)
    await mux.close()


@pytest.mark.clause("5.4.6.3.4")
async def test_the_peer_sends_octets_back_on_the_control_channel(module: Module) -> None:
    async with await cmux.aio.open(module.path) as mux:
        assert await asyncio.gather(mux.test(), mux.test(b"other")) == [Outcome.ANSWERED] * 2
        with pytest.raises(cmux.CmuxError, match="does not fit"):
            await mux.test(bytes(32))
        module.mute()
        waiting = asyncio.create_task(mux.test())
        await asyncio.sleep(0)
        module.stop()
        async with asyncio.timeout(20):
            with pytest.raises(cmux.SessionEnded, match="the line was"):
                await waiting
    with pytest.raises(cmux.SessionEnded):
        await mux.test()


async def test_a_refused_channel_and_a_wrong_number(module: Module) -> None:
    module.manners.refuses = (2,)
    with pytest.raises(cmux.DlcRefused):
        await cmux.aio.open(module.path, channels=[2])
    async with await cmux.aio.open(module.path) as mux:
        with pytest.raises(cmux.DlcRefused):
            await mux.channel(2)
        with pytest.raises(cmux.InvalidDlci):
            await mux.channel(0)
        await mux.channel(1)


@pytest.mark.parametrize(
    ("manners", "error"),
    [
        ({"silent": True}, cmux.ModuleSilent),
        ({"cmux_answer": b"\r\nERROR\r\n"}, cmux.CmuxRefused),
        ({"answers_sabm": False}, cmux.NoMultiplexer),
    ],
)
async def test_what_fails_to_open_leaves_nothing(
    nothing_left: None, manners: dict[str, object], error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    if "silent" in manners:
        shorten_waits(monkeypatch, NOBODY)
    with Module(**manners) as module:
        with pytest.raises(error):
            await cmux.aio.open(module.path, other_rates=(), **QUICK)  # type: ignore[arg-type]
        await seen(module, lambda: not module.in_mux)
    with pytest.raises(cmux.PortNotFound):
        await cmux.aio.open("/dev/nowhere")
    with pytest.raises(cmux.PortError):
        await cmux.aio.open("socket://127.0.0.1:1")


async def test_a_capture_that_cannot_be_made_stops_opening_before_a_word_is_said(module: Module) -> None:
    with pytest.raises(FileNotFoundError):
        await cmux.aio.open(module.path, capture="/nowhere/x.pcapng")
    assert module.commands == []
    async with await cmux.aio.open(module.path):
        pass


@pytest.mark.parametrize(
    "manners", [{"ignores_at": 100}, {"cmux_answer": b""}, {"cmux_answer": b"\r\nOK"}, {"answers_sabm": False}]
)
async def test_opening_can_be_cancelled_and_leaves_the_module_out_of_multiplexer_mode(
    nothing_left: None, manners: dict[str, object]
) -> None:
    with Module(**manners) as module:
        opening = asyncio.create_task(cmux.aio.open(module.path))
        enters = "answers_sabm" in manners or manners.get("cmux_answer")
        await seen(module, lambda: module.in_mux if enters else module.commands)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        await seen(module, lambda: not module.in_mux)
        module.manners.ignores_at, module.manners.cmux_answer = 0, b"\r\nOK\r\n"
        module.manners.answers_sabm = True
        async with await cmux.aio.open(module.path):
            pass


def test_sigint_in_the_middle_of_opening_leaves_the_module_out_of_multiplexer_mode(nothing_left: None) -> None:
    program = "import asyncio, cmux.aio, sys; asyncio.run(cmux.aio.open(sys.argv[1]))"
    with Module(answers_sabm=False) as module:
        process = subprocess.Popen([sys.executable, "-c", program, module.path], stderr=subprocess.PIPE)
        module.wait(lambda: module.in_mux)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
        assert stderr.rstrip().endswith(b"KeyboardInterrupt")
        module.wait(lambda: not module.in_mux)


def test_sigint_in_the_middle_of_closing_leaves_the_module_out_of_multiplexer_mode(nothing_left: None) -> None:
    program = (
        "import asyncio, cmux.aio, signal, sys\n"
        "async def main():\n"
        "    mux = await cmux.aio.open(sys.argv[1], channels=[1])\n"
        "    asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)\n"
        "    await mux.close()\n"
        "asyncio.run(main())"
    )
    with Module() as module:
        process = subprocess.run([sys.executable, "-c", program, module.path], capture_output=True, timeout=30)
        assert process.stderr.rstrip().endswith(b"KeyboardInterrupt")
        module.wait(lambda: not module.in_mux)


async def test_closing_goes_on_when_whoever_asked_for_it_is_cancelled(module: Module) -> None:
    mux = await cmux.aio.open(module.path, channels=[1])
    closing = asyncio.create_task(mux.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    await mux.close()  # waits for the closing that is under way
    assert not module.in_mux
    assert mux.back_in_at_mode


def reader_reads(writer: asyncio.StreamWriter) -> bool:
    return writer.transport.is_reading()  # type: ignore[attr-defined]  # it is both ways


async def test_a_looped_back_channel_that_nobody_reads_stops_the_writer_and_loses_nothing(nothing_left: None) -> None:
    with EmulatedModule(loopback=[2]) as module:
        async with await cmux.aio.open(module.serve_pty()) as mux:
            reader, writer = await mux.channel(2)

            async def write() -> None:
                for _ in range(300):
                    writer.write(bytes(10_000))
                    await writer.drain()

            writing = asyncio.create_task(write())
            async with asyncio.timeout(30):
                while reader_reads(writer):  # noqa: ASYNC110 - nobody is told
                    await asyncio.sleep(0)
                assert await mux.test() is Outcome.ANSWERED  # it has heard FC = 1: what it holds only grows
                while not writer.get_extra_info("signals").fc:  # noqa: ASYNC110
                    await asyncio.sleep(0)
            writer.transport.set_signals(Signals(fc=True, ic=True))  # what we say does not make it let us go
            assert await mux.test() is Outcome.ANSWERED
            assert await mux.test() is Outcome.ANSWERED
            assert writer.get_extra_info("signals").fc
            async with asyncio.timeout(30):
                assert len(await reader.readexactly(3_000_000)) == 3_000_000
            await writing


async def test_opening_a_channel_can_be_cancelled(module: Module) -> None:
    async with await cmux.aio.open(module.path) as mux:
        opening = asyncio.create_task(mux.channel(1))
        await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        await seen(module, lambda: module.closed(1))
        reader, writer = await mux.channel(1)
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"


async def test_the_advanced_option_and_a_tcp_line(nothing_left: None) -> None:
    with Module(config=Config(option=Option.ADVANCED)) as module:
        async with await cmux.aio.open(module.path, option="advanced") as mux:
            reader, writer = await mux.channel(1)
            writer.write(bytes(range(256)))
            assert await reader.readexactly(256) == bytes(range(256))
    with EmulatedModule(loopback=[2]) as emulated:
        async with await cmux.aio.open(f"socket://{emulated.serve_tcp()}", profile="m10", channels=["at"]) as mux:
            reader, writer = await mux.channel(2)
            writer.write(b"over tcp")
            assert await reader.readexactly(8) == b"over tcp"


async def test_a_peer_that_sends_no_octets_back_is_said_so(module: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    async with await cmux.aio.open(module.path, **QUICK) as mux:  # type: ignore[arg-type]
        module.mute()
        shorten_waits(monkeypatch, NOBODY)
        assert await mux.test() is Outcome.TIMEOUT
        assert mux._awaited == []


async def test_the_names_of_the_two_shells_are_the_same(module: Module) -> None:
    of_threads_alone = {"handle", "abandon", "port"}
    names = {name for name in dir(cmux.Mux) if not name.startswith("_")} - of_threads_alone
    async with await cmux.aio.open(module.path) as mux:
        assert names <= set(dir(mux))
    assert list(inspect.signature(cmux.open).parameters) == list(inspect.signature(cmux.aio.open).parameters)


async def test_a_serial_error_class_catches_what_channels_raise(module: Module) -> None:
    async with await cmux.aio.open(module.path) as mux:
        reader, _ = await mux.channel(1)
        module.run(lambda core, now: core.close(1, now))
        with pytest.raises(serial.SerialException):
            await reader.read(1)
