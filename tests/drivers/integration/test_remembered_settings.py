"""What the module has and does not tell: the access point (3.1), the port for listening (8.2), names (9.1)."""

from __future__ import annotations

import logging
import socket
from typing import Any

import pytest
from driver_lab import PATIENCE, Peer, client_of, exactly
from every_way import LATE, MakeWay, Way

from drivers.errors import SettingRefused
from drivers.tcpip import Gprs


def free_port() -> int:
    """A port that a server of the module can have."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


def left_active(there: Way, **options: Any) -> Any:
    """A driver that has released its context while it was active."""
    driver = there.driver(**options)
    driver.activate()
    driver.release()
    return driver


# -- 3.1: the bearer ---------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S3.4", "S3.14")
def test_an_access_point_that_is_in_use_is_not_taken_for_another_one(way: MakeWay, echo_server: Peer) -> None:
    there = way()
    former = left_active(there, bearer=Gprs("CMNET"))
    driver = there.driver(bearer=Gprs("CMWAP"))
    with pytest.raises(SettingRefused, match=r'in use with 1,"CMNET".* needs IP INITIAL.*\(app note 3\.1\)'):
        driver.connect("TCP", "127.0.0.1", echo_server.port)
    assert b"AT+QIOPEN" not in there.heard
    driver.close()
    with there.driver(bearer=Gprs("CMNET")) as same:
        same.connect("TCP", "127.0.0.1", echo_server.port)
        same.deactivate()
        with there.driver(bearer=Gprs("CMWAP")) as other:  # in IP INITIAL it can be set
            other.connect("TCP", "127.0.0.1", echo_server.port)
    former.close()


@pytest.mark.requirement("S3.4", "S3.14")
def test_one_that_another_program_has_set_cannot_be_read_and_is_warned_of(
    way: MakeWay, echo_server: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    driver = way().driver(bearer=Gprs("CMNET"))
    for text in ("AT+QIFGCNT=0", 'AT+QICSGP=1,"CMWAP"', "AT+QIREGAPP", "AT+QIACT"):
        driver.channel.command(text)
    with driver, caplog.at_level(logging.WARNING):
        driver.connect("TCP", "127.0.0.1", echo_server.port)
    assert 'in use already, maybe with another bearer than 1,"CMNET"' in caplog.text


# -- 8.2: the port -----------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S5.2", "S8.11")
@pytest.mark.parametrize("port", [2020, None])
def test_the_port_for_listening_is_the_one_that_was_asked_for(way: MakeWay, port: int | None) -> None:
    there = way()
    first = free_port()
    with there.driver() as former:
        assert former.listen(port=first).port == first
    with there.driver() as driver:
        listener = driver.listen(port=port)
        assert listener.port == (port or first)  # the module keeps it
        with client_of(listener, driver.local_address) as visitor:
            session = listener.accept(PATIENCE)
            visitor.sendall(b"found")
            assert exactly(session, 5) == b"found"


# -- 9.1: names --------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S3.14", "S9.1")
def test_a_context_that_was_released_with_a_name_can_be_claimed_and_deactivated(
    way: MakeWay, echo_server: Peer
) -> None:
    there = way(behaviour=LATE)
    with there.driver() as driver:
        driver.connect("TCP", "www.quectel.com", echo_server.port).close()
        driver.release()
        driver.claim()
        with pytest.raises(SettingRefused, match="AT\\+QIDNSIP needs IP INITIAL"):
            driver.connect("TCP", "127.0.0.1", echo_server.port)
        driver.deactivate()
        driver.connect("TCP", "127.0.0.1", echo_server.port)
