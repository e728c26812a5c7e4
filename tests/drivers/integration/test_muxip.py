"""Chapters 4, 6 and 7: several sessions on one context, and two contexts on one UART."""

from __future__ import annotations

import re
import socket

import pytest
from driver_lab import PATIENCE, Lab, Peer, QuickClock, client_of, exactly, laboratory
from every_way import MakeWay

from drivers.errors import TcpipError

LONG = 10 * PATIENCE  # of a clock ten times as quick
RECEIVE = pytest.mark.parametrize("receive", ["buffered", "header"])


@pytest.mark.requirement("S4.1", "S4.4", "S4.5", "S4.6", "S4.8")
@RECEIVE
def test_six_sessions_at_once_tcp_and_udp(lab: Lab, echo_server: Peer, receive: str) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        lab.driver(1, 0, muxip=True, receive=receive) as driver,
    ):
        datagrams.bind(("127.0.0.1", 0))
        datagrams.settimeout(PATIENCE)
        sessions = [driver.connect("TCP", "127.0.0.1", echo_server.port) for _ in range(5)]
        sessions.append(driver.connect("UDP", *datagrams.getsockname()))
        assert [session.index for session in sessions] == [0, 1, 2, 3, 4, 5]
        with pytest.raises(TcpipError, match="all six"):
            driver.connect("TCP", "127.0.0.1", echo_server.port)
        for number, session in enumerate(sessions):
            session.sendall(b"text of session %d" % number)
        for number, session in enumerate(sessions[:5]):
            assert exactly(session, 17) == b"text of session %d" % number
        assert datagrams.recv(100) == b"text of session 5"
        lab.wait_for(1, b"\r\n5, CONNECT OK\r\n")
        assert "AT+QISEND=3,17" in "".join(lab.commands(1))


@pytest.mark.requirement("S4.15", "S4.16")
@RECEIVE
def test_a_session_is_closed_by_its_index_and_its_place_is_free_again(
    lab: Lab, echo_server: Peer, receive: str
) -> None:
    with lab.driver(1, 0, muxip=True, receive=receive) as driver:
        first = driver.connect("TCP", "127.0.0.1", echo_server.port)
        second = driver.connect("TCP", "127.0.0.1", echo_server.port, index=4)
        with pytest.raises(TcpipError, match="session 4 is open already"):
            driver.connect("TCP", "127.0.0.1", echo_server.port, index=4)
        first.close()
        lab.wait_for(1, b"\r\n0, CLOSE OK\r\n")
        again = driver.connect("TCP", "127.0.0.1", echo_server.port)
        assert (again.index, second.index) == (0, 4)
        again.sendall(b"again")
        second.sendall(b"second")
        assert exactly(again, 5) == b"again"
        assert exactly(second, 6) == b"second"
        driver.deactivate()
        lab.wait_for(1, b"\r\nDEACT OK\r\n")
        with pytest.raises(OSError, match="closed here"):
            again.recv(1)


@pytest.mark.requirement("S4.3", "S4.7")
def test_step_by_step_and_ctrl_z_with_an_index(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(1, 0, muxip=True) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port, step_by_step=True)
        session.sendall(b"by Ctrl-Z", end="ctrl-z")
        assert exactly(session, 9) == b"by Ctrl-Z"
        lab.wait_for(1, b"\r\nSEND OK\r\n")
        text = "".join(lab.commands(1))
        assert "AT+QIREGAPPAT+QIACTAT+QILOCIP" in text
        assert "AT+QISEND=0by Ctrl-Z" in text


@pytest.mark.requirement("S2.5", "S6.5", "S6.6", "S6.12")
@RECEIVE
def test_a_server_has_as_many_clients_as_it_was_given(lab: Lab, receive: str) -> None:
    with lab.driver(1, 0, muxip=True, receive=receive) as driver:
        listener = driver.listen(clients=3)
        visitors = [client_of(listener, driver.local_address) for _ in range(3)]
        sessions = [listener.accept(PATIENCE) for _ in range(3)]
        assert sorted(session.index for session in sessions) == [0, 1, 2]
        for number, visitor in enumerate(visitors):
            visitor.sendall(b"client %d" % number)
        texts = {exactly(session, 8) for session in sessions}
        assert texts == {b"client 0", b"client 1", b"client 2"}
        lab.wait_for(1, b"\r\n2, REMOTE IP: 127.")
        for visitor in visitors:
            visitor.close()
        for session in sessions:
            assert session.recv(1) == b""


@pytest.mark.requirement("S6.13", "S6.15")
@RECEIVE
@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
def test_a_client_that_comes_after_the_server_was_closed_is_closed_at_once(
    way: MakeWay, receive: str, protocol: str
) -> None:
    """The module goes on listening while another client is connected."""
    there = way()
    with there.driver(muxip=True, receive=receive) as driver:
        listener = driver.listen(protocol, clients=3)
        with client_of(listener, driver.local_address) as one:
            session = listener.accept(PATIENCE)
            listener.close()
            with client_of(listener, driver.local_address) as late:
                if protocol == "TCP":
                    assert late.recv(1) == b""
                there.wait_for(b"\r\n1, CLOSE OK\r\n", direction="sent")
            assert listener.refused == 1
            one.sendall(b"still here")
            assert exactly(session, 15 if protocol == "UDP" else 10).endswith(b"still here")
            session.sendall(b"and so am I")
            assert one.recv(20) == b"and so am I"
            session.close()
            there.wait_for(b"\r\nCLOSE OK\r\n", direction="sent")
            closed = re.findall(rb"AT\+QICLOSE(.*?)\r", there.heard)
            assert closed == [b"=1", b"=0", b""]  # the last client, and the server with it


