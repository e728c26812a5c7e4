"""AT+QICFG: what each model has of it."""

from __future__ import annotations

import socket

import pytest
from emulator_host import Lab, settle
from lte_module import ERROR, bg96, connected, lab, reply

from drivers.emulator.quectel_lte.commands import _TABLES

BG96 = (
    '+QICFG: "transpktsize",(1-1460)',
    '+QICFG: "transwaittm",(0-20)',
    '+QICFG: "dataformat",(0,1),(0,1)',
    '+QICFG: "viewmode",(0,1)',
    '+QICFG: "tcp/retranscfg",(3-20),(5-1000)',
)
EC25 = (
    *BG96,
    '+QICFG: "qisend/timeout",(0-3600)',
    '+QICFG: "passiveclosed",(0,1)',
    '+QICFG: "recvind",(0,1)',
    '+QICFG: "tcp/accept",(0,1)',
    '+QICFG: "tcp/keepalive",(0,1),(1-120),(25-100),(3-10)',
    '+QICFG: "udp/readmode",(0,1)',
    '+QICFG: "udp/sendmode",(0,1)',
    '+QICFG: "dns/cache",(0,1)',
    '+QICFG: "recv/buffersize",(10240-524288)',
    '+QICFG: "window/scale",(0,1)',
)


@pytest.mark.requirement("L1.1")
@pytest.mark.parametrize(("model", "lines"), [("bg96", BG96), ("ec25", EC25)])
async def test_the_settings_of_a_model_and_their_ranges(model: str, lines: tuple[str, ...]) -> None:
    async with Lab(bg96(model=model)) as one:
        await one.plain.ask("AT+QICFG=?", "\r\n" + "\r\n".join(lines) + "\r\n\r\nOK\r\n")


@pytest.mark.parametrize(
    ("name", "default", "set_to", "wrong"),
    [
        ("transpktsize", "1024", "1460", ("0", "1461", "", "1,1")),
        ("transwaittm", "2", "0", ("21", "x")),
        ("dataformat", "0,0", "1,0", ("1", "2,0", "0,2")),
        ("viewmode", "0", "1", ("2",)),
        ("tcp/retranscfg", "8,600", "3,1000", ("2,600", "8", "8,1001")),
    ],
)
async def test_settings_of_a_bg96(name: str, default: str, set_to: str, wrong: tuple[str, ...]) -> None:
    async with Lab(bg96()) as one:
        await one.plain.ask(f'AT+QICFG="{name}"', f'\r\n+QICFG: "{name}",{default}\r\n\r\nOK\r\n')
        await one.plain.ask(f'AT+QICFG="{name}",{set_to}')
        for values in wrong:
            await one.plain.ask(f'AT+QICFG="{name}",{values}', ERROR)
        await one.plain.ask(f'AT+QICFG="{name}"', f'\r\n+QICFG: "{name}",{set_to}\r\n\r\nOK\r\n')


async def test_a_bg96_has_fewer_settings_than_an_ec25() -> None:
    for model, answer in (("bg96", ERROR), ("ec25", '\r\n+QICFG: "recvind",0\r\n\r\nOK\r\n')):
        async with Lab(bg96(model=model)) as one:
            await one.plain.ask('AT+QICFG="recvind"', answer)
            await one.plain.ask('AT+QICFG="nonsense"', ERROR)


async def test_keep_alive_of_an_ec25_is_switched_with_its_times_or_without() -> None:
    async with Lab(bg96(model="ec25")) as one:
        uart, name = one.plain, "tcp/keepalive"
        await uart.ask(f'AT+QICFG="{name}"', f'\r\n+QICFG: "{name}",0,120,75,9\r\n\r\nOK\r\n')
        await uart.ask(f'AT+QICFG="{name}",1,2,30,5')
        await uart.ask(f'AT+QICFG="{name}"', f'\r\n+QICFG: "{name}",1,2,30,5\r\n\r\nOK\r\n')
        await uart.ask(f'AT+QICFG="{name}",0')
        await uart.ask(f'AT+QICFG="{name}"', f'\r\n+QICFG: "{name}",0,2,30,5\r\n\r\nOK\r\n')
        for values in ("1,0,30,5", "1,2,24,5", "1,2,30,11", "1,2,30,5,1"):
            await uart.ask(f'AT+QICFG="{name}",{values}', ERROR)


