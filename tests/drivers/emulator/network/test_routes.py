"""Names and routes: programs with the address of their server built in reach one on this computer."""

from __future__ import annotations

import asyncio

import pytest
from emulator_host import Lab, settle
from emulator_peer import peer

from drivers.emulator import EmulatedModule

CONNECTED = "\r\nOK\r\n\r\nCONNECT OK\r\n"


async def test_a_route_leads_elsewhere_and_the_program_sees_the_address_that_it_dialled() -> None:
    async with peer() as one:
        routes = {"124.79.167.121:7007": f"127.0.0.1:{one.port}"}
        async with Lab(EmulatedModule(routes=routes)) as lab:
            await lab.plain.ask("AT+QISHOWRA=1")
            await lab.plain.ask('AT+QIOPEN="TCP","124.79.167.121",7007', CONNECTED)
            await one.arrived.wait()
            one.writer.write(b"x")
            await lab.plain.expect(b"\r\nRECV FROM:124.79.167.121:7007\r\nx")
            await lab.plain.ask("AT+QICLOSE", "\r\nCLOSE OK\r\n")
            await lab.plain.ask('AT+QIOPEN="TCP","124.79.167.121",7008', "\r\nOK\r\n\r\nCONNECT FAIL\r\n")


async def test_a_route_of_an_address_keeps_the_port_and_holds_for_udp() -> None:
    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
            self.transport.sendto(data, addr)  # type: ignore[attr-defined]

    echo, _ = await asyncio.get_running_loop().create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    port = echo.get_extra_info("sockname")[1]
    module = EmulatedModule(routes={"192.0.2.9": "127.0.0.1"}, hosts={"far.example": "192.0.2.9"})
    async with Lab(module) as lab:
        await lab.plain.ask("AT+QIDNSIP=1;+QISHOWRA=1")
        await lab.plain.ask(f'AT+QIOPEN="UDP","far.example",{port}', CONNECTED)
        await lab.plain.ask("AT+QISEND=2", "\r\n> ")
        lab.plain.write(b"hi")
        await lab.plain.expect(f"hi\r\nSEND OK\r\n\r\nRECV FROM:192.0.2.9:{port}\r\nhi".encode())
        await settle()
    echo.close()


async def test_a_route_to_the_outside_does_not_open_it() -> None:
    async with Lab(EmulatedModule(routes={"127.0.0.1:9": "192.0.2.1:9"})) as lab:
        await lab.plain.ask('AT+QIOPEN="TCP","127.0.0.1",9', "\r\nOK\r\n\r\nCONNECT FAIL\r\n")


@pytest.mark.parametrize("text", ["far.example:80", "127.0.0.1:0", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x"])
def test_a_mistake_in_a_route_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="ADDRESS"):
        EmulatedModule(routes={"1.2.3.4": text})
    with pytest.raises(ValueError, match="ADDRESS"):
        EmulatedModule(routes={text: "127.0.0.1"})


def test_a_mistake_in_a_host_is_told() -> None:
    with pytest.raises(ValueError, match="is not an IPv4 address"):
        EmulatedModule(hosts={"a": "127.0.0.1,b"})
