"""The next host on a TCP port: it gets the module as soon as the former one has left, read or not."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator

import pytest

from drivers.emulator import EmulatedModule

PATIENCE = 30.0
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells it before it has been read")


@pytest.fixture
def module() -> Iterator[EmulatedModule]:
    with EmulatedModule() as made:
        yield made


@pytest.fixture
def connect(module: EmulatedModule) -> Iterator[Callable[[], socket.socket]]:
    host, _, port = module.serve_tcp().rpartition(":")
    made: list[socket.socket] = []

    def connect() -> socket.socket:
        made.append(socket.create_connection((host, int(port)), PATIENCE))
        return made[-1]

    yield connect
    for one in made:
        one.close()


def answers(host: socket.socket) -> bool:
    """Say AT; tell whether OK comes, or the end of the connection."""
    host.sendall(b"AT\r")
    heard = b""
    while b"OK\r\n" not in heard:
        octets = host.recv(100)
        if not octets:
            return False
        heard += octets
    return True


def test_a_host_that_has_left_while_the_module_reads_nothing_makes_room(
    module: EmulatedModule, connect: Callable[[], socket.socket]
) -> None:
    first = connect()
    assert answers(first)
    line = module._line
    assert line is not None
    module._on_loop(line.pause_input)  # as flow control does
    first.sendall(b"AT+CSQ\r" * 100)
    first.close()
    second = connect()
    assert answers(second)
    assert module._line is not line


def test_a_host_that_is_there_keeps_the_module(module: EmulatedModule, connect: Callable[[], socket.socket]) -> None:
    first = connect()
    assert answers(first)
    second = connect()
    assert second.recv(1) == b""
    assert answers(first)


def test_the_next_host_may_have_left_as_well(module: EmulatedModule, connect: Callable[[], socket.socket]) -> None:
    first = connect()
    assert answers(first)
    line = module._line
    assert line is not None
    module._on_loop(line.pause_input)
    first.close()
    for _ in range(3):
        connect().close()
    assert answers(connect())
