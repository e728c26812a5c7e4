"""Asyncio drivers on the channels of a multiplexed emulated module, all in one loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from driver_lab import M10, PATIENCE, Kind

import cmux.aio
from drivers.at.aio import AtChannel
from drivers.clock import Clock
from drivers.emulator import Behaviour, EmulatedModule
from drivers.tcpip.aio import Session, TcpipDriver


@dataclass
class AioLab:
    """A module on a pty, a multiplexer on it, and what crossed the module's side."""

    module: EmulatedModule
    mux: cmux.aio.Mux
    clock: Clock | None
    kind: Kind = M10
    octets: dict[int, list[tuple[str, bytes]]] = field(default_factory=dict)

    def note(self, dlci: int, direction: str, data: bytes) -> None:
        self.octets.setdefault(dlci, []).append((direction, data))

    def heard(self, dlci: int) -> bytes:
        """All that the module got on a virtual UART."""
        return b"".join(data for direction, data in self.octets.get(dlci, []) if direction == "received")

    def sent(self, dlci: int) -> bytes:
        """All that the module said on a virtual UART."""
        return b"".join(data for direction, data in self.octets.get(dlci, []) if direction == "sent")

    async def driver(self, uart: int, context: int, *, several: bool = False, **options: object) -> TcpipDriver:
        """See `driver_lab.Lab.driver`."""
        options = {"clock": self.clock, "dialect": self.kind.model, **options}
        if several:
            options |= self.kind.several
        return TcpipDriver(await self.mux.channel(uart), self.kind.first + context, **options)  # type: ignore[arg-type]

    async def channel(self, uart: int, kind: type[AtChannel] = AtChannel) -> AtChannel:
        """A channel of its own kind."""
        reader, writer = await self.mux.channel(uart)
        return kind(reader, writer, name=f"DLCI {uart}", clock=self.clock)


@asynccontextmanager
async def aio_laboratory(
    behaviour: Behaviour | None = None,
    *,
    clock: Clock | None = None,
    hosts: dict[str, str] | None = None,
    line_rate: int = 0,
    kind: Kind = M10,
) -> AsyncIterator[AioLab]:
    """Set a laboratory up, and want no task of it left at the end."""
    before = asyncio.all_tasks()
    options: dict[str, object] = {"hosts": hosts or {}, "line_rate": line_rate, **kind.module(behaviour)}
    if clock is not None:
        options["clock"] = clock
    async with EmulatedModule(**options) as module, await cmux.aio.open(module.serve_pty()) as mux:  # type: ignore[arg-type]
        lab = AioLab(module, mux, clock, kind)
        module.on_octets(lab.note)
        yield lab
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if left:
        await asyncio.wait(left, timeout=PATIENCE)
    assert not [task for task in left if not task.done()]


async def exactly(session: Session, count: int) -> bytes:
    """Receive so many octets."""
    session.settimeout(PATIENCE * 100)
    data = b""
    while len(data) < count:
        piece = await session.recv(count - len(data))
        assert piece, f"the session ended after {len(data)} of {count} octets"
        data += piece
    return data
