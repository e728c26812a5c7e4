"""The program's tests: install gsm0710 and pytest, then `python -m pytest`; no module, no SIM, no network."""

# ruff: noqa: S101

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
import serial
from telemetry import ModuleError, Reporter


class Server:
    """A server for one connection after the other."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self.listener.getsockname()
        self.received = b""
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        try:
            connection, _ = self.listener.accept()
        except OSError:
            return
        with connection:
            while data := connection.recv(1024):
                self.received += data
        self.done.set()

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.close()


@pytest.fixture
def port(m10) -> Iterator[serial.SerialBase]:
    with serial.serial_for_url(m10.url) as port:
        yield port


def test_a_temperature_arrives(port, server) -> None:
    Reporter(port, server.address).report(21.5)
    assert server.done.wait(5)
    assert server.received == b"21.5\n"


@pytest.mark.m10(faults="sim=pin")
def test_a_locked_sim_is_told(port, server) -> None:
    with pytest.raises(ModuleError, match="PIN"):
        Reporter(port, server.address).report(21.5)


@pytest.mark.m10(faults="activation=refused")
def test_no_network_is_told(port, server) -> None:
    with pytest.raises(ModuleError, match="no way to"):
        Reporter(port, server.address).report(21.5)


@pytest.mark.m10(faults="chunk=1-3", line_rate=115_200)
def test_a_slow_line_that_brings_octets_one_by_one_does_not_matter(port, server) -> None:
    Reporter(port, server.address).report(-3)
    assert server.done.wait(5)
    assert server.received == b"-3.0\n"


def test_it_works_on_a_channel_of_the_multiplexer_too(m10_mux, server) -> None:
    Reporter(m10_mux.channel(2), server.address).report(0)
    assert server.done.wait(5)
    assert server.received == b"0.0\n"


def test_a_reset_in_the_middle_is_survived(m10, port, server) -> None:
    reporter = Reporter(port, server.address)
    m10.trigger("reset")
    assert port.read_until(b"Call Ready\r\n").startswith(b"\r\nRDY\r\n")
    reporter.report(7)
    assert server.done.wait(5)
