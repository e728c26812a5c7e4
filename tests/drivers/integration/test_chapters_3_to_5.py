"""Chapters 3 to 5 of the app note, statement by statement: driver, multiplexed line, emulated module, real peers."""

from __future__ import annotations

import re
import socket
from contextlib import ExitStack

import pytest
from driver_lab import PATIENCE, Lab, Peer, QuickClock, client_of, exactly, laboratory
from every_way import MakeWay

from drivers.at import Dialogue, LinePattern, command, expect, payload
from drivers.emulator import Behaviour
from drivers.errors import CommandError
from drivers.tcpip import Acknowledged, Transparent
from drivers.tcpip.data_mode import stream

WELCOME = b"Welcome to use Quectel's module!"
GREAT = b"Quectel's module is great!"
CLOSE_OK = (LinePattern("CLOSE OK"),)


def order(lab: Lab, *commands: str, uart: int = 1) -> None:
    """The module got these commands in this order, maybe with others between."""
    heard, at = lab.heard(uart).decode("latin-1"), 0
    for text in commands:
        found = heard.find(text, at)
        assert found >= 0, (text, heard)
        at = found + len(text)


# -- chapter 3 -------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S3.1", "S3.2", "S3.4", "S3.5", "S3.6", "S3.7")
def test_the_context_is_initialised_before_a_session(lab: Lab) -> None:
    for context in (0, 1):
        with lab.driver(1, context):
            order(
                lab,
                f"AT+QIFGCNT={context}",
                'AT+QICSGP=1,"CMNET"',
                "AT+QIMUX=0",
                "AT+QIMODE=0",
                "AT+QIDNSIP=0",
            )
    assert b"ERROR" not in lab.sent(1)


@pytest.mark.requirement("S3.14")
def test_settings_are_made_in_ip_initial_and_refused_later(lab: Lab) -> None:
    with lab.driver(1, 0) as driver:
        assert driver.state() == "IP INITIAL"
        driver.activate()
        assert b"ERROR" not in lab.sent(1)
        with pytest.raises(CommandError, match="QIMUX=1"):
            driver.channel.command("AT+QIMUX=1")


@pytest.mark.requirement("S3.15", "S3.16", "S3.17", "S3.18")
def test_opening_step_by_step(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(1, 0) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port, step_by_step=True)
        order(lab, "AT+QIREGAPP", "AT+QIACT", "AT+QILOCIP", f'AT+QIOPEN="TCP", "127.0.0.1",{echo_server.port}')
        lab.wait_for(1, b"\r\n" + driver.local_address.encode() + b"\r\n\r\nOK\r\n")  # no OK of its own
        lab.wait_for(1, b"\r\nOK\r\n\r\nCONNECT OK\r\n")
        session.sendall(GREAT)
        assert exactly(session, 26) == GREAT


