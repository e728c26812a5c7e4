"""Dialogues with an emulated Quectel LTE module that many tests begin with."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

from emulator_host import Lab, Terminal, settle
from emulator_peer import Peer, peer

from drivers.clock import Clock
from drivers.emulator import Behaviour, EmulatedModule

OK = "\r\nOK\r\n"
ERROR = "\r\nERROR\r\n"
CONNECT = "\r\nCONNECT\r\n"


def bg96(*readings: str, model: str = "bg96", clock: Clock | None = None) -> EmulatedModule:
    """Return a module with some readings, not started yet."""
    return EmulatedModule(model=model, behaviour=Behaviour.parse(["cmux_settle=0", *readings]), clock=clock)


@contextlib.asynccontextmanager
async def lab(*readings: str, model: str = "bg96", clock: Clock | None = None) -> AsyncIterator[Lab]:
    """Run a module whose context 1 is active; ATE1 as from the factory."""
    async with Lab(bg96(*readings, model=model, clock=clock)) as one:
        await one.plain.ask("AT+QIACT=1")
        yield one


def opening(one: Peer, number: int = 0, mode: int = 0, kind: str = "TCP", context: int = 1) -> str:
    """Return the command that opens a connection to a peer."""
    return f'AT+QIOPEN={context},{number},"{kind}","127.0.0.1",{one.port},0,{mode}'


async def connect(uart: Terminal, one: Peer, number: int = 0, mode: int = 0, *, echo: bool = True) -> None:
    """Open a TCP connection to a peer."""
    answer = CONNECT if mode == 2 else f"\r\nOK\r\n\r\n+QIOPEN: {number},0\r\n"
    await uart.ask(opening(one, number, mode), answer, echo=echo)
    await asyncio.wait_for(one.arrived.wait(), 5)


@contextlib.asynccontextmanager
async def connected(uart: Terminal, number: int = 0, mode: int = 0, *, echo: bool = True) -> AsyncIterator[Peer]:
    """Open a TCP connection to a new peer."""
    async with peer() as one:
        await connect(uart, one, number, mode, echo=echo)
        yield one


async def send(uart: Terminal, number: int, data: bytes, *, echo: bool = True) -> None:
    """Send octets, with the echo that ATE1 and AT+QISDE=1 give."""
    await uart.ask(f"AT+QISEND={number},{len(data)}", "\r\n> ", echo=echo)
    uart.write(data)
    await uart.expect((data if echo else b"") + b"\r\nSEND OK\r\n")


async def pushed(uart: Terminal) -> bytes:
    """Take one portion of what is pushed of socket 0."""
    await uart.expect(b'\r\n+QIURC: "recv",0,')
    length = int(await uart.until(b"\r\n"))
    while len(uart.received) < length:
        await settle(5)
    data = bytes(uart.received[:length])
    del uart.received[:length]
    return data


def reply(data: bytes, sender: str = "") -> str:
    """Return what AT+QIRD answers."""
    return f"\r\n+QIRD: {len(data)}{sender}\r\n{data.decode('latin-1')}\r\n\r\nOK\r\n"


async def address(uart: Terminal, context: int = 1) -> str:
    """Return the address of an active context."""
    uart.write(b"AT+QIACT?\r")
    text = (await uart.until(b"\r\nOK\r\n")).decode()
    return next(line.split('"')[1] for line in text.split("\r\n") if line.startswith(f"+QIACT: {context},1,1,"))


def unused_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Client:
    """A connection to a listener of the module."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.name: tuple[str, int] = writer.get_extra_info("sockname")[:2]


class Clients:
    """Connects to a listener of the module.

    Args:
        place: its address and port.
    """

    def __init__(self, place: tuple[str, int]) -> None:
        self.place = place
        self.all: list[Client] = []

    async def call(self) -> Client:
        """Return a new connection."""
        self.all.append(Client(*await asyncio.open_connection(*self.place)))
        return self.all[-1]


@contextlib.asynccontextmanager
async def listening(uart: Terminal, number: int = 0, mode: int = 0) -> AsyncIterator[Clients]:
    """Let the module listen in context 1."""
    clients = Clients((await address(uart), unused_port()))
    answer = f"\r\nOK\r\n\r\n+QIOPEN: {number},0\r\n"
    await uart.ask(f'AT+QIOPEN=1,{number},"TCP LISTENER","127.0.0.1",0,{clients.place[1]},{mode}', answer)
    try:
        yield clients
    finally:
        for one in clients.all:
            one.writer.transport.abort()
        await asyncio.sleep(0)


@contextlib.contextmanager
def datagrams() -> Iterator[socket.socket]:
    """Open a UDP socket of this computer, which waits at most five seconds."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        one.settimeout(5)
        yield one
