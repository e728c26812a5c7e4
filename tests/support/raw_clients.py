"""Programs that know raw TCP ports only, and a channel that takes nothing for a while."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

PATIENCE = 20.0


class Client:
    """A client of a port that is given as HOST:PORT; use it as a context manager."""

    def __init__(self, path: str) -> None:
        host, _, port = path.rpartition(":")
        self.socket = socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE)

    def send(self, octets: bytes) -> None:
        """Send octets."""
        self.socket.sendall(octets)

    def read(self, size: int) -> bytes:
        """Read so many octets."""
        octets = b""
        while len(octets) < size:
            piece = self.socket.recv(size - len(octets))
            assert piece, octets
            octets += piece
        return octets

    def hung_up(self) -> bool:
        """Wait until the other side ends the connection, and say whether it sent nothing before."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()


def free_ports(count: int) -> int:
    """Find a number from which on so many ports are free."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first:
            port: int = first.getsockname()[1]
        if port + count > 65536:
            continue
        try:
            for index in range(count):
                socket.create_server(("127.0.0.1", port + index)).close()
        except OSError:
            continue
        return port


class StalledUart:
    """A channel whose peer takes nothing until `go_on`, with the calls of a port that bridges use."""

    dlci = 1
    in_waiting = 0
    timeout = write_timeout = None

    def __init__(self) -> None:
        self.written = b""
        self.stalled = threading.Event()
        """A write waits."""
        self.took = threading.Event()
        """A write has ended."""
        self._goes = threading.Event()
        self._cancelled = threading.Event()

    def write(self, data: bytes) -> int:
        """Wait until the peer takes something."""
        self.stalled.set()
        self._goes.wait(PATIENCE)
        self.written += data
        self.took.set()
        return len(data)

    def read1(self, size: int = 1) -> bytes:
        """Wait for what never comes."""
        self._cancelled.wait(PATIENCE)
        self._cancelled.clear()
        return b""

    def wait_down(self, stop: Callable[[], bool]) -> None:
        """The channel lives on."""
        self._cancelled.wait(PATIENCE)
        self._cancelled.clear()

    def go_on(self) -> None:
        """Let the peer take everything."""
        self._goes.set()

    def cancel_read(self) -> None:
        """End `read`."""
        self._cancelled.set()

    def cancel_write(self) -> None:
        """End `write`."""
        self._goes.set()

    def wait_up(self, stop: Callable[[], bool]) -> bool:
        """The channel never comes back."""
        return False
