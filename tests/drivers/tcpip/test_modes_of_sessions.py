"""Receive modes of each session, UDP services, a listener that is full, pieces sent again: where a family has them."""

from __future__ import annotations

import dataclasses
import logging
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from able_lab import AbleBench, AbleInLoop, AbleOnThreads, datagram_socket
from able_toy import ABLE, AbleToy
from driver_lab import PATIENCE, Peer, QuickClock
from silent_module import Bed, SilentModule, lines
from stepped_clock import SteppedClock

from drivers.at import command
from drivers.clock import FakeClock
from drivers.errors import (
    AtTimeout,
    CommandError,
    ConnectFailed,
    InvalidArgument,
    SendFailed,
    SessionFinished,
    SessionTimeout,
    TcpipError,
    WrongDialect,
)
from drivers.tcpip import KeepAlive
from drivers.tcpip.core.extras import Identified
from drivers.tcpip.core.procedure import Procedure, on_channel
from drivers.tcpip.families import DIALECTS


@pytest.fixture(params=[AbleOnThreads, AbleInLoop], ids=["threads", "aio"])
def bench(request: pytest.FixtureRequest) -> Iterator[AbleBench]:
    with ExitStack() as stack:
        yield request.param(stack)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def connected(driver: Any, peer: Peer, **options: Any) -> Any:
    session = driver.connect("TCP", "127.0.0.1", peer.port, **options)
    session.settimeout(PATIENCE)
    return session


def received(session: Any, count: int) -> bytes:
    got = b""
    while len(got) < count:
        piece = session.recv(count - len(got))
        assert piece
        got += piece
    return got


HOSTILE = b"\r\nOK\r\n\r\n+TGONE: 0\r\n\r\nNO CARRIER\r\n> \x00\x1a\x1b\r\n+TPUSH: 0,3\r\nRDY\r\n"


# -- receive modes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["buffered", "pushed"])
def test_any_octets_come_back_in_each_mode(bench: AbleBench, echo_server: Peer, mode: str) -> None:
    session = connected(bench.drive(), echo_server, receive=mode)
    assert session.receive == mode
    session.sendall(HOSTILE)
    assert received(session, len(HOSTILE)) == HOSTILE
    fetched = any(text.startswith("AT+TREAD") for text in bench.module.commands)
    assert fetched == (mode == "buffered")


def test_sessions_of_one_driver_have_modes_of_their_own(bench: AbleBench, echo_server: Peer) -> None:
    driver = bench.drive(receive="pushed")
    sessions = [connected(driver, echo_server, receive=mode) for mode in (None, "buffered", "pushed")]
    assert [session.receive for session in sessions] == ["pushed", "buffered", "pushed"]
    for session in sessions:
        session.sendall(b"hello")
    assert [received(session, 5) for session in sessions] == [b"hello"] * 3
    assert {text for text in bench.module.commands if "READ" in text} == {"AT+TREAD=1,1000"}


def test_a_mode_is_changed_while_the_session_is_open(bench: AbleBench, echo_server: Peer) -> None:
    driver = bench.drive()
    session = connected(driver, echo_server)
    for mode in ("pushed", "transparent", "buffered", "transparent", "pushed"):
        session.set_receive(mode)
        assert (session.receive, driver.online) == (mode, mode == "transparent")
        session.sendall(b"in " + mode.encode())
        assert received(session, 3 + len(mode)) == b"in " + mode.encode()


def test_what_is_kept_when_the_mode_changes_is_not_lost(bench: AbleBench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        session = bench.drive().connect("TCP", *server.getsockname())
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"before ")
            bench.heard(b"+TDATA: 0")
            session.set_receive("pushed")
            connection.sendall(b"after")
            session.settimeout(PATIENCE)
            assert received(session, 12) == b"before after"


def test_clients_have_the_mode_of_their_listener_whatever_the_module_does(bench: AbleBench) -> None:
    driver = bench.drive()
    listeners = [driver.listen(port=bench.free_port(), receive=mode) for mode in ("pushed", None)]
    assert [listener.receive for listener in listeners] == ["pushed", "buffered"]
    for listener, other in zip(listeners, (0, 1), strict=True):
        with socket.create_connection(("127.0.0.1", listener.port)) as client:
            session = listener.accept(PATIENCE)
            assert session.receive == listener.receive
            bench.module.sockets[session.index].mode = other  # sources disagree: it may have another mode than that
            client.sendall(b"hello")
            session.settimeout(PATIENCE)
            assert received(session, 5) == b"hello"
            assert session.receive == ("buffered", "pushed")[other]
            session.close()


