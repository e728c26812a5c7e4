"""Statements of the app note that its transcripts leave open: limits, orders, and who is refused."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
from emulator_host import PATIENCE, Lab, Terminal, Turning, settle
from emulator_peer import peer

from drivers.emulator import EmulatedModule

CONNECTED = "\r\nOK\r\n\r\nCONNECT OK\r\n"
SERVER = "\r\nOK\r\n\r\nSERVER OK\r\n"
ERROR = "\r\nERROR\r\n"
TEXT = b"Quectel's module is great!"


async def exactly(reader: asyncio.StreamReader, octets: bytes) -> None:
    async with asyncio.timeout(PATIENCE):
        assert await reader.readexactly(len(octets)) == octets


async def listen(uart: Terminal, command: str) -> str:
    """Listen; returns where."""
    await uart.ask(command, SERVER)
    uart.write(b"AT+QILOCIP\r")
    await uart.expect(b"AT+QILOCIP\r\r\n")
    return (await uart.until(b"\r\n"))[:-2].decode()


@contextlib.asynccontextmanager
async def visit(
    uart: Terminal, address: str, index: str = ""
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect to a server of the module from outside."""
    reader, writer = await asyncio.open_connection(address, 2020, local_addr=("127.0.0.1", 0))
    try:
        await uart.expect(f"\r\n{index}REMOTE IP: 127.0.0.1\r\n".encode())
        yield reader, writer
    finally:
        writer.transport.abort()


@pytest.mark.requirement("S1.2", "S1.4", "S7.12")
async def test_each_of_four_virtual_uarts_takes_commands_for_its_own_foreground_context() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.multiplex()
        for number in (1, 2, 3, 4):
            uart = await lab.open(number)
            await uart.ask("AT+QIFGCNT=1")
            await uart.ask("AT+QIFGCNT?", f"\r\n+QIFGCNT: 1,{number - 1}\r\n\r\nOK\r\n")


@pytest.mark.requirement("S3.11")
async def test_a_packet_of_exactly_the_wanted_length_goes_out_at_once() -> None:
    async with Lab(EmulatedModule(clock=Turning())) as lab, peer() as one:
        await lab.plain.ask("AT+QIMODE=1;+QITCFG=3,10,512,1")
        await lab.plain.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', "\r\nOK\r\n\r\nCONNECT\r\n")
        await one.arrived.wait()
        lab.plain.write(b"a" * 500)
        await settle()
        lab.plain.write(b"b" * 12)
        await exactly(one.reader, b"a" * 500 + b"b" * 12)


@pytest.mark.requirement("S3.40")
async def test_of_more_than_1460_octets_the_timer_sends_the_first() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab, peer() as one:
        await lab.plain.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', CONNECTED)
        await one.arrived.wait()
        await lab.plain.ask("AT+QIAUTOS=1,2")
        await lab.plain.ask("AT+QISEND", "\r\n> ")
        lab.plain.write(b"a" * 1460 + b"b" * 40)
        await lab.plain.expect(b"a" * 1460 + b"b" * 40)
        await clock.turn(2)
        await lab.plain.expect(b"\r\nSEND OK\r\n")
        await lab.plain.ask("AT+QISACK", "\r\n+QISACK: 1460, 1460, 0\r\n\r\nOK\r\n")
        await exactly(one.reader, b"a" * 1460)


@pytest.mark.requirement("S3.51", "S5.15")
async def test_where_both_stand_qisrvc_says_which_session_qiclose_ends() -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        uart = lab.plain
        address = await listen(uart, "AT+QISERVER")
        await uart.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', CONNECTED)
        await one.arrived.wait()
        async with visit(uart, address) as (reader, _):
            await uart.ask("AT+QISRVC=1")
            await uart.ask("AT+QICLOSE", "\r\nCLOSE OK\r\n")
            async with asyncio.timeout(PATIENCE):
                assert await one.reader.read() == b""
            await uart.ask("AT+QISERVER?", "\r\n+QISERVER: 1, 1\r\n\r\nOK\r\n")
            await uart.ask("AT+QISRVC=2")
            await uart.ask("AT+QICLOSE", "\r\nCLOSE OK\r\n")
            async with asyncio.timeout(PATIENCE):
                assert await reader.read() == b""


@pytest.mark.requirement("S3.52", "S5.18")
@pytest.mark.parametrize("service", [1, 2])
async def test_qideact_ends_every_session_and_the_server_whatever_qisrvc_says(service: int) -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        uart = lab.plain
        address = await listen(uart, "AT+QISERVER")
        await uart.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', CONNECTED)
        await one.arrived.wait()
        async with visit(uart, address) as (reader, _):
            await uart.ask(f"AT+QISRVC={service}")
            await uart.ask("AT+QIDEACT", "\r\nDEACT OK\r\n")
            async with asyncio.timeout(PATIENCE):
                assert await one.reader.read() == b""
                assert await reader.read() == b""
        await uart.ask("AT+QISERVER?", "\r\n+QISERVER: 0, 0\r\n\r\nOK\r\n")
        await uart.ask("AT+QISTAT", "\r\nOK\r\n\r\nSTATE: IP INITIAL\r\n")


