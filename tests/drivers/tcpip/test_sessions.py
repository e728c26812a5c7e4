"""Sessions and listeners behave as sockets do, whatever the family of the module and the shell of the driver."""

from __future__ import annotations

import io
import random
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from driver_lab import PATIENCE, Peer, exactly
from families_lab import Bench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.errors import ConnectRefused, SessionFinished, SessionReset, SessionTimeout, TcpipError
from drivers.sockets import create_connection
from drivers.tcpip import Acknowledged, KeepAlive

NASTY = (
    bytes(range(256))
    + b"\r\nOK\r\n\r\nCLOSED\r\n\r\n+TGONE: 0\r\n\r\n+QIRDI: 0,1,0\r\n+TREAD: 0,3\r\n\r\n> +++" * 3
    + b'\r\n+QIURC: "closed",0\r\n\r\n+QIURC: "recv",0,9\r\n\r\n+QIRD: 3\r\n'
)


@pytest.fixture
def driver(bench: Bench) -> Iterator[Any]:
    with bench.driver() as made:
        yield made


@pytest.fixture
def several(bench: Bench) -> Iterator[Any]:
    """A driver that has several sessions at once."""
    with bench.driver(several=True) as made:
        yield made


@pytest.fixture
def session(driver: Any, echo_server: Peer) -> Any:
    made = driver.connect("TCP", "127.0.0.1", echo_server.port)
    made.settimeout(PATIENCE)
    return made


def visitor_of(driver: Any, listener: Any) -> socket.socket:
    """Connect to a listener from outside."""
    return socket.create_connection((driver.local_address, listener.port), PATIENCE)


def test_any_octets_cross_both_ways(session: Any) -> None:
    session.sendall(NASTY)
    assert exactly(session, len(NASTY)) == NASTY
    assert (session.protocol, session.role, session.open, session.closed) == ("TCP", "client", True, False)


def test_tens_of_kilobytes_cross_both_ways(session: Any) -> None:
    data = random.Random(5).randbytes(30_000)  # noqa: S311 - a pattern, no secret
    sender = threading.Thread(target=session.sendall, args=(data,))
    sender.start()
    assert exactly(session, len(data)) == data
    sender.join()


def test_send_takes_what_the_module_takes_at_once(session: Any) -> None:
    data = bytes(2000)
    assert 0 < session.send(data) < len(data)
    assert session.send(b"") == 0


def test_recv_into_fills_a_buffer(session: Any) -> None:
    session.sendall(b"0123456789")
    buffer = bytearray(b"." * 8)
    while session.recv_into(memoryview(buffer)[2:6], 3) != 3:
        pass
    assert bytes(buffer)[:2] == b".."
    assert bytes(buffer)[5:] == b"..."


def test_makefile_reads_and_writes_lines(bench: Bench, session: Any) -> None:
    if bench.shell == "aio":
        assert not hasattr(session, "makefile")
        return
    with session.makefile("rw", encoding="ascii", newline="\n") as stream:
        assert isinstance(stream, io.TextIOWrapper)
        stream.write("one\ntwo\n")
        stream.flush()
        assert [stream.readline(), stream.readline()] == ["one\n", "two\n"]
    assert session.open  # closing the file leaves the session open


def test_shutdown_refuses_what_was_shut_and_nothing_else(session: Any, echo_server: Peer) -> None:
    session.sendall(b"before")
    assert exactly(session, 6) == b"before"
    session.shutdown(socket.SHUT_WR)
    with pytest.raises(BrokenPipeError):
        session.send(b"after")
    echo_server.connection().sendall(b"still heard")  # no FIN has gone out
    assert exactly(session, 11) == b"still heard"
    session.shutdown(socket.SHUT_RD)
    assert session.recv(1) == b""
    with pytest.raises(ValueError, match="SHUT_RD"):
        session.shutdown(7)