@pytest.mark.parametrize(("reading", "opened_before"), [("at_once", 1), ("later", 0)])
async def test_keep_alive_is_that_of_the_system_too(reading: str, opened_before: int) -> None:
    """It probes hosts that are really far away; what a silent network leaves unanswered the module notices itself."""
    async with lab(f"keepalive_applies={reading}", model="ec25") as one, connected(one.plain, 0):
        await one.plain.ask('AT+QICFG="tcp/keepalive",1,2,30,5')
        async with connected(one.plain, 1):
            modem = one.module._modem
            assert modem is not None
            sockets = [transport.get_extra_info("socket") for transport in modem.environment.transports]
            kept = [each.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) for each in sockets]
            assert sorted(kept) == [opened_before, 1]
            kept_alive = sockets[kept.index(1)]
            assert kept_alive.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 120
            assert kept_alive.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == 30
            assert kept_alive.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == 5


@pytest.mark.parametrize(("setting", "at_once"), [(1, True), (0, False)])
async def test_whether_a_connection_that_the_peer_has_closed_is_closed_by_itself(setting: int, at_once: bool) -> None:
    async with lab(model="ec25") as one:
        await one.plain.ask(f'AT+QICFG="passiveclosed",{setting}')
        async with connected(one.plain) as far:
            far.writer.write(b"end")
            far.writer.write_eof()
            await one.plain.expect(b'\r\n+QIURC: "recv",0\r\n\r\n+QIURC: "closed",0\r\n')
            await settle()
            assert far.reader.at_eof() == at_once
            await one.plain.ask("AT+QISEND=0,1", ERROR)
            await one.plain.ask("AT+QIRD=0", reply(b"end"))
            await one.plain.ask("AT+QICLOSE=0")
            assert await far.reader.read() == b""


async def test_each_command_has_its_test_form() -> None:
    forms = {
        "QICSGP": "+QICSGP: (1-16),(1-3),<APN>,<username>,<password>,(0-3)",
        "QIACT": "+QIACT: (1-16)",
        "QIDEACT": "+QIDEACT: (1-16)",
        "QIDNSCFG": "+QIDNSCFG: (1-16),<pridnsaddr>,<secdnsaddr>",
        "QIOPEN": '+QIOPEN: (1-16),(0-11),"TCP/UDP/TCP LISTENER/UDP SERVICE","<IP_address>/<domain_name>",'
        "<remote_port>,<local_port>,(0-2)",
        "QICLOSE": "+QICLOSE: (0-11),(0-65535)",
        "QISTATE": "",
        "QISWTMD": "+QISWTMD: (0-11),(0-2)",
        "QISEND": "+QISEND: (0-11),(0-1460)",
        "QISENDEX": "+QISENDEX: (0-11),<hex_string>",
        "QIRD": "+QIRD: (0-11),(0-1500)",
        "QISDE": "+QISDE: (0,1)",
        "QIGETERROR": "",
        "QIDNSGIP": "+QIDNSGIP: (1-16),<hostname>",
        "QPING": "+QPING: (1-16),<host>,(1-255),(1-10)",
        "QNTP": "+QNTP: (1-16),<server>,(1-65535),(0,1)",
    }
    names = {name for table in _TABLES for name in table.names()}
    assert names == {*forms, "CGPADDR", "QICFG"}
    async with Lab(bg96()) as one:
        for name, line in forms.items():
            await one.plain.ask(f"AT+{name}=?", (f"\r\n{line}\r\n" if line else "") + "\r\nOK\r\n")
