"""Figures 1 to 3 of the app note, octet by octet: the address and the port are the peer's, the rest is as printed."""

from __future__ import annotations

import pytest
from emulator_host import Lab
from emulator_peer import peer

from drivers.emulator import Behaviour, EmulatedModule

WELCOME = "Welcome to use Quectel's module!"
GREAT = b"Quectel's module is great!"


@pytest.mark.requirement("S3.56", "S3.57", "S3.34", "S3.46")
async def test_figure_1() -> None:
    async with Lab(EmulatedModule(behaviour=Behaviour.parse(["ati_blank_line=on"]))) as lab, peer() as one:
        uart = lab.plain
        await uart.ask("ATI", "\r\nQuectel_Ltd\r\n\r\nQuectel_M10\r\nRevision:M10R04A02M32_SST\r\n\r\nOK\r\n")
        await uart.ask("AT+QIFGCNT=0")
        await uart.ask('AT+QICSGP=1,"CMNET"')
        await uart.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', "\r\nOK\r\n\r\nCONNECT OK\r\n")
        await one.arrived.wait()
        await uart.ask("AT+QISEND", "\r\n> ")
        uart.write(WELCOME.encode() + b"\x1a")
        await uart.expect(WELCOME.encode() + b"\r\nSEND OK\r\n")
        assert await one.reader.readexactly(len(WELCOME)) == WELCOME.encode()
        await uart.ask("AT+QISHOWRA=1")
        one.writer.write(GREAT)
        await uart.expect(f"\r\nRECV FROM:127.0.0.1:{one.port}\r\n".encode() + GREAT)
        await uart.ask("AT+QICLOSE", "\r\nCLOSE OK\r\n")
        await uart.ask("AT+QIDEACT", "\r\nDEACT OK\r\n")
        await uart.quiet()


@pytest.mark.requirement("S4.17", "S4.18")
async def test_figure_2() -> None:
    behaviour = Behaviour.parse(["recv_from=RCV FROM", "address_line=on"])
    async with Lab(EmulatedModule(behaviour=behaviour)) as lab, peer() as a, peer() as b, peer() as c:
        uart, peers = lab.plain, [a, b, c]
        await uart.ask("AT+QIFGCNT=0")
        await uart.ask("AT+QIMUX=1")
        for index, one in enumerate(peers):
            opening = f'AT+QIOPEN={index},"TCP","127.0.0.1",{one.port}'
            await uart.ask(opening, f"\r\nOK\r\n\r\n{index}, CONNECT OK\r\n")
            await one.arrived.wait()
        for index in range(3):
            await uart.ask(f"AT+QISEND={index}", "\r\n> ")
            uart.write(WELCOME.encode() + b"\x1a")
            await uart.expect(WELCOME.encode() + b"\r\nSEND OK\r\n")
        for index, one in enumerate(peers):
            one.writer.write(GREAT)
            await uart.expect(f"\r\n+RECEIVE: {index}, 26\r\nRCV FROM:127.0.0.1:{one.port}\r\n".encode() + GREAT)
        for index in range(3):
            await uart.ask(f"AT+QICLOSE={index}", f"\r\n{index}, CLOSE OK\r\n")
        await uart.ask("AT+QIDEACT", "\r\nDEACT OK\r\n")
        await uart.quiet()


@pytest.mark.requirement("S9.3", "S9.4")
async def test_figure_3() -> None:
    behaviour = Behaviour.parse(["recv_from=RCV FROM", "address_line=on"])
    module = EmulatedModule(behaviour=behaviour, hosts={"quectel.3322.org": "127.0.0.1"})
    async with Lab(module) as lab, peer() as one:
        uart = lab.plain
        await uart.ask("ATI", "\r\nQuectel_Ltd\r\nQuectel_M10\r\nRevision:M10R04A02M32_SST\r\n\r\nOK\r\n")
        await uart.ask("AT+QIFGCNT=0")
        await uart.ask('AT+QICSGP=1,"CMNET"')
        await uart.ask("AT+QIDNSIP=1")
        opening = f'AT+QIOPEN="TCP","quectel.3322.org",{one.port}'
        await uart.ask(opening, "\r\nOK\r\n\r\nCONNECT OK\r\n")
        await one.arrived.wait()
        await uart.ask("AT+QISEND", "\r\n> ")
        uart.write(WELCOME.encode() + b"\x1a")
        await uart.expect(WELCOME.encode() + b"\r\nSEND OK\r\n")
        one.writer.write(GREAT)
        await uart.expect(f"\r\nRCV FROM:127.0.0.1:{one.port}\r\n".encode() + GREAT)
        await uart.quiet()