def test_a_reader_has_a_timeout(session: Any) -> None:
    session.settimeout(0.01)
    assert session.gettimeout() == 0.01
    with pytest.raises(SessionTimeout, match=r"nothing came within 0\.01 s"):
        session.recv(1)
    with pytest.raises(ValueError, match="0 or more seconds"):
        session.settimeout(-1)


def test_a_listener_has_a_timeout_and_its_clients_an_address(bench: Bench, driver: Any) -> None:
    listener = driver.listen(port=bench.free_port())
    listener.settimeout(0.01)
    assert listener.gettimeout() == 0.01
    with pytest.raises(SessionTimeout):
        listener.accept()
    with visitor_of(driver, listener) as visitor, listener.accept(PATIENCE) as session:
        assert session.getpeername()[0] == session.remote_address[0] == "127.0.0.1"
        assert session.role == "server"
        visitor.sendall(b"hello")
        assert exactly(session, 5) == b"hello"
        session.sendall(b"and back")
        assert visitor.recv(100) == b"and back"


def test_a_listener_tells_its_status_or_that_the_family_has_none(bench: Bench, driver: Any) -> None:
    with driver.listen(port=bench.free_port()) as listener:
        try:
            assert listener.status() == (True, 0)
        except TcpipError as lacking:
            assert str(lacking).endswith("has no status of a listener")  # noqa: PT017 - both are right


def test_what_came_before_the_end_is_read_and_then_the_end(bench: Bench, driver: Any) -> None:
    with driver.listen(port=bench.free_port()) as listener:
        with visitor_of(driver, listener) as visitor:
            visitor.sendall(b"the last words")
        session = listener.accept(PATIENCE)
        session.settimeout(PATIENCE)
        assert exactly(session, 14) == b"the last words"
        assert [session.recv(1), session.recv(1)] == [b"", b""]
        for _ in range(2):
            with pytest.raises(SessionFinished):
                session.sendall(b"x")
        session.close()
        session.close()
        assert session.closed


def test_sending_after_the_end_is_a_broken_pipe_every_time(driver: Any) -> None:
    with Peer(lambda connection: None) as peer:
        session = driver.connect("TCP", "127.0.0.1", peer.port)
        session.settimeout(PATIENCE)
        assert session.recv(1) == b""
        for _ in range(2):
            with pytest.raises(SessionFinished):
                session.sendall(b"x")


def test_the_line_dying_is_a_reset_with_its_cause(bench: Bench, session: Any) -> None:
    closing = threading.Thread(target=bench.cut_line)
    closing.start()
    with pytest.raises(ConnectionResetError) as reset:
        session.recv(1)
    closing.join()
    assert reset.value.__cause__ is not None


def test_a_context_that_is_lost_is_a_reset_and_comes_back_with_the_next_use(
    bench: Bench, driver: Any, session: Any, echo_server: Peer
) -> None:
    bench.lose_context()
    with pytest.raises(SessionReset):
        session.recv(1)
    again = driver.connect("TCP", "127.0.0.1", echo_server.port)
    session.close()
    again.sendall(b"again")
    assert exactly(again, 5) == b"again"


def test_a_deactivated_context_ends_sessions_and_can_be_used_again(
    driver: Any, session: Any, echo_server: Peer
) -> None:
    driver.deactivate()
    assert not session.open
    with pytest.raises(ConnectionError):
        session.recv(1)
    again = driver.connect("TCP", "127.0.0.1", echo_server.port)
    session.close()  # its number may be that of the new one
    again.sendall(b"again")
    assert exactly(again, 5) == b"again"


