"""All sessions are closed by AT+QICLOSE before AT+QIDEACT (app note 3.5): broken, late, of others."""

from __future__ import annotations

import re
import socket
import threading

import pytest
from driver_lab import PATIENCE, Peer, QuickClock, client_of
from every_way import MakeWay, Way, in_each_way
from stepped_clock import SteppedClock

from drivers.emulator import Behaviour
from drivers.emulator.environment import Network
from drivers.errors import AtTimeout

CLOSING = re.compile(r"AT\+(?:QISRVC=\d|QICLOSE(?:=\d)?|QIDEACT)(?=\r)")


def closings(there: Way, before: int) -> list[str]:
    """Return the commands that select a side, close sessions and deactivate, in order."""
    return [text.removeprefix("AT+") for text in CLOSING.findall(there.heard[before:].decode("latin-1"))]


@pytest.mark.requirement("S3.55")
@in_each_way("muxip end", (True, "deactivate"), (False, "close"), (False, "deactivate"), (True, "close"))
def test_a_session_that_broke_on_this_side_is_closed_first(way: MakeWay, muxip: bool, end: str) -> None:
    """The module has taken octets, and whether the other side will have them is not known: it is over here only."""
    over = threading.Event()
    clock = SteppedClock()
    there = way(behaviour=Behaviour(send_timeout=1000.0), clock=clock)
    with Peer(lambda _: over.wait(PATIENCE) and None) as peer:
        driver = there.driver(muxip=muxip)
        session = driver.connect("TCP", "127.0.0.1", peer.port)
        there.set_network(Network(silent=True))
        with pytest.raises(AtTimeout), clock.passing(100.0, 2.0):
            session.sendall(bytes(1_000_000))
        there.set_network(Network())
        before = len(there.heard)
        with clock.passing(100.0, 0.1):
            getattr(driver, end)()
        assert closings(there, before) == ["QICLOSE=0" if muxip else "QICLOSE", "QIDEACT"]
        driver.close()
        over.set()


def late_client(there: Way, port: int, address: str, protocol: str) -> list[socket.socket]:
    """Let a client connect as soon as the driver asks for AT+QISRVC."""
    late: list[socket.socket] = []

    def come(_: int, direction: str, data: bytes) -> None:
        if direction == "received" and b"AT+QISRVC?" in data and not late:
            late.append(visit(protocol, port, address))

    there.module.on_octets(come)
    return late


def visit(protocol: str, port: int, address: str) -> socket.socket:
    """Connect to a server of the module; by UDP a first packet makes the client known."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM if protocol == "TCP" else socket.SOCK_DGRAM)
    made.settimeout(PATIENCE)
    made.connect((address, port))
    if protocol == "UDP":
        made.send(b"hello")
    return made


@pytest.mark.requirement("S3.55", "S6.13")
@in_each_way("protocol end", ("TCP", "deactivate"), ("UDP", "close"), ("UDP", "deactivate"), ("TCP", "close"))
def test_a_client_that_comes_while_the_others_are_closed_is_closed_too(way: MakeWay, protocol: str, end: str) -> None:
    there = way()
    driver = there.driver(muxip=True)
    driver.claim()
    listener = driver.listen(protocol, clients=3)
    address = driver.local_address
    with visit(protocol, listener.port, address):
        listener.accept(PATIENCE)
        late = late_client(there, listener.port, address, protocol)
        before = len(there.heard)
        getattr(driver, end)()
        *closed, last = closings(there, before)
        assert closed[:2] == ["QISRVC=2", "QICLOSE=0"]
        assert {"QICLOSE=1", "QICLOSE"} & set(closed[2:])  # the other one, or all
        assert last == "QIDEACT"
    driver.close()
    (one,) = late
    with one:
        if protocol == "TCP":
            assert one.recv(1) == b""


@pytest.mark.requirement("S3.55", "S8.2")
@in_each_way("muxip", (True,), (False,), (False,), (True,))
def test_reclaiming_closes_the_sessions_that_another_program_has_left(
    way: MakeWay, muxip: bool, echo_server: Peer
) -> None:
    there = way(clock=QuickClock(2.5))
    left = there.driver(muxip=muxip, program=1)
    for _ in range(1 + muxip):
        left.connect("TCP", "127.0.0.1", echo_server.port)
    listener = left.listen()
    visitors = [client_of(listener, left.local_address) for _ in range(1 + muxip)]
    for _ in visitors:
        listener.accept(PATIENCE)
    left.release()
    driver = there.driver(muxip=muxip)
    before = len(there.heard)
    driver.reclaim()
    clients = ["QICLOSE=0", "QICLOSE=1"] if muxip else ["QICLOSE"]
    assert closings(there, before) == ["QISRVC=1", *clients, "QISRVC=2", *clients, "QIDEACT"]
    for visitor in visitors:
        with visitor:
            assert visitor.recv(1) == b""
    left.close()
    driver.close()
