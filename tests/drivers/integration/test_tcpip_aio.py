"""The same driver in asyncio, on the emulated module in the same loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aio_lab import exactly
from chosen_behaviour import behaviour_of
from driver_lab import KINDS, M10, PATIENCE, Kind, Peer, QuickClock
from hurried_clock import HurriedClock

from drivers.at.aio import AtChannel
from drivers.emulator import EmulatedModule
from drivers.emulator.environment import Network
from drivers.errors import (
    ConnectRefused,
    ContextBusy,
    DriverError,
    NameNotFound,
    SessionFinished,
    SessionReset,
    SessionTimeout,
)
from drivers.tcpip import Acknowledged, ContextTable, KeepAlive, Transparent
from drivers.tcpip.aio import Listener, Session, TcpipDriver

HOSTS = {"www.quectel.com": "127.0.0.1"}
NASTY = bytes(range(256)) + b"\r\nOK\r\n\r\nCLOSED\r\n\r\n+QIRDI: 0,1,0\r\n" * 3


EACH_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.model)


def on(channel: AtChannel, kind: Kind, **options: object) -> TcpipDriver:
    """A driver on a channel of a kind of module."""
    return TcpipDriver(channel, kind.first, dialect=kind.model, **options)  # type: ignore[arg-type]


@asynccontextmanager
async def channel_of(
    clock: HurriedClock | None = None, channel_class: type[AtChannel] = AtChannel, *, kind: Kind = M10
) -> AsyncIterator[tuple[EmulatedModule, AtChannel]]:
    options: dict[str, object] = {} if clock is None else {"clock": clock}
    options |= {"behaviour": behaviour_of()} if kind is M10 else {"model": kind.model}
    before = asyncio.all_tasks()
    async with EmulatedModule(hosts=HOSTS, **options) as module:  # type: ignore[arg-type]
        reader, writer = await module.connect()
        async with channel_class(reader, writer, clock=clock) as channel:
            yield module, channel
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    for _ in range(3):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() <= before | {asyncio.current_task()}


async def visit(driver: TcpipDriver, listener: Listener) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(await driver.local_address(), listener.port)


@pytest.mark.parametrize("receive", ["buffered", "header"])
@pytest.mark.parametrize("muxip", [False, True])
async def test_any_octets_cross_both_ways(echo_server: Peer, receive: str, muxip: bool) -> None:
    async with channel_of() as (_, channel), TcpipDriver(channel, receive=receive, muxip=muxip) as driver:
        async with await driver.connect("TCP", "127.0.0.1", echo_server.port) as session:
            data = NASTY * 50
            sending = asyncio.create_task(session.sendall(data))
            assert await exactly(session, len(data)) == data
            await sending
            totals = await session.acknowledged()
            assert totals == Acknowledged(len(data), len(data), 0)
        with pytest.raises(OSError, match="closed here"):
            await session.recv(1)


async def test_bare_data_without_a_dialogue_is_given_out_in_time(echo_server: Peer) -> None:
    async with channel_of() as (_, channel), TcpipDriver(channel, receive="bare") as driver:
        session = await driver.connect("TCP", "127.0.0.1", echo_server.port)
        await session.sendall(b"ends with a CR\r")
        assert await exactly(session, 15) == b"ends with a CR\r"


@EACH_KIND
async def test_servers_and_names_and_addresses(kind: Kind) -> None:
    async with channel_of(kind=kind) as (_, channel), on(channel, kind) as driver:
        assert await driver.resolve("www.quectel.com") == ["127.0.0.1"]
        with pytest.raises(NameNotFound):
            await driver.resolve("nowhere.example")
        await driver.set_name_servers("8.8.8.8")
        assert "8.8.8.8" in await driver.name_servers()
        async with await driver.listen(port=2020) as listener:
            reader, writer = await visit(driver, listener)
            session = await listener.accept(PATIENCE)
            writer.write(b"hello")
            assert await exactly(session, 5) == b"hello"
            await session.sendall(b"and back")
            assert await reader.readexactly(8) == b"and back"
            writer.close()
            await writer.wait_closed()
            assert await session.recv(1) == b""
            with pytest.raises(SessionFinished):
                await session.send(b"x")
            with pytest.raises(SessionTimeout):
                await listener.accept(0.01)


@EACH_KIND
async def test_what_goes_wrong_is_the_same_exception(echo_server: Peer, kind: Kind) -> None:
    async with channel_of(kind=kind) as (module, channel), on(channel, kind) as driver:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        with pytest.raises(ConnectRefused):
            await driver.connect("TCP", "127.0.0.1", port)
        session = await driver.connect("TCP", "127.0.0.1", echo_server.port)
        session.settimeout(0.01)
        with pytest.raises(SessionTimeout):
            await session.recv(1)
        module.drop_contexts()
        session.settimeout(PATIENCE)
        with pytest.raises(SessionReset):
            await session.recv(1)


@EACH_KIND
async def test_a_context_that_is_held_is_waited_for(kind: Kind) -> None:
    async with channel_of(kind=kind) as (_, channel):
        table = ContextTable()
        holder, other = (on(channel, kind, table=table) for _ in range(2))
        await holder.claim()
        with pytest.raises(ContextBusy):
            await other.claim()
        waiting = asyncio.create_task(other.claim(timeout=PATIENCE))
        await asyncio.sleep(0)
        await holder.close()
        await waiting
        await other.close()


async def test_data_mode_and_back(echo_server: Peer) -> None:
    async with (
        channel_of(QuickClock(10.0)) as (_, channel),
        TcpipDriver(channel, transparent=Transparent(wait=0.2)) as driver,
    ):
        session = await driver.connect("TCP", "127.0.0.1", echo_server.port)
        await session.sendall(NASTY)
        assert await exactly(session, len(NASTY)) == NASTY
        async with driver.command_mode() as commands:
            assert not driver.online
            assert (await commands.command("AT+QIMODE?")).lines == ("+QIMODE: 1",)
        await session.sendall(b"again")
        assert await exactly(session, 5) == b"again"


@EACH_KIND
async def test_an_idle_connection_is_examined(echo_server: Peer, kind: Kind) -> None:
    async with channel_of(QuickClock(20.0), kind=kind) as (module, channel), on(channel, kind) as driver:
        session = await driver.connect("TCP", "127.0.0.1", echo_server.port)
        quick = KeepAlive(period=10.0, first=5.0, then=5.0, repeats=1)
        assert await session.check(quick) == Acknowledged(10, 10, 0)
        module.set_network(Network(silent=True))
        with pytest.raises(SessionReset, match="not acknowledged within 10 s"):
            await session.check(quick)


class Interrupted(AtChannel):
    """A channel on which a task is cancelled at the given one of its waits."""

    cancel_at = 0
    victim: asyncio.Task[object] | None = None

    async def _step(self, *ticket: Any) -> None:
        if self.cancel_at and asyncio.current_task() is self.victim:  # and no other one, which may fetch data for it
            self.cancel_at -= 1
            if not self.cancel_at:
                self.victim.cancel()
        await super()._step(*ticket)


Operation = Callable[[TcpipDriver, int], Awaitable[object]]


async def connecting(driver: TcpipDriver, port: int) -> object:
    return await driver.connect("TCP", "127.0.0.1", port)


async def by_steps(driver: TcpipDriver, port: int) -> object:
    return await driver.connect("TCP", "127.0.0.1", port, step_by_step=True)


async def listening(driver: TcpipDriver, _: int) -> object:
    return await driver.listen(step_by_step=True)


async def resolving(driver: TcpipDriver, _: int) -> object:
    return await driver.resolve("www.quectel.com")


async def listening_on_a_port(driver: TcpipDriver, _: int) -> object:
    return await driver.listen(port=2020)


async def serving_datagrams(driver: TcpipDriver, _: int) -> object:
    async with await driver.udp_service(2020) as service:
        await service.sendto(b"to itself", (await driver.local_address(), 2020))
        service.settimeout(100.0)
        return await service.recvfrom(100)


async def in_data_mode(driver: TcpipDriver, port: int) -> object:
    session = await driver.connect("TCP", "127.0.0.1", port, receive="transparent")
    await session.sendall(b"data")
    async with driver.command_mode():
        return await session.acknowledged()


async def exchanging(driver: TcpipDriver, port: int) -> object:
    session = await driver.connect("TCP", "127.0.0.1", port)
    await session.sendall(b"x" * 3000)
    await session.acknowledged()
    await session.close()
    return None


CANCELLED = {
    "m10": [connecting, by_steps, listening, resolving, exchanging],
    "bg96": [connecting, listening_on_a_port, resolving, exchanging, serving_datagrams, in_data_mode],
}


@pytest.mark.parametrize(
    ("kind", "operation"),
    [pytest.param(kind, one, id=f"{kind.model}-{one.__name__}") for kind in KINDS for one in CANCELLED[kind.model]],
)
async def test_cancellation_at_any_wait_leaves_a_channel_that_works(
    echo_server: Peer, kind: Kind, operation: Operation
) -> None:
    """Cancel at the first wait, at the second, and so on until it gets through; each time everything works after it."""
    done, cancel_at = False, 0
    while not done:
        cancel_at += 1
        async with channel_of(QuickClock(10.0), Interrupted, kind=kind) as (_, channel):
            assert isinstance(channel, Interrupted)
            driver = on(channel, kind)
            await driver.claim()
            channel.cancel_at = cancel_at
            channel.victim = asyncio.create_task(operation(driver, echo_server.port))  # type: ignore[arg-type]
            try:
                await channel.victim
                done = True
            except asyncio.CancelledError:
                pass
            channel.cancel_at = 0
            await driver.close()
            async with on(channel, kind) as again:
                session = await again.connect("TCP", "127.0.0.1", echo_server.port)
                await session.sendall(NASTY)
                assert await exactly(session, len(NASTY)) == NASTY
                with suppress(DriverError):
                    await session.close()
    assert cancel_at > 1


@EACH_KIND
async def test_a_dead_connection_is_reported_and_opened_again(echo_server: Peer, kind: Kind) -> None:
    async with channel_of(QuickClock(20.0), kind=kind) as (module, channel), on(channel, kind) as driver:
        session = await driver.connect("TCP", "127.0.0.1", echo_server.port)
        quick = KeepAlive(period=10.0, first=5.0, then=5.0, repeats=1)
        again: asyncio.Future[Session] = asyncio.get_running_loop().create_future()
        dead: list[Session] = []

        def on_dead(which: Session, why: Exception) -> None:
            assert isinstance(why, SessionReset)
            dead.append(which)
            module.set_network(Network())

        async with driver.keep_alive(
            session, quick, reconnect=True, on_dead=on_dead, on_reconnected=again.set_result
        ) as watch:
            module.set_network(Network(silent=True))
            with pytest.raises(ConnectionResetError):
                await session.recv(1)
            assert await asyncio.wait_for(again, 30) is watch.session
            assert dead == [session]
        await watch.session.sendall(b"alive")
        assert await exactly(watch.session, 5) == b"alive"


@EACH_KIND
async def test_octets_that_are_on_their_way_are_waited_for(echo_server: Peer, kind: Kind) -> None:
    """On a plain UART, in asyncio; see the test of the same name in test_keepalive."""
    async with channel_of(QuickClock(20.0), kind=kind) as (module, channel), on(channel, kind) as driver:
        session = await driver.connect("TCP", "127.0.0.1", echo_server.port)
        module.set_network(Network(silent=True))
        await session.sendall(b"on its way")
        asking = asyncio.create_task(session.check(KeepAlive(first=5.0, then=5.0, repeats=3)))
        assert (await session.acknowledged()).pending == 10
        module.set_network(Network())
        assert await asking == Acknowledged(20, 20, 0)
        await session.close()


async def test_reclaiming_a_context_that_this_uart_was_left_with() -> None:
    async with channel_of() as (_, channel):
        left = TcpipDriver(channel, table=ContextTable())
        await left.activate()
        await left.release()
        await left.close()
        async with TcpipDriver(channel) as driver:
            assert await driver.state() == "IP STATUS"
        left = TcpipDriver(channel, table=ContextTable())
        await left.activate()
        await left.release()
        driver = TcpipDriver(channel)
        await driver.reclaim()
        assert await driver.state() == "IP INITIAL"
        await driver.close()
