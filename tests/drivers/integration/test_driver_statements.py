"""Statements of the app note that other tests leave open: bearers, limits, several of everything."""

from __future__ import annotations

import contextlib
import socket

import pytest
from driver_lab import PATIENCE, Lab, Peer, QuickClock, client_of, exactly, laboratory

from drivers.at import AtChannel
from drivers.emulator.environment import Network
from drivers.errors import SessionReset, SessionTimeout
from drivers.tcpip import Acknowledged, Csd, Gprs, KeepAlive, TcpipDriver

GREAT = b"Quectel's module is great!"


@pytest.fixture
def datagrams() -> contextlib.closing[socket.socket]:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.settimeout(PATIENCE)
    return contextlib.closing(made)


@pytest.mark.requirement("S2.2", "S3.18")
def test_one_remote_server_by_tcp_and_by_udp(
    lab: Lab, echo_server: Peer, datagrams: contextlib.closing[socket.socket]
) -> None:
    with lab.driver(1, 0) as driver, datagrams as far:
        with driver.connect("TCP", "127.0.0.1", echo_server.port) as session:
            session.sendall(GREAT)
            assert exactly(session, 26) == GREAT
        with driver.connect("UDP", *far.getsockname()) as session:
            session.sendall(GREAT)
            data, address = far.recvfrom(100)
            assert data == GREAT
            far.sendto(b"and back", address)
            assert exactly(session, 8) == b"and back"
        heard = lab.heard(1)
        assert b'AT+QIOPEN="TCP", "127.0.0.1",%d\r' % echo_server.port in heard
        assert b'AT+QIOPEN="UDP", "127.0.0.1",%d\r' % far.getsockname()[1] in heard


@pytest.mark.requirement("S3.3", "S3.4")
def test_the_module_has_the_bearer_as_it_was_given(lab: Lab) -> None:
    with lab.driver(1, 0, bearer=Csd("17201", "user", "secret", 1)) as driver:
        assert 'AT+QICSGP=0,"17201","user","secret",1' in lab.commands(1)
        driver.channel.command("AT+QISCON?")
        shown = ("Dial Number:17201", "Config UserId:user", "Config Password:secret", "Config rate:1")
        lab.wait_for(1, "".join(f"CSD {line}\r\n" for line in shown).encode())
        assert driver.channel.command("AT+QICSGP?").lines == ("+QICSGP: 0",)
    with lab.driver(1, 0, bearer=Gprs("internet.example", "user", "secret")) as driver:
        assert 'AT+QICSGP=1,"internet.example","user","secret"' in lab.commands(1)
        assert driver.channel.command("AT+QIREGAPP?").lines == ("+QIREGAPP: internet.example,user,secret",)
        assert driver.channel.command("AT+QICSGP?").lines == ("+QICSGP: 1",)


@pytest.mark.requirement("S3.23")
def test_data_that_looks_like_the_end_again_and_again_is_all_output() -> None:
    words = b"\r\nCLOSED\r\n" * 3 + b"and on"

    def talk(connection: socket.socket) -> None:
        connection.sendall(words)
        connection.recv(1)

    with (
        laboratory(clock=QuickClock(10.0)) as lab,
        Peer(talk) as peer,
        lab.driver(1, 0, transparent=True) as driver,
    ):
        session = driver.connect("TCP", "127.0.0.1", peer.port)
        assert exactly(session, len(words), 10 * PATIENCE) == words  # of a clock ten times as quick


@pytest.mark.requirement("S3.24", "S5.9", "S5.11")
def test_udp_is_transparent_too_on_either_side() -> None:
    with (
        laboratory(clock=QuickClock(10.0)) as lab,
        lab.driver(1, 0, transparent=True) as server,
        lab.driver(2, 1, transparent=True) as client,
    ):
        listener = server.listen("UDP")
        session = client.connect("UDP", server.local_address, listener.port)
        assert client.online
        assert not server.online
        session.sendall(GREAT)
        visitor = listener.accept(10 * PATIENCE)
        for end in (session, visitor):
            end.settimeout(10 * PATIENCE)  # of a clock ten times as quick
        assert visitor.recv(100) == GREAT
        assert server.online
        visitor.sendall(b"and back")
        assert session.recv(100) == b"and back"


