"""Sessions and listeners behave like sockets, and raise the standard exceptions."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from driver_lab import KINDS, PATIENCE, Kind, Lab, Peer, QuickClock, every_lab, exactly, in_each_mode, laboratory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted_port import OK, Conversation, exchange
from stepped_clock import SteppedClock

from drivers.emulator import Behaviour
from drivers.emulator.environment import Network
from drivers.errors import AtTimeout, ConnectTimeout, SessionClosed, SessionReset
from drivers.tcpip import Session, TcpipDriver
from drivers.tcpip.quectel_gsm.timeouts import deadline

__all__ = ["every_lab"]

EACH_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.model)


@pytest.fixture
def session(every_lab: Lab, echo_server: Peer) -> Iterator[Session]:
    with every_lab.driver(1, 0) as driver:
        made = driver.connect("TCP", "127.0.0.1", echo_server.port)
        made.settimeout(PATIENCE)
        yield made


def test_makefile_knows_the_modes_of_a_socket(session: Session) -> None:
    raw = session.makefile("rwb", 0)
    assert isinstance(raw, io.RawIOBase)
    assert raw.write(b"octets") == 6
    assert exactly(session, 6) == b"octets"
    for mode, fact in (("x", "made of r, w and b"), ("", "made of r, w and b")):
        with pytest.raises(ValueError, match=fact):
            session.makefile(mode)
    with pytest.raises(ValueError, match="binary"):
        session.makefile("r", 0)
    with session.makefile("rb") as reader, pytest.raises(io.UnsupportedOperation):
        reader.write(b"x")  # type: ignore[attr-defined]
    with session.makefile("wb") as writer:
        writer.write(b"line\n")  # type: ignore[attr-defined]
        writer.flush()
        assert exactly(session, 5) == b"line\n"
        with pytest.raises(io.UnsupportedOperation):
            writer.read(1)  # type: ignore[attr-defined]
    with session.makefile("w", encoding="ascii") as text, pytest.raises(io.UnsupportedOperation):
        text.read(1)  # type: ignore[attr-defined]
    only_writes = session.makefile("wb", 0)
    with pytest.raises(io.UnsupportedOperation, match="not open for reading"):
        only_writes.read(1)  # type: ignore[attr-defined]
    only_reads = session.makefile("rb", 0)
    with pytest.raises(io.UnsupportedOperation, match="not open for writing"):
        only_reads.write(b"x")  # type: ignore[attr-defined]


def test_a_session_says_its_state_and_who_has_closed_it(session: Session) -> None:
    assert "open" in repr(session)
    session.close()
    assert "closed here" in repr(session)
    with pytest.raises(SessionClosed, match="closed here"):
        session.send(b"x")


@EACH_KIND
def test_our_own_deadline_is_a_timeout_and_leaves_a_context_that_works(echo_server: Peer, kind: Kind) -> None:
    with laboratory(clock=QuickClock(10.0), kind=kind) as lab, lab.driver(1, 0) as driver:
        driver.activate()
        lab.module.set_network(Network(silent=True))
        with pytest.raises(TimeoutError) as late:
            driver.connect("TCP", "127.0.0.1", echo_server.port, timeout=3.0)
        assert isinstance(late.value, AtTimeout | ConnectTimeout)
        lab.module.set_network(Network())
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.sendall(b"works")
        session.settimeout(100)
        assert session.recv(5)


def test_connect_fail_after_75_seconds_is_a_timeout(echo_server: Peer) -> None:
    clock = SteppedClock()
    with (
        laboratory(Behaviour(connect_timeout=76.0), clock=clock) as lab,
        lab.driver(1, 0) as driver,
        ThreadPoolExecutor() as pool,
    ):
        driver.activate()
        lab.module.set_network(Network(silent=True))
        connecting = pool.submit(driver.connect, "TCP", "127.0.0.1", echo_server.port)
        clock.await_wait(76)
        clock.await_wait(deadline("CONNECT OK"))
        clock.advance(76)
        with pytest.raises(TimeoutError, match="after 76 s") as late:
            connecting.result(PATIENCE)
        assert isinstance(late.value, ConnectTimeout)
        assert not isinstance(late.value, ConnectionError)


@pytest.mark.parametrize(
    "words",
    ["RDY", "NORMAL POWER DOWN", "UNDER_VOLTAGE POWER DOWN", "OVER_VOLTAGE POWER DOWN", "OVER-VOLTAGE POWER DOWN"],
)
def test_a_module_that_starts_again_has_forgotten_everything(words: str) -> None:
    opened = ('AT+QIOPEN="TCP", "10.0.0.1",80', OK + b"\r\nCONNECT OK\r\n")
    claim = ("AT+QIFGCNT=0", OK)
    talk = Conversation(exchange(claim, opened, claim, opened))
    driver = TcpipDriver(talk.ports[1], receive="bare", initialise=())
    session = driver.connect("TCP", "10.0.0.1", 80)
    talk.ports[1].say(b"\r\nUNDER_VOLTAGE WARNING\r\n" + f"\r\n{words}\r\n".encode())
    session.settimeout(PATIENCE)
    with pytest.raises(ConnectionResetError, match=rf"reset \({words}\)") as reset:
        session.recv(1)
    assert isinstance(reset.value, SessionReset)
    assert driver.connect("TCP", "10.0.0.1", 80).open
    talk.finish()
    talk.ports[1].die()
    driver.close()


FRAGMENTS = st.sampled_from(
    [
        b"\x00",
        b"\x1a",
        b"\x1b",
        b"+++",
        b"\r\n",
        b"\r\nOK\r\n",
        b"\r\nCLOSED\r\n",
        b"\r\n0, CLOSED\r\n",
        b"\r\n+QIRD: 1.2.3.4:5,TCP,3\r\n",
        b"\r\n+RECEIVE: 0, 3\r\n",
        b"\r\n+QIRD: 3\r\nabc\r\n\r\nOK\r\n",
        b'\r\n+QIURC: "closed",0\r\n',
        b'\r\n+QIURC: "recv",0,3\r\n',
        b"IPD3:",
        b"RECV FROM:1.2.3.4:5\r\n",
        b"\r\nSEND OK\r\n",
        b"\r\nERROR\r\n",
        b"\r\n> ",
        b"\xf9\xff\x7e",
    ]
)
PAYLOADS = st.lists(FRAGMENTS | st.binary(min_size=1, max_size=50), min_size=1, max_size=12).map(b"".join)


@in_each_mode()
def test_payload_of_any_octets_arrives_unchanged(echo_server: Peer, kind: Kind, options: dict[str, Any]) -> None:
    with laboratory(kind=kind) as lab, lab.driver(1, 0, **options) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)

        @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
        @given(PAYLOADS)
        def exchange_it(data: bytes) -> None:
            session.sendall(data)
            assert exactly(session, len(data)) == data

        exchange_it()
        assert session.dropped == 0