def test_a_refused_connection_is_the_standard_exception_and_costs_nothing(driver: Any, echo_server: Peer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for _ in range(7):  # more than there are numbers for sockets
        with pytest.raises(ConnectRefused):
            driver.connect("TCP", "127.0.0.1", port)
    assert driver.connect("TCP", "127.0.0.1", echo_server.port).open


def test_several_sessions_have_their_own_data_and_numbers(several: Any, echo_server: Peer) -> None:
    sessions = [several.connect("TCP", "127.0.0.1", echo_server.port) for _ in range(3)]
    for number, session in enumerate(sessions):
        session.sendall(b"of session %d" % number)
    assert [exactly(session, 12) for session in sessions] == [b"of session %d" % number for number in range(3)]
    assert len({session.index for session in sessions}) == 3
    sessions[1].close()
    assert several.connect("TCP", "127.0.0.1", echo_server.port).index == sessions[1].index


def test_there_are_no_more_sessions_than_numbers(several: Any, echo_server: Peer) -> None:
    def open_all() -> None:
        for _ in range(100):
            several.connect("TCP", "127.0.0.1", echo_server.port)

    with pytest.raises(TcpipError, match="already"):
        open_all()


def test_drivers_on_two_channels_do_not_mix(bench: Bench, driver: Any, session: Any, echo_server: Peer) -> None:
    with bench.driver(2) as other:
        beside = other.connect("TCP", "127.0.0.1", echo_server.port)
        beside.sendall(NASTY)
        session.sendall(NASTY[::-1])
        assert exactly(beside, len(NASTY)) == NASTY
        assert exactly(session, len(NASTY)) == NASTY[::-1]
    session.sendall(b"stays")
    assert exactly(session, 5) == b"stays"


def test_the_totals_of_a_session_grow(session: Any) -> None:
    for total in (10, 20):
        session.sendall(b"0123456789")
        assert exactly(session, 10) == b"0123456789"
        assert session.acknowledged() == Acknowledged(total, total, 0)


def test_an_idle_connection_is_examined_by_a_probe(driver: Any, session: Any) -> None:
    settings = KeepAlive(first=0.01, then=0.01)
    assert session.check(settings).pending == 0
    assert exactly(session, 10) == settings.probe
    with driver.keep_alive(session) as watch:
        assert watch.session.open


def test_a_session_that_the_other_side_has_closed_fails_its_examination(driver: Any) -> None:
    with Peer(lambda connection: None) as peer:
        session = driver.connect("TCP", "127.0.0.1", peer.port)
        session.settimeout(PATIENCE)
        assert session.recv(1) == b""
        with pytest.raises(SessionFinished):
            session.check(KeepAlive(first=0.01, then=0.01))


def test_it_becomes_a_socket_of_the_operating_system(bench: Bench, driver: Any, echo_server: Peer) -> None:
    if bench.shell == "aio":
        return
    with create_connection(driver, ("127.0.0.1", echo_server.port), PATIENCE) as made:
        made.sendall(NASTY)
        assert exactly(made, len(NASTY)) == NASTY
        assert made.getpeername() == ("127.0.0.1", echo_server.port)


FRAGMENTS = st.sampled_from(
    [
        b"\x00",
        b"\x1a",
        b"\x1b",
        b"+++",
        b"\r\n",
        b"\r\nOK\r\n",
        b"\r\nCLOSED\r\n",
        b"\r\n+TLOST\r\n",
        b"\r\n+QIRD: 1.2.3.4:5,TCP,3\r\n",
        b"\r\n+QIRD: 3\r\n",
        b'\r\n+QIURC: "closed",0\r\n',
        b'\r\n+QIURC: "recv",0,5\r\n',
        b'\r\n+QIURC: "pdpdeact",1\r\n',
        b"\r\nNO CARRIER\r\n",
        b"+TREAD: 0,3\r\n",
        b"\r\nSEND OK\r\n",
        b"\r\nSENT\r\n",
        b"\r\nERROR\r\n",
        b"\r\n> ",
        b"\xf9\xff\x7e",
    ]
)
PAYLOADS = st.lists(FRAGMENTS | st.binary(min_size=1, max_size=50), min_size=1, max_size=12).map(b"".join)


def test_payload_of_any_octets_arrives_unchanged(session: Any) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(PAYLOADS)
    def exchange_it(data: bytes) -> None:
        session.sendall(data)
        assert exactly(session, len(data)) == data

    exchange_it()
    assert session.dropped == 0
