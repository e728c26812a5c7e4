"""The silence before ``+++`` on a slow line: it begins when the last octet has left for the module (app note 3.3)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import serial
import serial_asyncio_fast
from driver_lab import BG96, PATIENCE, Peer, QuickClock
from every_way import MakeWay, Way, nothing_left, only
from families_lab import InLoop, Loop
from stepped_clock import stepping

from drivers.clock import FakeClock
from drivers.emulator import EmulatedModule
from drivers.tcpip import TcpipDriver, Transparent, aio

SIZES = (1, 300, 1200, 3000)
RATE = 9600


class Silent:
    """A TCP server that only listens, and what it has got."""

    def __init__(self) -> None:
        self.got = bytearray()
        self._changed = threading.Condition()

    def serve(self, connection: socket.socket) -> None:
        while data := connection.recv(65536):
            with self._changed:
                self.got += data
                self._changed.notify_all()

    def await_octets(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.got) >= count, PATIENCE), len(self.got)


def data_goes_and_nothing_else(driver: Any) -> None:
    """Send data of each size, and leave data mode right behind it: the other side gets the data, and no plus sign."""
    silent = Silent()
    with Peer(silent.serve) as peer, driver:
        session = driver.connect("TCP", "127.0.0.1", peer.port)
        expected = bytearray()
        for number, size in enumerate(SIZES):
            data = bytes([ord("a") + number]) * size
            session.sendall(data)
            driver.escape()
            expected += data
            assert driver.state() in ("CONNECT OK", "active")
            driver.resume()
        session.sendall(b"z")
        silent.await_octets(len(expected) + 1)
        assert silent.got == expected + b"z"


@contextmanager
def slow(way: MakeWay) -> Iterator[Way]:
    """Make a slow module; behind a multiplexer the module itself tells when it has all, on whatever clock."""
    if way.line == "channel":
        yield way(clock=QuickClock(5.0), line_rate=RATE)
        return
    clock = FakeClock()
    there = way(clock=clock, line_rate=RATE)
    with stepping(clock, there.round_trip):
        yield there


@pytest.mark.requirement("S3.23", "S3.25", "S3.26")
def test_on_a_slow_line_the_other_side_gets_the_data_and_no_plus_sign(way: MakeWay) -> None:
    with slow(way) as there:
        data_goes_and_nothing_else(there.driver(transparent=True))
        assert there.heard.count(b"+++") == len(SIZES) + 1  # the last one by close()


@pytest.mark.requirement("L8.2", "L8.7")
@only("channel", "aio", kinds=(BG96,))
def test_so_it_is_with_an_lte_module_whose_silence_is_longer(way: MakeWay) -> None:
    with slow(way) as there:
        data_goes_and_nothing_else(there.driver(transparent=True))
        assert there.heard.count(b"+++") == len(SIZES) + 1


@pytest.mark.requirement("S3.23", "S3.29")
@only("channel")
def test_dtr_drops_when_the_data_has_gone(way: MakeWay) -> None:
    with slow(way) as there:
        data_goes_and_nothing_else(there.driver(transparent=Transparent(escape="dtr")))


@pytest.mark.requirement("S3.25", "S3.26")
@pytest.mark.parametrize("shell", ["threads", "aio"])
def test_a_serial_port_knows_how_slow_it_is(shell: str) -> None:
    """On a pty, which takes everything at once: the kernel has nothing left long before the line."""
    clock = FakeClock()
    with nothing_left() as stack:
        if shell == "threads":
            module = stack.enter_context(EmulatedModule(clock=clock, line_rate=RATE))
            port = stack.enter_context(serial.Serial(module.serve_pty(), RATE))
            driver: Any = TcpipDriver(port, clock=clock, transparent=True)
        else:
            loop = Loop()
            stack.callback(loop.close)
            module = loop.enter(stack, EmulatedModule(clock=clock, line_rate=RATE))
            path = loop.call(module.serve_pty)
            streams = loop.call(lambda: serial_asyncio_fast.open_serial_connection(url=path, baudrate=RATE))
            stack.callback(loop.call, streams[1].close)
            driver = InLoop(loop.call, loop.call(lambda: aio.TcpipDriver(streams, clock=clock, transparent=True)))
        stack.enter_context(stepping(clock, lambda: module._on_loop(lambda: None)))
        data_goes_and_nothing_else(driver)


@pytest.mark.requirement("S3.25", "S3.26")
@only("plain", "threads")
def test_the_user_tells_how_slow_a_line_is_whose_port_does_not_know_it(way: MakeWay) -> None:
    with slow(way) as there:
        driver = there.driver(transparent=Transparent(line_rate=RATE))
        driver.channel.port.baudrate = 0
        data_goes_and_nothing_else(driver)
