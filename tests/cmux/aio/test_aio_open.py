"""`cmux.aio.open`: channels as streams and transports, backpressure, cancelling, and nothing left."""

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from delicate_module import DelicateModule
from module_news import happened, seen
from mux_leaks import nothing_left
from mux_module import Module

import cmux.aio
from cmux.aio import line as aio_line
from cmux.aio import thread_transport as aio_threads
from cmux.aio.channel_transport import ChannelTransport
from cmux.line.physical import PortLine
from cmux.protocol import bounds
from cmux.protocol.commands import Signals
from cmux.protocol.events import Cause, Outcome, SignalsChanged
from drivers.emulator import EmulatedModule

__all__ = ["nothing_left"]


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
    async with await cmux.aio.open(module.path, channels=[1, 2]) as mux:
        assert threading.enumerate() == before
        assert mux._line.transport.get_write_buffer_limits()[1] <= 4096  # the multiplexer holds the rest


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
    monkeypatch.setattr(bounds, "AHEAD", 4)
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


async def test_closing_a_channel_whose_peer_takes_nothing_ends_after_the_drain_time(module: Module) -> None:
    module.habits.loopback = ()
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


@pytest.mark.parametrize(
    "habits", [{"ignores_at": 100}, {"cmux_answer": b""}, {"cmux_answer": b"\r\nOK"}, {"answers_sabm": False}]
)
async def test_opening_can_be_cancelled_and_leaves_the_module_out_of_multiplexer_mode(
    nothing_left: None, habits: dict[str, object]
) -> None:
    with Module(**habits) as module:
        opening = asyncio.create_task(cmux.aio.open(module.path))
        enters = "answers_sabm" in habits or habits.get("cmux_answer")
        await seen(module, lambda: module.in_mux if enters else module.commands)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        await seen(module, lambda: not module.in_mux)
        module.habits.ignores_at, module.habits.cmux_answer = 0, b"\r\nOK\r\n"
        module.habits.answers_sabm = True
        async with await cmux.aio.open(module.path):
            pass


@pytest.mark.parametrize("answer", [b"\r\nOK\r\n", b"\r\nOK"])
async def test_cancelling_in_the_silence_after_ok_sends_nothing_before_its_end(
    nothing_left: None, answer: bytes
) -> None:
    """zephyr #63410: a module that hears a frame too soon is dead until its power is cut."""
    with DelicateModule(0.1, cmux_answer=answer) as module:
        opening = asyncio.create_task(cmux.aio.open(module.path, settle=0.12))
        await seen(module, lambda: module.in_mux)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        await seen(module, lambda: module.dead or not module.in_mux)
        assert not module.dead


async def test_a_refusal_is_followed_by_no_frames(nothing_left: None) -> None:
    with Module(cmux_answer=b"\r\nERROR\r\n") as module:
        with pytest.raises(cmux.CmuxRefused):
            await cmux.aio.open(module.path)
        await seen(module, lambda: module.commands[-1] == "AT+CMUX=?")
        assert b"\xf9" not in module.raw


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


async def test_a_channel_that_is_being_closed_is_opened_again_when_it_has_gone(module: Module) -> None:
    async with await cmux.aio.open(module.path) as mux:
        _, writer = await mux.channel(1)
        writer.close()
        reader, writer = await mux.channel(1)
        writer.write(b"again")
        assert await reader.readexactly(5) == b"again"
    assert module.opened(1) == 2


async def test_a_channel_with_another_protocol_is_busy(module: Module) -> None:
    async with await cmux.aio.open(module.path) as mux:
        await mux.create_connection(asyncio.Protocol, 1)
        with pytest.raises(cmux.DlcError, match="already open"):
            await mux.create_connection(asyncio.Protocol, 1)


async def test_a_channel_whose_opening_is_given_up_is_closed(module: Module) -> None:
    module.habits.loopback = ()
    async with await cmux.aio.open(module.path) as mux:
        module.mute()
        opening = asyncio.create_task(mux.channel(2))
        await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        module.unmute()
        assert await mux.channel(2)


def test_a_line_that_opens_after_its_opening_was_given_up_is_closed_and_one_that_fails_is_forgotten() -> None:
    closed: list[str] = []

    class Line:
        def close(self) -> None:
            closed.append("closed")

    late: Future[Any] = Future()
    late.set_result(Line())
    failed: Future[Any] = Future()
    failed.set_exception(OSError("no such port"))
    cancelled: Future[Any] = Future()
    cancelled.cancel()
    for one in (late, failed, cancelled):
        aio_line._close_late(one)
    assert closed == ["closed"]


async def test_a_line_may_be_told_twice_that_it_is_there() -> None:
    collector = aio_line._Collector()
    collector.connection_made(asyncio.Transport())
    collector.connection_made(asyncio.Transport())
    assert collector.connected.done()


async def test_a_line_that_dies_while_the_session_opens_is_told_as_such(nothing_left: None) -> None:
    module = Module(answers_sabm=False)
    with module:
        opening = asyncio.create_task(cmux.aio.open(module.path, settle=0.0))
        await asyncio.to_thread(module.wait, lambda: module.in_mux)
    with pytest.raises(cmux.SessionEnded) as ended:
        await opening
    assert ended.value.cause is Cause.LINE_LOST