def test_the_end_of_data_mode_leaves_what_came_before(bench: AbleBench) -> None:
    def serve(connection: socket.socket) -> None:
        connection.sendall(connection.recv(100).upper())

    driver = bench.drive()
    with Peer(serve) as peer:
        session = connected(driver, peer, receive="transparent")
        session.sendall(b"bye")
        assert received(session, 3) == b"BYE"
        assert session.recv(1) == b""
        assert (driver.online, session.remote_closed) == (False, True)
        with pytest.raises(SessionFinished):
            session.sendall(b"x")
    session.close()
    assert bench.module.commands[-1] == "AT+TCLOSE=0"


def test_another_session_is_closed_in_between_and_data_mode_goes_on(bench: AbleBench, echo_server: Peer) -> None:
    driver = bench.drive()
    other, session = connected(driver, echo_server), connected(driver, echo_server, receive="transparent")
    with pytest.raises(Exception, match="the UART is in data mode"):
        other.sendall(b"x")
    other.close()
    assert bench.module.commands[-2:] == ["AT+TCLOSE=0", "AT+TMODE=1,2"]
    assert driver.online
    session.sendall(b"still here")
    assert received(session, 10) == b"still here"


def test_another_channel_works_while_one_is_in_data_mode(bench: AbleBench, echo_server: Peer) -> None:
    online = connected(bench.drive(1), echo_server, receive="transparent")
    other = connected(bench.drive(2, 1), echo_server)
    for session in (online, other, online):
        session.sendall(b"hello")
        assert received(session, 5) == b"hello"


def test_a_mode_that_there_is_not_is_named_before_anything_is_sent(bench: AbleBench, echo_server: Peer) -> None:
    modes = "has receive='buffered' or 'pushed' or 'transparent', not 'header'"
    with pytest.raises(ValueError, match=modes):
        bench.drive(receive="header")
    driver = bench.drive()
    for call in (
        lambda: driver.connect("TCP", "127.0.0.1", 1, receive="header"),
        lambda: driver.listen(port=1, receive="header"),
        lambda: driver.udp_service(1, receive="header"),
    ):
        with pytest.raises(ValueError, match=modes):
            call()
    assert bench.module.commands == []
    session = connected(driver, echo_server)
    with pytest.raises(ValueError, match=modes):
        session.set_receive("header")


@pytest.mark.requirement("L5.14")
def test_nothing_is_fetched_ahead_of_need(bench: AbleBench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        driver = bench.drive()
        session = driver.connect("TCP", *server.getsockname())
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"x" * 1500)
            bench.heard(b"+TDATA: 0")
        bench.heard(b"+TGONE: 0")
        bench.settle(driver)
        assert not any(text.startswith("AT+TREAD") for text in bench.module.commands)
        assert (session.open, session.remote_closed) == (True, True)
        session.settimeout(PATIENCE)
        assert received(session, 1000) == b"x" * 1000
        assert [text for text in bench.module.commands if "READ" in text] == ["AT+TREAD=0,1000"]
        assert received(session, 500) == b"x" * 500
        assert session.recv(1) == b""


# -- UDP --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["buffered", "pushed"])
def test_a_udp_service_talks_to_whoever_it_likes(bench: AbleBench, stack: ExitStack, mode: str) -> None:
    service = bench.drive().udp_service(bench.free_port(), receive=mode)
    service.settimeout(PATIENCE)
    hosts = [datagram_socket(stack) for _ in range(2)]
    for number, host in enumerate(hosts):
        assert service.sendto(b"to %d" % number, host.getsockname()) == 4
        assert host.recvfrom(100) == (b"to %d" % number, ("127.0.0.1", service.service))
    for number, host in enumerate(hosts):
        host.sendto(HOSTILE + b"%d" % number, ("127.0.0.1", service.service))
        assert service.recvfrom(100) == (HOSTILE + b"%d" % number, host.getsockname())
    hosts[0].sendto(b"one", ("127.0.0.1", service.service))
    hosts[0].sendto(b"two", ("127.0.0.1", service.service))
    assert service.recvfrom(2) == (b"on", hosts[0].getsockname())  # the rest of a datagram is discarded
    assert service.recv(100) == b"two"


