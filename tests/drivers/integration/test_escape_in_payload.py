"""ESC in data of a given length (app note 4.3): it arrives, or the module cancels it; none of it is ever executed."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from driver_lab import Peer, QuickClock, laboratory
from every_way import NAMES, Way, way_named

from drivers.at import AtChannel
from drivers.emulator import Behaviour
from drivers.errors import DriverError
from drivers.tcpip import TcpipDriver

EVERYWHERE = pytest.mark.parametrize("where", NAMES)
ANSWERS = pytest.mark.parametrize("answer", ["OK", "ERROR", "SEND FAIL", "none"])
EVIL = b"a\x1bAT+QISHOWRA=1\rzz"
LONG = 100.0


def payloads(seed: int) -> list[bytes]:
    """Payloads full of what ends, cancels and executes."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    parts = [b"\x1b", b"\x1a", b"\r", b"\r\n", b"AT+QISHOWRA=1\r", b"A/", b"OK", b"\r\nOK\r\n", b"x", b"\x1b\x1b", b">"]
    made = [b"".join(chance.choices(parts, k=chance.randint(1, 30))) for _ in range(8)]
    return [EVIL, b"\x1b", b"\x1bAT+QISHOWRA=1\r", b"end\x1b", *made]


def back(session: Any, data: bytes) -> bytes:
    session.settimeout(LONG)
    got = b""
    while len(got) < len(data):
        got += session.recv(65536)
    return got


@pytest.fixture
def datagrams() -> Iterator[int]:
    """A UDP server that sends back what comes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                data, sender = server.recvfrom(2000)
                if data == b"the end":
                    return
                server.sendto(data, sender)

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        yield port
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"the end", ("127.0.0.1", port))
        thread.join()


def executed(there: Way, where: str, driver: Any) -> bool:
    """Whether the module shows addresses, which only the payloads ask for."""
    channel = driver.channel
    if where.startswith("aio"):
        channel = InLoopChannel(driver)
    return channel.command("AT+QISHOWRA?").lines != ("+QISHOWRA: 0",)


class InLoopChannel:
    """The channel of a driver in asyncio."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def command(self, text: str) -> Any:
        inner = self._driver._inner
        return self._driver._call(lambda: inner.channel.command(text))


@EVERYWHERE
@pytest.mark.requirement("S4.8", "S4.11")
@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
@pytest.mark.parametrize("muxip", [False, True])
@pytest.mark.parametrize("echo", ["qisde", "ate"])
def test_a_module_that_takes_esc_as_data_gets_all_of_it(
    echo_server: Peer, datagrams: int, where: str, protocol: str, muxip: bool, echo: str
) -> None:
    port = echo_server.port if protocol == "TCP" else datagrams
    with (
        way_named(where, Behaviour.parse([f"payload_echo={echo}"]), clock=QuickClock(5.0)) as there,
        there.driver(muxip=muxip) as driver,
    ):
        session = driver.connect(protocol, "127.0.0.1", port)
        for data in payloads(1):
            session.sendall(data)
            assert back(session, data) == data
        assert there.heard.count(b"ATE1\r") == 1  # it is asked once
        assert not executed(there, where, driver)


@EVERYWHERE
@ANSWERS
@pytest.mark.requirement("S4.11")
@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
@pytest.mark.parametrize("muxip", [False, True])
def test_a_module_that_cancels_by_esc_executes_none_of_it(
    echo_server: Peer, datagrams: int, where: str, answer: str, protocol: str, muxip: bool
) -> None:
    port = echo_server.port if protocol == "TCP" else datagrams
    behaviour = Behaviour.parse(["esc_cancels_fixed=on", f"esc_answer={answer}"])
    for data in payloads(len(answer))[:6]:
        with (
            way_named(where, behaviour, clock=QuickClock(10.0)) as there,
            there.driver(muxip=muxip) as driver,
        ):
            session = driver.connect(protocol, "127.0.0.1", port)
            with pytest.raises(ValueError, match=r"takes ESC .* for a cancel"):
                session.sendall(b"\x1b" + data if b"\x1b" not in data else data)
            asked = there.heard.count(b"AT+QISEND")
            for call in (session.sendall, session.send):
                with pytest.raises(ValueError, match=r"takes ESC .* for a cancel"):
                    call(EVIL)
            assert there.heard.count(b"AT+QISEND") == asked  # nothing is sent any more
            assert not executed(there, where, driver)
            assert session.acknowledged().sent == 0
            session.sendall(b"without it \x1a\r")
            assert back(session, b"without it \x1a\r") == b"without it \x1a\r"
            session.close()


@EVERYWHERE
def test_a_session_that_is_gone_teaches_nothing(echo_server: Peer, where: str) -> None:
    with way_named(where) as there, there.driver() as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        there.module.drop_contexts()
        with pytest.raises(DriverError):
            session.sendall(EVIL)
        with pytest.raises(ConnectionResetError):
            back(session, EVIL)
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.sendall(EVIL)
        assert back(session, EVIL) == EVIL


class Interrupted(AtChannel):
    """A channel on which a caller is interrupted at one of its waits."""

    interrupt_at = 0

    def _wait(self) -> None:
        if self.interrupt_at and threading.current_thread() is threading.main_thread():
            self.interrupt_at -= 1
            if not self.interrupt_at:
                raise KeyboardInterrupt
        super()._wait()


@pytest.mark.requirement("S4.11")
@pytest.mark.parametrize("reading", ["esc_cancels_fixed=on", "esc_cancels_fixed=off"])
def test_an_interruption_at_any_wait_executes_nothing(echo_server: Peer, reading: str) -> None:
    interrupt_at, done = 0, False
    with laboratory(Behaviour.parse([reading]), clock=QuickClock(5.0)) as lab:
        while not done:
            interrupt_at += 1
            with Interrupted(lab.mux.channel(1), clock=lab.clock) as channel, TcpipDriver(channel) as driver:
                session = driver.connect("TCP", "127.0.0.1", echo_server.port)
                channel.interrupt_at = interrupt_at
                try:
                    session.sendall(EVIL)
                    done = True
                except ValueError:
                    done = True
                except KeyboardInterrupt:
                    pass
                channel.interrupt_at = 0
                assert channel.command("AT+QISHOWRA?").lines == ("+QISHOWRA: 0",)
                session.sendall(b"goes on")
                got = b""
                while not got.endswith(b"goes on"):
                    session.settimeout(LONG)
                    got += session.recv(100)
    assert interrupt_at > 5
