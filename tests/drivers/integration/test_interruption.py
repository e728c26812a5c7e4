"""Interruption at every wait of every operation, on threads: the channel works after it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from driver_lab import Peer, QuickClock, exactly, laboratory

from drivers.at import AtChannel
from drivers.errors import DriverError
from drivers.tcpip import TcpipDriver

NASTY = b"\x00\x1a\x1b+++\r\nOK\r\n\r\nCLOSED\r\n" * 20


class Interrupted(AtChannel):
    """A channel on which the thread under test is interrupted at the given wait."""

    interrupt_at = 0
    victim: threading.Thread | None = None

    def _wait(self) -> None:
        if self.interrupt_at and threading.current_thread() is self.victim:
            self.interrupt_at -= 1
            if not self.interrupt_at:
                raise KeyboardInterrupt
        super()._wait()


def connecting(driver: TcpipDriver, port: int) -> None:
    driver.connect("TCP", "127.0.0.1", port)


def by_steps(driver: TcpipDriver, port: int) -> None:
    driver.connect("TCP", "127.0.0.1", port, step_by_step=True)


def listening(driver: TcpipDriver, _: int) -> None:
    driver.listen(step_by_step=True)


def resolving(driver: TcpipDriver, _: int) -> None:
    driver.resolve("www.quectel.com")


def exchanging(driver: TcpipDriver, port: int) -> None:
    session = driver.connect("TCP", "127.0.0.1", port)
    session.sendall(b"x" * 3000)
    session.sendall(b"y" * 3000, end="ctrl-z")
    session.acknowledged()
    session.close()


def claiming(driver: TcpipDriver, _: int) -> None:
    driver.close()
    with TcpipDriver(driver.channel) as another:
        another.state()


class InterruptedAfterWriting(AtChannel):
    """A channel on which the thread under test is interrupted right after it has written the given command."""

    interrupt_after = 0
    victim: threading.Thread | None = None

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.written: list[bytes] = []

    def _write(self, octets: bytes) -> None:
        super()._write(octets)
        if threading.current_thread() is self.victim:
            self.written.append(octets)

    def _carry_on(self, done: Callable[[], bool]) -> None:
        def interrupted() -> bool:
            if self.interrupt_after and len(self.written) >= self.interrupt_after:
                self.interrupt_after = 0
                raise KeyboardInterrupt
            return done()

        super()._carry_on(interrupted)


OPERATIONS = [connecting, by_steps, listening, resolving, exchanging, claiming]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
def test_an_interruption_at_any_wait_leaves_a_channel_that_works(
    echo_server: Peer, operation: Callable[[TcpipDriver, int], None]
) -> None:
    done, interrupt_at = False, 0
    with laboratory(clock=QuickClock(10.0), hosts={"www.quectel.com": "127.0.0.1"}) as lab:
        while not done:
            interrupt_at += 1
            with Interrupted(lab.mux.channel(1), clock=lab.clock) as channel:
                channel.victim = threading.current_thread()
                driver = TcpipDriver(channel)
                driver.claim()
                channel.interrupt_at = interrupt_at
                try:
                    operation(driver, echo_server.port)
                    done = True
                except KeyboardInterrupt:
                    pass
                channel.interrupt_at = 0
                driver.close()
                with TcpipDriver(channel) as again:
                    session = again.connect("TCP", "127.0.0.1", echo_server.port)
                    session.sendall(NASTY)
                    assert exactly(session, len(NASTY)) == NASTY
                    with suppress(DriverError):
                        session.close()
    assert interrupt_at > 1


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
def test_an_interruption_behind_each_command_leaves_a_channel_that_works(
    echo_server: Peer, operation: Callable[[TcpipDriver, int], None]
) -> None:
    """Behind the first command, behind the second, and so on: each of those that the operation consists of."""
    interrupted: list[bytes] = []
    whole: list[bytes] = []
    with laboratory(clock=QuickClock(10.0), hosts={"www.quectel.com": "127.0.0.1"}) as lab:
        while not whole:
            with InterruptedAfterWriting(lab.mux.channel(1), clock=lab.clock) as channel:
                driver = TcpipDriver(channel)
                driver.claim()
                channel.victim = threading.current_thread()
                channel.interrupt_after = len(interrupted) + 1
                try:
                    operation(driver, echo_server.port)
                    whole = channel.written[:]
                except KeyboardInterrupt:
                    interrupted.append(channel.written[len(interrupted)])
                channel.victim, channel.interrupt_after = None, 0
                driver.close()
                with TcpipDriver(channel) as again:
                    session = again.connect("TCP", "127.0.0.1", echo_server.port)
                    session.sendall(NASTY)
                    assert exactly(session, len(NASTY)) == NASTY
    assert interrupted == whole
