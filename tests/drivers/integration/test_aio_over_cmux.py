"""The asyncio driver on the channels of a multiplexer, from cmux.aio down to the emulated module, in one loop."""

from __future__ import annotations

import asyncio
import inspect
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aio_lab import aio_laboratory, exactly
from driver_lab import (
    BG96,
    KINDS,
    M10,
    PATIENCE,
    Kind,
    Peer,
    QuickClock,
    comparable,
    in_each_mode,
    not_among,
    others_turns,
    turns,
)

from drivers import tcpip
from drivers.at.aio import AtChannel, channel_on
from drivers.errors import ContextBusy, ContextLost, SessionFinished, SessionReset, TcpipError
from drivers.tcpip import ContextTable, KeepAlive, Transparent, aio
from drivers.tcpip.aio import Listener, TcpipDriver

NASTY = bytes(range(256)) + b"+++\r\nOK\r\n\r\nCLOSED\r\n\r\n+QIRDI: 0,1,0\r\n\x1a\x1b\x00" * 3
EACH_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.model)


async def visit(driver: TcpipDriver, listener: Listener) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(await driver.local_address(), listener.port)


async def leave(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


# -- the names -------------------------------------------------------------------------------------------------------

PAIRS = [
    (tcpip.TcpipDriver, aio.TcpipDriver),
    (tcpip.Session, aio.Session),
    (tcpip.Listener, aio.Listener),
    (tcpip.Watch, aio.Watch),
]
ONLY_THREADS = {"makefile"}  # files block


def names(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")} - ONLY_THREADS


@pytest.mark.parametrize(("on_threads", "in_asyncio"), PAIRS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_the_names_and_arguments_are_those_of_the_driver_on_threads(on_threads: type, in_asyncio: type) -> None:
    assert names(on_threads) == names(in_asyncio)
    for name in names(on_threads):
        one, other = getattr(on_threads, name), getattr(in_asyncio, name)
        if inspect.isfunction(one):
            assert list(inspect.signature(one).parameters) == list(inspect.signature(other).parameters), name


def test_the_modules_have_the_same_names() -> None:
    assert tcpip.__all__ == aio.__all__


def test_constructors_take_the_same() -> None:
    one, other = (inspect.signature(kind.__init__).parameters for kind in (tcpip.TcpipDriver, aio.TcpipDriver))
    assert list(one) == list(other)


# -- sessions --------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S8.1", "S8.3", "S8.9", "S8.10", "S8.17")
@EACH_KIND
async def test_chapter_8_in_one_loop(kind: Kind) -> None:
    async with (
        aio_laboratory(kind=kind) as lab,
        await lab.driver(1, 0) as server,
        await lab.driver(2, 1) as client,
        await server.listen(port=2020) as listener,
    ):
        session = await client.connect("TCP", await server.local_address(), listener.port)
        peer = await listener.accept(PATIENCE)
        await session.sendall(NASTY)
        assert await exactly(peer, len(NASTY)) == NASTY
        await peer.sendall(b"and back")
        assert await exactly(session, 8) == b"and back"
        await peer.close()
        assert await session.recv(1) == b""
        with pytest.raises(SessionFinished):
            await session.send(b"x")


@in_each_mode()
async def test_open_send_receive_close(echo_server: Peer, kind: Kind, options: dict[str, Any]) -> None:
    async with aio_laboratory(kind=kind) as lab, await lab.driver(1, 0, **options) as driver:
        data = random.Random(3).randbytes(50_000)  # noqa: S311 - a pattern, no secret
        async with await driver.connect("TCP", "127.0.0.1", echo_server.port) as session:
            sending = asyncio.create_task(session.sendall(data))
            assert await exactly(session, len(data)) == data
            await sending
            assert (await session.acknowledged()).sent == len(data)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.bind(("127.0.0.1", 0))
            datagrams.setblocking(False)
            async with await driver.connect("UDP", *datagrams.getsockname()) as session:
                await session.sendall(b"one")
                data, address = await asyncio.get_running_loop().sock_recvfrom(datagrams, 100)
                assert data == b"one"
                for text in (b"two", b"three"):
                    datagrams.sendto(text, address)
                session.settimeout(PATIENCE)
                assert [await session.recv(100), await session.recv(100)] == [b"two", b"three"]


@in_each_mode(several=False)
async def test_several_clients_of_a_listener(kind: Kind, options: dict[str, Any]) -> None:
    async with (
        aio_laboratory(kind=kind) as lab,
        await lab.driver(4, 1, **options, several=True) as driver,
        await driver.listen(port=2020, clients=3 if kind is M10 else None) as listener,
    ):
        visitors = [await visit(driver, listener) for _ in range(3)]
        sessions = [await listener.accept(PATIENCE) for _ in visitors]
        assert await listener.status() == (True, 3)
        for number, (_, writer) in enumerate(visitors):
            writer.write(b"client %d" % number)
        assert {await exactly(session, 8) for session in sessions} == {b"client 0", b"client 1", b"client 2"}
        for _, writer in visitors:
            await leave(writer)
        assert [await session.recv(1) for session in sessions] == [b""] * 3


@EACH_KIND
async def test_four_channels_at_once(echo_server: Peer, kind: Kind) -> None:
    """Both contexts on two channels, both roles, and commands on the other two, all at the same time."""
    async with (
        aio_laboratory(kind=kind) as lab,
        await lab.driver(1, 0) as one,
        await lab.driver(3, 1, several=True) as other,
    ):
        idle = [channel_on(await lab.mux.channel(uart)) for uart in (2, 4)]
        listener = await other.listen(port=2020)
        reader, writer = await visit(other, listener)
        server = await listener.accept(PATIENCE)
        clients = [await one.connect("TCP", "127.0.0.1", echo_server.port)]
        clients += [await other.connect("TCP", "127.0.0.1", echo_server.port) for _ in range(2)]

        async def echoed(session: aio.Session, octet: bytes) -> bool:
            await session.sendall(octet * 20_000)
            return await exactly(session, 20_000) == octet * 20_000

        async def asked(channel: AtChannel) -> bool:
            return all([(await channel.command("AT+CSQ")).lines for _ in range(20)])

        async def served() -> bool:
            writer.write(b"s" * 20_000)
            got = await exactly(server, 20_000)
            await server.sendall(got)
            return await reader.readexactly(20_000) == got

        work = [echoed(session, octet) for session, octet in zip(clients, (b"a", b"b", b"c"), strict=True)]
        async with asyncio.timeout(PATIENCE * 6):
            assert all(await asyncio.gather(*work, *map(asked, idle), served()))
        await leave(writer)
        for channel in idle:
            await channel.close()


@EACH_KIND
async def test_two_sessions_on_one_channel_take_turns(echo_server: Peer, kind: Kind) -> None:
    async with aio_laboratory(kind=kind) as lab, await lab.driver(1, 0, several=True) as driver:
        big = await driver.connect("TCP", "127.0.0.1", echo_server.port)
        small = await driver.connect("TCP", "127.0.0.1", echo_server.port)

        async def drain() -> None:
            while await big.recv(65536):
                pass

        flood = [asyncio.create_task(work) for work in (big.sendall(bytes(1_000_000)), drain())]
        waits = []
        for _ in range(20):
            begun = len(turns(lab.octets[1]))
            await small.sendall(b"x" * 100)
            assert await exactly(small, 100) == b"x" * 100
            waits.append(others_turns(turns(lab.octets[1]), begun))
        assert max(waits) <= 4
        for task in flood:
            task.cancel()
        await asyncio.gather(*flood, return_exceptions=True)


# -- data mode -------------------------------------------------------------------------------------------------------


ASKED = {
    M10.model: ("AT+QIMODE?", "+QIMODE: 1"),
    BG96.model: ('AT+QICFG="transwaittm"', '+QICFG: "transwaittm",2'),
}
"""A question in command mode, and its answer."""


@pytest.mark.requirement("S3.29")
@EACH_KIND
@pytest.mark.parametrize("escape", ["+++", "dtr"])
async def test_data_mode_is_left_by_plus_signs_and_by_dtr_through_msc(
    echo_server: Peer, kind: Kind, escape: str
) -> None:
    question, answer = ASKED[kind.model]
    async with aio_laboratory(clock=QuickClock(5.0), kind=kind) as lab:
        async with await lab.driver(2, 0, transparent=Transparent(wait=0.2, escape=escape)) as driver:
            session = await driver.connect("TCP", "127.0.0.1", echo_server.port)
            data = NASTY if escape == "dtr" else NASTY.replace(b"+++", b"")
            await session.sendall(data)
            assert await exactly(session, len(data)) == data
            async with driver.command_mode() as commands:
                assert not driver.online
                echo_server.connection().sendall(b"meanwhile")
                assert (await commands.command(question)).lines == (answer,)
            assert driver.online
            assert await exactly(session, 9) == b"meanwhile"
            await session.sendall(b"again")
            assert await exactly(session, 5) == b"again"
        assert (b"+++" in lab.heard(2).replace(data, b"")) is (escape == "+++")


# -- ownership -------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("S8.2", "S8.8")
@EACH_KIND
async def test_channels_of_one_multiplexer_share_a_table(kind: Kind) -> None:
    async with aio_laboratory(kind=kind) as lab:
        holder, other = await lab.driver(1, 0), await lab.driver(2, 0)
        assert holder.table is other.table
        await holder.claim()
        with pytest.raises(ContextBusy) as busy:
            await other.claim()
        assert busy.value.owner == 1
        await other.claim(take_over=True)
        with pytest.raises(ContextLost, match="DLCI 2 took it over"):
            await holder.activate()
        await other.activate()
        waiting = asyncio.create_task(holder.claim(timeout=PATIENCE))
        await asyncio.sleep(0)
        await other.close()
        await waiting
        if kind is M10:
            assert await holder.foreground() == (0, 1)
        await holder.close()


async def test_a_context_that_another_program_took_unheard_is_lost_at_the_next_claim() -> None:
    async with aio_laboratory() as lab:
        mine, theirs = await lab.driver(1, 0), await lab.driver(2, 0, table=ContextTable())
        await mine.claim()
        await theirs.claim()  # the module allows it in IP INITIAL
        with pytest.raises(ContextLost, match="VIRTUAL_UART_2"):
            await mine.claim()
        await theirs.activate()
        with pytest.raises(ContextBusy):
            await mine.claim()
        for driver in (mine, theirs):
            await driver.close()


@pytest.mark.requirement("L9.11", "L11.3")
async def test_what_a_dead_host_left_in_a_module_that_keeps_no_owner_is_told_and_reclaimed(echo_server: Peer) -> None:
    async with aio_laboratory(kind=BG96) as lab:
        gone = await lab.driver(1, 0, table=ContextTable())
        await gone.connect("TCP", "127.0.0.1", echo_server.port)
        async with await lab.driver(3, 1) as used:
            address = await used.activate()
            driver = await lab.driver(2, 0)
            await driver.claim()  # the module would not refuse it
            told = [(one.kind, one.context, one.id is None) for one in driver.leftovers]
            assert told == [("context", 1, True), ("TCP", 1, False)]
            before = lab.heard(3)
            await driver.reclaim()
            assert lab.heard(3) == before
            assert await driver.state() == "inactive"
            await driver.activate()
            assert (await used.state(), await used.local_address()) == ("active", address)
            await driver.close()
        await gone.close()


@pytest.mark.requirement("S8.2")
async def test_a_context_that_a_dead_host_left_active_is_reclaimed() -> None:
    async with aio_laboratory() as lab:
        gone = await lab.driver(1, 0, table=ContextTable())
        await gone.activate()
        await gone.release()
        await gone.close()
        async with await lab.driver(3, 1) as used:
            address = await used.activate()
            driver = await lab.driver(2, 0)
            with pytest.raises(ContextBusy):
                await driver.claim()
            before = lab.heard(3)
            await driver.reclaim()
            assert lab.heard(3) == before  # not an octet on the channel that another driver uses
            assert b"AT+QIDEACT" in lab.heard(1)
            assert await driver.state() == "IP INITIAL"
            await driver.activate()
            assert (await used.state(), await used.local_address()) == ("IP STATUS", address)
            await driver.close()


@EACH_KIND
async def test_what_a_driver_of_this_process_holds_is_not_reclaimed(kind: Kind) -> None:
    async with aio_laboratory(kind=kind) as lab:
        holder, other = await lab.driver(1, 0), await lab.driver(2, 0)
        await holder.activate()
        with pytest.raises(ContextBusy, match="driver on DLCI 1"):
            await other.reclaim()
        assert await holder.state() == kind.up
        await holder.close()
        await other.close()


async def test_nor_is_it_where_only_the_module_knows_of_it() -> None:
    async with aio_laboratory() as lab:
        holder = await lab.driver(1, 0)
        await holder.activate()
        stranger = await lab.driver(3, 0, table=ContextTable())  # it does not know the holder
        before = lab.heard(1)
        with pytest.raises(ContextBusy):
            await stranger.reclaim()
        assert lab.heard(1) == before
        for driver in (holder, stranger):
            await driver.close()


@EACH_KIND
async def test_cancelling_a_claim_that_waits_gives_nothing_away(kind: Kind) -> None:
    async with aio_laboratory(kind=kind) as lab:
        holder, other = await lab.driver(1, 0), await lab.driver(2, 0)
        await holder.activate()
        waiting = asyncio.create_task(other.claim(timeout=PATIENCE * 10))
        for _ in range(20):  # the table refuses it at once: it rests by then
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await holder.state() == kind.up
        await holder.close()
        await other.claim()
        await other.close()


@EACH_KIND
async def test_the_multiplexer_closing_is_a_reset_with_its_cause(echo_server: Peer, kind: Kind) -> None:
    async with aio_laboratory(kind=kind) as lab:
        driver = await lab.driver(1, 0)
        session = await driver.connect("TCP", "127.0.0.1", echo_server.port)
        waiting = asyncio.create_task(session.recv(1))
        await asyncio.sleep(0)
        await lab.mux.close()
        with pytest.raises(SessionReset) as reset:
            await waiting
        assert reset.value.__cause__ is not None
        await driver.close()
        with pytest.raises(TcpipError, match="was closed"):
            await driver.claim()


# -- cancellation ----------------------------------------------------------------------------------------------------


class CancelledAfterWriting(AtChannel):
    """A channel on which the task that runs a dialogue is cancelled right after it has written the given command."""

    cancel_after = 0
    victim: asyncio.Task[object] | None = None

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.written: list[bytes] = []

    async def _step(self, *ticket: Any) -> None:
        octets = self._engine.data_to_send()
        await super()._step(*ticket)
        task = asyncio.current_task()
        if octets and task is self.victim and task is not None:
            self.written.append(comparable(octets))
            if len(self.written) == self.cancel_after:
                task.cancel()
                await asyncio.sleep(0)


Operation = Callable[[TcpipDriver, int], Awaitable[object]]
PORT = 2121  # of a listener; each context has an address of its own
DISCARD = 9  # a port at which no time server answers


def on(channel: AtChannel, kind: Kind, **options: object) -> TcpipDriver:
    """A driver on a channel of a kind of module."""
    return TcpipDriver(channel, kind.first, dialect=kind.model, **options)  # type: ignore[arg-type]


async def connecting(driver: TcpipDriver, port: int) -> object:
    return await driver.connect("TCP", "127.0.0.1", port)


async def by_steps(driver: TcpipDriver, port: int) -> object:
    return await driver.connect("TCP", "127.0.0.1", port, step_by_step=True)


async def listening(driver: TcpipDriver, _: int) -> object:
    return await driver.listen(step_by_step=True)


async def listening_on_a_port(driver: TcpipDriver, _: int) -> object:
    return await (await driver.listen(port=PORT)).close()


async def resolving(driver: TcpipDriver, _: int) -> object:
    return await driver.resolve("www.quectel.com")


async def exchanging(driver: TcpipDriver, port: int) -> object:
    session = await driver.connect("TCP", "127.0.0.1", port)
    await session.sendall(b"x" * 3000)
    await session.sendall(b"y" * 3000, end="ctrl-z")
    await session.acknowledged()
    await session.close()
    return None


others: list[TcpipDriver] = []


@asynccontextmanager
async def another(driver: TcpipDriver, **options: object) -> AsyncIterator[TcpipDriver]:
    """A driver with other options in the place of the first."""
    await driver.close()
    others.append(on(driver.channel, M10 if driver.context == M10.first else BG96, **options))
    async with others[-1] as made:
        yield made


async def claiming(driver: TcpipDriver, _: int) -> object:
    async with another(driver) as other:
        return await other.state()


async def waiting_for_the_timer(driver: TcpipDriver, port: int) -> object:
    session = await driver.connect("TCP", "127.0.0.1", port)
    return await session.sendall(b"later", end="timer", period=1)


async def serving(driver: TcpipDriver, _: int) -> object:
    async with await driver.listen(port=PORT) as listener:
        _, writer = await visit(driver, listener)
        try:
            session = await listener.accept(100.0)
            await session.sendall(b"hello")
            await session.acknowledged()
            await session.close()
        finally:
            writer.transport.abort()
    return None


async def telling_of_listeners(driver: TcpipDriver, _: int) -> object:
    return await (await driver.listen(port=PORT)).status()


async def several(driver: TcpipDriver, port: int) -> object:
    async with another(driver, muxip=True, receive="header") as other:
        sessions = [await other.connect("TCP", "127.0.0.1", port) for _ in range(2)]
        await sessions[1].sendall(b"x" * 100)
        await sessions[1].check(KeepAlive(first=0.1, then=0.1))
        await sessions[0].close()
    return None


async def asking(driver: TcpipDriver, _: int) -> object:
    await driver.state()
    await driver.foreground()
    await driver.show("QISHOWRA")
    await driver.set_name_servers("8.8.8.8")
    await driver.name_servers()
    await driver.listen(port=PORT)
    await driver.deactivate()
    return await driver.reclaim()


async def in_data_mode(driver: TcpipDriver, port: int) -> object:
    async with another(driver, transparent=Transparent()) as other:
        session = await other.connect("TCP", "127.0.0.1", port)
        await session.sendall(b"data")
        async with other.command_mode():
            await session.acknowledged()
        await session.sendall(b"more data")
    return None


async def in_data_mode_left_by_dtr(driver: TcpipDriver, port: int) -> object:
    async with another(driver, transparent=Transparent(escape="dtr")) as other:
        session = await other.connect("TCP", "127.0.0.1", port)
        await session.sendall(b"data")
        async with other.command_mode():
            await session.acknowledged()
    return None


async def several_of_lte(driver: TcpipDriver, port: int) -> object:
    sessions = [await driver.connect("TCP", "127.0.0.1", port, receive=mode) for mode in ("buffered", "pushed")]
    for session in sessions:
        await session.sendall(b"x" * 100)
        session.settimeout(100.0)
        await session.recv(1)
    await sessions[0].sendall(b"x", end="hex")
    await sessions[0].set_receive("pushed")
    await sessions[1].check(KeepAlive(first=0.1, then=0.1))
    return await sessions[0].close()


async def datagrams_of_lte(driver: TcpipDriver, _: int) -> object:
    async with await driver.udp_service(PORT) as service:
        await service.sendto(b"to itself", (await driver.local_address(), PORT))
        service.settimeout(100.0)
        return await service.recvfrom(100)


async def in_data_mode_of_lte(driver: TcpipDriver, port: int) -> object:
    session = await driver.connect("TCP", "127.0.0.1", port, receive="transparent")
    await session.sendall(b"data")
    async with driver.command_mode():
        await session.acknowledged()
    return await session.sendall(b"more data")


async def asking_lte(driver: TcpipDriver, _: int) -> object:
    await driver.state()
    await driver.set_name_servers("8.8.8.8")
    await driver.name_servers()
    await driver.ping("127.0.0.1", count=1)
    with suppress(TcpipError):
        await driver.network_time("127.0.0.1", port=DISCARD)
    await driver.deactivate()
    return await driver.reclaim()


OPERATIONS = [
    connecting,
    by_steps,
    listening,
    resolving,
    exchanging,
    claiming,
    waiting_for_the_timer,
    serving,
    telling_of_listeners,
    several,
    asking,
    in_data_mode,
    in_data_mode_left_by_dtr,
]
OF_LTE = [
    connecting,
    listening_on_a_port,
    resolving,
    exchanging,
    serving,
    telling_of_listeners,
    several_of_lte,
    datagrams_of_lte,
    asking_lte,
    in_data_mode_of_lte,
    in_data_mode_left_by_dtr,
]
ROWS = [*((M10, one) for one in OPERATIONS), *((BG96, one) for one in OF_LTE)]


@pytest.mark.parametrize(
    ("kind", "operation"), [pytest.param(*row, id=f"{row[0].model}-{row[1].__name__}") for row in ROWS]
)
async def test_cancellation_behind_each_command_leaves_a_channel_that_works(
    echo_server: Peer, kind: Kind, operation: Operation
) -> None:
    """Behind the first command, behind the second, and so on: each of those that the operation consists of."""
    cancelled: list[bytes] = []
    whole: list[bytes] = []
    hosts = {"www.quectel.com": "127.0.0.1"}
    async with aio_laboratory(clock=QuickClock(10.0), hosts=hosts, kind=kind) as lab:
        while not whole:
            channel = await lab.channel(1, CancelledAfterWriting)
            assert isinstance(channel, CancelledAfterWriting)
            driver = on(channel, kind)
            await driver.claim()
            channel.victim = asyncio.ensure_future(operation(driver, echo_server.port))
            channel.cancel_after = len(cancelled) + 1
            try:
                await channel.victim
                whole = channel.written[:]
            except asyncio.CancelledError:
                cancelled.append(channel.written[len(cancelled)])
            for one in (driver, *others):
                await one.close()
            others.clear()
            async with on(channel, kind) as again:
                assert again.leftovers == ()
                session = await again.connect("TCP", "127.0.0.1", echo_server.port)
                await session.sendall(NASTY)
                assert await exactly(session, len(NASTY)) == NASTY
            await channel.close()
    assert cancelled == whole


@EACH_KIND
async def test_the_operations_consist_of_all_commands_that_the_driver_has(echo_server: Peer, kind: Kind) -> None:
    async with aio_laboratory(clock=QuickClock(10.0), hosts={"www.quectel.com": "127.0.0.1"}, kind=kind) as lab:
        for operation in [one for of, one in ROWS if of is kind]:
            channel = await lab.channel(1, AtChannel)
            driver = on(channel, kind)
            await operation(driver, echo_server.port)
            for one in (driver, *others):
                await one.close()
            others.clear()
            await channel.close()
        missing = not_among(lab.heard(1), kind)
    assert missing == set(), "missing: OPERATIONS or OF_LTE in tests/drivers/integration/test_aio_over_cmux.py"
