"""An `asyncio.Transport` over any pollable descriptor: the master of a pty, a serial port, a pipe (POSIX)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import cast

from .water_marks import water_marks

_READ_SIZE = 65536
_HIGH_WATER = 65536
_TURN = 16384  # octets after which the loop gets its turn: incoming data may ask to stop
_CLOSE_TIMEOUT = 1.0


class FdTransport(asyncio.Transport):
    """A transport that reads and writes one non-blocking descriptor.

    The protocol's ``connection_made`` is called from the loop soon after construction. End of file and EIO (which the
    master of a pty gets when no process holds the other side) both end the connection.

    Args:
        loop: the running loop; it must have ``add_reader``.
        fd: the descriptor; it is made non-blocking.
        protocol: an `asyncio.Protocol`.
        name: the value of `get_extra_info("name")`.
        on_close: called without arguments when the transport no longer needs the descriptor; by default the descriptor
            is closed then.
        close_timeout: seconds that `close` waits for what is still queued; after that it is discarded.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        fd: int,
        protocol: asyncio.BaseProtocol,
        *,
        name: str | None = None,
        on_close: Callable[[], object] | None = None,
        close_timeout: float = _CLOSE_TIMEOUT,
    ) -> None:
        super().__init__(extra={"fd": fd, "name": name or f"fd {fd}"})
        os.set_blocking(fd, False)
        self._loop = loop
        self._fd = fd
        self._on_close = on_close or (lambda: os.close(fd))
        self._close_timeout = close_timeout
        self._close_timer: asyncio.TimerHandle | None = None
        self._buffer = bytearray()
        self._written = 0  # since the loop last looked at the descriptor
        self._high = _HIGH_WATER
        self._low = _HIGH_WATER // 4
        self._protocol_paused = False
        self._reading = False
        self._read_wanted = True
        self._closing = False
        self._lost = False
        self.discarded: int = 0
        """Octets that were queued but never sent."""
        self.set_protocol(protocol)
        loop.call_soon(self._start)

    def _start(self) -> None:
        if self._lost:
            return
        self._protocol.connection_made(self)
        self._update_reader()

    def __repr__(self) -> str:
        state = "closed" if self._lost else "closing" if self._closing else "open"
        return f"<FdTransport {self.get_extra_info('name')} {state} queued={len(self._buffer)}>"

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Pass the octets that come from now on to another protocol.

        Args:
            protocol: an `asyncio.Protocol`; calling its ``connection_made`` is left to the caller.
        """
        self._protocol = cast(asyncio.Protocol, protocol)
        if self._protocol_paused:  # the new protocol has to know
            self._protocol.pause_writing()

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol that gets the octets."""
        return self._protocol

    # --- reading ---

    def is_reading(self) -> bool:
        """Tell whether octets are being read from the descriptor."""
        return self._read_wanted and not self._closing

    def pause_reading(self) -> None:
        """Read no more octets until `resume_reading`."""
        self._read_wanted = False
        self._update_reader()

    def resume_reading(self) -> None:
        """Read octets again."""
        self._read_wanted = True
        self._update_reader()

    def _update_reader(self) -> None:
        wanted = self._read_wanted and not self._closing and not self._lost
        if wanted == self._reading:
            return
        self._reading = wanted
        if wanted:
            self._loop.add_reader(self._fd, self._on_readable)
        else:
            self._loop.remove_reader(self._fd)

    def _on_readable(self) -> None:
        self._written = 0
        try:
            data = os.read(self._fd, _READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._drop(error)
            return
        if data:
            self._protocol.data_received(data)
        elif not self._protocol.eof_received():
            self.close()
        else:
            self.pause_reading()  # an end of file stays readable for ever

    # --- writing ---

    def get_write_buffer_size(self) -> int:
        """Return how many octets wait to be written."""
        return len(self._buffer)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return the low and the high water mark in octets."""
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set when the protocol is told to pause and to continue.

        Args:
            high: octets above which ``pause_writing`` is called; 65536 by default.
            low: octets at which ``resume_writing`` follows; a quarter of `high` by default.

        Raises:
            ValueError: `low` is not between 0 and `high`.
        """
        self._low, self._high = water_marks(high, low, _HIGH_WATER)
        self._check_high_water()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write octets: as many as the system takes now, the others later.

        Args:
            data: the octets; discarded and counted when the transport is closing.
        """
        if not data:
            return
        if self._closing:
            self.discarded += len(data)
            return
        if not self._buffer:
            taken = self._try_write(data) if self._written < _TURN else 0
            if self._lost:
                self.discarded += len(data)
                return
            if taken == len(data):
                return
            data = memoryview(data)[taken:]
            self._loop.add_writer(self._fd, self._on_writable)
        self._buffer += data
        self._check_high_water()

    def _try_write(self, data: bytes | bytearray | memoryview) -> int:
        try:
            taken = os.write(self._fd, data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            self._drop(error)
            return 0
        self._written += taken
        return taken

    def _on_writable(self) -> None:
        self._written = 0
        taken = self._try_write(self._buffer)
        if self._lost:
            return
        del self._buffer[:taken]
        if not self._buffer:
            self._loop.remove_writer(self._fd)
            if self._closing:
                self._drop(None)
                return
        if self._protocol_paused and len(self._buffer) <= self._low:
            self._protocol_paused = False
            self._protocol.resume_writing()

    def _check_high_water(self) -> None:
        if len(self._buffer) > self._high and not self._protocol_paused:
            self._protocol_paused = True
            self._protocol.pause_writing()

    def can_write_eof(self) -> bool:
        """Return False: one direction cannot be closed alone."""
        return False

    # --- closing ---

    def is_closing(self) -> bool:
        """Tell whether the transport is closed or about to be."""
        return self._closing

    def close(self) -> None:
        """Stop reading, write what is queued (for at most `close_timeout`), then end the connection."""
        if self._closing:
            return
        self._closing = True
        self._update_reader()
        if self._buffer:
            self._close_timer = self._loop.call_later(self._close_timeout, self._drop, None)
        else:
            self._drop(None)

    def abort(self) -> None:
        """End the connection now; what is queued is discarded."""
        self._drop(None)

    def _drop(self, error: OSError | None) -> None:
        if self._lost:
            return
        self._closing = self._lost = True
        self._update_reader()
        if self._buffer:
            self._loop.remove_writer(self._fd)
            self.discarded += len(self._buffer)
            self._buffer.clear()
        if self._close_timer is not None:
            self._close_timer.cancel()
        self._loop.call_soon(self._finish, error)

    def _finish(self, error: OSError | None) -> None:
        try:
            self._protocol.connection_lost(error)
        finally:
            self._on_close()
