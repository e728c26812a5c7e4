"""The transport over a descriptor: back-pressure, closing, what is lost and counted."""

import asyncio
import os
import socket
import sys

import pytest

if sys.platform == "win32":
    pytest.skip("needs POSIX", allow_module_level=True)

from cmux.aio.fd_transport import FdTransport
from cmux.pty import Pty


class Recorder(asyncio.Protocol):
    def __init__(self) -> None:
        self.received = bytearray()
        self.log: list[str] = []
        self.arrived = asyncio.Event()
        self.resumed = asyncio.Event()
        self.lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.log.append("made")

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.arrived.set()

    def eof_received(self) -> None:
        self.log.append("eof")

    def pause_writing(self) -> None:
        self.log.append("pause")

    def resume_writing(self) -> None:
        self.log.append("resume")
        self.resumed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(exc)


async def test_octets_go_both_ways_and_closing_closes_the_pty() -> None:
    pty = Pty()
    slave = os.open(pty.path, os.O_RDWR | os.O_NOCTTY)
    protocol = Recorder()
    transport = FdTransport(asyncio.get_running_loop(), pty.master, protocol, on_close=pty.close)
    os.write(slave, b"AT\r")
    await protocol.arrived.wait()
    assert protocol.received == b"AT\r"
    transport.write(b"OK")
    assert os.read(slave, 10) == b"OK"
    transport.close()
    assert await protocol.lost is None
    os.close(slave)
    assert pty.master == -1


async def test_a_full_line_pauses_the_protocol_and_goes_on_when_it_is_read() -> None:
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    protocol = Recorder()
    transport = FdTransport(asyncio.get_running_loop(), theirs, protocol)
    transport.pause_reading()
    transport.set_write_buffer_limits(high=1000)
    sent = bytes(range(256)) * 1024
    transport.write(sent)
    assert protocol.log == ["pause"]
    got = bytearray()
    while len(got) < len(sent):
        try:
            got += os.read(ours, 65536)
        except BlockingIOError:
            await asyncio.sleep(0)
    await protocol.resumed.wait()
    assert got == sent
    transport.close()
    await protocol.lost
    assert transport.discarded == 0
    os.close(ours)


async def test_closing_waits_a_bounded_time_for_a_peer_that_reads_nothing_and_counts_what_it_discards() -> None:
    ours, theirs = os.pipe()
    protocol = Recorder()
    transport = FdTransport(asyncio.get_running_loop(), theirs, protocol, close_timeout=0.01)
    transport.write(bytes(1 << 20))
    queued = transport.get_write_buffer_size()
    transport.close()
    transport.write(b"late")
    await protocol.lost
    assert transport.discarded == queued + 4 > 4
    os.close(ours)


async def test_paused_reading_leaves_octets_in_the_line() -> None:
    ours, theirs = os.pipe()
    protocol = Recorder()
    transport = FdTransport(asyncio.get_running_loop(), ours, protocol)
    transport.pause_reading()
    assert not transport.is_reading()
    os.write(theirs, b"x")
    for _ in range(3):  # turns of the loop
        await asyncio.sleep(0)
    assert protocol.received == b""
    transport.resume_reading()
    await protocol.arrived.wait()
    os.close(theirs)
    assert await protocol.lost is None
    assert protocol.log == ["made", "eof"]


async def test_a_hung_up_line_is_an_error_with_a_cause() -> None:
    pty = Pty()
    slave = os.open(pty.path, os.O_RDWR | os.O_NOCTTY)
    os.close(pty._slave)
    pty._slave = -1
    protocol = Recorder()
    FdTransport(asyncio.get_running_loop(), pty.master, protocol, on_close=pty.close)
    os.close(slave)
    assert isinstance(await protocol.lost, OSError)


async def test_another_protocol_takes_over_between_two_octets() -> None:
    ours, theirs = os.pipe()
    first, second = Recorder(), Recorder()
    transport = FdTransport(asyncio.get_running_loop(), ours, first)
    os.write(theirs, b"1")
    await first.arrived.wait()
    transport.set_protocol(second)
    assert transport.get_protocol() is second
    os.write(theirs, b"2")
    await second.arrived.wait()
    assert (first.received, second.received) == (b"1", b"2")
    transport.abort()
    await second.lost
    os.close(theirs)


class Hearer(Recorder):
    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.log.append("heard")


async def test_a_line_that_takes_everything_at_once_leaves_room_for_what_comes() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        protocol = Hearer()
        transport = FdTransport(asyncio.get_running_loop(), ours.detach(), protocol)
        transport.set_write_buffer_limits(1024)
        await asyncio.sleep(0)  # the loop listens from here on
        written = 0
        while "pause" not in protocol.log and written < 100_000:  # the kernel alone would take all of it
            transport.write(bytes(4096))
            written += 4096
        assert protocol.log[-1] == "pause"
        theirs.send(b"stop")
        await protocol.resumed.wait()
        assert protocol.log[-2:] == ["heard", "resume"]
        theirs.setblocking(False)
        assert len(theirs.recv(1 << 20, socket.MSG_WAITALL)) == written
        transport.close()
        await protocol.lost
