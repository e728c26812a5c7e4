"""Chapter 8 of the app note, octet by octet, on the module's virtual UARTs."""

from __future__ import annotations

import pytest
from emulator_host import Lab

from drivers.emulator import EmulatedModule


async def _two_sides(lab: Lab) -> tuple[str, str]:
    """Do 8.2 on VIRTUAL_UART_1 and 2; returns both addresses."""
    await lab.multiplex()
    one, two = await lab.open(1), await lab.open(2)
    await one.ask("AT+QIFGCNT=0")
    await one.ask('AT+QICSGP=1,"CMNET"')
    await one.ask("AT+QIMUX=0")
    await one.ask("AT+QIMODE=0")
    await one.ask("AT+QIDNSIP=0")
    await one.ask("AT+QISERVER", "\r\nOK\r\n\r\nSERVER OK\r\n")
    one.write(b"AT+QILOCIP\r")
    await one.expect(b"AT+QILOCIP\r\r\n")
    server = (await one.until(b"\r\n"))[:-2].decode()
    await two.ask("AT+QIFGCNT=1")
    await two.ask('AT+QICSGP=1,"CMNET"')
    await two.ask("AT+QIMUX=0")
    await two.ask("AT+QIMODE=0")
    await two.ask(f'AT+QIOPEN="TCP", "{server}",2020', "\r\nOK\r\n\r\nCONNECT OK\r\n")
    await one.expect(b"\r\nREMOTE IP: ")
    client = (await one.until(b"\r\n"))[:-2].decode()
    return server, client


@pytest.mark.requirement("S8.1", "S8.4", "S8.6", "S8.9", "S8.10", "S8.11")
async def test_chapter_8_from_the_first_command_to_the_last() -> None:
    async with Lab(EmulatedModule()) as lab:
        server, client = await _two_sides(lab)
        one, two = lab._terminals[1], lab._terminals[2]
        assert server.startswith("127.")
        await two.ask("AT+QILOCIP", f"\r\n{client}\r\n")

        await one.ask("AT+QISRVC=2")
        await one.ask("AT+QISEND", "\r\n> ")
        one.write(b"Hello, welcome to use Quectel's module\x1a")
        await one.expect(b"Hello, welcome to use Quectel's module\r\nSEND OK\r\n")
        await two.expect(b"Hello, welcome to use Quectel's module")

        await two.ask("AT+QISRVC=1")
        await two.ask("AT+QISEND=26", "\r\n> ")
        two.write(b"Quectel's module is great!")
        await two.expect(b"Quectel's module is great!\r\nSEND OK\r\n")
        await one.expect(b"Quectel's module is great!")

        await one.ask("AT+QISRVC?", "\r\n+QISRVC: 2\r\n\r\nOK\r\n")
        await one.ask("AT+QICLOSE", "\r\nCLOSE OK\r\n")
        await two.expect(b"\r\nCLOSED\r\n")
        await one.ask("AT+QIDEACT", "\r\nDEACT OK\r\n")
        await two.ask("AT+QIDEACT", "\r\nDEACT OK\r\n")
        await one.quiet()
        await two.quiet()


@pytest.mark.requirement("S8.2", "S8.8")
async def test_a_context_in_use_is_refused_to_another_uart_until_it_is_ip_initial_again() -> None:
    async with Lab(EmulatedModule()) as lab:
        await _two_sides(lab)
        one, two, three = lab._terminals[1], lab._terminals[2], await lab.open(3)
        await three.ask("AT+QIFGCNT=0", "\r\nERROR\r\n")
        await three.ask("AT+QIFGCNT=1", "\r\nERROR\r\n")
        await one.ask("AT+QIDEACT", "\r\nDEACT OK\r\n")
        await two.expect(b"\r\nCLOSED\r\n")
        await three.ask("AT+QIFGCNT=0")
        await three.ask("AT+QIFGCNT=1", "\r\nERROR\r\n")
        await three.ask("AT+QIFGCNT?", "\r\n+QIFGCNT: 0,2\r\n\r\nOK\r\n")


@pytest.mark.requirement("S8.16", "S8.17", "S8.18")
async def test_deactivating_the_server_side_closes_the_client_side() -> None:
    async with Lab(EmulatedModule()) as lab:
        await _two_sides(lab)
        one, two = lab._terminals[1], lab._terminals[2]
        await one.ask("AT+QIDEACT", "\r\nDEACT OK\r\n")
        await two.expect(b"\r\nCLOSED\r\n")
        await two.ask("AT+QISTAT", "\r\nOK\r\n\r\nSTATE: IP CLOSE\r\n")
        await two.ask("AT+QIDEACT", "\r\nDEACT OK\r\n")
        await one.quiet()


@pytest.mark.requirement("S1.2", "S1.4", "S2.7", "S8.3", "S7.8", "S7.13")
@pytest.mark.parametrize("multiplexed", [False, True])
async def test_both_contexts_on_one_uart_with_settings_of_their_own(multiplexed: bool) -> None:
    async with Lab(EmulatedModule()) as lab:
        if multiplexed:
            await lab.multiplex()
            uart = await lab.open(1)
        else:
            uart = lab.plain
        await uart.ask("AT+QIFGCNT=1")
        await uart.ask("AT+QIMUX=1")
        await uart.ask("AT+QISERVER=0,3", "\r\nOK\r\n\r\nSERVER OK\r\n")
        uart.write(b"AT+QILOCIP\r")
        await uart.expect(b"AT+QILOCIP\r\r\n")
        server = (await uart.until(b"\r\n"))[:-2].decode()
        await uart.ask("AT+QIFGCNT=0")
        await uart.ask("AT+QIMUX?", "\r\n+QIMUX: 0\r\n\r\nOK\r\n")
        uart.write(f'AT+QIOPEN="TCP","{server}",2020\r'.encode())
        said = await uart.until(b"\r\nOK\r\n")
        assert said.startswith(b"AT+QIOPEN")
        both = await uart.until(b"REMOTE IP: ") + await uart.until(b"\r\n")
        client = both[both.rindex(b" ") + 1 : -2].decode()
        if b"CONNECT OK" not in both:
            await uart.expect(b"\r\nCONNECT OK\r\n")
        await uart.ask("AT+QISEND=3", "\r\n> ")
        uart.write(b"abc")
        await uart.expect(b"abc\r\nSEND OK\r\n\r\n+RECEIVE: 0, 3\r\nabc")
        await uart.ask("AT+QIFGCNT=1")
        await uart.ask("AT+QISRVC=2")
        await uart.ask("AT+QISEND=0,2", "\r\n> ")
        uart.write(b"xy")
        await uart.expect(b"xy\r\nSEND OK\r\nxy")
        await uart.ask("AT+QILOCIP", f"\r\n{server}\r\n")
        await uart.ask("AT+QIFGCNT=0")
        await uart.ask("AT+QILOCIP", f"\r\n{client}\r\n")
        assert client != server
