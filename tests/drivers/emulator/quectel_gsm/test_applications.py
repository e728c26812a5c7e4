"""What the app note says may be done at the same time, its limits, and how a dead connection shows."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from emulator_host import PATIENCE, Lab, Terminal, Turning, settle
from emulator_peer import peer

from drivers.emulator import EmulatedModule, Network

CONNECTED = "\r\nOK\r\n\r\nCONNECT OK\r\n"
SERVER = "\r\nOK\r\n\r\nSERVER OK\r\n"
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def address(uart: Terminal) -> str:
    uart.write(b"AT+QILOCIP\r")
    await uart.expect(b"AT+QILOCIP\r\r\n")
    return (await uart.until(b"\r\n"))[:-2].decode()


async def client(uart: Terminal, where: str, port: int = 2020, index: str = "") -> Stream:
    stream = await asyncio.open_connection(where, port, local_addr=("127.0.0.1", 0))
    await uart.expect(f"\r\n{index}REMOTE IP: 127.0.0.1\r\n".encode())
    return stream


async def send(uart: Terminal, command: str, data: bytes) -> None:
    await uart.ask(command, "\r\n> ")
    uart.write(data + b"\x1a")
    await uart.expect(data + b"\r\nSEND OK\r\n")


@pytest.mark.requirement("S2.9")
async def test_a_client_session_by_name_and_a_server_on_one_context() -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        await lab.multiplex()
        uart = await lab.open(1)
        await uart.ask("AT+QIDNSIP=1")
        await uart.ask(f'AT+QIOPEN="TCP","localhost",{one.port}', CONNECTED)
        await one.arrived.wait()
        await uart.ask("AT+QISERVER", SERVER)
        reader, writer = await client(uart, await address(uart))
        await send(uart, "AT+QISEND", b"to the server")
        assert await one.reader.readexactly(13) == b"to the server"
        await uart.ask("AT+QISRVC=2")
        await send(uart, "AT+QISEND", b"to the client")
        assert await reader.readexactly(13) == b"to the client"
        await uart.ask("AT+QICLOSE", "\r\nCLOSE OK\r\n")
        await uart.ask("AT+QISRVC=1")
        await uart.ask("AT+QISTAT", "\r\nOK\r\n\r\nSTATE: CONNECT OK\r\n")
        writer.close()


@pytest.mark.requirement("S2.10", "S6.1")
async def test_six_client_sessions_and_a_server_with_five_clients_on_one_context() -> None:
    async with Lab(EmulatedModule()) as lab, contextlib.AsyncExitStack() as stack:
        await lab.multiplex()
        uart = await lab.open(1)
        await uart.ask("AT+QIMUX=1")
        peers = [await stack.enter_async_context(peer()) for _ in range(6)]
        for index, one in enumerate(peers):
            await uart.ask(f'AT+QIOPEN={index},"TCP","127.0.0.1",{one.port}', f"\r\nOK\r\n\r\n{index}, CONNECT OK\r\n")
        await uart.ask("AT+QISERVER=0,6", "\r\nERROR\r\n")
        await uart.ask("AT+QISERVER=0,5", SERVER)
        where = await address(uart)
        clients = [await client(uart, where, index=f"{index}, ") for index in range(5)]
        await uart.ask("AT+QISERVER?", "\r\n+QISERVER: 1, 5\r\n\r\nOK\r\n")
        for index, one in enumerate(peers):
            await send(uart, f"AT+QISEND={index}", b"%d" % index)
            assert await one.reader.readexactly(1) == b"%d" % index
        await uart.ask("AT+QISRVC=2")
        for index, (reader, _) in enumerate(clients):
            await send(uart, f"AT+QISEND={index}", b"%d" % index)
            assert await reader.readexactly(1) == b"%d" % index
        await uart.ask("AT+QIDEACT", "\r\nDEACT OK\r\n")
        for _, writer in clients:
            writer.close()


@pytest.mark.requirement("S2.11")
async def test_two_contexts_on_two_virtual_uarts_by_name() -> None:
    async with Lab(EmulatedModule()) as lab, peer() as a, peer() as b:
        await lab.multiplex()
        for context, (dlci, one) in enumerate(((1, a), (2, b))):
            uart = await lab.open(dlci)
            await uart.ask(f"AT+QIFGCNT={context};+QIDNSIP=1")
            await uart.ask(f'AT+QIOPEN="TCP","localhost",{one.port}', CONNECTED)
            await one.arrived.wait()
            await send(uart, "AT+QISEND", b"hello")
            assert await one.reader.readexactly(5) == b"hello"
        addresses = {one.writer.get_extra_info("peername")[0] for one in (a, b)}
        assert len(addresses) == 2 or addresses == {"127.0.0.1"}


@pytest.mark.requirement("S4.2", "S6.2", "S3.9")
async def test_muxip_and_transparent_mode_exclude_each_other_and_resends_have_no_effect() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("AT+QIMUX=1")
        await lab.plain.ask("AT+QIMODE=1", "\r\nERROR\r\n")
        await lab.plain.ask("AT+QIMUX=0;+QIMODE=1")
        await lab.plain.ask("AT+QIMUX=1", "\r\nERROR\r\n")
        await lab.plain.ask("AT+QITCFG=8,2,512,1")
        await lab.plain.ask("AT+QITCFG?", "\r\n+QITCFG: 8,2,512,1\r\n\r\nOK\r\n")


@pytest.mark.requirement("S4.10")
@pytest.mark.parametrize("timer", [False, True], ids=["Ctrl-Z", "timer"])
async def test_with_muxip_too_what_is_beyond_1460_is_left_out(timer: bool) -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab, peer() as one:
        await lab.plain.ask("AT+QIMUX=1")
        await lab.plain.ask(f'AT+QIOPEN=3,"TCP","127.0.0.1",{one.port}', "\r\nOK\r\n\r\n3, CONNECT OK\r\n")
        if timer:
            await lab.plain.ask("AT+QIAUTOS=1,3")
        await lab.plain.ask("AT+QISEND=3", "\r\n> ")
        lab.plain.write(b"m" * 1500 + (b"" if timer else b"\x1a"))
        await lab.plain.expect(b"m" * 1500)
        if timer:
            await clock.turn(3)
        await lab.plain.expect(b"\r\nSEND OK\r\n")
        await lab.plain.ask("AT+QISACK=3", "\r\n+QISACK: 1460, 1460, 0\r\n\r\nOK\r\n")


@pytest.mark.requirement("S10.1", "S10.4", "S10.8", "S10.10")
async def test_a_connection_that_the_network_forgot_shows_in_qisack_only() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab, peer() as one:
        uart = lab.plain
        await uart.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', CONNECTED)
        await one.arrived.wait()
        await send(uart, "AT+QISEND", b"TCP detect")
        await uart.ask("AT+QISACK", "\r\n+QISACK: 10, 10, 0\r\n\r\nOK\r\n")
        lab.module.set_network(Network(silent=True))
        await send(uart, "AT+QISEND", b"TCP detect")
        one.writer.write(b"nobody hears this yet")
        for _ in range(12):
            await clock.turn(10)
            await uart.ask("AT+QISACK", "\r\n+QISACK: 20, 10, 10\r\n\r\nOK\r\n")
        await uart.ask("AT+QISTAT", "\r\nOK\r\n\r\nSTATE: CONNECT OK\r\n")
        lab.module.set_network(Network())
        await uart.expect(b"nobody hears this yet")
        assert await one.reader.readexactly(20) == b"TCP detect" * 2
        acknowledged = b""
        async with asyncio.timeout(PATIENCE):
            while b"20, 20, 0" not in acknowledged:  # the system may put the acknowledgement off for 40 ms
                uart.write(b"AT+QISACK\r")
                acknowledged = await uart.until(b"\r\nOK\r\n")


async def test_a_silent_network_takes_no_more_than_a_window_and_loses_nothing() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab, peer() as one:
        uart = lab.plain
        await uart.ask("ATE0;+QISDE=0")
        await uart.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', CONNECTED, echo=False)
        await one.arrived.wait()
        lab.module.set_network(Network(silent=True))
        sent = 0
        for _ in range(100):
            await uart.ask("AT+QISEND=1460", "\r\n> ", echo=False)
            uart.write(b"w" * 1460)
            await settle(5)
            if not uart.received:
                break
            await uart.expect(b"\r\nSEND OK\r\n")
            sent += 1460
        assert 0 < sent < 100 * 1460
        lab.module.set_network(Network())
        await uart.expect(b"\r\nSEND OK\r\n")
        assert await one.reader.readexactly(sent + 1460) == b"w" * (sent + 1460)


async def test_in_a_silent_network_nobody_answers_an_opening_and_datagrams_are_lost() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab, peer() as one:
        await lab.plain.ask("AT+QIMUX=1;+QIREGAPP;+QIACT")
        await lab.plain.ask('AT+QIOPEN=1,"UDP","127.0.0.1",9', "\r\nOK\r\n\r\n1, CONNECT OK\r\n")
        lab.module.set_network(Network(silent=True))
        await lab.plain.ask(f'AT+QIOPEN=0,"TCP","127.0.0.1",{one.port}')
        await send(lab.plain, "AT+QISEND=1", b"lost")
        await clock.turn(76)
        await lab.plain.expect(b"\r\n0, CONNECT FAIL\r\n")
        assert not one.arrived.is_set()


@pytest.mark.requirement("S10.1", "S10.8")
@pytest.mark.parametrize("line", ["plain", "channel"])
@pytest.mark.parametrize(("mux", "prefix"), [(0, ""), (1, "3, ")])
@pytest.mark.parametrize("silence", [1, 40, 74])
async def test_an_opening_begun_in_silence_succeeds_when_the_network_is_back(
    line: str, mux: int, prefix: str, silence: int
) -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab, peer() as one:
        if line == "channel":
            await lab.multiplex()
        uart = lab.plain if line == "plain" else await lab.open(1)
        await uart.ask(f"AT+QIMUX={mux};+QIREGAPP;+QIACT")
        lab.module.set_network(Network(silent=True))
        index = prefix.replace(" ", "")
        await uart.ask(f'AT+QIOPEN={index}"TCP","127.0.0.1",{one.port}')
        await clock.turn(silence)
        await uart.quiet()
        assert not one.arrived.is_set()
        lab.module.set_network(Network(silent=True, accepts=False))  # another network, and no sound in it
        await uart.quiet()
        lab.module.set_network(Network())
        await uart.expect(f"\r\n{prefix}CONNECT OK\r\n".encode())
        await one.arrived.wait()
        await clock.turn(80)  # the 75 s are not counted any more
        await uart.quiet()


async def test_a_datagram_session_is_open_at_once_in_silence() -> None:
    async with Lab(EmulatedModule(clock=Turning())) as lab:
        await lab.plain.ask("AT+QIREGAPP;+QIACT")
        lab.module.set_network(Network(silent=True))
        await lab.plain.ask('AT+QIOPEN="UDP","127.0.0.1",9', "\r\nOK\r\n\r\nCONNECT OK\r\n")


async def test_closing_in_a_silent_network_is_not_heard_by_the_remote_side() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab, peer() as one:
        await lab.plain.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', CONNECTED)
        await one.arrived.wait()
        lab.module.set_network(Network(silent=True))
        await lab.plain.ask("AT+QICLOSE", "\r\nCLOSE OK\r\n")
        await settle()
        assert not one.reader.at_eof()
        await clock.turn(11)
        with contextlib.suppress(ConnectionError):
            assert await one.reader.read() == b""
