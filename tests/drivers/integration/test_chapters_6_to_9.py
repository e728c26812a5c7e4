"""Chapters 6, 7 and 9 of the app note, statement by statement, where other tests do not show them."""

from __future__ import annotations

import socket

import pytest
from driver_lab import PATIENCE, Lab, Peer, client_of, exactly, laboratory

from drivers.emulator import Behaviour
from drivers.errors import CommandError, ConnectFailed
from drivers.tcpip import Acknowledged, ContextTable, Csd

WELCOME = b"Welcome to use Quectel's module!"
GREAT = b"Quectel's module is great!"


@pytest.mark.requirement("S6.11", "S6.14")
def test_the_totals_of_a_remote_client_are_asked_by_its_index_and_qideact_ends_all(lab: Lab) -> None:
    with lab.driver(1, 0, muxip=True) as driver:
        listener = driver.listen(clients=2)
        with client_of(listener, driver.local_address) as one, client_of(listener, driver.local_address) as two:
            sessions = [listener.accept(PATIENCE) for _ in range(2)]
            for session in sessions:
                session.sendall(GREAT)
            assert [one.recv(100), two.recv(100)] == [GREAT, GREAT]
            assert [session.acknowledged() for session in sessions] == [Acknowledged(26, 26, 0)] * 2
            heard = lab.heard(1)
            assert heard.index(b"AT+QISRVC=2") < heard.index(b"AT+QISACK=0")
            assert b"AT+QISACK=1" in heard
            driver.deactivate()
            lab.wait_for(1, b"\r\nDEACT OK\r\n")
            assert [one.recv(1), two.recv(1)] == [b"", b""]


@pytest.mark.requirement("S7.3")
def test_two_contexts_at_once_must_both_be_gprs(lab: Lab, echo_server: Peer) -> None:
    """The module decides it: to the driver, the other context is that of another program."""
    other = ContextTable()
    with lab.driver(1, 0) as gprs, lab.driver(2, 1, bearer=Csd("17201"), table=other) as csd:
        gprs.activate()
        with pytest.raises(CommandError):
            csd.activate()
        with pytest.raises(ConnectFailed):
            csd.connect("TCP", "127.0.0.1", echo_server.port)
        assert gprs.state() == "IP STATUS"


@pytest.mark.requirement("S7.5", "S7.9", "S7.12")
def test_settings_belong_to_a_context_and_qifgcnt_tells_who_controls_it(lab: Lab) -> None:
    with lab.driver(1, 0) as zero, lab.driver(1, 1, muxip=True) as one:
        assert one.foreground() == (1, 1)
        assert zero.foreground() == (0, 1)
        for driver, muxip in ((zero, "0"), (one, "1")):
            driver.state()
            assert driver.channel.command("AT+QIMUX?").lines == (f"+QIMUX: {muxip}",)
    with lab.driver(3, 1) as other:
        assert other.foreground() == (1, 3)


@pytest.mark.requirement("S7.14", "S7.15", "S7.17")
def test_with_two_contexts_the_local_address_tells_whose_data_it_is(lab: Lab, echo_server: Peer) -> None:
    with (
        lab.driver(1, 0, receive="header") as zero,
        lab.driver(1, 1, receive="header", muxip=True) as one,
    ):
        sessions = [driver.connect("TCP", "127.0.0.1", echo_server.port) for driver in (zero, one)]
        for driver, session in zip((zero, one), sessions, strict=True):
            session.sendall(b"for %s" % driver.local_address.encode())
        for driver, session in zip((zero, one), sessions, strict=True):
            text = b"for %s" % driver.local_address.encode()
            assert exactly(session, len(text)) == text
            lab.wait_for(1, b"TO:%s\r\n" % driver.local_address.encode())
            assert session.acknowledged().sent == len(text)
        assert b"AT+QISACK\r" in lab.heard(1)
        assert b"AT+QISACK=0\r" in lab.heard(1)
        sessions[1].close()
        lab.wait_for(1, b"\r\n0, CLOSE OK\r\n")


@pytest.mark.requirement("S9.4")
@pytest.mark.parametrize("receive", ["bare", "header"])
def test_figure_3(receive: str) -> None:
    def serve(connection: socket.socket) -> None:
        assert connection.recv(100) == WELCOME
        connection.sendall(GREAT)
        connection.recv(1)

    with (
        Peer(serve) as peer,
        laboratory(Behaviour(recv_from="RCV FROM"), hosts={"quectel.3322.org": "127.0.0.1"}) as lab,
        lab.driver(1, 0, receive=receive, show=("QISHOWRA",)) as driver,
    ):
        session = driver.connect("TCP", "quectel.3322.org", peer.port)
        session.sendall(WELCOME, end="ctrl-z")
        assert exactly(session, 26) == GREAT
        lab.wait_for(1, b"\r\nRCV FROM:127.0.0.1:%d\r\n" % peer.port)  # the address, not the name
        assert session.remote_address == ("quectel.3322.org", peer.port)
