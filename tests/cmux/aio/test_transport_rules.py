"""What `asyncio.Transport` promises, of the transports of channels, of descriptors, and of lines without one."""

from __future__ import annotations

import asyncio
import os
import queue
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import cast

import pytest

if sys.platform == "win32":
    pytest.skip("needs POSIX", allow_module_level=True)

from cmux.aio.channel_transport import ChannelTransport
from cmux.aio.core_calls import CoreCalls
from cmux.aio.fd_transport import FdTransport
from cmux.aio.thread_transport import ThreadTransport
from cmux.errors import StateError
from cmux.line.physical import PortLine
from cmux.protocol.config import Config


class Mux:
    """What a transport needs from its multiplexer."""

    drain_timeout = 0.5
    config = Config()


class Calls:
    """Notes the calls to the core, which takes as many octets as there is room for."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.room = 1 << 20
        self.taken = bytearray()
        self.on_send: object = None

    def pause(self, dlci: int) -> None:
        self.log.append("pause")

    def resume(self, dlci: int) -> None:
        self.log.append("resume")

    def close(self, dlci: int, *, drain: bool) -> None:
        self.log.append("drain" if drain else "close")

    def unsent(self, dlci: int) -> int:
        return 0

    def send(self, dlci: int, data: bytes) -> int:
        if self.room < 0:
            raise StateError("it is being closed")
        if callable(self.on_send):
            self.on_send()
        taken = data[: self.room]
        self.room -= len(taken)
        self.taken += taken
        return len(taken)


class Told(asyncio.Protocol):
    def __init__(self) -> None:
        self.log: list[str] = []
        self.lost = asyncio.Event()
        self.made = asyncio.Event()
        self.data = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.log.append("made")
        self.made.set()

    def data_received(self, data: bytes) -> None:
        self.log.append(data.decode())
        self.data.set()

    def pause_writing(self) -> None:
        self.log.append("pause")

    def resume_writing(self) -> None:
        self.log.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.log.append("lost" if exc is None else f"lost: {exc}")
        self.lost.set()


def channel(calls: Calls, told: Told) -> ChannelTransport:
    return ChannelTransport(Mux(), cast(CoreCalls, calls), 1, told)


# --- Both have the limits of asyncio -------------------------------------------------------------------------------


@pytest.fixture(params=["channel", "descriptor"])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[ChannelTransport | FdTransport]:
    if request.param == "channel":
        yield channel(Calls(), Told())
        return
    told = Told()
    theirs, ours = os.pipe()
    made = FdTransport(asyncio.get_running_loop(), ours, told)
    yield made
    made.abort()
    await told.lost.wait()
    os.close(theirs)


@pytest.mark.parametrize(
    ("high", "low", "limits"),
    [(1000, None, (250, 1000)), (None, 100, (100, 400)), (1000, 1000, (1000, 1000)), (0, None, (0, 0))],
)
async def test_a_limit_that_is_not_given_follows_from_the_other(
    transport: ChannelTransport | FdTransport, high: int | None, low: int | None, limits: tuple[int, int]
) -> None:
    transport.set_write_buffer_limits(high, low)
    assert transport.get_write_buffer_limits() == limits


async def test_without_numbers_the_limits_are_those_at_the_beginning(transport: ChannelTransport | FdTransport) -> None:
    before = transport.get_write_buffer_limits()
    transport.set_write_buffer_limits(10)
    transport.set_write_buffer_limits()
    assert transport.get_write_buffer_limits() == before


@pytest.mark.parametrize(("high", "low"), [(10, 11), (None, -1), (-4, None)])
async def test_limits_that_contradict_each_other_are_refused_and_change_nothing(
    transport: ChannelTransport | FdTransport, high: int | None, low: int | None
) -> None:
    before = transport.get_write_buffer_limits()
    with pytest.raises(ValueError, match="does not hold"):
        transport.set_write_buffer_limits(high, low)
    assert transport.get_write_buffer_limits() == before


# --- Channels ------------------------------------------------------------------------------------------------------


async def test_a_peer_that_has_been_asked_to_stop_is_not_asked_again() -> None:
    calls = Calls()
    transport = channel(calls, Told())
    transport.resume_reading()
    transport.pause_reading()
    transport.pause_reading()
    transport.resume_reading()
    transport.resume_reading()
    assert calls.log == ["pause", "resume"]


async def test_a_channel_that_is_gone_makes_no_calls_and_tells_its_end_once() -> None:
    calls, told = Calls(), Told()
    transport = channel(calls, told)
    transport._end(None)
    transport._end(None)
    transport.pause_reading()
    transport.resume_reading()
    transport.close()
    transport.abort()
    await told.lost.wait()
    await asyncio.sleep(0)
    assert (calls.log, told.log) == ([], ["lost"])


async def test_closing_twice_drains_once() -> None:
    calls = Calls()
    transport = channel(calls, Told())
    transport.close()
    transport.close()
    assert calls.log == ["drain"]
    transport._end(None)


async def test_what_is_written_while_the_core_takes_octets_goes_behind_them() -> None:
    calls = Calls()
    transport = channel(calls, Told())

    def once() -> None:
        calls.on_send = None
        transport.write(b"second")
        transport._push()  # the core has room again

    calls.on_send = once
    transport.write(b"first ")
    assert calls.taken == b"first second"


async def test_a_channel_that_the_core_is_closing_keeps_what_it_could_not_send_until_the_end() -> None:
    calls, told = Calls(), Told()
    transport = channel(calls, told)
    calls.room = -1
    transport.write(b"late")
    assert transport.get_write_buffer_size() == 4
    transport._end(None)
    assert transport.get_write_buffer_size() == 0
    await told.lost.wait()


async def test_who_waits_for_the_end_of_a_channel_may_be_cancelled_before() -> None:
    told = Told()
    transport = channel(Calls(), told)
    transport.closed.cancel()
    transport._end(None)
    await told.lost.wait()


# --- Descriptors ---------------------------------------------------------------------------------------------------


async def test_a_descriptor_closed_before_the_loop_has_its_turn_tells_only_its_end() -> None:
    theirs, ours = os.pipe()
    told = Told()
    transport = FdTransport(asyncio.get_running_loop(), ours, told)
    transport.abort()
    transport.abort()
    await told.lost.wait()
    assert told.log == ["lost"]
    os.close(theirs)


async def test_a_protocol_that_keeps_its_side_open_after_the_end_of_file_is_not_called_again() -> None:
    class Keeps(Told):
        def eof_received(self) -> bool:
            self.log.append("eof")
            self.data.set()
            return True

    ours, theirs = os.pipe()
    told = Keeps()
    transport = FdTransport(asyncio.get_running_loop(), ours, told)
    os.close(theirs)
    await told.data.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    assert told.log == ["made", "eof"]
    assert not transport.is_reading()
    transport.close()
    await told.lost.wait()


async def test_closing_writes_what_is_queued_before_it_tells_the_end() -> None:
    theirs, ours = os.pipe()
    told = Told()
    transport = FdTransport(asyncio.get_running_loop(), ours, told, close_timeout=60)
    transport.write(bytes(1 << 18))
    transport.close()
    count = 0
    os.set_blocking(theirs, False)
    while not told.lost.is_set():
        with suppress(BlockingIOError):
            count += len(os.read(theirs, 1 << 16))
        await asyncio.sleep(0)
    assert (count, transport.discarded, told.log[-1]) == (1 << 18, 0, "lost")
    os.close(theirs)


async def test_octets_for_a_line_that_has_hung_up_are_counted() -> None:
    theirs, ours = os.pipe()
    told = Told()
    transport = FdTransport(asyncio.get_running_loop(), ours, told)
    os.close(theirs)
    transport.write(b"four")
    await told.lost.wait()
    assert transport.discarded == 4


async def test_a_line_that_hangs_up_with_octets_queued_tells_it_and_counts_them() -> None:
    theirs, ours = os.pipe()
    told = Told()
    transport = FdTransport(asyncio.get_running_loop(), ours, told)
    transport.write(bytes(1 << 18))
    queued = transport.get_write_buffer_size()
    os.close(theirs)
    await told.lost.wait()
    assert told.log[-1].startswith("lost: ")
    assert transport.discarded == queued > 0


# --- Lines without a descriptor ------------------------------------------------------------------------------------


class Port:
    """An object that returns what is put into its queue; what is an exception is raised."""

    timeout: float | None = None

    def __init__(self) -> None:
        self.says: queue.Queue[bytes | Exception] = queue.Queue()
        self.reading = threading.Event()

    def read(self, size: int = 1) -> bytes:
        said = self.says.get(timeout=60)
        if isinstance(said, Exception):
            raise said
        return said

    def write(self, data: bytes) -> int:
        return len(data)

    def cancel_read(self) -> None:
        self.says.put(b"")

    def close(self) -> None: ...


async def on_a_thread(told: Told) -> tuple[Port, ThreadTransport, asyncio.Event]:
    port, released = Port(), asyncio.Event()
    line = PortLine(port, "a port", None)
    transport = ThreadTransport(asyncio.get_running_loop(), line, told, released)
    await told.made.wait()
    return port, transport, released


async def test_octets_that_come_while_a_line_without_a_descriptor_is_closed_are_not_delivered() -> None:
    told = Told()
    port, transport, released = await on_a_thread(told)
    port.says.put(b"early")
    await told.data.wait()
    transport.close()
    transport.close()
    port.says.put(b"late")
    await released.wait()
    assert told.log == ["made", "early"]
    transport._deliver(b"later still")
    transport._drop(OSError("gone"))
    assert told.log == ["made", "early"]
    await asyncio.get_running_loop().shutdown_default_executor()


async def test_the_end_of_a_line_without_a_descriptor_is_told_with_its_cause() -> None:
    told = Told()
    port, _, released = await on_a_thread(told)
    port.says.put(OSError("unplugged"))
    await told.lost.wait()
    assert "unplugged" in told.log[-1]
    await released.wait()
    await asyncio.get_running_loop().shutdown_default_executor()
