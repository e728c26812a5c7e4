"""A server that its user has closed (app note 5.5, 6.4): it ends with its last client, and takes no other one."""

from __future__ import annotations

import re
import socket
import threading
from typing import Any

import pytest
from driver_lab import BG96, PATIENCE, QuickClock, exactly
from every_way import MakeWay, Way, in_each_way, only

from drivers.at import LinePattern
from drivers.at.core import expect

EACH = in_each_way(
    "muxip protocol",
    *[(False, "TCP"), (True, "TCP"), (True, "TCP"), (False, "TCP")],
    *[(True, "UDP"), (False, "UDP"), (False, "UDP"), (True, "UDP")],
)

CLOSING = re.compile(r"AT\+(?:QISRVC=\d|QICLOSE(?:=\d)?|QIDEACT)(?=\r)|\+\+\+")


def closings(octets: bytes) -> list[str]:
    """Return the commands that select a side, close sessions and deactivate, in order."""
    return [text.removeprefix("AT+") for text in CLOSING.findall(octets.decode("latin-1"))]


def visit(protocol: str, listener: Any, address: str) -> socket.socket:
    """Connect to a server of the module; by UDP a first packet makes the client known."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM if protocol == "TCP" else socket.SOCK_DGRAM)
    made.settimeout(PATIENCE)
    try:
        made.connect((address, listener.port))
    except OSError:
        made.close()
        raise
    if protocol == "UDP":
        made.send(b"hello")
    return made


def nobody_listens(there: Way, protocol: str, listener: Any, address: str) -> bool:
    """Whether a client is refused, once the module has closed its socket."""
    there.round_trip()
    try:
        with visit(protocol, listener, address) as late:
            late.recv(1)
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.requirement("S5.17", "S6.15")
@EACH
def test_it_ends_with_its_last_client(way: MakeWay, muxip: bool, protocol: str) -> None:
    there = way()
    with there.driver(muxip=muxip) as driver:
        driver.claim()
        listener = driver.listen(protocol)
        address = driver.local_address
        visitors = [visit(protocol, listener, address) for _ in range(1 + muxip)]
        sessions = [listener.accept(PATIENCE) for _ in visitors]
        listener.close()
        before = len(there.heard)
        for visitor, session in zip(visitors, sessions, strict=True):
            assert closings(there.heard[before:])[-1:] != ["QICLOSE"]  # not before the last one
            visitor.close()
            session.settimeout(PATIENCE)
            if protocol == "UDP":  # nothing tells that a UDP client has left
                assert session.recv(5) == b"hello"
                session.close()
            else:
                assert session.recv(1) == b""
        there.wait_for(b"AT+QICLOSE\r", 1 + (protocol == "UDP" and not muxip))
        assert driver.state() == "IP STATUS"
        ones = [] if protocol == "TCP" else ["QICLOSE=0", "QICLOSE=1"] if muxip else ["QICLOSE"]
        assert closings(there.heard[before:]) == ["QISRVC=2", *ones, "QICLOSE"]
        assert nobody_listens(there, protocol, listener, address)
        for session in sessions:
            session.close()
        assert closings(there.heard[before:]) == ["QISRVC=2", *ones, "QICLOSE"]
        assert driver.listen(protocol).port == listener.port


@pytest.mark.requirement("S5.15", "S5.17", "S6.13", "S6.15")
@EACH
def test_a_client_that_nobody_has_accepted_is_closed_with_it(way: MakeWay, muxip: bool, protocol: str) -> None:
    there = way()
    with there.driver(muxip=muxip) as driver:
        driver.claim()
        listener = driver.listen(protocol)
        address = driver.local_address
        with visit(protocol, listener, address) as visitor:
            while listener.status() != (True, 1):
                pass
            before = len(there.heard)
            listener.close()
            closed = ["QICLOSE=0" if muxip else "QICLOSE", "QICLOSE"]
            assert closings(there.heard[before:]) == ["QISRVC=2", *closed]
            if protocol == "TCP":
                assert visitor.recv(1) == b""
        assert nobody_listens(there, protocol, listener, address)
        assert driver.listen(protocol).port == listener.port


# -- an LTE module: a listener is a socket of its own ------------------------------------------------------------------


@only(kinds=(BG96,))
def test_a_listener_of_an_lte_module_ends_at_once_and_its_clients_stay(way: MakeWay) -> None:
    there = way()
    with there.driver() as driver:
        driver.claim()
        listener = driver.listen(port=2020)
        address = driver.local_address
        with visit("TCP", listener, address) as accepted, visit("TCP", listener, address) as waiting:
            session = listener.accept(PATIENCE)
            while listener.status() != (True, 2):
                pass
            listener.close()
            assert nobody_listens(there, "TCP", listener, address)
            accepted.sendall(b"still here")
            assert exactly(session, 10) == b"still here"
            assert waiting.recv(1) == b""  # nobody has accepted it
            accepted.close()
            session.settimeout(PATIENCE)
            assert session.recv(1) == b""
        assert driver.listen(port=2020).port == listener.port


# -- transparent: a client that comes puts the UART into data mode at once (app note 5.2) ------------------------------


class Held(threading.Thread):
    """Keeps the turn of a driver's channel until the module has said something."""

    def __init__(self, driver: Any, until: str) -> None:
        super().__init__(daemon=True)
        self._driver = driver
        self._until = LinePattern(until)
        self._begun = threading.Event()
        self.start()
        assert self._begun.wait(PATIENCE)

    def _hold(self) -> Any:
        self._begun.set()
        yield from expect(LinePattern("nothing"), timeout=1000.0, ends_on=(self._until,))

    def run(self) -> None:
        self._driver.channel.run(self._hold())