def test_a_udp_service_has_no_remote_host(bench: AbleBench) -> None:
    port = bench.free_port()
    service = bench.drive().udp_service(port)
    assert (service.protocol, service.role, service.service) == ("UDP", "server", port)
    assert service.remote_address == ("0.0.0.0", 0)  # noqa: S104
    with pytest.raises(OSError, match="has no remote host"):
        service.getpeername()
    for call in (lambda: service.send(b"x"), lambda: service.sendall(b"x")):
        with pytest.raises(TcpipError, match=r"use sendto\(data, \(host, port\)\)"):
            call()
    service.close()
    assert bench.module.commands[-1] == "AT+TCLOSE=0"


@pytest.mark.parametrize(
    ("data", "address", "said"),
    [
        (b"", ("127.0.0.1", 7), "a datagram has 1 to 100 octets here, not 0"),
        (b"x" * 101, ("127.0.0.1", 7), "a datagram has 1 to 100 octets here, not 101"),
        (b"x", ("www.example.org", 7), r"not 'www\.example\.org'; resolve\(\) has the addresses of a name"),
        (b"x", ("127.0.0.1", 0), "a port is 1 to 65535, not 0"),
        (b"x", "127.0.0.1:7", r"an address is \(host, port\), not '127\.0\.0\.1:7'"),
        ("text", ("127.0.0.1", 7), "octets are sent, not text"),
    ],
)
def test_what_cannot_be_a_datagram_is_refused_here(bench: AbleBench, data: Any, address: Any, said: str) -> None:
    service = bench.drive().udp_service(bench.free_port())
    before = len(bench.module.commands)
    with pytest.raises(InvalidArgument, match=said):
        service.sendto(data, address)
    assert len(bench.module.commands) == before


def test_a_connected_udp_session_answers_the_peer_that_was_given(bench: AbleBench, stack: ExitStack) -> None:
    host = datagram_socket(stack)
    session = bench.drive().connect("UDP", *host.getsockname())
    session.settimeout(PATIENCE)
    session.sendall(b"question")
    _, came_from = host.recvfrom(100)
    host.sendto(b"answer", came_from)
    assert session.recvfrom(100) == (b"answer", host.getsockname())
    with pytest.raises(TcpipError, match=rf"has one remote host, 127\.0\.0\.1 port {host.getsockname()[1]}"):
        session.sendto(b"x", host.getsockname())


# -- a listener that is full, pieces that find no room, keep-alive ----------------------------------------------------


def test_a_listener_that_is_full_is_counted_and_logged(bench: AbleBench, caplog: pytest.LogCaptureFixture) -> None:
    driver, other = bench.drive(1), bench.drive(2, 1)
    other.claim()
    listener = driver.listen(port=bench.free_port())
    bench.all_hear()
    with ExitStack() as clients, caplog.at_level(logging.WARNING, "drivers"):
        for _ in range(3):
            clients.enter_context(socket.create_connection(("127.0.0.1", listener.port)))
            listener.accept(PATIENCE)
        for uart in (1, 2):  # one client more is reported on both channels
            bench.say(uart, b"\r\n+TFULL\r\n")
        bench.settle(driver, other)
        assert listener.full == 1
    assert sum(one.counters.get("incoming_full", 0) for one in (driver, other)) == 1
    assert [record.message.partition(": ")[2] for record in caplog.records] == [
        "the module has refused a client, as it has no socket for it"
    ]


def test_a_client_for_which_the_module_has_no_number_is_refused_by_the_module(bench: AbleBench) -> None:
    driver = bench.drive()
    listener = driver.listen(port=bench.free_port())
    with ExitStack() as clients:
        for _ in range(3):
            clients.enter_context(socket.create_connection(("127.0.0.1", listener.port)))
            listener.accept(PATIENCE)
        with socket.create_connection(("127.0.0.1", listener.port)) as late:
            late.settimeout(PATIENCE)
            assert late.recv(1) == b""
        bench.heard(b"+TFULL")
        bench.settle(driver)
        assert listener.full == driver.counters["incoming_full"] == 1


class PatientToy(AbleToy):
    """An able toy stack that sends a piece again, for which the module had no room."""

    retry_after = 0.5


PATIENT = dataclasses.replace(ABLE, family=PatientToy)


@pytest.mark.requirement("L4.11")
def test_a_piece_for_which_there_was_no_room_is_sent_again(bench: AbleBench, echo_server: Peer) -> None:
    session = connected(bench.drive(dialect=PATIENT, clock=QuickClock(10.0)), echo_server)
    bench.module.full = 3
    session.sendall(b"hello")
    assert received(session, 5) == b"hello"
    assert [text for text in bench.module.commands if "SEND" in text] == ["AT+TSEND=0,5"] * 4


