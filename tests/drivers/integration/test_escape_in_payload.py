"""ESC in data of a given length (app note 4.3): it arrives, or the module cancels it; none of it is ever executed."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from datagram_echo import datagrams
from driver_lab import Peer, QuickClock, exactly, laboratory
from every_way import MakeWay, Way, in_each_way
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from interruptions import abandon_behind, interrupt_behind
from stepped_clock import SteppedClock

from drivers.at import AtChannel
from drivers.emulator import Behaviour
from drivers.errors import DriverError
from drivers.tcpip import TcpipDriver

__all__ = ["datagrams"]

ESC = b"\x1b"
EVIL = b"a\x1bAT+QISHOWRA=1\rzz"
PIECE = 1460  # octets that go out with one AT+QISEND
OWN = re.compile(rb"\x1b?\r*(ATE[01]\r|AT\+QISDE=[01]\r|AT\+QIRD=[0-9,]+\r)*")
"""What the driver writes behind an ESC that was tried: that again, and what brings the module back."""
TRIAL = 3.0  # seconds until a module that answers nothing is understood
REFUSED = r"takes ESC .* for a cancel"

FRAGMENTS = st.sampled_from(
    [ESC, b"\x1b\x1b", b"\x1a", b"\r", b"\r\n", b"AT+QISHOWRA=1\r", b"A/", b"OK", b"\r\nOK\r\n", b"\r\n> ", EVIL]
)
LENGTHS = st.integers(0, 2 * PIECE).map(bytes)
PAYLOADS = st.lists(FRAGMENTS | st.binary(max_size=50) | LENGTHS, max_size=8).map(b"".join)
PROTOCOLS = st.sampled_from(["TCP", "UDP"])
ALWAYS = [EVIL, ESC, b"\x1bAT+QISHOWRA=1\r", b"end\x1b", bytes(PIECE - 1) + EVIL, bytes(PIECE) + EVIL, b"", b"none"]
"""What is always tried."""


def each_payload(count: int) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """Call a function with those above, and with so many others, each by TCP or UDP, with MUXIP or without."""

    def made(function: Callable[..., None]) -> Callable[[], None]:
        tried = given(data=PAYLOADS, protocol=PROTOCOLS, muxip=st.booleans())(function)
        for number, data in enumerate(ALWAYS):
            tried = example(data=data, protocol=("TCP", "UDP")[number % 2], muxip=number % 3 == 0)(tried)
        chosen = settings(max_examples=count, suppress_health_check=list(HealthCheck), report_multiple_bugs=False)
        made: Callable[[], None] = chosen(tried)
        return made

    return made


@contextlib.contextmanager
def session_of(there: Way, ports: dict[str, int], protocol: str, muxip: bool) -> Iterator[tuple[Any, Any]]:
    """A driver that knows nothing of its module yet, and a session to what sends everything back."""
    with there.driver(muxip=muxip) as driver:
        session = driver.connect(protocol, "127.0.0.1", ports[protocol])
        yield driver, session
        assert driver.channel.command("AT+QISHOWRA?").lines == ("+QISHOWRA: 0",)  # only payloads ask for addresses


@pytest.fixture
def ports(echo_server: Peer, datagrams: int) -> dict[str, int]:
    """The ports of what sends everything back."""
    return {"TCP": echo_server.port, "UDP": datagrams}


@pytest.mark.requirement("S4.8", "S4.11")
@pytest.mark.parametrize("echo", ["qisde", "ate"])
def test_a_module_that_takes_esc_as_data_gets_all_of_it(ports: dict[str, int], way: MakeWay, echo: str) -> None:
    there = way(behaviour=Behaviour.parse([f"payload_echo={echo}"]))

    @each_payload(10)
    def arrives(data: bytes, protocol: str, muxip: bool) -> None:
        begun = len(there.heard)
        with session_of(there, ports, protocol, muxip) as (_, session):
            for one in (data, EVIL, data):
                session.sendall(one)
                assert exactly(session, len(one)) == one
        assert there.heard[begun:].count(b"ATE1\r") == 1  # it is asked once

    arrives()


@pytest.mark.requirement("S4.11")
@pytest.mark.parametrize(("answer", "count"), [("OK", 12), ("ERROR", 4), ("SEND FAIL", 4), ("none", 4)])
def test_a_module_that_cancels_by_esc_executes_none_of_it(
    ports: dict[str, int], way: MakeWay, answer: str, count: int
) -> None:
    """All of it is sent; or nothing behind the first ESC is written, nor anything after that."""
    clock = SteppedClock()
    there = way(behaviour=Behaviour.parse(["esc_cancels_fixed=on", f"esc_answer={answer}"]), clock=clock)

    def is_refused(data: bytes, protocol: str, muxip: bool) -> None:
        with session_of(there, ports, protocol, muxip) as (_, session):
            begun = len(there.heard)
            passing = clock.passing(TRIAL, 1.0) if answer == "none" else contextlib.nullcontext()
            with pytest.raises(ValueError, match=REFUSED), passing:
                session.sendall(data)
            written = there.heard[begun:]
            first = data.index(ESC)
            whole = first - first % PIECE
            assert exactly(session, whole) == data[:whole]  # the pieces before it
            for call in (session.sendall, session.send):
                with pytest.raises(ValueError, match=REFUSED):
                    call(EVIL)
            assert session.acknowledged().sent == whole
            after = there.heard[begun + len(written) :]
            assert b"AT+QISEND" not in after
            assert b"AT+QISHOWRA" not in after
            session.sendall(b"without it \x1a\r")
            assert exactly(session, 13) == b"without it \x1a\r"
            tried = written[written.rindex(b"AT+QISEND=") :].partition(b"\r")[2]
            assert tried.startswith(data[whole : first + 1])
            assert OWN.fullmatch(tried, first + 1 - whole)

    @each_payload(count)
    def is_refused_or_arrives(data: bytes, protocol: str, muxip: bool) -> None:
        if ESC in data:
            is_refused(data, protocol, muxip)
            return
        with session_of(there, ports, protocol, muxip) as (_, session):
            session.sendall(data)
            assert exactly(session, len(data)) == data

    is_refused_or_arrives()


def test_a_session_that_is_gone_teaches_nothing(way: MakeWay, echo_server: Peer) -> None:
    there = way()
    with there.driver() as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        there.module.drop_contexts()
        with pytest.raises(DriverError):
            session.sendall(EVIL)
        with pytest.raises(ConnectionResetError):
            exactly(session, len(EVIL))
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.sendall(EVIL)
        assert exactly(session, len(EVIL)) == EVIL


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
                    session.settimeout(100.0)
                    got += session.recv(100)
    assert interrupt_at > 2  # for the prompt and for the result; more, as its answers come in pieces


@pytest.mark.requirement("S3.45", "S4.11")
@in_each_way("protocol echo", ("TCP", "ate"), ("UDP", "qisde"), ("TCP", "qisde"), ("UDP", "ate"))
def test_nothing_of_the_trial_gets_into_bare_data(
    ports: dict[str, int], way: MakeWay, protocol: str, echo: str
) -> None:
    """The module echoes commands meanwhile, which cannot be told from data without a length."""
    there = way(behaviour=Behaviour.parse([f"payload_echo={echo}"]))
    with there.driver(receive="bare") as driver:
        session = driver.connect(protocol, "127.0.0.1", ports[protocol])
        for data in (EVIL, b"\x1b", b"plain"):
            session.sendall(data)
            assert exactly(session, len(data)) == data


@pytest.mark.requirement("S4.11", "S7.11")
def test_nothing_of_the_trial_gets_into_bare_data_of_the_other_context(echo_server: Peer, way: MakeWay) -> None:
    there = way()
    with there.driver(0, receive="buffered") as driver, there.driver(1, receive="bare") as second:
        session, other = (one.connect("TCP", "127.0.0.1", echo_server.port) for one in (driver, second))
        for data in (EVIL, b"\x1b", b"plain"):
            session.sendall(data)
            assert exactly(session, len(data)) == data
        other.sendall(b"its own")
        assert exactly(other, len(b"its own")) == b"its own"


@pytest.mark.requirement("S4.11")
@pytest.mark.parametrize("end", [interrupt_behind, abandon_behind])
@pytest.mark.parametrize("behind", [b"ATE1", b"a\x1b", b"ATE0"])
@in_each_way("receive", ("buffered",), ("bare",), ("bare",), ("buffered",))
def test_the_echo_is_off_when_the_trial_ended_early(
    echo_server: Peer, way: MakeWay, receive: str, behind: bytes, end: Callable[..., None]
) -> None:
    there = way(clock=QuickClock(2.5))
    with there.driver(0, receive=receive) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        end(there, driver, behind, session, "sendall", EVIL)
        session.close()
        before = len(there.sent)
        with there.driver(1, receive=receive) as second:
            other = second.connect("TCP", "127.0.0.1", echo_server.port)
            other.sendall(b"its own")
            assert exactly(other, len(b"its own")) == b"its own"
        assert b"AT+" not in there.sent[before:]
