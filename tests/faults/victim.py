"""A program that uses two channels of a line until it is killed: ``python victim.py PORT OPTION SHELL``."""

from __future__ import annotations

import asyncio
import sys
import threading

import cmux
import cmux.aio


def _thread(port: cmux.VirtualUart) -> None:
    while True:
        port.write(bytes(range(256)))
        port.read(256)


def threads(line: str, option: str) -> None:
    """Use the shell of threads."""
    mux = cmux.open(line, option=option, settle=0.0)  # type: ignore[typeddict-item]
    ports = [mux.channel(dlci) for dlci in (3, 4)]
    print("ready", flush=True)
    for port in ports:
        threading.Thread(target=_thread, args=(port,)).start()


async def aio(line: str, option: str) -> None:
    """Use the shell of asyncio."""

    async def use(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(bytes(range(256)))
            await writer.drain()
            await reader.readexactly(256)

    mux = await cmux.aio.open(line, option=option, settle=0.0)  # type: ignore[typeddict-item]
    streams = [await mux.channel(dlci) for dlci in (3, 4)]
    print("ready", flush=True)
    await asyncio.gather(*(use(*both) for both in streams))


if __name__ == "__main__":
    _, where, framing, shell = sys.argv
    if shell == "threads":
        threads(where, framing)
    else:
        asyncio.run(aio(where, framing))
