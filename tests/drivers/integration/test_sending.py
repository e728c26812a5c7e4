"""The ways of AT+QISEND, what is acknowledged, and whom they mean (app note 3.4, 4.3, 5.3)."""

from __future__ import annotations

import threading
from collections import deque
from statistics import median
from typing import Any

import pytest
from driver_lab import (
    M10,
    PATIENCE,
    Lab,
    Peer,
    QuickClock,
    client_of,
    every_lab,
    exactly,
    laboratory,
    others_turns,
    turns,
)

from drivers.at import Dialogue, LinePattern, command, expect
from drivers.errors import AtTimeout, CommandError
from drivers.tcpip import Acknowledged
from drivers.tcpip.quectel_gsm.transfer import send

__all__ = ["every_lab"]

SEND_RESULTS = (LinePattern("SEND OK"), LinePattern("SEND FAIL"))


SENT = {"m10": (b"AT+QISEND", b"AT+QISEND=12"), "bg96": (b"AT+QISEND=0", b"AT+QISEND=0,12")}


@pytest.mark.requirement("S3.34", "S3.37", "S3.38", "S3.42")
def test_data_ends_by_ctrl_z_or_by_its_length(every_lab: Lab, echo_server: Peer) -> None:
    by_ctrl_z, by_length = SENT[every_lab.kind.model]
    with every_lab.driver(1, 0) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.sendall(b"by Ctrl-Z", end="ctrl-z")
        session.sendall(b"by length \x1a\x1b")
        assert exactly(session, 21) == b"by Ctrl-Zby length \x1a\x1b"
        text = every_lab.heard(1)
        assert by_ctrl_z + b"\rby Ctrl-Z\x1a" in text
        assert by_length + b"\rby length \x1a\x1b" in text


@pytest.mark.requirement("S3.39", "S3.40")
def test_the_module_sends_when_the_timer_is_over(echo_server: Peer) -> None:
    with laboratory(clock=QuickClock(20.0)) as lab, lab.driver(1, 0) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.sendall(b"later", end="timer", period=3)
        session.settimeout(1000)
        assert session.recv(5) == b"later"
        assert b"AT+QIAUTOS=1,3\rAT+QISEND\rlater" in lab.heard(1)
        session.sendall(b"now", end="ctrl-z")
        assert b"AT+QIAUTOS=0\rAT+QISEND\rnow\x1a" in lab.heard(1)


@pytest.mark.requirement("S4.9")
def test_the_timer_serves_a_session_by_its_index(echo_server: Peer) -> None:
    with laboratory(clock=QuickClock(20.0)) as lab, lab.driver(1, 0, muxip=True) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port, index=2)
        session.sendall(b"later", end="timer", period=2)
        session.settimeout(1000)
        assert session.recv(5) == b"later"
        assert b"AT+QIAUTOS=1,2\rAT+QISEND=2\rlater" in lab.heard(1)


@pytest.mark.requirement("S3.35")
def test_long_data_goes_in_pieces_so_that_nothing_is_omitted(every_lab: Lab, echo_server: Peer) -> None:
    data = bytes(range(65, 91)) * 300
    with every_lab.driver(1, 0) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.sendall(data, end="ctrl-z")
        assert exactly(session, len(data)) == data


@pytest.mark.requirement("S3.30", "S3.44", "S10.13")
def test_the_totals_of_a_session_grow(every_lab: Lab, echo_server: Peer) -> None:
    with every_lab.driver(1, 0) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        assert session.acknowledged() == Acknowledged(0, 0, 0)
        for total in (10, 20):
            session.sendall(b"TCP detect")
            assert exactly(session, 10) == b"TCP detect"
            assert session.acknowledged() == Acknowledged(total, total, 0)