@pytest.mark.requirement("S4.5")
def test_every_profile_can_be_asked_for_and_no_other(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(1, 0, muxip=True) as driver:
        for index in (5, 0, 3, 1, 4, 2):
            session = driver.connect("TCP", "127.0.0.1", echo_server.port, index=index)
            assert session.index == index
            session.sendall(b"profile %d" % index)
            assert exactly(session, 9) == b"profile %d" % index
            lab.wait_for(1, b"\r\n%d, CONNECT OK\r\n" % index)
        before = lab.heard(1)
        for wrong in (6, -1):
            with pytest.raises(ValueError, match="0 to 5"):
                driver.connect("TCP", "127.0.0.1", echo_server.port, index=wrong)
        assert lab.heard(1) == before


@pytest.mark.requirement("S4.10")
def test_with_an_index_too_long_data_goes_in_pieces_so_that_nothing_is_omitted(lab: Lab, echo_server: Peer) -> None:
    data = bytes(range(65, 91)) * 150
    with lab.driver(1, 0, muxip=True) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port, index=3)
        session.sendall(data, end="ctrl-z")
        assert exactly(session, len(data)) == data
        assert lab.heard(1).count(b"AT+QISEND=3\r") == 3


@pytest.mark.requirement("S4.14")
def test_with_an_index_too_the_sender_is_told_by_qishowra(
    lab: Lab, datagrams: contextlib.closing[socket.socket]
) -> None:
    with lab.driver(1, 0, muxip=True, receive="header", show=("QISHOWRA",)) as driver, datagrams as far:
        listener = driver.listen("UDP", clients=2)
        far.sendto(GREAT, (driver.local_address, listener.port))
        session = listener.accept(PATIENCE)
        session.settimeout(PATIENCE)
        assert session.recvfrom(100) == (GREAT, far.getsockname())
        assert session.remote_address == far.getsockname()  # REMOTE IP has told the address only


@pytest.mark.requirement("S6.1", "S6.3", "S6.4", "S2.5")
@pytest.mark.parametrize("receive", ["buffered", "header"])
def test_a_server_step_by_step_has_five_clients_and_no_sixth(lab: Lab, receive: str) -> None:
    with lab.driver(1, 0, muxip=True, receive=receive) as driver, contextlib.ExitStack() as visitors:
        listener = driver.listen(clients=5, step_by_step=True)
        heard = lab.heard(1)
        steps = [heard.index(b"AT+%s\r" % name) for name in (b"QIREGAPP", b"QIACT", b"QILOCIP", b"QISERVER=0,5")]
        assert steps == sorted(steps)
        ends = [visitors.enter_context(client_of(listener, driver.local_address)) for _ in range(5)]
        sessions = [listener.accept(PATIENCE) for _ in range(5)]
        assert [session.index for session in sessions] == [0, 1, 2, 3, 4]
        with client_of(listener, driver.local_address) as sixth, contextlib.suppress(ConnectionResetError):
            assert sixth.recv(1) == b""
        with pytest.raises(SessionTimeout):
            listener.accept(0)
        assert listener.status() == (True, 5)
        for n, session in enumerate(sessions):
            session.sendall(b"you are %d" % n)
        texts = {end.recv(100) for end in ends}
        assert texts == {b"you are %d" % n for n in range(5)}


