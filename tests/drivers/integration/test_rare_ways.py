"""Rare ways through the driver: calls without a session, lines that nobody waits for, settings that are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from driver_lab import KINDS, Lab, Peer, QuickClock, client_of, exactly, laboratory

from drivers.errors import SessionClosed, TcpipError
from drivers.tcpip import KeepAlive
from drivers.tcpip.core.options import Options
from drivers.tcpip.quectel_gsm.dialects import DIALECTS
from drivers.tcpip.quectel_gsm.settings import Settings

LONG = 100.0


@pytest.fixture
def quick() -> Iterator[Lab]:
    with laboratory(clock=QuickClock(5.0)) as lab:
        yield lab


@pytest.fixture(params=KINDS, ids=lambda kind: kind.model)
def each(request: pytest.FixtureRequest) -> Iterator[Lab]:
    with laboratory(clock=QuickClock(5.0), kind=request.param) as lab:
        yield lab


# --- Transparent mode ---


@pytest.mark.requirement("S3.28")
def test_command_mode_without_a_session_is_nothing_to_go_back_from(each: Lab) -> None:
    with each.driver(1, 0, transparent=True) as driver:
        driver.activate()
        with driver.command_mode() as channel:
            assert channel.command("AT").final == "OK"
        assert not driver.online


@pytest.mark.requirement("S3.28")
def test_going_back_to_data_mode_needs_a_session_and_does_nothing_in_data_mode(each: Lab, echo_server: Peer) -> None:
    with each.driver(1, 0, transparent=True) as driver:
        driver.activate()
        with pytest.raises(SessionClosed, match="no session to go back to"):
            driver.resume()
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        driver.resume()
        assert driver.online
        session.sendall(b"no ATO")
        assert exactly(session, 6, LONG) == b"no ATO"


def test_transparent_mode_has_one_session_or_one_server(quick: Lab, echo_server: Peer) -> None:
    with quick.driver(1, 0, transparent=True) as driver:
        driver.connect("TCP", "127.0.0.1", echo_server.port)
        with driver.command_mode(), pytest.raises(TcpipError):
            driver.listen()
        assert driver.online


# --- Listeners ---


def test_a_port_for_listening_that_the_module_has_is_not_set_again(quick: Lab) -> None:
    with quick.driver(1, 0) as driver:
        for _ in range(2):
            with driver.listen(port=7007) as listener:
                assert listener.port == 7007
        assert quick.commands(1).count('AT+QILPORT="TCP",7007') == 1


def test_only_a_session_that_was_opened_here_is_opened_again(each: Lab) -> None:
    with (
        each.driver(1, 0) as driver,
        driver.listen(port=2020) as listener,
        client_of(listener, driver.local_address),
    ):
        session = listener.accept(LONG)
        with pytest.raises(ValueError, match="opened here"):
            driver.keep_alive(session, KeepAlive(), reconnect=True)


# --- What is shown with data ---


def test_the_length_before_data_stays_while_data_is_told_apart_by_it(quick: Lab, echo_server: Peer) -> None:
    with quick.driver(1, 0, receive="header") as driver:
        driver.show("QIHEAD", "QISHOWRA")
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.sendall(b"IPD3:CLOSED")
        assert exactly(session, 11, LONG) == b"IPD3:CLOSED"
        driver.show()
        session.sendall(b"+PDP DEACT")
        assert exactly(session, 10, LONG) == b"+PDP DEACT"
        assert "AT+QIHEAD=0" not in quick.commands(1)


# --- Dialects ---

DUMB = replace(DIALECTS["m10"], indication=None)


def test_a_dialect_without_qindi_refuses_buffered_data_and_takes_headers_by_itself() -> None:
    with pytest.raises(ValueError, match="receive='header'"):
        Settings.of(Options(receive="buffered"), DUMB)
    assert Settings.of(Options(), DUMB).receive == "header"


def test_a_dialect_of_another_family_is_refused() -> None:
    with pytest.raises(ValueError, match="another family"):
        Settings.of(Options(), cast(Any, SimpleNamespace(title="a modem", source="")))
