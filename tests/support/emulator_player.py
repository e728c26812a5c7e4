"""Plays a transcript with a module in AT mode, remote servers and clients, and a clock that the test advances."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

from emulator_host import PATIENCE, Lab, Turning, settle
from emulator_transcripts import Addresses, pieces_of

from drivers.emulator import Behaviour, EmulatedModule

SERVERS = ("124.79.167.121", "116.226.41.43", "116.226.33.129", "220.180.239.212")
HOSTS = {
    "www.quectel.com": SERVERS[0],
    "quectel.3322.org": SERVERS[1],
    "www.google.com": "64.233.189.99,64.233.189.104,64.233.189.147",
}


class RemoteHost:
    """One connection of another computer to the module."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, octets: bytes) -> None:
        self.writer.write(octets)
        await settle()

    async def expect(self, octets: bytes) -> None:
        async with asyncio.timeout(PATIENCE):
            assert await self.reader.readexactly(len(octets)) == octets

    async def end(self) -> None:
        self.writer.close()
        await settle()

    async def expect_end(self) -> None:
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(PATIENCE):
                assert await self.reader.read() == b""

    def close(self) -> None:
        self.writer.transport.abort()


class UdpHost:
    """A UDP client of the module."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.connect(address)

    async def send(self, octets: bytes) -> None:
        self.socket.send(octets)
        await settle()

    async def expect(self, octets: bytes) -> None:
        async with asyncio.timeout(PATIENCE):
            assert await asyncio.get_running_loop().sock_recv(self.socket, 2000) == octets

    async def end(self) -> None:
        raise AssertionError("a UDP association has no end")

    async def expect_end(self) -> None:
        raise AssertionError("a UDP association has no end")

    def close(self) -> None:
        self.socket.close()


class TranscriptPlayer:
    """Plays transcripts on a module, with the remote hosts that they name.

    Args:
        lab: the module and its host.
        clock: the clock of the module.
    """

    def __init__(self, lab: Lab, clock: Turning) -> None:
        self.lab = lab
        self.clock = clock
        self.hosts: dict[str, RemoteHost | UdpHost] = {}
        self.addresses = Addresses()
        self._arrived = asyncio.Condition()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with self._arrived:
            count = sum(name.startswith("server") for name in self.hosts)
            self.hosts[f"server{count}"] = RemoteHost(reader, writer)
            self._arrived.notify_all()

    async def play(self, path: Path) -> Self:
        """Play one file."""
        for who, direction, octets in pieces_of(path):
            await self._step(who, direction, octets)
        await self.lab.plain.quiet()
        return self

    async def _step(self, who: str, direction: str, octets: bytes) -> None:
        if who == "clock":
            await self.clock.turn(float(octets))
        elif who.isdigit():
            if direction == ">":
                self.lab.plain.write(self.addresses.put_in(octets))
            else:
                await self.addresses.expect(self.lab.plain, octets)
        elif direction == "+":
            address, _, port = self.addresses.put_in(octets).decode().partition(":")
            await self._come(who, (address, int(port)))
        else:
            host = await self._host(who)
            if direction == "/":
                return await host.end()
            await {">": host.send, "<": host.expect}[direction](octets) if octets else await host.expect_end()

    async def _come(self, who: str, address: tuple[str, int]) -> None:
        if who.startswith("udp"):
            self.hosts[who] = UdpHost(address)
        else:
            self.hosts[who] = RemoteHost(*await asyncio.open_connection(*address, local_addr=("127.0.0.1", 0)))

    async def _host(self, who: str) -> RemoteHost | UdpHost:
        async with asyncio.timeout(PATIENCE), self._arrived:
            await self._arrived.wait_for(lambda: who in self.hosts)
        return self.hosts[who]


@contextlib.asynccontextmanager
async def transcript_player(behaviour: Behaviour | None = None, **settings: Any) -> AsyncIterator[TranscriptPlayer]:
    """Start a module and a player; all servers are one server of this computer.

    Args:
        behaviour: of the module.
        settings: other arguments of `EmulatedModule`.
    """
    clock = Turning()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        routes = dict.fromkeys(SERVERS, f"127.0.0.1:{listener.getsockname()[1]}")
        module = EmulatedModule(behaviour=behaviour, clock=clock, hosts=HOSTS, routes=routes, **settings)
        async with Lab(module) as lab:
            player = TranscriptPlayer(lab, clock)
            server = await asyncio.start_server(player.take, sock=listener)
            try:
                yield player
            finally:
                for host in player.hosts.values():
                    host.close()
                server.close()
                await settle()
