"""The TCP/IP driver for asyncio: one context of the stack of a module, over one channel."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar, Unpack

from ...at.aio import AtChannel, Streams
from ...clock import Clock
from ..core import lifetime
from ..core.bounded import Stay, with_answer
from ..core.extras import PingReply
from ..core.keepalive import KeepAlive, WatchOptions
from ..core.ownership import Lease
from ..core.procedure import Procedure, exclusive, on_channel
from ..driver_base import DriverBase
from .listener import Listener
from .runner import TaskRunner
from .session import Session
from .watch import Watch

T = TypeVar("T")


class TcpipDriver(DriverBase[Streams | AtChannel, TaskRunner]):
    """One context of the TCP/IP stack of a module, controlled over one channel. The constructor sends nothing.

    Args:
        port: a reader and a writer, such as those of ``cmux.aio.Mux.channel``, or an `AtChannel` of this event loop.
        context: this and the following arguments are those of `drivers.tcpip.TcpipDriver`.
        apn: see there.
        user: see there.
        password: see there.
        bearer: see there.
        muxip: see there.
        transparent: see there.
        receive: see there.
        show: see there.
        initialise: see there.
        share: see there.
        dialect: see there.
        table: see there; channels of one ``cmux.aio.Mux`` share a table.
        clock: see there; None: that of the channel.
    """

    def _make_runner(self, port: Streams | AtChannel, clock: Clock | None) -> TaskRunner:
        return TaskRunner(port, clock)

    async def _do(self, procedure: Procedure[T]) -> T:
        """Run an operation to its end before any other operation of this driver."""
        return await self._runner.run(exclusive(procedure))

    async def _do_within(self, seconds: float | None, make: Callable[[Stay], Procedure[T]]) -> T:
        """Run an operation that may not take longer than this; see `TaskRunner.run_within`."""
        return await self._runner.run_within(seconds, lambda stay: exclusive(make(stay)))

    @property
    def channel(self) -> AtChannel:
        """The AT channel that the driver uses."""
        return self._runner.channel

    async def claim(self, *, timeout: float = 0.0, take_over: bool = False) -> Lease:  # noqa: ASYNC109
        """Claim the context; see `drivers.tcpip.TcpipDriver.claim`."""
        return await self._do_within(
            with_answer(timeout), lambda _stay: self._context.take(timeout, take_over=take_over)
        )

    async def reclaim(self, *, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - on the driver's clock
        """Claim the context, even if a dead host has left it active; see `drivers.tcpip.TcpipDriver.reclaim`."""
        await self._do_within(timeout, lambda _stay: self._context.take(timeout, reclaim=True))

    def keep_alive(
        self, session: Session, settings: KeepAlive | None = None, **options: Unpack[WatchOptions[Session]]
    ) -> Watch:
        """Examine a session whenever it has been idle for a period; see `drivers.tcpip.TcpipDriver.keep_alive`."""
        return Watch(self._runner, self._context, session, settings or KeepAlive(), **options)

    async def release(self) -> None:
        """Release the context without deactivating it; its sessions end. Does nothing if it is not held."""
        await self._do(self._context.release())

    async def close(self) -> None:
        """Close the sessions, deactivate and release the context; see `drivers.tcpip.TcpipDriver.close`."""
        await self._runner.run(lifetime.finish(self._context))

    async def __aenter__(self) -> TcpipDriver:
        await self._runner.run(lifetime.begin(self._context))
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        with lifetime.beside(error):
            await self.close()

    async def state(self) -> str:
        """Return the state of the context, in the words of the module."""
        return await self._do(self._context.state())

    async def foreground(self) -> tuple[int, int | None]:
        """Return the foreground context of the UART, and the virtual UART (1 to 4) that controls it."""
        return await self._do(self._context.foreground())

    async def show(self, *names: str) -> None:
        """Set the information that precedes data that is not fetched; see `drivers.tcpip.TcpipDriver.show`."""
        await self._do(self._context.show(frozenset(names)))

    async def activate(self) -> str:
        """Activate the context by commands of its own; see `drivers.tcpip.TcpipDriver.activate`."""
        return await self._do(self._context.activate())

    async def deactivate(self) -> None:
        """Close all sessions and deactivate the context, which is then free for others."""
        await self._do(self._context.deactivate())

    async def local_address(self) -> str:
        """Return the local address of the active context; the module is asked once while it is active.

        Raises:
            ContextInactive: the context is not active.
        """
        return await self._do(self._context.local_address())

    async def listen(
        self,
        protocol: str = "TCP",
        port: int | None = None,
        *,
        clients: int | None = None,
        step_by_step: bool = False,
        receive: str | None = None,
    ) -> Listener:
        """Start to listen for clients; see `drivers.tcpip.TcpipDriver.listen`."""
        return Listener(
            self._runner,
            self._context,
            await self._do(self._context.listen(protocol, port, clients, step_by_step=step_by_step, receive=receive)),
        )

    async def connect(
        self,
        protocol: str,
        host: str,
        port: int,
        *,
        index: int | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the module's answer, on the driver's clock
        step_by_step: bool = False,
        receive: str | None = None,
    ) -> Session:
        """Open a session to a remote server; see `drivers.tcpip.TcpipDriver.connect`."""
        return Session(
            self._runner,
            self._context,
            await self._do_within(
                timeout,
                lambda stay: self._context.connect(
                    protocol, host, port, index=index, step_by_step=step_by_step, receive=receive, stay=stay
                ),
            ),
        )

    async def udp_service(self, port: int, *, receive: str | None = None) -> Session:
        """Open a socket for datagrams from and to any host; see `drivers.tcpip.TcpipDriver.udp_service`."""
        return Session(self._runner, self._context, await self._do(self._context.udp_service(port, receive=receive)))

    async def ping(self, host: str, *, count: int = 4, timeout: int = 4) -> list[PingReply]:  # noqa: ASYNC109
        """Send echo requests; see `drivers.tcpip.TcpipDriver.ping`."""
        return await self._do(self._context.ping(host, count=count, timeout=timeout))

    async def network_time(self, server: str, port: int = 123) -> datetime.datetime:
        """Return the time that a time server tells; see `drivers.tcpip.TcpipDriver.network_time`."""
        return await self._do(self._context.network_time(server, port))

    async def resolve(self, name: str) -> list[str]:
        """Return the addresses of a name; see `drivers.tcpip.TcpipDriver.resolve`."""
        return await self._do(self._context.resolve(name))

    async def set_name_servers(self, primary: str, secondary: str | None = None) -> None:
        """Set the name servers; see `drivers.tcpip.TcpipDriver.set_name_servers`."""
        await self._do(self._context.set_name_servers(primary, secondary))

    async def name_servers(self) -> tuple[str, ...]:
        """Return the name servers."""
        return await self._do(self._context.name_servers())

    async def escape(self) -> None:
        """Go from data mode to command mode, by ``+++`` or DTR; see `drivers.tcpip.TcpipDriver.escape`."""
        await self._do(self._context.escape())

    async def resume(self) -> None:
        """Go back to data mode: ATO; see `drivers.tcpip.TcpipDriver.resume`."""
        await self._do(on_channel(self._context.stack.resume()))

    @asynccontextmanager
    async def command_mode(self) -> AsyncIterator[AtChannel]:
        """Leave data mode for a few commands, and go back: ``async with driver.command_mode() as channel: …``.

        Yields:
            The AT channel, in command mode.
        """
        await self.escape()
        try:
            yield self.channel
        finally:
            await self._do(lifetime.resume(self._context))
