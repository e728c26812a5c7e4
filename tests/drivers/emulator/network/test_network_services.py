"""AT+QPING, AT+QNTP, AT+QISCON, AT+QIKALIVE and the module's clock."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import AsyncIterator

import pytest
from emulator_host import Lab, Turning, settle

from drivers.emulator import EmulatedModule, Network
from drivers.emulator.network import icmp

DEACT = "\r\nDEACT OK\r\n"


@pytest.mark.parametrize("allowed", [True, False], ids=["with the system's echo", "without"])
async def test_qping_activates_tells_each_reply_and_a_summary(allowed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not allowed:

        async def refuse(*_: object) -> int:
            raise PermissionError

        monkeypatch.setattr(icmp, "_echo", refuse)
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask('AT+QPING="127.0.0.1",1,3')
        for _ in range(3):
            line = (await lab.plain.until(b"\r\n") + await lab.plain.until(b"\r\n")).decode()
            assert re.fullmatch(r"\r\n\+QPING: 0,127\.0\.0\.1,32,\d+,\d+\r\n", line), line
        line = (await lab.plain.until(b"\r\n") + await lab.plain.until(b"\r\n")).decode()
        assert re.fullmatch(r"\r\n\+QPING: 2,3,3,0,\d+,\d+,\d+\r\n", line), line
        await lab.plain.ask("AT+QISTAT", "\r\nOK\r\n\r\nSTATE: IP GPRSACT\r\n")  # T27


async def test_qping_in_a_silent_network_times_out_and_only_one_runs_at_once() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab:
        await lab.plain.ask("AT+QIREGAPP;+QIACT")
        lab.module.set_network(Network(silent=True))
        await lab.plain.ask('AT+QPING="127.0.0.1",2,2')
        await lab.plain.ask('AT+QPING="127.0.0.1"', "\r\nOK\r\n\r\n+QPING: 3\r\n")
        await clock.turn(2)
        await lab.plain.expect(b"\r\n+QPING: 1\r\n")
        await clock.turn(2)
        await lab.plain.expect(b"\r\n+QPING: 1\r\n\r\n+QPING: 2,2,0,2,0,0,0\r\n")


@pytest.mark.parametrize(
    ("network", "host", "answer"),
    [
        (Network(accepts=False), "127.0.0.1", "+QPING: 5"),
        (Network(), "nowhere.example", "+QPING: 4"),
    ],
)
async def test_qping_says_why_it_cannot(network: Network, host: str, answer: str) -> None:
    async with Lab(EmulatedModule()) as lab:
        lab.module.set_network(network)
        await lab.plain.ask(f'AT+QPING="{host}"', f"\r\nOK\r\n\r\n{answer}\r\n")


@pytest.mark.parametrize("values", ['""', '"a",0', '"a",256', '"a",1,11', '"a",1,4,5', '"a",,0'])
async def test_qping_refuses_values_out_of_range(values: str) -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask(f"AT+QPING={values}", "\r\nERROR\r\n")
        await lab.plain.ask("AT+QIREGAPP")
        await lab.plain.ask('AT+QPING="127.0.0.1"', "\r\nERROR\r\n")  # IP START


class TimeServer(asyncio.DatagramProtocol):
    """Says that it is 2009-11-20 12:34:56.5 UTC."""

    def __init__(self, answer: bytes | None = None) -> None:
        self.answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        assert len(data) == 48
        assert data[0] & 7 == 3
        answer = bytes([0x1C]) + bytes(39) + struct.pack("!II", 3467709296, 1 << 31)
        self.transport.sendto(self.answer if self.answer is not None else answer, addr)  # type: ignore[attr-defined]


@contextlib.asynccontextmanager
async def time_server(answer: bytes | None = None) -> AsyncIterator[int]:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: TimeServer(answer), local_addr=("127.0.0.1", 0)
    )
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


@pytest.mark.parametrize("zone", ["+49", "-48", "+80", "+99", "-99"])
async def test_cclk_refuses_a_zone_that_is_out_of_range(zone: str) -> None:
    """27.007 §8.15: -47 to +48 quarters of an hour."""
    async with Lab(EmulatedModule(clock=Turning())) as lab:
        await lab.plain.ask(f'AT+CCLK="24/01/01,00:00:00{zone}"', "\r\nERROR\r\n")
        await lab.plain.ask("AT+CCLK?", '\r\n+CCLK: "04/01/01,00:00:00+00"\r\n\r\nOK\r\n')
        assert lab.module.receive_sms("a") == 1


async def test_qntp_asks_a_real_server_activates_and_sets_the_clock() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab, time_server() as port:
        await lab.plain.ask("AT+CCLK?", '\r\n+CCLK: "04/01/01,00:00:00+00"\r\n\r\nOK\r\n')
        await lab.plain.ask(f'AT+QNTP="127.0.0.1",{port}', "\r\nOK\r\n\r\n+QNTP: 0\r\n")
        await lab.plain.ask("AT+QNTP?", f'\r\n+QNTP: "127.0.0.1",{port}\r\n\r\nOK\r\n')
        await lab.plain.ask("AT+CCLK?", '\r\n+CCLK: "09/11/20,12:34:56+00"\r\n\r\nOK\r\n')
        await clock.turn(65)
        await lab.plain.ask("AT+CCLK?", '\r\n+CCLK: "09/11/20,12:36:01+00"\r\n\r\nOK\r\n')
        await lab.plain.ask("AT+QISTAT", "\r\nOK\r\n\r\nSTATE: IP GPRSACT\r\n")  # T27
        await lab.plain.ask("AT+QNTP", "\r\nOK\r\n\r\n+QNTP: 0\r\n")


async def test_qntp_says_why_it_has_no_time() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab:
        await lab.plain.ask("AT+QNTP", "\r\nOK\r\n\r\n+QNTP: 3\r\n")  # not on the loopback
        await lab.plain.ask('AT+QNTP="nowhere.example"', "\r\nOK\r\n\r\n+QNTP: 4\r\n")
        async with time_server(b"no time") as port:
            await lab.plain.ask(f'AT+QNTP="127.0.0.1",{port}', "\r\nOK\r\n\r\n+QNTP: 1\r\n")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
            deaf.bind(("127.0.0.1", 0))
            await lab.plain.ask(f'AT+QNTP="127.0.0.1",{deaf.getsockname()[1]}')
            await lab.plain.ask(f'AT+QNTP="127.0.0.1",{deaf.getsockname()[1]}', "\r\nERROR\r\n")
            await clock.turn(121)
            await lab.plain.expect(b"\r\n+QNTP: 2\r\n")
        await lab.plain.ask("AT+QIDEACT", DEACT)
        lab.module.set_network(Network(accepts=False))
        await lab.plain.ask("AT+QNTP", "\r\nOK\r\n\r\n+QNTP: 5\r\n")
        for values in ('""', '"a",0', '"a",123,4'):
            await lab.plain.ask(f"AT+QNTP={values}", "\r\nERROR\r\n")


async def test_deactivation_ends_what_was_asked() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab:
        await lab.plain.ask("AT+QIREGAPP;+QIACT")
        lab.module.set_network(Network(silent=True))
        await lab.plain.ask('AT+QPING="127.0.0.1"')
        await lab.plain.ask("AT+QIDEACT", DEACT)
        await clock.turn(10)
        await lab.plain.quiet()


async def test_qiscon_tells_the_settings_and_keeps_what_it_saves_over_a_restart() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask('AT+QIFGCNT=1;+QIHEAD=1;+QISHOWRA=1;+QIMODE=1;+QICSGP=1,"WAP","u","p"')
        await lab.plain.ask("AT+QISCON")
        await lab.plain.ask("AT+QIPROMPT=2")
        wanted = (
            "\r\nSHOW APPTCPIP CONTEXT\r\n+QIDNSIP:0\r\n+QIPROMPT:{prompt}\r\n+QIHEAD:1\r\n+QISHOWRA:1\r\n+QICSGP:1\r\n"
            "Gprs Config APN:WAP\r\nGprs Config UserId:u\r\nGprs Config Password:p\r\n"
            "Gprs Config inactivityTimeout:0\r\nCSD Dial Number:\r\nCSD Config UserId:\r\nCSD Config Password:\r\n"
            "CSD Config rate:2\r\nApp Tcpip Mode:{mode}\r\n\r\nOK\r\n"
        )
        transparent = (
            "Mode:1\r\nIn Transparent Transfer Mode\r\nNumber of Retry:3\r\nWait Time:2\r\nSend Size:1024\r\nesc:1\r\n"
        )
        await lab.plain.ask("AT+QISCON?", wanted.format(prompt=2, mode=1).replace("Mode:1\r\n", transparent))
        await lab.plain.ask(
            "AT+CFUN=1,1", "\r\nOK\r\n\r\nRDY\r\n\r\n+CFUN: 1\r\n\r\n+CPIN: READY\r\n\r\nCall Ready\r\n"
        )
        await lab.plain.ask("AT+QIFGCNT=1")
        await lab.plain.ask("AT+QISCON?", wanted.format(prompt=1, mode=0))
        await lab.plain.ask("AT+QIFGCNT=0")
        await lab.plain.ask("AT+QIHEAD?", "\r\n+QIHEAD: 0\r\n\r\nOK\r\n")  # the other context was not saved


async def test_qikalive_lets_the_system_look_after_the_connection() -> None:
    async with Lab(EmulatedModule()) as lab:
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await lab.plain.ask("AT+QIKALIVE?", "\r\n+QIKALIVE: 1,60,10\r\n\r\nOK\r\n")
        await lab.plain.ask("AT+QIKALIVE=0,120,15")
        await lab.plain.ask("AT+QIKALIVE?", "\r\n+QIKALIVE: 0,120,15\r\n\r\nOK\r\n")
        for values in ("2", "0,59,10", "0,60,9", "0,60", "0,60,10,1"):
            await lab.plain.ask(f"AT+QIKALIVE={values}", "\r\nERROR\r\n")
        with socket.create_server(("127.0.0.1", port)) as listener:
            await lab.plain.ask(f'AT+QIOPEN="TCP","127.0.0.1",{port}', "\r\nOK\r\n\r\nCONNECT OK\r\n")
            await settle()
            modem = lab.module._modem
            assert modem is not None
            transport = next(iter(modem.environment.transports))
            assert transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            listener.close()


@pytest.mark.parametrize("text", ["09/11/20", "09/13/20,00:00:00+00", "09/11/20,00:00:00+0", "x"])
async def test_cclk_refuses_what_is_no_time(text: str) -> None:
    async with Lab(EmulatedModule(clock=Turning())) as lab:
        await lab.plain.ask('AT+CCLK="08/02/29,23:59:59+32"')
        await lab.plain.ask(f'AT+CCLK="{text}"', "\r\nERROR\r\n")
        await lab.plain.ask("AT+CCLK?", '\r\n+CCLK: "08/02/29,23:59:59+32"\r\n\r\nOK\r\n')
