"""An emulated module in both shells, with its channels multiplexed or on its plain UART, called in one way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

import pytest
from driver_lab import PATIENCE
from families_lab import InLoop, Loop

import cmux
import cmux.aio
from drivers.at import AtChannel
from drivers.at.aio import AtChannel as AioChannel
from drivers.clock import Clock
from drivers.emulator import Behaviour, EmulatedModule
from drivers.tcpip import ContextTable, TcpipDriver, aio


class Place:
    """A module, and drivers on its UARTs; they are called as on threads, whatever the shell is.

    Args:
        shell: ``threads`` or ``aio``.
        plain: whether the line is not multiplexed: every UART is the plain one then.
        behaviour: that of the module.
        clock: the clock of module and drivers; None: the real one.
    """

    def __init__(
        self,
        stack: ExitStack,
        shell: str,
        *,
        plain: bool,
        behaviour: Behaviour | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.plain = plain
        self._clock = clock
        self._stack = stack
        hosts = {"www.quectel.com": "127.0.0.1"}
        options: dict[str, Any] = {} if clock is None else {"clock": clock}
        self.module = stack.enter_context(EmulatedModule(behaviour=behaviour or Behaviour(), hosts=hosts, **options))
        self._heard: list[bytes] = []
        self.module.on_octets(self._note)
        self._loop = Loop() if shell == "aio" else None
        self._channels: dict[int, Any] = {}
        if self._loop is not None:
            stack.callback(self._loop.close)
            self._mux = None if plain else self._loop.enter(stack, self._loop.call(partial(self._open_aio)))
        else:
            self._mux = None if plain else stack.enter_context(cmux.open(self.module.serve_pty()))
        self.tables = [ContextTable(), ContextTable()]
        """The table of this program, and that of another one."""

    def _note(self, dlci: int, direction: str, data: bytes) -> None:
        if direction == "received" and (self.plain or dlci):
            self._heard.append(data)

    @property
    def heard(self) -> bytes:
        """All that the module has got from the host, on all UARTs."""
        return b"".join(self._heard)

    def _open_aio(self) -> Any:
        return cmux.aio.open(self.module.serve_pty())

    def _channel(self, uart: int) -> Any:
        uart = 0 if self.plain else uart
        if uart not in self._channels:
            if self._loop is not None:
                self._channels[uart] = self._loop.call(partial(self._aio_channel, uart))
                self._stack.callback(self._loop.call, self._channels[uart].close)
            else:
                port: Any = self.module.port() if self._mux is None else self._mux.channel(uart)
                self._stack.callback(port.close)
                self._channels[uart] = AtChannel(port, clock=self._clock)
                self._stack.callback(self._channels[uart].close)
        return self._channels[uart]

    async def _aio_channel(self, uart: int) -> AioChannel:
        reader, writer = await (self.module.connect() if self._mux is None else self._mux.channel(uart))
        if self._loop is not None:
            self._stack.callback(self._loop.call, partial(_leave, writer))
        return AioChannel(reader, writer, name=f"UART {uart}", clock=self._clock)

    def driver(self, uart: int, context: int, *, program: int = 0, **options: Any) -> Any:
        """A driver on a UART; it is not closed by itself."""
        options |= {"clock": self._clock, "table": self.tables[program]}
        channel = self._channel(uart)
        if self._loop is None:
            return TcpipDriver(channel, context, **options)
        return InLoop(self._loop.call, self._loop.call(lambda: aio.TcpipDriver(channel, context, **options)))


async def _leave(writer: Any) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


SHELLS = ("threads", "aio")
PLACES = [(shell, plain) for plain in (False, True) for shell in SHELLS]


def named(place: tuple[str, bool]) -> str:
    return f"{place[0]}-{'plain' if place[1] else 'channels'}"


def made(*arguments: Any, **options: Any) -> Iterator[Place]:
    """Make a place, and want no thread of it left at the end."""
    before = set(threading.enumerate())
    with ExitStack() as stack:
        yield Place(stack, *arguments, **options)
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE)
    assert set(threading.enumerate()) <= before


@pytest.fixture(params=PLACES, ids=named)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Both shells, on channels and on the plain UART."""
    shell, plain = request.param
    yield from made(shell, plain=plain)


@pytest.fixture(params=SHELLS)
def channels(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Both shells, on channels: what takes more than one UART."""
    yield from made(request.param, plain=False)
