"""The same dialogues in asyncio."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from drivers.at import Dialogue, Framing, LinePattern, command, payload
from drivers.at.aio import AtChannel
from drivers.errors import ChannelClosed, CommandError

OK = b"\r\nOK\r\n"
Module = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def channel_to(module: Module) -> AsyncIterator[AtChannel]:
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await module(reader, writer)
        finally:
            writer.close()
            over.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()[:2]
        reader, writer = await asyncio.open_connection(host, port)
        channel = AtChannel(reader, writer, name="tcp")
        try:
            yield channel
        finally:
            await channel.close()
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            await over.wait()  # else the loop ends before the module has heard it, and its writer is nobody's


async def obedient(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        line = (await reader.readuntil(b"\r")).decode()
        if line.startswith("AT+QISEND="):
            writer.write(b"\r\n> ")
            await reader.readexactly(int(line[10:]))
            writer.write(b"\r\nSEND OK\r\n")
        else:
            writer.write(b"\r\nERROR\r\n" if "BAD" in line else OK)


def sending(data: bytes) -> Dialogue[str]:
    yield from command(f"AT+QISEND={len(data)}", success=(), prompt=True)
    return (yield from payload(data, success=(LinePattern("SEND OK"),))).final


async def test_a_dialogue_runs_as_it_does_on_threads() -> None:
    async with channel_to(obedient) as channel:
        assert await channel.run(sending(b"OK\r\n\x1a")) == "SEND OK"
        with pytest.raises(CommandError, match=r"tcp: AT\+BAD was answered ERROR"):
            await channel.command("AT+BAD")


async def test_tasks_take_turns() -> None:
    async with channel_to(obedient) as channel:
        finals = await asyncio.gather(*(channel.run(sending(b"x" * n)) for n in range(1, 9)))
        assert set(finals) == {"SEND OK"}


async def test_the_stream_ending_ends_the_wait() -> None:
    async def leaves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r")

    async with channel_to(leaves) as channel:
        with pytest.raises(ChannelClosed):
            await channel.command("AT")


async def test_cancellation_waits_until_a_payload_that_was_begun_is_delivered() -> None:
    prompted, release, got = asyncio.Event(), asyncio.Event(), asyncio.Event()
    taken: list[bytes] = []

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r")
        writer.write(OK)
        await reader.readuntil(b"\r")
        writer.write(b"\r\n> ")
        taken.append(await reader.readexactly(5))
        prompted.set()
        await release.wait()
        writer.write(b"\r\nSEND OK\r\n")
        await reader.readuntil(b"\r")
        writer.write(OK)
        got.set()
        await reader.read()

    async with channel_to(slow) as channel:
        task = asyncio.ensure_future(channel.run(sending(b"hello")))
        await prompted.wait()
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        release.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert taken == [b"hello"]
        assert (await channel.command("AT")).final == "OK"
        assert got.is_set()


async def test_what_is_held_back_while_a_dialogue_runs_is_given_out_after_it() -> None:
    class Bare:
        """Takes bare data."""

        lines = (LinePattern("CLOSED"),)
        framing = Framing(bare=True)
        congested = False

        def __init__(self) -> None:
            self.data = b""
            self.came = asyncio.Event()

        def take_line(self, text: str) -> bool:
            return False

        def take_data(self, header: str, data: bytes) -> bool:
            self.data += data
            self.came.set()
            return True

        def lost(self, cause: Exception) -> None:
            pass

    mine, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=mine)
    module_reader, module_writer = await asyncio.open_connection(sock=theirs)
    async with AtChannel(reader, writer) as channel:
        sink = Bare()
        channel.add_sink(sink)
        asking = asyncio.create_task(channel.command("AT"))
        assert await module_reader.readuntil(b"\r") == b"ATE0\r"
        module_writer.write(b"\r\nOK\r\n")
        assert await module_reader.readuntil(b"\r") == b"AT\r"
        module_writer.write(b"\r\nOK\r\ndata\r")  # the CR may be the beginning of a line: only time tells
        await asking
        async with asyncio.timeout(5):
            while sink.data != b"data\r":
                sink.came.clear()
                await sink.came.wait()
    for stream in (writer, module_writer):
        stream.close()
        await stream.wait_closed()