def transparent_server(there: Way, driver: Any) -> tuple[Any, str, socket.socket]:
    """A server in transparent mode, and a client that is connected."""
    driver.claim()
    listener = driver.listen()
    address = driver.local_address
    visitor = visit("TCP", listener, address)
    while not driver.online:
        there.round_trip()
    return listener, address, visitor


@pytest.mark.requirement("S3.25", "S5.11", "S5.17")
def test_no_command_goes_to_a_client_that_slips_in_before_a_transparent_server_is_closed(way: MakeWay) -> None:
    there = way(clock=QuickClock(5.0))
    with there.driver(transparent=True) as driver:
        listener, address, visitor = transparent_server(there, driver)
        with visitor:
            session = listener.accept(PATIENCE)
            driver.escape()
            listener.close()
            holding = Held(driver, "CONNECT")
            before = len(there.heard)
        there.wait_for(b"\r\nCLOSED\r\n", direction="sent")
        with visit("TCP", listener, address) as newcomer:
            holding.join(PATIENCE)
            assert newcomer.recv(100) == b""  # closed, and nothing was typed to it
        assert driver.state() == "IP STATUS"
        assert [one for one in closings(there.heard[before:]) if one != "+++"] == ["QISRVC=2", "QICLOSE", "QICLOSE"]
        assert there.heard[before:].startswith(b"+++")
        assert nobody_listens(there, "TCP", listener, address)
        assert session.recv(1) == b""


@pytest.mark.requirement("S3.25", "S5.11", "S5.17")
def test_data_mode_is_left_for_a_client_that_nobody_has_accepted(way: MakeWay) -> None:
    there = way(clock=QuickClock(5.0))
    with there.driver(transparent=True) as driver:
        listener, address, visitor = transparent_server(there, driver)
        before = len(there.heard)
        listener.close()
        with visitor:
            assert visitor.recv(100) == b""
        assert [one for one in closings(there.heard[before:]) if one != "+++"] == ["QISRVC=2", "QICLOSE", "QICLOSE"]
        assert there.heard[before:].startswith(b"+++")
        assert nobody_listens(there, "TCP", listener, address)