@pytest.mark.requirement("S6.9", "S6.13", "S6.15")
def test_one_client_is_closed_by_its_index_and_all_with_the_server(lab: Lab) -> None:
    with lab.driver(1, 0, muxip=True) as driver:
        listener = driver.listen(clients=2)
        with client_of(listener, driver.local_address) as one, client_of(listener, driver.local_address) as two:
            sessions = [listener.accept(PATIENCE) for _ in range(2)]
            sessions[0].sendall(b"hello")
            sessions[1].sendall(b"hello")
            assert [one.recv(10), two.recv(10)] == [b"hello"] * 2
            sessions[0].close()
            lab.wait_for(1, b"\r\n%d, CLOSE OK\r\n" % sessions[0].index)
            listener.close()
            sessions[1].sendall(b"still here")
            sessions[1].close()
            lab.wait_for(1, b"\r\nCLOSE OK\r\n")
        assert driver.state() == "IP STATUS"


@pytest.mark.requirement("S2.5", "S6.7")
@RECEIVE
def test_a_udp_client_comes_with_its_first_packet(lab: Lab, receive: str) -> None:
    with lab.driver(1, 0, muxip=True, receive=receive) as driver:
        listener = driver.listen("UDP", clients=2)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as visitor:
            visitor.settimeout(PATIENCE)
            visitor.sendto(b"first packet", (driver.local_address, listener.port))
            session = listener.accept(PATIENCE)
            session.settimeout(PATIENCE)
            assert session.recv(100) == b"first packet"
            session.sendall(b"answer")
            assert visitor.recv(100) == b"answer"


@pytest.mark.requirement("S2.10")
@RECEIVE
def test_several_sessions_and_a_server_of_several_clients_on_one_context(echo_server: Peer, receive: str) -> None:
    with (
        laboratory(clock=QuickClock(10.0)) as lab,
        lab.driver(1, 0, muxip=True, receive=receive) as driver,
    ):
        listener = driver.listen(clients=2)
        clients = [driver.connect("TCP", "127.0.0.1", echo_server.port) for _ in range(2)]
        visitors = [client_of(listener, driver.local_address) for _ in range(2)]
        servers = [listener.accept(LONG) for _ in range(2)]
        for n in range(2):
            visitors[n].sendall(b"visitor")
            clients[n].sendall(b"echo me")
        for n in range(2):
            assert exactly(servers[n], 7, LONG) == b"visitor"
            assert exactly(clients[n], 7, LONG) == b"echo me"
        visitor_address = visitors[0].getsockname()
        visitors[0].close()  # "0, CLOSED": of a client session or of a server session?
        gone = next(s for s in servers if s.remote_address == visitor_address)
        gone.settimeout(LONG)
        assert gone.recv(1) == b""
        assert [s.open for s in servers if s is not gone] == [True]
        for session in clients:
            session.sendall(b"alive")
            assert exactly(session, 5, LONG) == b"alive"
        visitors[1].close()


@pytest.mark.requirement("S7.1", "S7.4", "S7.9", "S7.10", "S7.11", "S7.13")
@RECEIVE
def test_chapter_7_whole_on_one_virtual_uart(lab: Lab, echo_server: Peer, receive: str) -> None:
    with (
        lab.driver(1, 0, receive=receive) as zero,
        lab.driver(1, 1, muxip=True, receive=receive) as one,
    ):
        session = zero.connect("TCP", "127.0.0.1", echo_server.port)
        listener = one.listen(clients=3)
        assert zero.local_address != one.local_address
        with client_of(listener, one.local_address) as visitor:
            server = listener.accept(PATIENCE)
            visitor.sendall(b"to context 1")
            session.sendall(b"to context 0")
            assert exactly(server, 12) == b"to context 1"
            assert exactly(session, 12) == b"to context 0"
            server.sendall(b"from context 1")
            assert visitor.recv(100) == b"from context 1"
        assert server.recv(1) == b""
        session.sendall(b"and again")
        assert exactly(session, 9) == b"and again"
        session.close()
        server.close()


@pytest.mark.requirement("S7.2", "S7.8", "S7.16", "S7.17")
def test_the_foreground_is_switched_only_where_it_has_to(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(1, 0) as zero, lab.driver(1, 1) as one:
        sessions = [driver.connect("TCP", "127.0.0.1", echo_server.port) for driver in (zero, one)]
        before = len(lab.commands(1))
        for session in sessions * 2:
            for _ in range(3):
                session.acknowledged()
        switches = [text for text in lab.commands(1)[before:] if "QIFGCNT" in text]
        assert switches == ["AT+QIFGCNT=0", "AT+QIFGCNT=1"] * 2
        for session in sessions:
            session.close()
