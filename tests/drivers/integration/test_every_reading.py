"""The driver gets along with a module that is in any one way as another source has it."""

from __future__ import annotations

import itertools
import re

import pytest
from chosen_behaviour import may_change_form
from driver_lab import BG96, Lab, Peer, QuickClock, client_of, exactly, laboratory

from drivers.emulator import Behaviour
from drivers.tcpip import TcpipDriver, Transparent

HOSTS = {"www.quectel.com": "127.0.0.1,127.0.0.2"}
NASTY = bytes(range(256)) * 7
WITHOUT_ESC = NASTY.replace(b"\x1b", b"")  # for firmware to which ESC in promised octets is a cancellation
LONG = 100.0  # seconds of a clock that is quick
BEFORE_A_DRIVER = {"cmux_refused", "cmux_deadlock"}  # there is no channel then
HOW_LONG_OR_HOW_MANY = re.compile(r"SECONDS|\d+-\d+")  # not what


def readings(family: str) -> list[str]:
    """Return every value of every question about a family that is not the default."""
    found = []
    for name, default, values, _ in Behaviour.describe(family=family):
        if not HOW_LONG_OR_HOW_MANY.fullmatch(values) and name not in BEFORE_A_DRIVER:
            found += [f"{name}={value}" for value in values.split("|") if value != default]
    return found


def exchange_with_a_server(driver: TcpipDriver, host: str, port: int, data: bytes) -> None:
    with driver.connect("TCP", host, port) as session:
        session.sendall(data)
        assert exactly(session, len(data), LONG) == data
        assert session.acknowledged().sent == len(data)


def exchange_with_a_client(driver: TcpipDriver) -> None:
    with driver.listen(port=2020) as listener, client_of(listener, driver.local_address) as visitor:
        session = listener.accept(LONG)
        visitor.sendall(b"hello")
        assert exactly(session, 5, LONG) == b"hello"
        session.sendall(b"and back")
        assert visitor.recv(100) == b"and back"
        visitor.close()
        session.settimeout(LONG)
        assert session.recv(1) == b""
        session.close()


def everything(lab: Lab, port: int, receive: str, muxip: bool, reading: str) -> None:
    dialect = "m66" if reading == "longest_send=1459" else "m10"
    data = WITHOUT_ESC if reading == "esc_cancels_fixed=on" else NASTY
    options = {"receive": receive, "muxip": muxip, "dialect": dialect, "show": ("QISHOWRA", "QISHOWLA")}
    with lab.driver(2, 1) as other, lab.driver(1, 0, **options) as driver:
        other.activate()
        assert driver.resolve("www.quectel.com") == ["127.0.0.1", "127.0.0.2"]
        exchange_with_a_client(driver)
        for host in ("127.0.0.1", "www.quectel.com"):
            exchange_with_a_server(driver, host, port, data)
            may_change_form(driver, Behaviour.parse([reading]))
        driver.deactivate()
        exchange_with_a_server(driver, "127.0.0.1", port, data)
        assert driver.activate() == driver.local_address
        driver.deactivate()
        driver.claim()
        driver.deactivate()  # it is in IP INITIAL
        assert driver.state() == "IP INITIAL"
    assert other.table.owner(0) is None


def in_turn(family: str, *modes: tuple[object, ...]) -> list[tuple[object, ...]]:
    """Return the readings, each with one of some modes: the values of a question have all of them."""
    return [(reading, *mode) for reading, mode in zip(readings(family), itertools.cycle(modes))]


@pytest.mark.parametrize(("reading", "receive", "muxip"), in_turn("quectel_gsm", ("buffered", False), ("header", True)))
def test_a_module_that_is_otherwise_in_one_thing(echo_server: Peer, reading: str, receive: str, muxip: bool) -> None:
    with laboratory(Behaviour.parse([reading]), hosts=HOSTS, clock=QuickClock(5.0)) as lab:
        everything(lab, echo_server.port, receive, muxip, reading)


def everything_of_lte(lab: Lab, port: int, receive: str, reading: str) -> None:
    data = WITHOUT_ESC if reading == "esc_cancels_fixed=on" else NASTY
    with lab.driver(2, 1) as other, lab.driver(1, 0, receive=receive) as driver:
        other.activate()
        assert driver.resolve("www.quectel.com") == ["127.0.0.1", "127.0.0.2"]
        exchange_with_a_client(driver)
        for host in ("127.0.0.1", "www.quectel.com"):
            exchange_with_a_server(driver, host, port, data)
        driver.deactivate()
        exchange_with_a_server(driver, "127.0.0.1", port, data)
        assert driver.activate() == driver.local_address
        driver.deactivate()
        assert driver.state() == "inactive"
    assert other.table.owner(1) is None


@pytest.mark.parametrize(("reading", "receive"), in_turn("quectel_lte", ("buffered",), ("pushed",)))
def test_an_lte_module_that_is_otherwise_in_one_thing(echo_server: Peer, reading: str, receive: str) -> None:
    with laboratory(Behaviour.parse([reading]), hosts=HOSTS, clock=QuickClock(5.0), kind=BG96) as lab:
        everything_of_lte(lab, echo_server.port, receive, reading)


@pytest.mark.parametrize("reading", ["transparent_open=CONNECT OK", "payload_echo=ate", "pdp_deact=+PDP: DEACT"])
def test_a_module_that_is_otherwise_in_data_mode(echo_server: Peer, reading: str) -> None:
    with (
        laboratory(Behaviour.parse([reading]), clock=QuickClock(10.0)) as lab,
        lab.driver(1, 0, transparent=Transparent(wait=0.2, escape="dtr")) as driver,
    ):
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.sendall(NASTY)
        assert exactly(session, len(NASTY), LONG) == NASTY
        with driver.command_mode() as channel:
            assert channel.command("AT").final == "OK"
        lab.module.drop_contexts()
        with pytest.raises(ConnectionResetError):
            session.recv(1)