@pytest.mark.requirement("S7.16", "S7.17")
def test_each_session_is_closed_in_its_own_context_by_its_own_qisrvc(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(1, 0) as zero, lab.driver(1, 1, muxip=True) as one:
        session = zero.connect("TCP", "127.0.0.1", echo_server.port)
        listener = one.listen(clients=3)
        with client_of(listener, one.local_address) as visitor:
            client = listener.accept(PATIENCE)
            client.sendall(b"the foreground is context 1")
            assert visitor.recv(100) == b"the foreground is context 1"
            before = len(lab.heard(1))
            session.close()
            assert lab.heard(1)[before:] == b"AT+QIFGCNT=0\rAT+QISRVC?\rAT+QICLOSE\r"
            client.sendall(b"and stands")
            assert visitor.recv(100) == b"and stands"
            assert zero.state() == "IP CLOSE"
            before = len(lab.heard(1))
            client.close()
            assert lab.heard(1)[before:] == b"AT+QIFGCNT=1\rAT+QISRVC?\rAT+QICLOSE=0\r"
            assert visitor.recv(1) == b""
        lab.wait_for(1, b"\r\n+QISRVC: 1\r\n\r\nOK\r\n\r\nCLOSE OK\r\n")
        lab.wait_for(1, b"\r\n+QISRVC: 2\r\n\r\nOK\r\n\r\n0, CLOSE OK\r\n")


@pytest.mark.requirement("S7.15")
def test_the_data_of_two_contexts_is_told_apart_without_having_asked_for_their_addresses(
    lab: Lab, echo_server: Peer
) -> None:
    with lab.driver(1, 0, receive="header") as zero, lab.driver(1, 1, receive="header") as one:
        sessions = [driver.connect("TCP", "127.0.0.1", echo_server.port) for driver in (zero, one)]
        for session, text in zip(sessions, (b"for context 0", b"for context 1"), strict=True):
            session.sendall(text)
        for session, text in zip(sessions, (b"for context 0", b"for context 1"), strict=True):
            assert exactly(session, 13) == text


@pytest.mark.requirement("S9.5")
def test_all_addresses_of_a_name_are_told_in_their_order() -> None:
    found = ["127.0.0.3", "127.0.0.1", "127.0.0.2"]
    with laboratory(hosts={"www.google.com": ",".join(found)}) as lab, lab.driver(1, 0) as driver:
        assert driver.resolve("www.google.com") == found
        lab.wait_for(1, b"\r\nOK\r\n\r\n127.0.0.3\r\n127.0.0.1\r\n127.0.0.2\r\n")


@pytest.mark.requirement("S9.7")
def test_a_name_is_resolved_without_setting_name_servers(lab: Lab) -> None:
    with lab.driver(1, 0) as driver:
        assert driver.resolve("www.quectel.com") == ["127.0.0.1"]
        negotiated = driver.name_servers()
        assert len(negotiated) == 2
        assert "0.0.0.0" not in negotiated  # noqa: S104
        assert b"QIDNSCFG=" not in lab.heard(1)


@pytest.mark.requirement("S10.7", "S10.8")
def test_by_default_a_dead_connection_is_looked_at_after_5_s_and_then_twelve_times_every_10_s(
    lab: Lab, echo_server: Peer
) -> None:
    clock = QuickClock(100.0)  # for the waits between commands; answers are waited for on the real one
    with AtChannel(lab.mux.channel(1)) as channel, TcpipDriver(channel, 0, clock=clock) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        assert session.check() == Acknowledged(10, 10, 0)
        before = lab.heard(1).count(b"AT+QISACK\r")
        lab.module.set_network(Network(silent=True))
        since = clock.now()
        with pytest.raises(SessionReset, match="not acknowledged within 125 s"):
            session.check()
        assert clock.now() - since >= 125.0
        assert lab.heard(1).count(b"AT+QISACK\r") - before == 1 + 1 + 12
        assert b"TCP detect" in lab.heard(1)
    default = KeepAlive()
    assert (default.first, default.then, default.repeats, default.probe) == (5.0, 10.0, 12, b"TCP detect")
