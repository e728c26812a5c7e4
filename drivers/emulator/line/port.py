"""The host's end of the line in the same process: as a serial-like object, and as asyncio streams."""

from __future__ import annotations

import asyncio
import select
import socket
import time

import serial

from cmux.forks import Lock


class EmulatedPort:
    """Offers what programs use of a pyserial port, at the host's end of the module's line.

    Args:
        endpoint: the connected socket.
        timeout: seconds that `read` waits, None for ever.
        baudrate: bits per second of the line; 0 for as fast as it goes.
        name: what messages call it.
    """

    def __init__(
        self,
        endpoint: socket.socket,
        timeout: float | None = None,
        baudrate: int = 0,
        name: str = "emulated module",
    ) -> None:
        endpoint.setblocking(True)
        self._socket = endpoint
        self._wake_out, self._wake_in = socket.socketpair()
        self._wake_out.setblocking(False)
        self._stop_out, self._stop_in = socket.socketpair()
        self._lock = Lock()
        self.timeout: float | None = timeout
        self.write_timeout: float | None = None
        """Seconds that `write` waits for a module that takes nothing; None for ever."""
        self.baudrate: int = baudrate
        self.is_open: bool = True
        self.name: str = name
        self.port: str = self.name

    def __repr__(self) -> str:
        return f"<EmulatedPort {'open' if self.is_open else 'closed'} timeout={self.timeout}>"

    def fileno(self) -> int:
        """Return the descriptor, which is readable when the module has sent something."""
        return self._socket.fileno()

    @property
    def in_waiting(self) -> int:
        """The number of octets that can be read at once, as far as the system tells."""
        self._check()
        try:
            return len(self._socket.recv(65536, socket.MSG_PEEK)) if self._readable(0) else 0
        except OSError:
            return 0

    def read(self, size: int = 1) -> bytes:
        """Read up to ``size`` octets.

        Args:
            size: how many to wait for.

        Returns:
            As many as came in time; fewer after the timeout, after `cancel_read`, or at the end of the line.
        """
        self._check()
        data = bytearray()
        deadline = None if self.timeout is None else time.monotonic() + self.timeout
        while len(data) < size:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not self._readable(left):
                break
            chunk = self._socket.recv(size - len(data))
            if not chunk:
                break
            data += chunk
        return bytes(data)

    def write(self, data: bytes) -> int:
        """Write all octets.

        Args:
            data: the octets.

        Returns:
            How many were written: fewer than all after `cancel_write`.

        Raises:
            serial.SerialTimeoutException: the module has taken nothing for `write_timeout` seconds.
        """
        self._check()
        written = 0
        while written < len(data):
            ready, room, _ = select.select([self._stop_out], [self._socket], [], self.write_timeout)
            if not ready and not room:
                raise serial.SerialTimeoutException(f"the module has taken nothing for {self.write_timeout:g} s")
            if ready:
                self._stop_out.recv(4096)
                break
            if room:
                written += self._socket.send(data[written:], socket.MSG_DONTWAIT)
        return written

    def flush(self) -> None:
        """Do nothing: `write` has handed everything over."""

    def cancel_read(self) -> None:
        """Make a `read` in another thread return with what it has."""
        if self.is_open:
            self._wake_in.send(b"\0")

    def cancel_write(self) -> None:
        """Make a `write` in another thread return with what it has written."""
        if self.is_open:
            self._stop_in.send(b"\0")

    def close(self) -> None:
        """Hang up; a second call does nothing."""
        with self._lock:
            if not self.is_open:
                return
            self.is_open = False
        for end in (self._socket, self._wake_in, self._wake_out, self._stop_in, self._stop_out):
            end.close()

    def __enter__(self) -> EmulatedPort:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check(self) -> None:
        if not self.is_open:
            raise ValueError("the port is closed")

    def _readable(self, timeout: float | None) -> bool:
        ready, _, _ = select.select([self._socket, self._wake_out], [], [], timeout)
        if self._wake_out in ready:
            self._wake_out.recv(4096)
            return False
        return bool(ready)


class HostWriter(asyncio.StreamWriter):
    """A stream writer whose ``get_extra_info`` knows ``"baudrate"``, the bits per second of the line."""

    baudrate: int = 0

    def get_extra_info(self, name: str, default: object = None) -> object:
        """See `asyncio.StreamWriter`."""
        return self.baudrate if name == "baudrate" else super().get_extra_info(name, default)


async def host_streams(endpoint: socket.socket, baudrate: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return the host's end of the line as asyncio streams.

    Args:
        endpoint: the connected socket.
        baudrate: bits per second of the line; 0 for as fast as it goes.
    """
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(loop=loop)
    transport, protocol = await loop.create_connection(lambda: asyncio.StreamReaderProtocol(reader), sock=endpoint)
    writer = HostWriter(transport, protocol, reader, loop)
    writer.baudrate = baudrate
    return reader, writer
