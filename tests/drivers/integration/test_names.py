"""Names of the domain name system (app note chapter 9), and the CSD bearer (3.1)."""

from __future__ import annotations

import socket

import pytest
from chosen_behaviour import may_change_form
from driver_lab import Lab, Peer, exactly

from drivers.errors import ConnectRefused, NameNotFound
from drivers.tcpip import Csd


@pytest.mark.requirement("S9.1", "S9.3", "S3.7")
def test_a_session_is_opened_by_name_and_then_by_address(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(1, 0) as driver:
        for host, form in (("www.quectel.com", "1"), ("127.0.0.1", "0")):
            with driver.connect("TCP", host, echo_server.port) as session:
                session.sendall(b"hello")
                assert exactly(session, 5) == b"hello"
                assert f"AT+QIDNSIP={form}" in "".join(lab.commands(1))
            may_change_form(driver)


@pytest.mark.requirement("S2.8", "S9.5", "S9.8")
def test_a_name_is_resolved_and_the_context_activated_for_it(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(1, 0) as driver:
        assert driver.resolve("www.quectel.com") == ["127.0.0.1"]
        assert driver.local_address.startswith("127.")
        with driver.listen():
            pass  # needs AT+QILOCIP before it where only a name has activated the context


def test_a_name_that_nobody_knows_is_a_gaierror(lab: Lab) -> None:
    with lab.driver(1, 0) as driver:
        with pytest.raises(socket.gaierror) as failure:
            driver.resolve("no.such.name.example")
        assert isinstance(failure.value, NameNotFound)
        assert "no.such.name.example" in str(failure.value)
        assert driver.resolve("www.quectel.com") == ["127.0.0.1"]


def test_a_connection_to_a_name_that_nobody_knows_is_refused_without_a_reason(lab: Lab) -> None:
    with lab.driver(1, 0) as driver, pytest.raises(ConnectRefused, match="gives no reason"):
        driver.connect("TCP", "no.such.name.example", 80)


@pytest.mark.requirement("S9.6")
def test_name_servers_are_set_in_an_active_context(lab: Lab) -> None:
    with lab.driver(1, 0) as driver:
        driver.set_name_servers("211.136.18.171", "211.136.112.50")
        assert driver.name_servers() == ("211.136.18.171", "211.136.112.50")
        text = "".join(lab.commands(1))
        assert 'AT+QIREGAPPAT+QIACTAT+QILOCIPAT+QIDNSCFG="211.136.18.171","211.136.112.50"' in text
        with pytest.raises(ValueError, match="dotted address"):
            driver.set_name_servers("dns.example")


@pytest.mark.requirement("S3.3", "S3.4")
def test_a_csd_bearer_is_set_and_serves(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(1, 0, bearer=Csd("17201", "172", "172")) as driver:
        assert 'AT+QICSGP=0,"17201","172","172"' in lab.commands(1)
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.sendall(b"by a data call")
        assert exactly(session, 14) == b"by a data call"


def test_a_number_that_cannot_be_dialled_is_refused() -> None:
    with pytest.raises(ValueError, match="number to dial"):
        Csd('172"01')
    with pytest.raises(ValueError, match="rate"):
        Csd("17201", rate=4)
