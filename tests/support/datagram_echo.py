"""A UDP server on the loopback that sends back what comes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

END = b"the end"


@contextmanager
def datagram_server() -> Iterator[int]:
    """Run a UDP server that sends back what comes; yield its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def serve() -> None:
            while (came := server.recvfrom(2000))[0] != END:
                server.sendto(*came)

        thread = threading.Thread(target=serve)
        thread.start()
        address = server.getsockname()
        yield address[1]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(END, address)
        thread.join()


@pytest.fixture
def datagrams() -> Iterator[int]:
    """The port of a UDP server that sends back what comes."""
    with datagram_server() as port:
        yield port
