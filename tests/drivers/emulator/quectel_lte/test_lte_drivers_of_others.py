"""What drivers for BG96, EC21 and EC25 that nobody here wrote send and compare octet by octet."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from emulator_host import Lab, Terminal, settle
from emulator_peer import Peer, peer
from lte_module import bg96, datagrams, lab

from drivers.emulator import EmulatedModule

OK = "\r\nOK\r\n"


async def line(uart: Terminal, text: str, answer: str = OK) -> None:
    """Type a line that ends with CR LF after ATE0, as Arduino drivers do."""
    uart.write(f"{text}\r\n".encode())
    await uart.expect(answer.encode())


@contextlib.asynccontextmanager
async def module(model: str = "bg96") -> AsyncIterator[tuple[Lab, Terminal, Peer]]:
    """Run a module after ATE0, and a server."""
    async with Lab(bg96(model=model)) as one, peer() as far:
        await one.plain.ask("ATE0")
        yield one, one.plain, far


@pytest.mark.requirement("L1.3", "L2.9", "L5.4", "L6.2")
async def test_tinygsm() -> None:
    async with module() as (_, uart, far):
        await line(uart, "AT+CMEE=0")
        await line(uart, "AT+QIDEACT=1")
        await line(uart, 'AT+QICSGP=1,1,"apn","user","pwd"')
        await line(uart, "AT+QIACT=1")
        await line(uart, "AT+CGATT=1")
        await line(uart, f'AT+QIOPEN=1,0,"TCP","localhost",{far.port},0,0', OK + "\r\n+QIOPEN: 0,0\r\n")
        await far.arrived.wait()
        await line(uart, "AT+QISEND=0,16", "\r\n> ")
        uart.write(b"GET / HTTP/1.0\r\n")
        await uart.expect(b"\r\nSEND OK\r\n")
        await line(uart, "AT+QIRD=0,0", "\r\n+QIRD: 0,0,0\r\n" + OK)
        uart.write(b"AT+QISTATE=1,0\r\n")
        fields = (await uart.until(b"\r\n\r\nOK\r\n")).decode().strip().split("\r\n")[0].split(",")
        assert (fields[0], fields[5]) == ("+QISTATE: 0", "2")
        assert await far.reader.readexactly(16) == b"GET / HTTP/1.0\r\n"
        far.writer.write(b"HTTP/1.0 200 OK\r\n\r\n")
        far.writer.close()
        await uart.expect(b'\r\n+QIURC: "recv",0\r\n\r\n+QIURC: "closed",0\r\n')
        await line(uart, "AT+QIRD=0,0", "\r\n+QIRD: 19,0,19\r\n" + OK)
        await line(uart, "AT+QIRD=0,19", "\r\n+QIRD: 19\r\nHTTP/1.0 200 OK\r\n\r\n\r\n" + OK)
        await line(uart, "AT+QIRD=0,0", "\r\n+QIRD: 19,19,0\r\n" + OK)
        await line(uart, "AT+QICLOSE=0")
        await line(uart, "AT+QICLOSE=0")


@pytest.mark.requirement("L4.7", "L5.7", "L2.5")
async def test_hologram_python() -> None:
    async with module("ec25") as (_, uart, far):
        await uart.ask("AT+QIACT?", echo=False)
        await uart.ask('AT+QICSGP=1,1,"hologram","","",1', echo=False)
        await uart.ask("AT+QIACT=1", echo=False)
        uart.write(b"AT+QIACT?\r")
        assert (await uart.until(b"\r\n\r\nOK\r\n")).startswith(b"\r\n+QIACT: 1,1,1,")
        await uart.ask(f'AT+QIOPEN=1,0,"TCP","127.0.0.1",{far.port},0,1', OK + "\r\n+QIOPEN: 0,0\r\n", echo=False)
        await far.arrived.wait()
        text = b"a" * 255  # 510 characters
        await uart.ask(f'AT+QISENDEX=0,"{text.hex()}"', "\r\nSEND OK\r\n", echo=False)
        assert await far.reader.readexactly(255) == text
        far.writer.write(b"[0,0]")
        await uart.expect(b'\r\n+QIURC: "recv",0,5\r\n[0,0]')
        far.writer.close()
        await uart.expect(b'\r\n+QIURC: "closed",0\r\n')
        await uart.ask("AT+QICLOSE=0", echo=False)


@pytest.mark.requirement("L5.2", "L4.6")
async def test_esp_modem() -> None:
    async with module() as (_, uart, far):
        await uart.ask("AT+QISTATE?", echo=False)
        await uart.ask("AT+QIACT=1", echo=False)
        await uart.ask(f'AT+QIOPEN=1,0,"TCP","127.0.0.1",{far.port}', OK + "\r\n+QIOPEN: 0,0\r\n", echo=False)
        await far.arrived.wait()
        await uart.ask("AT+QISEND=0,2", "\r\n> ", echo=False)
        uart.write(b"\x10\x00")
        await uart.expect(b"\r\nSEND OK\r\n")
        assert await far.reader.readexactly(2) == b"\x10\x00"
        await uart.ask("AT+QISEND=0,0", "\r\n+QISEND: 2,2,0\r\n\r\nOK\r\n", echo=False)
        far.writer.write(b" \x02\x00\x00")
        await uart.expect(b'\r\n+QIURC: "recv",0\r\n')
        uart.write(b"AT+QIRD=0,512\r")
        await uart.expect(b"\r\n+QIRD: 4\r\n \x02\x00\x00")
        tail = await uart.until(b"OK\r\n")
        assert tail.index(b"O") < 6
        assert tail[tail.index(b"O") + 1 :] == b"K\r\n"
        await uart.ask("AT+QIRD=0,512", "\r\n+QIRD: 0\r\n\r\nOK\r\n", echo=False)


@pytest.mark.requirement("L4.9", "L5.1", "L5.3")
async def test_zephyr_bg9x() -> None:
    async with module() as (_, uart, far):
        await uart.ask('AT+QICSGP=1,1,"internet","","",3;+QIACT=1', echo=False)
        await uart.ask(f'AT+QIOPEN=1,2,"TCP","127.0.0.1",{far.port},0,0', OK + "\r\n+QIOPEN: 2,0\r\n", echo=False)
        await far.arrived.wait()
        for data in (b"first", b"second"):
            await uart.ask(f"AT+QISEND=2,{len(data)}", "\r\n> ", echo=False)
            uart.write(data + b"\x1a")
            await uart.expect(b"\r\nSEND OK\r\n")
            assert await far.reader.readexactly(len(data)) == data
        far.writer.write(b"reply")
        await uart.expect(b'\r\n+QIURC: "recv",2\r\n')
        await uart.ask("AT+QIRD=2,1500", "\r\n+QIRD: 5\r\nreply\r\n\r\nOK\r\n", echo=False)
        await uart.ask("AT+QIRD=2,1500", "\r\n+QIRD: 0\r\n\r\nOK\r\n", echo=False)


@pytest.mark.requirement("L4.8", "L5.6", "L10.1")
async def test_mbed_os() -> None:
    async with Lab(EmulatedModule(model="bg96", hosts={"echo.example": "127.0.0.1"})) as one:
        uart = one.plain
        await uart.ask("ATE0")
        await uart.ask("AT+CMEE=1", echo=False)
        for number in range(12):
            await uart.ask(f"AT+QSSLCLOSE={number}", "\r\nERROR\r\n", echo=False)
        await uart.ask("AT+QIACT=1", echo=False)
        await uart.ask('AT+QIDNSGIP=1,"echo.example"', echo=False)
        await uart.expect(b'\r\n+QIURC: "dnsgip",0,1,600\r\n\r\n+QIURC: "dnsgip","127.0.0.1"\r\n')
        await uart.ask('AT+QIOPEN=1,0,"UDP SERVICE","127.0.0.1",0,49160,0', OK + "\r\n+QIOPEN: 0,0\r\n", echo=False)
        with datagrams() as far:
            host, port = far.getsockname()
            await uart.ask("AT+QISEND=0,0", "\r\n+QISEND: 0,0,0\r\n\r\nOK\r\n", echo=False)
            await uart.ask(f'AT+QISEND=0,4,"{host}",{port}', "\r\n> ", echo=False)
            uart.write(b"ping")
            await uart.expect(b"\r\nSEND OK\r\n")
            await uart.ask("AT+QISEND=0,0", "\r\n+QISEND: 4,4,0\r\n\r\nOK\r\n", echo=False)
            await settle()
            data, module_ = far.recvfrom(100)
            far.sendto(data.upper(), module_)
            await uart.expect(b'\r\n+QIURC: "recv",0\r\n')
            await uart.ask("AT+QIRD=0", f'\r\n+QIRD: 4,"{host}",{port}\r\nPING\r\n\r\nOK\r\n', echo=False)
        await uart.ask("AT+QICLOSE=0", echo=False)


@pytest.mark.requirement("L4.8")
async def test_mbed_os_gives_an_address_to_a_udp_socket_that_has_a_peer_too() -> None:
    async with lab() as one:
        with datagrams() as far:
            host, port = far.getsockname()
            await one.plain.ask(f'AT+QIOPEN=1,2,"UDP","{host}",{port}', OK + "\r\n+QIOPEN: 2,0\r\n")
            await one.plain.ask(f'AT+QISEND=2,4,"{host}",x', "\r\nERROR\r\n")
            await one.plain.ask(f'AT+QISEND=2,4,"{host}",{port}', "\r\n> ")
            one.plain.write(b"ping")
            await one.plain.expect(b"ping\r\nSEND OK\r\n")
            await settle()
            assert far.recvfrom(100)[0] == b"ping"


@pytest.mark.requirement("L2.9", "L5.7", "L6.3")
async def test_rt_thread_at_device() -> None:
    async with module("ec25") as (_, uart, far):
        await uart.ask("AT+QIDEACT=1", echo=False)
        await uart.ask('AT+QICSGP=1,1,"CMNET","","",0', echo=False)
        await uart.ask("AT+QIACT=1", echo=False)
        uart.write(b"AT+QIDNSCFG=1\r")
        assert b'\r\n+QIDNSCFG: 1,"' in await uart.until(b"\r\n\r\nOK\r\n")
        await uart.ask(f'AT+QIOPEN=1,3,"TCP","127.0.0.1",{far.port},0,1', OK + "\r\n+QIOPEN: 3,0\r\n", echo=False)
        await far.arrived.wait()
        await uart.ask("AT+QISEND=3,1460", "\r\n> ", echo=False)
        uart.write(b"z" * 1460)
        await uart.expect(b"\r\nSEND OK\r\n")
        assert await far.reader.readexactly(1460) == b"z" * 1460
        await uart.ask("AT+QISEND=3,0", "\r\n+QISEND: 1460,1460,0\r\n\r\nOK\r\n", echo=False)
        far.writer.write(b"\r\nOK\r\n")
        await uart.expect(b'\r\n+QIURC: "recv",3,6\r\n\r\nOK\r\n')
        await uart.ask("AT+QICLOSE=3,0", echo=False)
        await uart.quiet()
        await asyncio.sleep(0)
