"""Names of the domain name system (app note chapter 9), and the CSD bearer (3.1)."""

from __future__ import annotations

import socket

import pytest
from chosen_behaviour import may_change_form
from driver_lab import M10, Lab, Peer, every_lab, exactly

from drivers.errors import ConnectRefused, NameNotFound
from drivers.tcpip import Csd

__all__ = ["every_lab"]


@pytest.mark.requirement("S9.1", "S9.3", "S3.7")
def test_a_session_is_opened_by_name_and_then_by_address(every_lab: Lab, echo_server: Peer) -> None:
    """An M10 is told which of the two comes; an LTE module takes either."""
    with every_lab.driver(1, 0) as driver:
        for host, form in (("www.quectel.com", "1"), ("127.0.0.1", "0")):
            with driver.connect("TCP", host, echo_server.port) as session:
                session.sendall(b"hello")
                assert exactly(session, 5) == b"hello"
                asked = "".join(every_lab.commands(1))
                assert (f"AT+QIDNSIP={form}" in asked) == (every_lab.kind is M10)
            if every_lab.kind is M10:
                may_change_form(driver)


@pytest.mark.requirement("S2.8", "S9.5", "S9.8")
def test_a_name_is_resolved_and_the_context_activated_for_it(every_lab: Lab) -> None:
    with every_lab.driver(1, 0) as driver:
        assert driver.resolve("www.quectel.com") == ["127.0.0.1"]
        assert driver.local_address.startswith("127.")
        with driver.listen(port=2020):
            pass  # needs AT+QILOCIP before it where only a name has activated the context


def test_a_name_that_nobody_knows_is_a_gaierror(every_lab: Lab) -> None:
    with every_lab.driver(1, 0) as driver:
        with pytest.raises(socket.gaierror) as failure:
            driver.resolve("no.such.name.example")
        assert isinstance(failure.value, NameNotFound)
        assert "no.such.name.example" in str(failure.value)
        assert driver.resolve("www.quectel.com") == ["127.0.0.1"]


REASONS = {"m10": (ConnectRefused, "gives no reason"), "bg96": (NameNotFound, "565")}


@pytest.mark.requirement("L3.12")
def test_a_connection_to_a_name_that_nobody_knows_is_refused_with_the_reason_that_the_module_gives(
    every_lab: Lab,
) -> None:
    error, words = REASONS[every_lab.kind.model]
    with every_lab.driver(1, 0) as driver, pytest.raises(error, match=words):
        driver.connect("TCP", "no.such.name.example", 80)


ASKED = {
    "m10": 'AT+QIREGAPPAT+QIACTAT+QILOCIPAT+QIDNSCFG="211.136.18.171","211.136.112.50"',
    "bg96": 'AT+QIACT=1AT+QIACT?AT+QIDNSCFG=1,"211.136.18.171","211.136.112.50"',
}


@pytest.mark.requirement("S9.6")
def test_name_servers_are_set_in_an_active_context(every_lab: Lab) -> None:
    with every_lab.driver(1, 0) as driver:
        driver.set_name_servers("211.136.18.171", "211.136.112.50")
        assert driver.name_servers() == ("211.136.18.171", "211.136.112.50")
        assert ASKED[every_lab.kind.model] in "".join(every_lab.commands(1))
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
