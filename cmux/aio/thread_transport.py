"""A line without a descriptor to poll, as an asyncio transport."""

from __future__ import annotations

import asyncio
import threading
from typing import cast

from ..line.base import HungUp, Line
from ..protocol import bounds

_WRITE_WAIT = 1.0
_CLOSE_TIMEOUT = 1.0
_PORTIONS = 64  # that have been read and the loop has not taken; a loop that is busy has the line wait
_BREATH = 0.01  # a port that takes nothing and does not wait is not asked again at once


class ThreadTransport(asyncio.Transport):
    """A transport that a thread reads, and that the loop's executor writes in pieces.

    Args:
        loop: the running loop.
        line: the open line; it is closed at the end.
        protocol: gets the octets that come.
        released: set when the line is closed.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, line: Line, protocol: asyncio.Protocol, released: asyncio.Event
    ) -> None:
        super().__init__()
        self._released = released
        self._loop = loop
        self._line = line
        self._protocol = protocol
        self._closing = False
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._queued = 0
        self._full = False
        self._closed_at: float | None = None
        self._room = threading.Semaphore(_PORTIONS)
        self.discarded: int = 0
        """Octets that were queued but never sent."""
        self._thread = threading.Thread(target=self._read, name=f"cmux reader {line.name}", daemon=True)
        self._writer = loop.create_task(self._write())
        loop.call_soon(protocol.connection_made, self)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<ThreadTransport {self._line.name} {'closing' if self._closing else 'open'} queued={self._queued}>"

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Pass the octets that come from now on to another protocol."""
        self._protocol = cast(asyncio.Protocol, protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol that gets the octets."""
        return self._protocol

    def is_closing(self) -> bool:
        """Tell whether the transport is closed or about to be."""
        return self._closing

    def get_write_buffer_size(self) -> int:
        """Return how many octets wait to be written."""
        return self._queued

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Queue octets for the line."""
        if data and not self._closing:
            self._queue.put_nowait(bytes(data))
            self._queued += len(data)
            if self._queued > bounds.AHEAD and not self._full:
                self._full = True
                self._protocol.pause_writing()

    def close(self) -> None:
        """Write what is queued, as long as the line takes it, then close the line."""
        if not self._closing:
            self._closing = True
            self._closed_at = self._loop.time()
            self._queue.put_nowait(None)

    abort = close

    def _read(self) -> None:
        try:
            while not self._closing:
                data = self._line.read(None)
                while data and not self._room.acquire(timeout=_CLOSE_TIMEOUT) and not self._closing:
                    pass
                if data:
                    self._loop.call_soon_threadsafe(self._deliver, data)
        except (HungUp, RuntimeError) as error:  # RuntimeError: the loop has been closed
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._drop, error)

    def _deliver(self, data: bytes) -> None:
        self._room.release()
        if not self._closing:
            self._protocol.data_received(data)

    def _drop(self, error: Exception) -> None:
        if not self._closing:
            self._protocol.connection_lost(error)
            self.close()

    async def _write(self) -> None:
        while (data := await self._queue.get()) is not None:
            while data:
                try:
                    taken = await self._loop.run_in_executor(None, self._line.write, data, _WRITE_WAIT)
                except HungUp as error:
                    self._drop(error)
                    taken = self._discard(data)
                if not taken and self._closed_at is not None and self._loop.time() - self._closed_at > _CLOSE_TIMEOUT:
                    taken = self._discard(data)
                if not taken:
                    await asyncio.sleep(_BREATH)
                data = data[taken:]
                self._queued -= taken
            if self._full and self._queued <= bounds.AHEAD // 4:
                self._full = False
                self._protocol.resume_writing()
        await self._loop.run_in_executor(None, self._finish)
        self._released.set()

    def _discard(self, data: bytes) -> int:
        self.discarded += len(data)
        return len(data)

    def _finish(self) -> None:
        self._line.cancel()
        self._thread.join()
        self._line.close()
