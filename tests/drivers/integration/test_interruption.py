"""Interruption at every wait of every operation, on threads, on a module of each family: the channel works after it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from driver_lab import BG96, KINDS, M10, Kind, Peer, QuickClock, client_of, comparable, exactly, laboratory, not_among

from drivers.at import AtChannel
from drivers.errors import DriverError, TcpipError
from drivers.tcpip import KeepAlive, TcpipDriver, Transparent

LONG = 100.0
PORT = 2121  # of a listener; each context has an address of its own
DISCARD = 9  # a port at which no time server answers
HOSTS = {"www.quectel.com": "127.0.0.1"}
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


others: list[TcpipDriver] = []


def on(channel: AtChannel, kind: Kind, **options: object) -> TcpipDriver:
    """A driver on a channel of a kind of module."""
    return TcpipDriver(channel, kind.first, dialect=kind.model, **options)  # type: ignore[arg-type]


@contextmanager
def another(driver: TcpipDriver, **options: object) -> Iterator[TcpipDriver]:
    """A driver with other options in the place of the first."""
    driver.close()
    others.append(on(driver.channel, M10 if driver.context == M10.first else BG96, **options))
    with others[-1] as made:
        yield made


def connecting(driver: TcpipDriver, port: int) -> None:
    driver.connect("TCP", "127.0.0.1", port)


def by_steps(driver: TcpipDriver, port: int) -> None:
    driver.connect("TCP", "127.0.0.1", port, step_by_step=True)


def listening(driver: TcpipDriver, _: int) -> None:
    driver.listen(step_by_step=True)


def listening_on_a_port(driver: TcpipDriver, _: int) -> None:
    driver.listen(port=PORT).close()


def resolving(driver: TcpipDriver, _: int) -> None:
    driver.resolve("www.quectel.com")


def exchanging(driver: TcpipDriver, port: int) -> None:
    session = driver.connect("TCP", "127.0.0.1", port)
    session.sendall(b"x" * 3000)
    session.sendall(b"y" * 3000, end="ctrl-z")
    session.acknowledged()
    session.close()


def claiming(driver: TcpipDriver, _: int) -> None:
    with another(driver) as other:
        other.state()


class InterruptedAfterWriting(AtChannel):
    """A channel on which the thread under test is interrupted right after it has written the given command."""

    interrupt_after = 0
    victim: threading.Thread | None = None

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.written: list[bytes] = []

    def _write(self, octets: bytes, *ticket: Any) -> None:
        super()._write(octets, *ticket)
        if threading.current_thread() is self.victim:
            self.written.append(comparable(octets))

    def _carry_on(self, done: Callable[[], bool], *ticket: Any) -> None:
        def interrupted() -> bool:
            if self.interrupt_after and len(self.written) >= self.interrupt_after:
                self.interrupt_after = 0
                raise KeyboardInterrupt
            return done()

        super()._carry_on(interrupted, *ticket)


def waiting_for_the_timer(driver: TcpipDriver, port: int) -> None:
    driver.connect("TCP", "127.0.0.1", port).sendall(b"later", end="timer", period=1)


def serving(driver: TcpipDriver, _: int) -> None:
    with driver.listen(port=PORT) as listener, client_of(listener, driver.local_address) as visitor:
        session = listener.accept(LONG)
        session.sendall(b"hello")
        session.acknowledged()
        session.close()
        visitor.recv(100)


def telling_of_listeners(driver: TcpipDriver, _: int) -> None:
    driver.listen().status()


def several(driver: TcpipDriver, port: int) -> None:
    with another(driver, muxip=True, receive="header") as other:
        sessions = [other.connect("TCP", "127.0.0.1", port) for _ in range(2)]
        sessions[1].sendall(b"x" * 100)
        sessions[1].check(KeepAlive(first=0.1, then=0.1))
        sessions[0].close()


def several_of_lte(driver: TcpipDriver, port: int) -> None:
    sessions = [driver.connect("TCP", "127.0.0.1", port, receive=mode) for mode in ("buffered", "pushed")]
    for session in sessions:
        session.sendall(b"x" * 100)
        session.settimeout(LONG)
        session.recv(1)
    sessions[0].sendall(b"x", end="hex")
    sessions[0].set_receive("pushed")
    sessions[1].check(KeepAlive(first=0.1, then=0.1))
    sessions[0].close()


def datagrams_of_lte(driver: TcpipDriver, _: int) -> None:
    with driver.udp_service(PORT) as service:
        service.sendto(b"to itself", (driver.local_address, PORT))
        service.settimeout(LONG)
        service.recvfrom(100)


def asking_lte(driver: TcpipDriver, _: int) -> None:
    driver.state()
    driver.set_name_servers("8.8.8.8")
    driver.name_servers()
    driver.ping("127.0.0.1", count=1)
    with suppress(TcpipError):
        driver.network_time("127.0.0.1", port=DISCARD)
    driver.deactivate()
    driver.reclaim()


def in_data_mode_of_lte(driver: TcpipDriver, port: int) -> None:
    session = driver.connect("TCP", "127.0.0.1", port, receive="transparent")
    session.sendall(b"data")
    with driver.command_mode():
        session.acknowledged()
    session.sendall(b"more data")


def asking(driver: TcpipDriver, _: int) -> None:
    driver.state()
    driver.foreground()
    driver.show("QISHOWRA")
    driver.set_name_servers("8.8.8.8")
    driver.name_servers()
    driver.listen(port=2121)
    driver.deactivate()
    driver.reclaim()


def in_data_mode(driver: TcpipDriver, port: int) -> None:
    with another(driver, transparent=Transparent()) as other:
        session = other.connect("TCP", "127.0.0.1", port)
        session.sendall(b"data")
        with other.command_mode():
            session.acknowledged()
        session.sendall(b"more data")


def in_data_mode_left_by_dtr(driver: TcpipDriver, port: int) -> None:
    with another(driver, transparent=Transparent(escape="dtr")) as other:
        session = other.connect("TCP", "127.0.0.1", port)
        session.sendall(b"data")
        with other.command_mode():
            session.acknowledged()


OPERATIONS = [
    connecting,
    by_steps,
    listening,
    resolving,
    exchanging,
    claiming,
    waiting_for_the_timer,
    serving,
    telling_of_listeners,
    several,
    asking,
    in_data_mode,
    in_data_mode_left_by_dtr,
]
OF_LTE = [
    connecting,
    listening_on_a_port,
    resolving,
    exchanging,
    claiming,
    serving,
    several_of_lte,
    datagrams_of_lte,
    asking_lte,
    in_data_mode_of_lte,
    in_data_mode_left_by_dtr,
]
ROWS = [*((M10, one) for one in OPERATIONS), *((BG96, one) for one in OF_LTE)]
EACH = pytest.mark.parametrize(
    ("kind", "operation"), [pytest.param(*row, id=f"{row[0].model}-{row[1].__name__}") for row in ROWS]
)


def hurried(operation: Callable[[TcpipDriver, int], None]) -> QuickClock:
    """A clock for an operation: where silences have to be kept, a busy computer must not be taken for one."""
    return QuickClock(6.0 if "data_mode" in operation.__name__ else 10.0)


@EACH
def test_an_interruption_at_any_wait_leaves_a_channel_that_works(
    echo_server: Peer, kind: Kind, operation: Callable[[TcpipDriver, int], None]
) -> None:
    done, interrupt_at = False, 0
    with laboratory(clock=hurried(operation), hosts=HOSTS, kind=kind) as lab:
        while not done:
            interrupt_at += 1
            with Interrupted(lab.mux.channel(1), clock=lab.clock) as channel:
                channel.victim = threading.current_thread()
                driver = on(channel, kind)
                driver.claim()
                channel.interrupt_at = interrupt_at
                try:
                    operation(driver, echo_server.port)
                    done = channel.interrupt_at < interrupt_at  # else the answers were there before it waited
                    interrupt_at -= not done
                except KeyboardInterrupt:
                    pass
                channel.interrupt_at = 0
                for one in (driver, *others):
                    one.close()
                others.clear()
                with on(channel, kind) as again:
                    session = again.connect("TCP", "127.0.0.1", echo_server.port)
                    session.sendall(NASTY)
                    assert exactly(session, len(NASTY)) == NASTY
                    with suppress(DriverError):
                        session.close()
    assert interrupt_at > 1


@EACH
def test_an_interruption_behind_each_command_leaves_a_channel_that_works(
    echo_server: Peer, kind: Kind, operation: Callable[[TcpipDriver, int], None]
) -> None:
    """Behind the first command, behind the second, and so on: each of those that the operation consists of."""
    interrupted: list[bytes] = []
    whole: list[bytes] = []
    with laboratory(clock=hurried(operation), hosts=HOSTS, kind=kind) as lab:
        while not whole:
            with InterruptedAfterWriting(lab.mux.channel(1), clock=lab.clock) as channel:
                driver = on(channel, kind)
                driver.claim()
                channel.victim = threading.current_thread()
                channel.interrupt_after = len(interrupted) + 1
                try:
                    operation(driver, echo_server.port)
                    whole = channel.written[:]
                except KeyboardInterrupt:
                    interrupted.append(channel.written[len(interrupted)])
                channel.victim, channel.interrupt_after = None, 0
                for one in (driver, *others):
                    one.close()
                others.clear()
                with on(channel, kind) as again:
                    assert again.leftovers == ()
                    session = again.connect("TCP", "127.0.0.1", echo_server.port)
                    session.sendall(NASTY)
                    assert exactly(session, len(NASTY)) == NASTY
    assert interrupted == whole


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.model)
def test_the_operations_consist_of_all_commands_that_the_driver_has(echo_server: Peer, kind: Kind) -> None:
    with laboratory(clock=QuickClock(10.0), hosts=HOSTS, kind=kind) as lab:
        for operation in [one for of, one in ROWS if of is kind]:
            with AtChannel(lab.mux.channel(1), clock=lab.clock) as channel:
                driver = on(channel, kind)
                operation(driver, echo_server.port)
                driver.close()
        others.clear()
        missing = not_among(lab.heard(1), kind)
    assert missing == set(), "missing: OPERATIONS or OF_LTE in tests/drivers/integration/test_interruption.py"
