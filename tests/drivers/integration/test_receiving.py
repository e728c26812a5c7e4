"""Every way in which the modules hand out received data, with every header, for one session and for several."""

from __future__ import annotations

import itertools
import random
import socket
import threading
from typing import Any

import pytest
from driver_lab import M10, PATIENCE, Kind, Lab, Peer, client_of, every_lab, exactly, in_each_mode, laboratory

from drivers.emulator import Behaviour
from drivers.errors import SessionFinished, TcpipError

__all__ = ["every_lab"]

NASTY = (
    b"\x00\x1a\x1b+++\r\nOK\r\n\r\nCLOSED\r\nIPD5:\r\n+RECEIVE: 0, 3\r\nabc\r\n+QIRD: 1.2.3.4:5,TCP,9\r\n"
    b"\r\n0, CLOSED\r\nRECV FROM:1.2.3.4:5\r\n\r\n+QIRDI: 0,1,0\r\nTO:1.2.3.4\r\n\r\n> \r\nERROR\r\n\xff"
    b'\r\n+QIURC: "closed",0\r\n\r\n+QIURC: "recv",0,3\r\nabc\r\n+QIRD: 3\r\nabc\r\n\r\nNO CARRIER\r\n'
)
SHOWN = ("QISHOWRA", "QISHOWLA", "QIHEAD", "QISHOWPT")
EVERY_COMBINATION = [show for n in range(5) for show in itertools.combinations(SHOWN, n)]


