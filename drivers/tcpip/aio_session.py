"""Sessions and listeners in asyncio: what the user of `drivers.tcpip.aio` reads and writes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Protocol, TypeVar

from ..at import Dialogue
from ..clock import Clock
from ..errors import SessionTimeout
from . import exchange
from .endpoint import Address, Endpoint, Role, Server, check_how
from .front import own
from .keepalive import KeepAlive, examine
from .plans import Plan, Rest
from .stack import Stack
from .transfer import Acknowledged, Ending, pieces

T = TypeVar("T")


class Runner(Protocol):
    """Who runs what sessions and listeners need: the driver."""

    stack: Stack

    async def run(self, dialogue: Dialogue[T]) -> T:
        """Run one dialogue on the channel."""

    async def carry_out(self, plan: Plan[T], rest: Callable[[Rest], Awaitable[None]] | None = None) -> T:
        """Carry out a plan."""

    def room_made(self) -> None:
        """Learn that a reader has made room."""


class Changes:
    """Wakes the coroutines that wait for a session or a listener to change.

    Args:
        clock: the source of time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: set[asyncio.Event] = set()

    def notify(self) -> None:
        """Wake all."""
        for event in self._waiting:
            event.set()

    async def until(self, ready: Callable[[], T | None], seconds: float | None) -> T | None:
        """Wait until something gives a result; None when the time has run out.

        Args:
            ready: asked after every change; None: not yet.
            seconds: how long, None for as long as it takes.
        """
        loop = asyncio.get_running_loop()
        deadline = None if seconds is None else self._clock.now() + seconds
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            while (result := ready()) is None:
                left = None if deadline is None else deadline - self._clock.now()
                if left is not None and left <= 0:
                    return None
                event.clear()
                timer = None if left is None else self._clock.call_later(loop, left, event.set)
                try:
                    await event.wait()
                finally:
                    if timer is not None:
                        timer.cancel()
            return result
        finally:
            self._waiting.discard(event)


class Session(Endpoint):
    """A session with a remote host; see `drivers.tcpip.Session`.

    Made by `TcpipDriver.connect` and `Listener.accept`.
    """

    def __init__(
        self,
        runner: Runner,
        *,
        name: str,
        protocol: str,
        role: Role,
        remote: Address,
        clock: Clock,
        index: int = 0,
        datagrams: bool = False,
    ) -> None:
        super().__init__(
            nullcontext(), name=name, protocol=protocol, role=role, remote=remote, index=index, datagrams=datagrams
        )
        self._runner = runner
        self._changes = Changes(clock)

    @property
    def _send_size(self) -> int:
        return self._runner.stack.options.dialect.send_size

    def changed(self) -> None:
        """See `Endpoint.changed`."""
        self._changes.notify()

    async def send(self, data: bytes | bytearray | memoryview) -> int:
        """Send up to 1460 octets and return how many the module has taken."""
        chunk = bytes(data[: self._send_size])
        if chunk:
            await self._send(chunk, "length", 0)
        return len(chunk)

    async def sendall(self, data: bytes | bytearray | memoryview, *, end: Ending = "length", period: int = 1) -> None:
        """Send all octets, in pieces of up to 1460; see `drivers.tcpip.Session.sendall`."""
        for piece in pieces(data, end, period, self._send_size):
            await self._send(piece, end, period)

    async def _send(self, piece: bytes, ending: Ending, period: int) -> None:
        self.check_sendable()
        await self._runner.run(exchange.send(self._runner.stack, self, piece, ending, period))

    async def acknowledged(self) -> Acknowledged:
        """Return how much was sent, acknowledged, and not: AT+QISACK."""
        return await self._runner.run(exchange.acknowledged(self._runner.stack, self))

    async def check(
        self, settings: KeepAlive | None = None, *, stopped: Callable[[], bool] | None = None
    ) -> Acknowledged:
        """Find out whether the connection still is one; see `drivers.tcpip.Session.check`."""
        plan = examine(self._runner.stack, self, settings or KeepAlive())
        return await self._runner.carry_out(plan, lambda rest: self.rest(rest.seconds, stopped))

    async def rest(
        self, seconds: float, stopped: Callable[[], bool] | None = None, *, even_closed: bool = False
    ) -> None:
        """Wait while the session stands; see `drivers.tcpip.Session.rest`."""
        over = stopped or (lambda: False)
        await self._changes.until(lambda: None if (even_closed or self.open) and not over() else True, seconds)

    async def recv(self, size: int) -> bytes:
        """Return what has come, waiting for at least one octet; see `drivers.tcpip.Session.recv`."""
        return (await self.recvfrom(size))[0]

    async def recvfrom(self, size: int) -> tuple[bytes, Address]:
        """Return what has come and whence; see `drivers.tcpip.Session.recvfrom`."""
        was_congested = self.congested
        taken = await self._changes.until(lambda: self.take(size), self._timeout)
        if taken is None:
            raise SessionTimeout(f"{self._name}: nothing came within {self._timeout:g} s")
        if was_congested and not self.congested:
            self._runner.room_made()
        return taken

    async def recv_into(self, buffer: bytearray | memoryview, size: int = 0) -> int:
        """Fill a buffer with what has come and return how many octets that were."""
        view = memoryview(buffer).cast("B")
        data = await self.recv(size or len(view))
        view[: len(data)] = data
        return len(data)

    def shutdown(self, how: int) -> None:
        """Receive or send no more; see `drivers.tcpip.Session.shutdown`."""
        self.shut(**check_how(how))
        self._runner.room_made()

    async def close(self) -> None:
        """Close the session: AT+QICLOSE, unless the other side has closed it; idempotent."""
        if self.close_here():
            self._runner.room_made()
            with self.unless_interrupted():
                await self._runner.carry_out(self._runner.stack.end_session(self))

    async def __aenter__(self) -> Session:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()


class Listener(Server):
    """A server of the module; made by `TcpipDriver.listen`. See `drivers.tcpip.Listener`."""

    def __init__(self, runner: Runner, *, name: str, protocol: str, port: int, clients: int, clock: Clock) -> None:
        super().__init__(nullcontext(), name=name, protocol=protocol, port=port, clients=clients)
        self._runner = runner
        self._changes = Changes(clock)

    def changed(self) -> None:
        """See `Server.changed`."""
        self._changes.notify()

    async def status(self) -> tuple[bool, int]:
        """Return whether it listens, as the module says, and how many clients are connected: AT+QISERVER?."""
        return await self._runner.carry_out(self._runner.stack.server_status())

    async def accept(self, timeout: float | None = None) -> Session:  # noqa: ASYNC109 - on the driver's clock
        """Wait for a client; see `drivers.tcpip.Listener.accept`."""
        timeout = self._timeout if timeout is None else timeout
        client = await self._changes.until(self.take_client, timeout)
        if client is None:
            raise SessionTimeout(f"{self._name}: no client came within {timeout:g} s (REMOTE IP)")
        return own(Session, client)

    async def close(self) -> None:
        """Leave the listening state; a session that was accepted stays; idempotent."""
        if self.close_here() and not self.broken:
            await self._runner.carry_out(self._runner.stack.end_listening())

    async def __aenter__(self) -> Listener:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()
