"""Questions to the network: AT+QIDNSGIP, AT+QPING, AT+QNTP."""

from __future__ import annotations

import asyncio
import re
import struct

import pytest
from emulator_host import Lab, Turning, settle
from lte_module import ERROR, lab

from drivers.emulator import Behaviour, EmulatedModule

GET_ERROR = "\r\n+QIGETERROR: {}\r\n\r\nOK\r\n"


def dns(*texts: str) -> bytes:
    return "".join(f'\r\n+QIURC: "dnsgip",{text}\r\n' for text in texts).encode()


@pytest.mark.requirement("L10.1")
@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("two.example", ("0,2,600", '"192.0.2.1"', '"192.0.2.2"')),
        ("TWO.example", ("0,2,600", '"192.0.2.1"', '"192.0.2.2"')),
        ("192.0.2.77", ("0,1,600", '"192.0.2.77"')),
        ("nowhere.example", ("565",)),
    ],
)
async def test_a_name_and_its_addresses_with_their_count_first(name: str, lines: tuple[str, ...]) -> None:
    async with Lab(EmulatedModule(model="bg96", hosts={"two.example": "192.0.2.1,192.0.2.2"})) as one:
        await one.plain.ask("AT+QIACT=1")
        await one.plain.ask(f'AT+QIDNSGIP=1,"{name}"')
        await one.plain.expect(dns(*lines))
        await one.plain.quiet()


@pytest.mark.requirement("L10.1")
async def test_a_silent_network_finds_no_name_and_one_question_is_asked_at_once() -> None:
    clock = Turning()
    async with lab("dnsgip_failure=fields", clock=clock) as one:
        one.module.trigger("silence")
        await one.plain.ask('AT+QIDNSGIP=1,"localhost"')
        await one.plain.ask('AT+QIDNSGIP=1,"localhost"', ERROR)
        await one.plain.ask("AT+QIGETERROR", GET_ERROR.format("564,DNS busy"))
        await clock.turn(59)
        await one.plain.quiet()
        await clock.turn(1.1)
        await one.plain.expect(dns("565,0,0"))
        one.module.trigger("sound")
        await one.plain.ask('AT+QIDNSGIP=1,"localhost"')
        await one.plain.expect(dns("0,1,600", '"127.0.0.1"'))


@pytest.mark.requirement("L10.3")
async def test_qping_tells_each_reply_and_a_summary() -> None:
    async with lab() as one:
        await one.plain.ask('AT+QPING=1,"localhost",1,3')
        for _ in range(3):
            line = (await one.plain.until(b"\r\n") + await one.plain.until(b"\r\n")).decode()
            assert re.fullmatch(r'\r\n\+QPING: 0,"127\.0\.0\.1",32,\d+,255\r\n', line), line
        line = (await one.plain.until(b"\r\n") + await one.plain.until(b"\r\n")).decode()
        assert re.fullmatch(r"\r\n\+QPING: 0,3,3,0,\d+,\d+,\d+\r\n", line), line


@pytest.mark.requirement("L10.3")
async def test_qping_without_replies_and_of_a_name_that_there_is_not() -> None:
    clock = Turning()
    async with lab(clock=clock) as one:
        await one.plain.ask('AT+QPING=1,"nowhere.example"', "\r\nOK\r\n\r\n+QPING: 565\r\n")
        one.module.trigger("silence")
        await one.plain.ask('AT+QPING=1,"127.0.0.1"')
        await one.plain.ask('AT+QPING=1,"127.0.0.1"', ERROR)
        await one.plain.ask("AT+QIGETERROR", GET_ERROR.format("568,operation busy"))
        for _ in range(4):
            await clock.turn(4)
            await one.plain.expect(b"\r\n+QPING: 569\r\n")
        await one.plain.expect(b"\r\n+QPING: 0,4,0,4,0,0,0\r\n")


@pytest.mark.requirement("L2.6", "L10.3")
@pytest.mark.parametrize(
    "command",
    [
        *('AT+QIDNSGIP=1,""', "AT+QIDNSGIP=1", 'AT+QIDNSGIP=1,"localhost",1', 'AT+QPING=1,"localhost",0', "AT+QPING=1"),
        *('AT+QPING=1,"localhost",256', 'AT+QPING=1,"localhost",1,0', 'AT+QPING=1,"localhost",1,11'),
        *('AT+QPING=1,"localhost",1,1,1', "AT+QNTP=1", 'AT+QNTP=1,"localhost",0', 'AT+QNTP=1,"localhost",1,2'),
    ],
)
async def test_wrong_values_of_questions(command: str) -> None:
    async with lab() as one:
        await one.plain.ask(command, ERROR)
        await one.plain.ask("AT+QIGETERROR", GET_ERROR.format("552,invalid parameters"))


class TimeServer(asyncio.DatagramProtocol):
    answer = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        if self.answer:
            reply = bytes([0x24, 1]) + bytes(38) + struct.pack("!II", 3_944_678_400, 0)
            self.transport.sendto(reply, addr)  # type: ignore[attr-defined]


@pytest.mark.requirement("L10.3")
@pytest.mark.parametrize(("more", "taken"), [("", True), (",1", True), (",0", False)])
async def test_qntp_tells_the_time_of_a_server_and_sets_the_clock_unless_told_not_to(more: str, taken: bool) -> None:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(TimeServer, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    async with lab() as one:
        await one.plain.ask(f'AT+QNTP=1,"127.0.0.1",{port}{more}')
        await one.plain.expect(b'\r\n+QNTP: 0,"2025/01/01,00:00:00+00"\r\n')
        modem = one.module._modem
        assert modem is not None
        assert modem.wall_clock.text().startswith("25/01/01,00:00:0") == taken
        await one.plain.ask("AT+QNTP?")
    transport.close()


@pytest.mark.requirement("L10.3")
async def test_qntp_of_a_server_that_does_not_answer_shows_it_while_it_runs() -> None:
    clock = Turning()
    async with lab(clock=clock) as one:
        await one.plain.ask('AT+QNTP=1,"nowhere.example"', "\r\nOK\r\n\r\n+QNTP: 565\r\n")
        one.module.trigger("silence")
        await one.plain.ask('AT+QNTP=1,"127.0.0.1"')
        await one.plain.ask("AT+QNTP?", '\r\n+QNTP: "127.0.0.1",123\r\n\r\nOK\r\n')
        await one.plain.ask('AT+QNTP=1,"127.0.0.1"', ERROR)
        await clock.turn(125.1)
        await one.plain.expect(b"\r\n+QNTP: 569\r\n")
        await one.plain.ask("AT+QNTP?")
        await settle()


async def test_behind_ok_answers_come_apart_where_that_is_wanted() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(model="bg96", clock=clock, behaviour=Behaviour(result_time=0.05))) as one:
        await one.plain.ask("AT+QIACT=1")
        for command, line in (
            ('AT+QIDNSGIP=1,"nowhere.example"', dns("565")),
            ('AT+QPING=1,"nowhere.example"', b"\r\n+QPING: 565\r\n"),
            ('AT+QNTP=1,"nowhere.example"', b"\r\n+QNTP: 565\r\n"),
            ('AT+QIOPEN=1,0,"TCP","nowhere.example",7', b"\r\n+QIOPEN: 0,565\r\n"),
            ('AT+QIOPEN=1,0,"TCP","nowhere.example",7', b"\r\n+QIOPEN: 0,563\r\n"),
        ):
            await one.plain.ask(command)
            await one.plain.quiet()
            await clock.turn(0.05)
            await one.plain.expect(line)
