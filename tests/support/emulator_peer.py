"""A TCP server of this computer for the emulated module to reach."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Peer:
    """A TCP server of the same computer and its one client."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter
        self.port = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.arrived.set()


@contextlib.asynccontextmanager
async def peer() -> AsyncIterator[Peer]:
    one = Peer()
    server = await asyncio.start_server(one.take, "127.0.0.1", 0, limit=1 << 16)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        if one.arrived.is_set():
            one.writer.transport.abort()
        server.close()
        await asyncio.sleep(0)