@pytest.mark.requirement("L4.11")
def test_that_ends_with_the_timeout_of_the_session(bench: AbleBench, echo_server: Peer) -> None:
    clock = SteppedClock()
    session = connected(bench.drive(dialect=PATIENT, clock=clock), echo_server)
    session.settimeout(1.2)
    bench.module.full = 1000
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(session.sendall, b"hello")
        for attempt in (1, 2):  # at 0 and 0.5 s; and at 1 s, with no time for another one
            clock.await_wait(PatientToy.retry_after)
            assert sum("SEND" in text for text in bench.module.commands) == attempt
            clock.advance(PatientToy.retry_after)
        with pytest.raises(SendFailed, match="NOT SENT"):
            sending.result(PATIENCE)
    assert sum("SEND" in text for text in bench.module.commands) == 3
    assert session.open


def test_idle_sessions_are_left_to_a_module_that_examines_them(bench: AbleBench) -> None:
    over = threading.Event()
    with Peer(lambda connection: over.wait(PATIENCE) and None) as peer:
        driver = bench.drive()
        session, dead = connected(driver, peer), threading.Event()
        with driver.keep_alive(session, KeepAlive(period=90), on_dead=lambda which, why: dead.set()):
            bench.asked("AT+TALIVE=0,90")
            over.set()
            assert session.recv(1) == b""
            assert dead.wait(PATIENCE)
    assert not any(text.startswith(("AT+TACKED", "AT+TSEND")) for text in bench.module.commands)


class MuteToy(AbleToy):
    """An able toy stack whose module does not say whether it examines idle sessions."""

    def keep_alive(self, session: Any, period: float) -> Procedure[bool]:
        yield from ()
        raise AtTimeout("AT+TALIVE was not answered", command="AT+TALIVE")


def test_a_module_that_does_not_answer_the_question_is_the_reason_of_the_end(
    bench: AbleBench, echo_server: Peer
) -> None:
    driver = bench.drive(dialect=dataclasses.replace(ABLE, family=MuteToy))
    session, told = connected(driver, echo_server), threading.Event()
    reasons: list[Exception] = []

    def dead(_: object, why: Exception) -> None:
        reasons.append(why)
        told.set()

    with driver.keep_alive(session, KeepAlive(period=90), on_dead=dead):
        assert told.wait(PATIENCE)
    assert isinstance(reasons[0], AtTimeout)


# -- a module of another family ---------------------------------------------------------------------------------------


class KnowingToy(AbleToy):
    """An able toy stack that asks a module which refuses what it is."""

    def identify(self, refusal: CommandError) -> Procedure[Identified]:
        lines = (yield from on_channel(command("AT+GMM"))).lines
        return Identified(lines[0], speaks=False)


@pytest.mark.parametrize("shell", ["threads", "aio"])
@pytest.mark.parametrize(("model", "fits"), [("Quectel_M95", "m95"), ("TOY7", "toy7"), ("SIM800", None)])
def test_a_module_that_refuses_the_first_question_is_named_with_the_dialect_that_fits(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch, shell: str, model: str, fits: str | None
) -> None:
    monkeypatch.setitem(DIALECTS, "toy7", dataclasses.replace(ABLE, name="toy7"))
    module = SilentModule()
    module.answers |= {"AT+TLIST?": lines("ERROR"), "AT+GMM": lines(model, "OK")}
    bed = Bed(stack, shell, module, FakeClock())
    driver = bed.driver(dialect=dataclasses.replace(ABLE, family=KnowingToy))
    with pytest.raises(CommandError if fits == "toy7" else WrongDialect) as said:
        driver.claim()
    if fits != "toy7":
        assert f"the module is '{model}', not of the family of dialect='able-toy'" in str(said.value)
        assert (f"use dialect={fits!r}" if fits else "no dialect fits") in str(said.value)


def test_a_failure_to_open_a_service_leaves_nothing_open(bench: AbleBench) -> None:
    class Failing(AbleToy):
        def udp_service(self, port: int, *, receive: str | None) -> Procedure[Any]:
            yield from super().udp_service(port, receive=receive)
            raise ConnectFailed("it could not be opened", code=56)

    driver = bench.drive(dialect=dataclasses.replace(ABLE, family=Failing))
    with pytest.raises(ConnectFailed) as failed:
        driver.udp_service(bench.free_port())
    assert (failed.value.code, bench.module.sockets) == (56, {})
    with pytest.raises(SessionTimeout):
        driver.listen(port=bench.free_port()).accept(0)