@pytest.mark.requirement("S3.20", "S3.31")
def test_opening_in_one_step(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(1, 0) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        assert "AT+QIACT" not in lab.commands(1)
        session.sendall(GREAT)
        assert exactly(session, 26) == GREAT
        assert b"AT+QISEND=26\r" + GREAT in lab.heard(1)


@pytest.mark.requirement("S3.9", "S3.10", "S3.11")
def test_qitcfg_says_when_a_transparent_session_sends() -> None:
    pieces: list[bytes] = []

    def collect(connection: socket.socket) -> None:
        while data := connection.recv(65536):
            pieces.append(data)
            connection.sendall(b"!")

    with (
        laboratory(clock=QuickClock(4.0)) as lab,
        Peer(collect) as peer,
        lab.driver(1, 0, transparent=Transparent(3, 1.0, 512, "dtr")) as driver,
    ):
        assert "AT+QITCFG=3,10,512,0" in lab.commands(1)
        session = driver.connect("TCP", "127.0.0.1", peer.port)
        session.sendall(bytes(522))
        session.settimeout(100.0)
        assert session.recv(1) == b"!"
        assert [len(piece) for piece in pieces] == [512]  # as soon as so much is buffered
        assert session.recv(1) == b"!"
        assert [len(piece) for piece in pieces] == [512, 10]  # the rest when the interval is over


@pytest.mark.requirement("S3.25", "S3.26", "S3.27")
def test_plus_signs_leave_data_mode_only_between_two_silences(echo_server: Peer) -> None:
    with laboratory(clock=QuickClock(10.0)) as lab, lab.driver(1, 0, transparent=True) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        driver.channel.run(stream(b"data right before+++"))
        assert exactly(session, 20, 100.0) == b"data right before+++"
        driver.escape()
        assert ("received", b"+++") in lab.octets[1]  # all three at once
        assert driver.channel.command("AT").final == "OK"


@pytest.mark.requirement("S3.50", "S3.52", "S3.53", "S3.54")
def test_qiclose_ends_the_session_and_qideact_the_context(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(1, 0) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.close()
        lab.wait_for(1, b"\r\nCLOSE OK\r\n")
        assert driver.state() == "IP CLOSE"
        before = len(lab.commands(1))
        driver.deactivate()
        lab.wait_for(1, b"\r\nDEACT OK\r\n")
        assert lab.commands(1)[before:] == ["AT+QIDEACT"]  # no AT+QISRVC? for it
        assert driver.state() == "IP INITIAL"


def closings(heard: bytes, begun: int) -> list[str]:
    """What ended sessions and the context since then, with what AT+QISRVC said of AT+QICLOSE; it begins as 1."""
    found, chosen = [], "1"
    for one in re.finditer(rb"AT\+(QISRVC=(\d)|QICLOSE(?:=\d)?|QIDEACT)\r", heard):
        text = one[1].decode()
        chosen = one[2].decode() if one[2] else chosen
        if one.start() >= begun and not one[2]:
            found.append(f"{text} of {chosen}" if text.startswith("QICLOSE") else text)
    return found


@pytest.mark.requirement("S3.51", "S3.55")
@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
@pytest.mark.parametrize("muxip", [False, True])
@pytest.mark.parametrize("server", [False, True])
def test_deactivating_closes_the_sessions_first(
    way: MakeWay, echo_server: Peer, protocol: str, muxip: bool, server: bool
) -> None:
    there = way()
    with there.driver(muxip=muxip) as driver, ExitStack() as stack:
        sessions = [driver.connect(protocol, "127.0.0.1", echo_server.port) for _ in range(1 + muxip)]
        if server:
            listener = driver.listen(protocol)
            stack.enter_context(client_of(listener, driver.local_address))
            sessions.append(listener.accept(PATIENCE))
        begun = len(there.heard)
        driver.deactivate()
        assert not any(session.open for session in sessions)
        *closed, last = closings(there.heard, begun)
        of_clients = ["QICLOSE=0 of 1", "QICLOSE=1 of 1"] if muxip else ["QICLOSE of 1"]
        of_server = ["QICLOSE=0 of 2" if muxip else "QICLOSE of 2", "QICLOSE of 2"] if server else []
        assert sorted(closed) == sorted(of_clients + of_server)  # the server, too
        assert last == "QIDEACT"
        assert driver.connect(protocol, "127.0.0.1", echo_server.port).index == 0


@pytest.mark.requirement("S3.55")
def test_all_sessions_are_closed_before_the_context_is_deactivated(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(1, 0, muxip=True) as driver:
        for _ in range(3):
            driver.connect("TCP", "127.0.0.1", echo_server.port)
    order(lab, "AT+QICLOSE=0", "AT+QICLOSE=1", "AT+QICLOSE=2", "AT+QIDEACT")


@pytest.mark.requirement("S3.56", "S3.57")
def test_figure_1(lab: Lab) -> None:
    def serve(connection: socket.socket) -> None:
        assert connection.recv(100) == WELCOME
        connection.recv(1)

    with Peer(serve) as peer, lab.driver(1, 0, receive="bare", initialise=("QICSGP",)) as driver:
        session = driver.connect("TCP", "127.0.0.1", peer.port)
        session.sendall(WELCOME, end="ctrl-z")
        driver.show("QISHOWRA")
        peer.connection().sendall(GREAT)
        assert exactly(session, 26) == GREAT
        session.close()
    assert lab.commands(1) == [
        "ATE0",
        "AT+QIFGCNT=0",
        'AT+QICSGP=1,"CMNET"',
        f'AT+QIOPEN="TCP", "127.0.0.1",{peer.port}',
        "AT+QISRVC=1",
        "AT+QISEND",
        WELCOME.decode() + "\x1aAT+QISHOWRA=1",
        "AT+QISRVC?",
        "AT+QICLOSE",
        "AT+QIDEACT",
    ]
    assert b"\r\nRECV FROM:127.0.0.1:%d\r\n" % peer.port + GREAT + b"\r\n+QISRVC: 1\r\n" in lab.sent(1)


# -- chapter 4 -------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S4.11")
def test_esc_cancels_a_send_with_an_index(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(1, 0, muxip=True) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)

        def cancelled() -> Dialogue[str]:
            yield from command("AT+QISEND=0", success=(), prompt=True)
            return (yield from payload(b"never\x1b", success=(LinePattern("OK"),))).final

        assert driver.channel.run(cancelled()) == "OK"
        assert session.acknowledged().sent == 0


@pytest.mark.requirement("S4.12")
def test_acknowledgements_are_asked_by_index(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(1, 0, muxip=True) as driver:
        sessions = [driver.connect("TCP", "127.0.0.1", echo_server.port) for _ in range(2)]
        sessions[1].sendall(GREAT)
        assert exactly(sessions[1], 26) == GREAT
        assert [session.acknowledged() for session in sessions] == [Acknowledged(0, 0, 0), Acknowledged(26, 26, 0)]
        order(lab, "AT+QISRVC=1", "AT+QISACK=0", "AT+QISACK=1")
        lab.wait_for(1, b"\r\n+QISACK: 26, 26, 0\r\n\r\nOK\r\n")


@pytest.mark.requirement("S4.17", "S4.18")
@pytest.mark.parametrize("word", ["RECV FROM", "RCV FROM"])
def test_figure_2(word: str) -> None:
    def serve(connection: socket.socket) -> None:
        assert connection.recv(100) == WELCOME
        connection.sendall(GREAT)
        connection.recv(1)

    with (
        Peer(serve) as peer,
        laboratory(Behaviour(recv_from=word)) as lab,  # type: ignore[arg-type]
        lab.driver(1, 0, muxip=True, receive="header", show=("QISHOWRA",)) as driver,
    ):
        sessions = [driver.connect("TCP", "127.0.0.1", peer.port) for _ in range(3)]
        for number, session in enumerate(sessions):
            lab.wait_for(1, b"\r\n%d, CONNECT OK\r\n" % number)
            session.sendall(WELCOME, end="ctrl-z")
        for number, session in enumerate(sessions):
            assert exactly(session, 26) == GREAT
            expected = b"\r\n+RECEIVE: %d, 26\r\n%s:127.0.0.1:%d\r\n" % (number, word.encode(), peer.port)
            lab.wait_for(1, expected + GREAT)
        for number, session in enumerate(sessions):
            session.close()
            lab.wait_for(1, b"\r\n%d, CLOSE OK\r\n" % number)


# -- chapter 5 -------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S5.1", "S5.2")
def test_a_server_step_by_step(lab: Lab) -> None:
    with lab.driver(1, 0) as driver:
        listener = driver.listen(step_by_step=True)
        order(lab, "AT+QIMUX=0", "AT+QIREGAPP", "AT+QIACT", "AT+QILOCIP", "AT+QISERVER")
        lab.wait_for(1, b"\r\nOK\r\n\r\nSERVER OK\r\n")
        client_of(listener, driver.local_address).close()


@pytest.mark.requirement("S2.4", "S5.4", "S5.5", "S5.6", "S5.8")
def test_a_server_in_one_step_and_its_client(lab: Lab) -> None:
    with lab.driver(1, 0) as driver:
        listener = driver.listen()
        with client_of(listener, driver.local_address) as visitor:
            session = listener.accept(PATIENCE)
            lab.wait_for(1, b"\r\nREMOTE IP: %s\r\n" % visitor.getsockname()[0].encode())
            visitor.sendall(GREAT)
            assert exactly(session, 26) == GREAT
            session.sendall(WELCOME)
            assert visitor.recv(100) == WELCOME


@pytest.mark.requirement("S2.4", "S5.3", "S5.9")
@pytest.mark.parametrize("receive", ["buffered", "header", "bare"])
def test_a_udp_client_is_seen_with_its_first_packet(lab: Lab, receive: str) -> None:
    with lab.driver(1, 0, receive=receive) as driver:
        listener = driver.listen("UDP")
        order(lab, "AT+QISERVER=1")
        assert b"REMOTE IP" not in lab.sent(1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as visitor:
            visitor.settimeout(PATIENCE)
            visitor.sendto(GREAT, (driver.local_address, listener.port))
            session = listener.accept(PATIENCE)
            assert exactly(session, 26) == GREAT
            session.sendall(WELCOME)
            assert visitor.recv(100) == WELCOME


@pytest.mark.requirement("S5.10", "S6.8")
@pytest.mark.parametrize("muxip", [False, True])
def test_qiserver_tells_whether_it_listens_and_to_how_many(lab: Lab, muxip: bool) -> None:
    with lab.driver(1, 0, muxip=muxip) as driver:
        listener = driver.listen()
        assert listener.status() == (True, 0)
        with client_of(listener, driver.local_address):
            listener.accept(PATIENCE)
            assert listener.status() == (True, 1)
            lab.wait_for(1, b"\r\n+QISERVER: 1, 1\r\n\r\nOK\r\n")


@pytest.mark.requirement("S5.15", "S5.16", "S5.17", "S5.18")
def test_closing_the_session_keeps_the_server_and_closing_that_leaves_it(lab: Lab) -> None:
    with lab.driver(1, 0) as driver:
        listener = driver.listen()
        for text in (b"first", b"second"):
            with client_of(listener, driver.local_address) as visitor:
                session = listener.accept(PATIENCE)
                visitor.sendall(text)
                assert exactly(session, len(text)) == text
                session.close()
                lab.wait_for(1, b"\r\nCLOSE OK\r\n")
                assert visitor.recv(1) == b""
                assert listener.status() == (True, 0)
        address = driver.local_address
        listener.close()
        assert driver.state() == "IP STATUS"
        with pytest.raises(ConnectionRefusedError):
            client_of(listener, address)
        driver.listen()
        before = len(lab.commands(1))
        driver.deactivate()
        assert lab.commands(1)[before:] == ["AT+QIDEACT"]


def test_a_line_that_comes_by_itself_is_waited_for_by_expect(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(1, 0) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)

        def closing() -> Dialogue[str]:
            yield from command("AT+QICLOSE", success=CLOSE_OK)
            yield from command("AT+QISTAT", info=())
            return (yield from expect(LinePattern("STATE: ", "[A-Z ]+", 20), timeout=5)).final

        assert driver.channel.run(closing()) == "STATE: IP CLOSE"
        session.close()