@pytest.mark.requirement("S3.32", "S3.33", "S3.51", "S5.12", "S5.14", "S5.15")
def test_qisrvc_is_right_before_every_command_that_depends_on_it(lab: Lab, echo_server: Peer) -> None:
    with lab.driver(1, 0) as driver:
        listener = driver.listen()
        client = driver.connect("TCP", "127.0.0.1", echo_server.port)
        with client_of(listener, driver.local_address) as visitor:
            server = listener.accept(PATIENCE)
            client.sendall(b"one")
            server.sendall(b"two")
            assert visitor.recv(10) == b"two"
            assert server.acknowledged().sent == 3
            assert client.acknowledged() == Acknowledged(3, 3, 0)
            server.close()
            assert visitor.recv(10) == b""
        client.close()
        asked = [text for text in lab.heard(1).decode("latin-1").split("\r") if "QISRVC=" in text or "QICLOSE" in text]
        assert [text.removeprefix("one").removeprefix("two") for text in asked] == [
            "AT+QISRVC=1",
            "AT+QISRVC=2",
            "AT+QISRVC=1",
            "AT+QISRVC=2",
            "AT+QICLOSE",
            "AT+QISRVC=1",
            "AT+QICLOSE",
        ]


@pytest.mark.requirement("S3.41")
def test_a_timer_that_is_over_with_nothing_to_send_is_send_fail(echo_server: Peer) -> None:
    with laboratory(clock=QuickClock(20.0)) as lab, lab.driver(1, 0) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        driver.channel.command("AT+QIAUTOS=1,1")

        def nothing() -> Dialogue[str]:
            yield from command("AT+QISEND", success=(), prompt=True)
            answer = yield from expect(*SEND_RESULTS, timeout=30)
            return answer.final

        assert driver.channel.run(nothing()) == "SEND FAIL"
        driver.channel.command("AT+QIAUTOS=0")
        session.sendall(b"and it stands")
        session.settimeout(1000)
        assert session.recv(13) == b"and it stands"


@pytest.mark.requirement("S3.36", "S3.43")
def test_esc_cancels_what_waits_for_the_timer(echo_server: Peer) -> None:
    with laboratory(clock=QuickClock(20.0)) as lab, lab.driver(1, 0) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        driver.channel.command("AT+QIAUTOS=1,100")
        sending = send(b"never", ending="timer", period=-10)  # gives up before the module's timer is over
        with pytest.raises(AtTimeout):
            driver.channel.run(sending)
        driver.channel.command("AT+QIAUTOS=0")
        assert b"AT+QISEND\rnever\x1b" in lab.heard(1)
        session.sendall(b"after")
        session.settimeout(1000)
        assert session.recv(100) == b"after"


@pytest.mark.requirement("L4.12")
def test_two_sessions_take_turns_so_that_none_waits_for_long(every_lab: Lab, echo_server: Peer) -> None:
    """While one session sends a megabyte, at most two units are ahead of the other's; an exchange waits for four.

    An LTE module tells what has come behind the unit that is under way, and the next one has begun by then: five.
    """
    with every_lab.driver(1, 0, several=True) as driver:
        big = driver.connect("TCP", "127.0.0.1", echo_server.port)
        small = driver.connect("TCP", "127.0.0.1", echo_server.port)
        stop = threading.Event()

        def flood() -> None:
            while not stop.is_set():
                big.sendall(bytes(14600))

        def drain() -> None:
            while not stop.is_set():
                big.settimeout(0.05)
                try:
                    big.recv(65536)
                except TimeoutError:
                    continue

        ahead: list[int] = []

        class Queue(deque[Any]):
            def append(self, ticket: object) -> None:
                if threading.current_thread() is threading.main_thread():
                    ahead.append(len(self))
                super().append(ticket)

        driver.channel._turns._tickets = Queue()
        threads = [threading.Thread(target=work) for work in (flood, drain)]
        for thread in threads:
            thread.start()
        try:
            waits = []
            for _ in range(20):
                begun = len(turns(every_lab.octets[1]))
                small.sendall(b"x" * 100)
                assert exactly(small, 100) == b"x" * 100
                waits.append(others_turns(turns(every_lab.octets[1]), begun))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert len(ahead) == 20
        assert max(ahead) <= 2
        # Not the most of them: units that pass before the other end has answered are none that it waited for.
        assert median(waits) <= (4 if every_lab.kind is M10 else 5)


def test_data_for_an_index_that_is_not_open_is_an_error_of_the_module(every_lab: Lab, echo_server: Peer) -> None:
    with every_lab.driver(1, 0, several=True) as driver:
        driver.connect("TCP", "127.0.0.1", echo_server.port)
        with pytest.raises(CommandError):
            driver.channel.command("AT+QISEND=3,5")
