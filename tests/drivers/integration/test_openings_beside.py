"""A session is opened while others use the UART: whose data is whose, and what may end it (chapters 5 to 7)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from driver_lab import BG96, KINDS, M10, PATIENCE, Peer, client_of, exactly
from every_way import EACH_KIND, MakeWay, in_each_way, only
from interruptions import interrupt_behind

from drivers.emulator import Behaviour
from drivers.emulator.environment import Network
from drivers.errors import ConnectFailed, ContextLost, SessionReset, TcpipError

HEADED = {M10.model: "header", BG96.model: "pushed"}


@pytest.mark.requirement("S7.15")
@EACH_KIND
def test_data_of_two_sessions_that_are_opened_at_once_is_told_apart(way: MakeWay, echo_server: Peer) -> None:
    there = way()
    one, other = (there.driver(context, receive=HEADED[there.kind.model]) for context in (0, 1))
    one.activate()
    other.activate()
    there.set_network(Network(silent=True))
    with ThreadPoolExecutor() as pool:
        first = pool.submit(one.connect, "TCP", "127.0.0.1", echo_server.port)
        there.wait_for(b"AT+QIOPEN=")
        second = pool.submit(other.connect, "TCP", "127.0.0.1", echo_server.port)
        there.set_network(Network())
        sessions = first.result(PATIENCE), second.result(PATIENCE)
    for session, text in zip(sessions, (b"of the one", b"of the other"), strict=True):
        session.sendall(text)
        assert exactly(session, len(text)) == text
    one.close()
    other.close()


@pytest.mark.requirement("S7.15")
def test_bare_data_of_two_sessions_that_are_opened_at_once_is_refused(way: MakeWay, echo_server: Peer) -> None:
    there = way()
    with there.driver(0, receive="bare") as one, there.driver(1, receive="bare") as other:
        one.activate()
        other.activate()
        there.set_network(Network(silent=True))
        with ThreadPoolExecutor() as pool:
            first = pool.submit(one.connect, "TCP", "127.0.0.1", echo_server.port)
            there.wait_for(b"AT+QIOPEN=")
            second = pool.submit(other.listen)
            there.set_network(Network())
            first.result(PATIENCE)
            with pytest.raises(TcpipError, match="bare data of two sessions"):
                second.result(PATIENCE)
        assert there.heard.count(b"AT+QISERVER") == 0


BEFORE_THE_RESET = {M10.model: 1, BG96.model: 2}
"""How many sessions may be opened at once on one UART: results of an LTE module have numbers."""


@only("plain", kinds=KINDS)  # a reset ends a multiplexer
def test_nothing_is_opened_in_a_context_that_was_lost_while_another_one_had_the_uart(
    way: MakeWay, echo_server: Peer
) -> None:
    there = way()
    one, other = there.driver(0), there.driver(1)
    one.activate()
    other.activate()
    there.set_network(Network(silent=True))
    with ThreadPoolExecutor() as pool:
        first = pool.submit(one.connect, "TCP", "127.0.0.1", echo_server.port)
        there.wait_for(b"AT+QIOPEN=")
        second = pool.submit(other.connect, "TCP", "127.0.0.1", echo_server.port)
        there.trigger("reset")
        with pytest.raises(SessionReset):
            first.result(PATIENCE)
        with suppress(TcpipError, OSError):
            second.result(PATIENCE)
    assert there.heard.count(b"AT+QIOPEN=") == BEFORE_THE_RESET[there.kind.model]
    one.close()
    other.close()


@pytest.mark.requirement("S6.13")
def test_a_client_of_a_former_server_is_not_closed_by_listening_again(way: MakeWay) -> None:
    there = way()
    with there.driver(muxip=True) as driver:
        listener, address = driver.listen(), driver.local_address
        with client_of(listener, address) as client:
            session = listener.accept(PATIENCE)
            listener.close()
            before = len(there.heard)
            with pytest.raises(TcpipError, match="close that session first"):
                driver.listen(port=listener.port + 1)
            assert len(there.heard) == before
            client.sendall(b"still here")
            assert exactly(session, 10) == b"still here"
            session.close()
        driver.listen(port=listener.port + 1)


@EACH_KIND
def test_a_context_that_ends_while_a_session_is_opened_in_it_is_deactivated(way: MakeWay, echo_server: Peer) -> None:
    there = way()
    with there.driver() as driver:
        driver.activate()
        there.set_network(Network(silent=True))
        with ThreadPoolExecutor() as pool:
            opening = pool.submit(driver.connect, "TCP", "127.0.0.1", echo_server.port)
            there.wait_for(b"AT+QIOPEN=")
            there.trigger("pdp_deact")
            with pytest.raises((ConnectFailed, ContextLost, SessionReset), match="deactivated"):
                opening.result(PATIENCE)
        there.set_network(Network())
        if there.kind is M10:  # that of an LTE module is deactivated before its next use, and what failed is closed
            assert b"AT+QICLOSE" not in there.heard
            assert b"AT+QIDEACT" in there.heard
        driver.connect("TCP", "127.0.0.1", echo_server.port)
        assert there.heard.count(b"AT+QIDEACT") == 1


@pytest.mark.requirement("S3.55")
@in_each_way("end", ("deactivate",), ("close",), ("close",), ("deactivate",))
def test_closing_that_was_interrupted_closes_the_session_when_it_is_continued(
    way: MakeWay, echo_server: Peer, end: str
) -> None:
    there = way()
    driver = there.driver()
    driver.connect("TCP", "127.0.0.1", echo_server.port)
    interrupt_behind(there, driver, b"AT+QISRVC?\r", driver, end)
    before = len(there.heard)
    driver.close()
    after = there.heard[before:]
    assert 0 <= after.index(b"AT+QICLOSE\r") < after.index(b"AT+QIDEACT\r")


@pytest.mark.requirement("S5.17")
def test_closing_a_server_that_was_interrupted_is_continued(way: MakeWay) -> None:
    there = way()
    with there.driver() as driver:
        listener = driver.listen()
        interrupt_behind(there, driver, b"AT+QISRVC?\r", listener, "close")
        before = len(there.heard)
        listener.close()
        assert b"AT+QICLOSE\r" in there.heard[before:]


def test_an_error_behind_already_connect_is_not_for_another_session(way: MakeWay, echo_server: Peer) -> None:
    there = way(behaviour=Behaviour(already_connect="then_error"))
    left = there.driver(muxip=True, program=1)
    left.connect("TCP", "127.0.0.1", echo_server.port, index=1)
    left.release()
    with there.driver(muxip=True) as driver, ThreadPoolExecutor() as pool:
        busy = driver.connect("TCP", "127.0.0.1", echo_server.port)
        opening = pool.submit(driver.connect, "TCP", "127.0.0.1", echo_server.port, index=1)
        while not opening.done():
            busy.sendall(b"x")
        session = opening.result(PATIENCE)
        session.sendall(b"s")
        assert exactly(session, 1) == b"s"