def test_the_module_keeps_data_for_qird_where_it_can(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(1, 0) as driver:
        assert driver.receive == "buffered"
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.sendall(NASTY)
        assert exactly(session, len(NASTY)) == NASTY
        lab.wait_for(1, b"\r\n+QIRDI: 0,1,0\r\n")
        lab.wait_for(1, b"\r\n+QIRD: 127.0.0.1:%d,TCP," % echo_server.port)
        session.close()


@pytest.mark.requirement("S3.45", "S3.46", "S3.47", "S3.48", "S3.49")
@pytest.mark.parametrize("show", EVERY_COMBINATION, ids="+".join)
def test_every_combination_of_headers_with_one_session(lab: Lab, echo_server: Peer, show: tuple[str, ...]) -> None:
    receive = "header" if "QIHEAD" in show else "bare"
    data = NASTY * 20 if receive == "header" else b"plain text, as bare data wants it\r\n" * 50
    with lab.driver(1, 0, receive=receive, show=show) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.sendall(data)
        assert exactly(session, len(data)) == data
        if "QIHEAD" in show:
            lab.wait_for(1, b"TCP:" if "QISHOWPT" in show else b"IPD1460:")
        if "QISHOWRA" in show:
            lab.wait_for(1, b"\r\nRECV FROM:127.0.0.1:%d\r\n" % echo_server.port)
        if "QISHOWLA" in show:
            lab.wait_for(1, b"TO:%s\r\n" % driver.local_address.encode())


@pytest.mark.requirement("S4.13", "S4.14")
@pytest.mark.parametrize("show", EVERY_COMBINATION, ids="+".join)
def test_every_combination_of_headers_with_muxip(lab: Lab, echo_server: Peer, show: tuple[str, ...]) -> None:
    data = NASTY * 20
    with lab.driver(1, 0, receive="header", show=show, muxip=True) as driver:
        sessions = [driver.connect("TCP", "127.0.0.1", echo_server.port) for _ in range(2)]
        for session in sessions:
            session.sendall(data)
        for session in sessions:
            assert exactly(session, len(data)) == data
        lab.wait_for(1, b"\r\n+RECEIVE: 0, 1460\r\n")
        lab.wait_for(1, b"\r\n+RECEIVE: 1, 1460\r\n")


@in_each_mode()
def test_a_hundred_kilobytes_cross_both_ways(echo_server: Peer, kind: Kind, options: dict[str, Any]) -> None:
    data = random.Random(5).randbytes(100_000)  # noqa: S311 - a pattern, no secret
    with laboratory(kind=kind) as lab, lab.driver(1, 0, **options) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        sender = threading.Thread(target=session.sendall, args=(data,))
        sender.start()
        assert exactly(session, len(data)) == data
        sender.join()


@in_each_mode(several=False)
def test_a_datagram_stays_one_and_tells_its_sender(kind: Kind, options: dict[str, Any]) -> None:
    shown = {"show": ("QISHOWRA",)} if kind is M10 else {}
    with (
        laboratory(kind=kind) as lab,
        lab.driver(1, 0, **options, **shown) as driver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer,
    ):
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(PATIENCE)
        session = driver.connect("UDP", *peer.getsockname())
        session.settimeout(PATIENCE)
        session.send(b"one")
        data, address = peer.recvfrom(100)
        assert data == b"one"
        for text in (b"two", b"three"):
            peer.sendto(text, address)
        assert session.recvfrom(100) == (b"two", peer.getsockname())
        assert session.recv(2) == b"th"
        assert session.dropped == 3


@in_each_mode()
def test_any_octets_cross_between_a_server_and_its_client(kind: Kind, options: dict[str, Any]) -> None:
    data = NASTY * 40
    with laboratory(kind=kind) as lab, lab.driver(1, 0, **options) as driver:
        listener = driver.listen(port=2020)
        with client_of(listener, driver.local_address) as visitor:
            session = listener.accept(PATIENCE)
            visitor.sendall(data)
            assert exactly(session, len(data)) == data
            session.sendall(data)
            assert exactly(visitor, len(data)) == data


@pytest.mark.requirement("S7.15")
@in_each_mode()
def test_any_octets_for_two_contexts_of_one_uart_stay_apart(
    echo_server: Peer, kind: Kind, options: dict[str, Any]
) -> None:
    texts = (NASTY * 20, NASTY[::-1] * 20)
    with (
        laboratory(kind=kind) as lab,
        lab.driver(1, 0, receive=options["receive"]) as zero,
        lab.driver(1, 1, **options) as one,
    ):
        sessions = [driver.connect("TCP", "127.0.0.1", echo_server.port) for driver in (zero, one)]
        senders = [
            threading.Thread(target=session.sendall, args=(text,))
            for session, text in zip(sessions, texts, strict=True)
        ]
        for sender in senders:
            sender.start()
        for session, text in zip(sessions, texts, strict=True):
            assert exactly(session, len(text)) == text
        for sender in senders:
            sender.join()


@in_each_mode()
def test_datagrams_of_any_octets_arrive_unchanged_and_apart(kind: Kind, options: dict[str, Any]) -> None:
    texts = [NASTY, b"\x00", b"\x1a\x1b", b"+++", b"\r\nOK\r\n", b"\r\nCLOSED\r\n", bytes(range(256)) * 5, b"x" * 1460]
    with (
        laboratory(kind=kind) as lab,
        lab.driver(1, 0, **options) as driver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer,
    ):
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(PATIENCE)
        session = driver.connect("UDP", *peer.getsockname())
        session.settimeout(PATIENCE)
        for text in texts:
            session.sendall(text)
            data, address = peer.recvfrom(2000)
            assert data == text
            peer.sendto(data, address)
            assert session.recv(2000) == text


@pytest.mark.requirement("L6.5")
@in_each_mode(several=False, bare=True)
def test_all_that_was_received_is_delivered_before_the_end(kind: Kind, options: dict[str, Any]) -> None:
    data = bytes(65 + n % 26 for n in range(50_000))

    def last_words(connection: socket.socket) -> None:
        connection.recv(1)
        connection.sendall(data)

    with Peer(last_words) as peer, laboratory(kind=kind) as lab, lab.driver(1, 0, **options) as driver:
        session = driver.connect("TCP", "127.0.0.1", peer.port)
        session.send(b"!")
        assert exactly(session, len(data)) == data
        assert session.recv(1) == b""
        with pytest.raises(BrokenPipeError) as broken:
            session.send(b"more")
        assert isinstance(broken.value, SessionFinished)


@pytest.mark.requirement("S2.9")
@in_each_mode(several=False)
def test_a_client_and_a_server_session_of_one_context_stay_apart(
    echo_server: Peer, kind: Kind, options: dict[str, Any]
) -> None:
    with laboratory(kind=kind) as lab, lab.driver(1, 0, **options) as driver:
        listener = driver.listen(port=2020)
        client = driver.connect("TCP", "127.0.0.1", echo_server.port)
        with client_of(listener, driver.local_address) as visitor:
            server = listener.accept(PATIENCE)
            visitor.sendall(b"from the visitor")
            client.sendall(b"from the echo")
            assert exactly(server, 16) == b"from the visitor"
            assert exactly(client, 13) == b"from the echo"
            server.sendall(b"and back")
            assert visitor.recv(100) == b"and back"
        assert server.recv(1) == b""  # which of the two was closed an M10 does not say: it is asked
        client.sendall(b"still there")
        assert exactly(client, 11) == b"still there"


def test_a_second_role_is_refused_where_bare_data_could_not_be_told_apart(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(1, 0, receive="bare") as driver:
        driver.listen()
        with pytest.raises(TcpipError, match="cannot be distinguished"):
            driver.connect("TCP", "127.0.0.1", echo_server.port)


@pytest.mark.requirement("L5.9", "L5.14")
def test_a_reader_that_does_not_read_holds_the_sender_back(every_lab: Lab) -> None:
    total = 20_000_000  # more than all sockets on the way take
    sent = threading.Event()

    def flood(connection: socket.socket) -> None:
        connection.sendall(bytes(total))
        sent.set()

    with Peer(flood) as peer, every_lab.driver(1, 0) as driver:
        session = driver.connect("TCP", "127.0.0.1", peer.port)
        every_lab.wait_for(1, b"+QI")  # the notice
        if every_lab.kind is M10:  # of an LTE module nothing is fetched ahead
            session.rest(PATIENCE, lambda: session.congested)
            assert session.congested
        driver.state()  # the channel still answers
        assert not sent.is_set()
        assert session.dropped == 0
        assert len(exactly(session, 500_000)) == 500_000


@pytest.mark.requirement("S3.46", "S3.47")
@pytest.mark.parametrize("muxip", [False, True])
@pytest.mark.parametrize("to_before_recv", [False, True])
def test_the_two_addresses_are_understood_in_either_order(echo_server: Peer, muxip: bool, to_before_recv: bool) -> None:
    with (
        laboratory(Behaviour(to_before_recv=to_before_recv)) as lab,
        lab.driver(1, 0, muxip=muxip, receive="header", show=("QISHOWRA", "QISHOWLA")) as driver,
    ):
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.sendall(NASTY)
        assert exactly(session, len(NASTY)) == NASTY