@pytest.mark.requirement("S5.9")
async def test_a_udp_client_is_told_before_its_data_also_when_both_had_to_wait() -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = lab.plain
        address = await listen(uart, "AT+QISERVER=1")
        uart.write(b"AT+QIS")
        await uart.expect(b"AT+QIS")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as visitor:
            visitor.bind(("127.0.0.1", 0))
            visitor.sendto(TEXT, (address, 2020))
            await settle()
            uart.write(b"RVC?\r")
            await uart.expect(b"RVC?\r\r\n+QISRVC: 1\r\n\r\nOK\r\n\r\nREMOTE IP: 127.0.0.1\r\n" + TEXT)


@pytest.mark.requirement("S3.24", "S5.7", "S5.9")
async def test_udp_is_transparent_too_on_either_side() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab:
        await lab.multiplex()
        one, two = await lab.open(1), await lab.open(2)
        await one.ask("AT+QIFGCNT=0;+QIMODE=1")
        await two.ask("AT+QIFGCNT=1;+QIMODE=1")
        address = await listen(one, "AT+QISERVER=1")
        await two.ask(f'AT+QIOPEN="UDP","{address}",2020', "\r\nOK\r\n\r\nCONNECT\r\n")
        await one.quiet()
        two.write(b"first")
        await settle()
        await clock.turn(0.3)
        told = await one.until(b"\r\n\r\nCONNECT\r\nfirst")
        assert told.startswith(b"\r\nREMOTE IP: 127.")
        one.write(b"reply")
        await settle()
        await clock.turn(0.3)
        await two.expect(b"reply")


@pytest.mark.requirement("S6.12")
async def test_the_data_of_a_client_has_its_index_and_all_that_the_header_commands_add() -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = lab.plain
        await uart.ask("AT+QIMUX=1")
        address = await listen(uart, "AT+QISERVER=0,2")
        await uart.ask("AT+QISHOWRA=1;+QISHOWLA=1;+QIHEAD=1;+QISHOWPT=1")
        async with visit(uart, address, "0, ") as (_, first), visit(uart, address, "1, ") as (_, second):
            for index, writer in enumerate((first, second)):
                port = writer.get_extra_info("sockname")[1]
                writer.write(TEXT)
                told = f"\r\n+RECEIVE: {index}, 26\r\nRECV FROM:127.0.0.1:{port}\r\nTO:{address}\r\nIPD26TCP:"
                await uart.expect(told.encode() + TEXT)


@pytest.mark.requirement("S8.2")
@pytest.mark.parametrize(
    "command",
    [
        "AT+QIREGAPP",
        "AT+QIACT",
        'AT+QIOPEN="TCP","127.0.0.1",9',
        "AT+QISERVER",
        'AT+QIDNSGIP="a.example"',
        "AT+QIDEACT",
    ],
)
async def test_a_context_in_use_is_not_controlled_from_another_uart_that_never_selected_it(command: str) -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.multiplex()
        one, two = await lab.open(1), await lab.open(2)
        await one.ask("AT+QIREGAPP")
        await two.ask(command, ERROR)
        await one.ask("AT+QISTAT", "\r\nOK\r\n\r\nSTATE: IP START\r\n")
        await one.ask("AT+QIDEACT", "\r\nDEACT OK\r\n")
        await two.ask("AT+QIFGCNT=0")
        await two.ask("AT+QIREGAPP")


@pytest.mark.requirement("S9.1")
async def test_a_name_is_taken_with_qidnsip_1_only() -> None:
    async with Lab(EmulatedModule(hosts={"www.quectel.com": "127.0.0.1"})) as lab, peer() as one:
        opening = f'AT+QIOPEN="TCP","www.quectel.com",{one.port}'
        await lab.plain.ask("AT+QIDNSIP=0")
        await lab.plain.ask(opening, ERROR)
        await lab.plain.ask("AT+QIDNSIP=1")
        await lab.plain.ask(opening, CONNECTED)


@pytest.mark.requirement("S9.7")
async def test_activation_brings_name_servers_and_those_that_were_set_are_gone_with_it() -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = lab.plain
        await uart.ask("AT+QIDNSCFG?", "\r\nPrimaryDns: 0.0.0.0\r\nSecondaryDns: 0.0.0.0\r\n\r\nOK\r\n")
        await uart.ask("AT+QIREGAPP;+QIACT")
        negotiated = await servers(uart)
        assert b"0.0.0.0" not in negotiated
        await uart.ask('AT+QIDNSCFG="211.136.18.171","211.136.112.50"')
        assert await servers(uart) == b"\r\nPrimaryDns: 211.136.18.171\r\nSecondaryDns: 211.136.112.50\r\n\r\nOK\r\n"
        await uart.ask("AT+QIDEACT", "\r\nDEACT OK\r\n")
        await uart.ask("AT+QIREGAPP;+QIACT")
        assert await servers(uart) == negotiated


async def servers(uart: Terminal) -> bytes:
    uart.write(b"AT+QIDNSCFG?\r")
    await uart.expect(b"AT+QIDNSCFG?\r")
    return await uart.until(b"\r\nOK\r\n")


async def test_a_client_that_comes_while_the_server_closes_is_not_left_open() -> None:
    async with Lab(EmulatedModule()) as lab:
        address = await listen(lab.plain, "AT+QISERVER")
        modem = lab.module._modem
        assert modem is not None
        with socket.create_connection((address, 2020)) as visitor:  # the loop does not know of it yet
            for _ in range(2):
                await asyncio.sleep(0)
            assert modem.contexts[0].server.stop()  # it has accepted, and made nothing of it yet
            await settle()
            visitor.setblocking(False)
            with contextlib.suppress(ConnectionResetError):
                assert visitor.recv(1) == b""
