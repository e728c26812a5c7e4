"""The TCP/IP driver for asyncio: the names of `drivers.tcpip`, awaitable, from the same dialogues and plans."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from ..at import Dialogue
from ..at.aio import AtChannel
from ..errors import ChannelClosed, CommandError, DriverError, TcpipError
from . import opening
from .aio_session import Changes, Listener, Session
from .aio_watch import Watch
from .context import ContextTable, Lease, table_for
from .endpoint import Address, Role
from .hold import Plan, Rest, uart_of
from .keepalive import KeepAlive
from .reclaim import free_by, take_down
from .settings import INITIALISE, Csd, Gprs, Options, Transparent
from .stack import Stack

__all__ = ["Listener", "Session", "TcpipDriver"]

T = TypeVar("T")
LOOK = 0.2  # seconds between looks at a context that a driver of this process may release


class TcpipDriver:
    """One context of the module's TCP/IP stack, driven over one channel. The constructor sends nothing.

    Args:
        channel: an AT channel of this event loop; it stays open when the driver is closed.
        context: which context, 0 or 1.
        apn: the access point of a GPRS bearer.
        dlci: the DLCI of the channel, None for a bare UART.
        set_dtr: sets DTR of the channel, for ``Transparent(escape="dtr")``.
        user: see `drivers.tcpip.TcpipDriver`, likewise all that follow.
        password: see there.
        bearer: see there.
        muxip: see there.
        transparent: see there.
        receive: see there.
        show: see there.
        initialise: see there.
        dialect: see there.
        table: who owns which context; drivers on channels of one module share one. None: the channel's own.
    """

    def __init__(
        self,
        channel: AtChannel,
        context: int = 0,
        apn: str = "CMNET",
        *,
        dlci: int | None = None,
        set_dtr: Callable[[bool], None] | None = None,
        user: str = "",
        password: str = "",
        bearer: Gprs | Csd | None = None,
        muxip: bool = False,
        transparent: Transparent | bool = False,
        receive: str | None = None,
        show: Collection[str] = (),
        initialise: Sequence[str] = INITIALISE,
        dialect: str = "m10",
        table: ContextTable | None = None,
    ) -> None:
        options = Options.make(
            context,
            bearer or Gprs(apn, user, password),
            muxip=muxip,
            transparent=transparent,
            receive=receive,
            show=show,
            initialise=initialise,
            dialect=dialect,
        )
        self.context = options.context
        self._options = options
        self._channel = channel
        self._clock = channel.clock
        self._table = table if table is not None else table_for(channel, clock=channel.clock)
        self._administration = asyncio.Lock()
        self._working = False
        self._dtr = set_dtr
        self.stack = Stack(
            options,
            uart_of(channel),
            channel.name,
            dlci=dlci,
            table=self._table,
            now=channel.clock.now,
            new_session=self._new_session,
            new_server=self._new_listener,
            wake=self._wake,
            set_dtr=self._set_dtr,
            attach=self._attach,
        )
        """The rules of the context; for `Session` and `Listener`."""

    @property
    def channel(self) -> AtChannel:
        """The AT channel that the driver uses."""
        return self._channel

    @property
    def table(self) -> ContextTable:
        """Who owns which context of this modem."""
        return self._table

    @property
    def receive(self) -> str:
        """How received data is told from answers; settled when it claims."""
        return self.stack.receive

    @property
    def online(self) -> bool:
        """Whether the UART is in data mode."""
        return self.stack.inbox.online is not None

    async def claim(self, *, timeout: float = 0.0, take_over: bool = False) -> Lease:  # noqa: ASYNC109
        """Take the context; see `drivers.tcpip.TcpipDriver.claim`."""
        return await self._administer(self.stack.claim(timeout, take_over=take_over))

    async def reclaim(self, others: Iterable[AtChannel] = ()) -> None:
        """Take the context, also where a host that is no longer there has left it active.

        Args:
            others: channels on other virtual UARTs of the module that no driver uses; on them it is asked for.

        Raises:
            ContextBusy: none of them controls it.
        """
        async with self._administration:
            if not self.stack.hold.check() and not self._table.held(self.context):
                try:
                    await self.run(take_down(self.context))
                except CommandError:
                    await free_by(others, self.context)
                finally:
                    self.stack.hold.uart.foreground = None
            await self.carry_out(self.stack.claim(0.0, take_over=False))

    def keep_alive(
        self,
        session: Session,
        settings: KeepAlive | None = None,
        *,
        reconnect: bool = False,
        on_dead: Callable[[Session, Exception], None] | None = None,
        on_reconnected: Callable[[Session], None] | None = None,
    ) -> Watch:
        """Examine a session whenever it has been idle for a period; see `drivers.tcpip.TcpipDriver.keep_alive`."""
        return Watch(
            self,
            session,
            settings or KeepAlive(),
            reconnect=reconnect,
            on_dead=on_dead,
            on_reconnected=on_reconnected,
        )

    def release(self) -> None:
        """Give the context up without deactivating it."""
        self.stack.hold.release("the driver gave the context up")

    async def close(self) -> None:
        """Close the sessions, deactivate the context, and give it up; idempotent."""
        async with self._administration:
            if self.stack.closed:
                return
            self.stack.closed = True
            try:
                if self.stack.hold.valid:
                    await self.carry_out(self.stack.wind_up())
            except ChannelClosed:
                pass  # there is nobody to tell
            finally:
                self.stack.hold.release("the driver was closed")

    async def __aenter__(self) -> TcpipDriver:
        try:
            await self.claim()
        except BaseException:
            with suppress(DriverError):
                await self.close()
            raise
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            await self.close()
        except DriverError:
            if error is None:
                raise

    async def state(self) -> str:
        """Return the state of the context as the module words it: AT+QISTAT."""
        return await self._administer(self.stack.state())

    async def foreground(self) -> tuple[int, int | None]:
        """Return the UART's foreground context and the virtual UART (1 to 4) that controls it: AT+QIFGCNT?."""
        return await self._administer(self.stack.foreground())

    async def show(self, *names: str) -> None:
        """Set what stands before data that is not fetched; possible at any time, also while a session stands.

        Args:
            names: of QISHOWRA, QISHOWLA, QIHEAD, QISHOWPT those that are to be on.
        """
        await self._administer(self.stack.show(frozenset(names)))

    async def activate(self) -> str:
        """Activate the context step by step and return the local address."""
        return await self._administer(self.stack.activate())

    async def deactivate(self) -> None:
        """Close all sessions and deactivate the context: AT+QIDEACT."""
        await self._administer(self.stack.deactivate())

    async def local_address(self) -> str:
        """Return the local address of the active context."""
        return await self._administer(self.stack.local_address())

    async def listen(
        self, protocol: str = "TCP", port: int | None = None, *, clients: int | None = None, step_by_step: bool = False
    ) -> Listener:
        """Begin to listen for clients; see `drivers.tcpip.TcpipDriver.listen`."""
        plan = opening.listen(self.stack, protocol, port, clients, step_by_step=step_by_step)
        server = await self._administer(plan)
        if not isinstance(server, Listener):
            raise TypeError("the server is of another shell")
        return server

    async def connect(
        self,
        protocol: str,
        host: str,
        port: int,
        *,
        index: int | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the module's answer, on the driver's clock
        step_by_step: bool = False,
    ) -> Session:
        """Open a session to a remote server; see `drivers.tcpip.TcpipDriver.connect`."""
        plan = opening.connect(
            self.stack, protocol, host, port, index=index, timeout=timeout, step_by_step=step_by_step
        )
        session = await self._administer(plan)
        if not isinstance(session, Session):
            raise TypeError("the session is of another shell")
        return session

    async def resolve(self, name: str) -> list[str]:
        """Return the addresses of a name: AT+QIDNSGIP."""
        return await self._administer(self.stack.resolve(name))

    async def set_name_servers(self, primary: str, secondary: str | None = None) -> None:
        """Set the servers that names are asked of: AT+QIDNSCFG."""
        await self._administer(self.stack.set_name_servers(primary, secondary))

    async def name_servers(self) -> tuple[str, ...]:
        """Return the servers that names are asked of: AT+QIDNSCFG?."""
        return await self._administer(self.stack.name_servers())

    async def escape(self) -> None:
        """Go from data mode to command mode, by ``+++`` or DTR."""
        async with self._administration:
            await self.run(self.stack.data_mode.escape())

    async def resume(self) -> None:
        """Go back to data mode: ATO."""
        async with self._administration:
            await self.run(self.stack.data_mode.resume())

    @asynccontextmanager
    async def command_mode(self) -> AsyncIterator[AtChannel]:
        """Leave data mode for a few commands, and go back to it."""
        await self.escape()
        try:
            yield self._channel
        finally:
            if self.stack.inbox.standing():
                await self.resume()

    # -- what sessions and listeners need --------------------------------------------------------------------------

    async def run(self, dialogue: Dialogue[T]) -> T:
        """Run one dialogue on the channel."""
        return await self._channel.run(dialogue)

    async def carry_out(self, plan: Plan[T], rest: Callable[[float], Awaitable[None]] | None = None) -> T:
        """Carry out a plan: its dialogues on the channel, its waits beside it."""
        answer: Any = None
        failure: BaseException | None = None
        while True:
            try:
                step = plan.throw(failure) if failure is not None else plan.send(answer)
            except StopIteration as stop:
                result: T = stop.value
                return result
            answer, failure = None, None
            try:
                if not isinstance(step, Rest):
                    answer = await self._channel.run(step)
                elif step.context is not None:
                    await self._until_free(step.context, step.seconds)
                else:
                    await (rest or self.pause)(step.seconds)
            except DriverError as error:
                failure = error
            except BaseException:
                plan.close()
                raise

    def room_made(self) -> None:
        """Learn that a reader has made room."""
        self._channel.room_made()
        self.stack.room_made()

    # -- inside ----------------------------------------------------------------------------------------------------

    async def _administer(self, plan: Plan[T]) -> T:
        async with self._administration:
            return await self.carry_out(plan)

    async def pause(self, seconds: float) -> None:
        """Wait so many seconds of the channel's clock."""
        await Changes(self._clock).until(lambda: None, seconds)

    async def _until_free(self, context: int, seconds: float) -> None:
        deadline = self._clock.now() + seconds
        while self._table.held(context) and (left := deadline - self._clock.now()) > 0:
            await self.pause(min(LOOK, left))

    def _new_session(self, role: Role, protocol: str, remote: Address, index: int) -> Session:
        bare = self.stack.mixes or self._options.transparent is not None
        return Session(
            self,
            name=self.stack.name,
            protocol=protocol,
            role=role,
            remote=remote,
            clock=self._clock,
            index=index,
            datagrams=protocol == "UDP" and not bare,
        )

    def _new_listener(self, protocol: str, port: int, clients: int) -> Listener:
        return Listener(self, name=self.stack.name, protocol=protocol, port=port, clients=clients, clock=self._clock)

    def _attach(self, begin: bool) -> None:
        if begin:
            self._channel.add_sink(self.stack.inbox)
        else:
            self._channel.remove_sink(self.stack.inbox)

    def _set_dtr(self, on: bool) -> None:
        if self._dtr is None:
            raise TcpipError(f"{self.stack.name}: nothing was given that sets DTR; use escape='+++'")
        self._dtr(on)

    def _wake(self) -> None:
        if not self._working:
            self._working = True
            self._channel.call_soon(self._work)

    async def _work(self) -> None:
        """Do what is due without being asked, one turn at a time."""
        try:
            while (dialogue := self.stack.work()) is not None:
                await self._channel.run(dialogue)
        except DriverError:
            pass  # the sessions that it concerns have been told
        finally:
            self._working = False
