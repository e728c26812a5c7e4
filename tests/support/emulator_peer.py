"""A TCP server of this computer for the emulated module to reach."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from emulator_host import Terminal

CONNECTED = "\r\nOK\r\n\r\nCONNECT OK\r\n"


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


async def connect(uart: Terminal, one: Peer, profile: int | None = None) -> None:
    """Open a session to a peer, with QIMUX=1 as a profile."""
    index = "" if profile is None else f"{profile},"
    answer = CONNECTED if profile is None else f"\r\nOK\r\n\r\n{profile}, CONNECT OK\r\n"
    await uart.ask(f'AT+QIOPEN={index}"TCP","127.0.0.1",{one.port}', answer)
    await one.arrived.wait()
