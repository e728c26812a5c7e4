"""AT+QINDI and AT+QIRD: data that waits until it is asked for."""

from __future__ import annotations

import asyncio

import pytest
from emulator_host import Lab, settle
from emulator_peer import CONNECTED, Peer, connect, peer

from drivers.emulator import Behaviour, EmulatedModule
from drivers.emulator.quectel_gsm.indications import Indications


async def give(one: Peer, data: bytes) -> None:
    one.writer.write(data)
    await settle()


def read(port: int, data: str) -> str:
    return f"\r\n+QIRD: 127.0.0.1:{port},TCP,{len(data)}\r\n{data}\r\nOK\r\n"


async def test_data_is_told_read_and_told_again_while_some_remains() -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        await lab.plain.ask("AT+QINDI=1")
        await connect(lab.plain, one)
        await give(one, b"abcdef")
        await lab.plain.expect(b"\r\n+QIRDI: 0,1,0\r\n")
        await give(one, b"ghi")
        await lab.plain.quiet()
        await lab.plain.ask("AT+QIRD=0,1,0,4", read(one.port, "abcd") + "\r\n+QIRDI: 0,1,0\r\n")
        await lab.plain.ask("AT+QIRD=0,1,0,1500", read(one.port, "efghi"))
        await lab.plain.quiet()
        await lab.plain.ask("AT+QIRD=0,1,0,1500")
        await give(one, b"j")
        await lab.plain.expect(b"\r\n+QIRDI: 0,1,0\r\n")


async def test_an_answer_goes_out_at_once_and_what_follows_it_by_itself() -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        await lab.plain.ask("AT+QINDI=1")
        await connect(lab.plain, one)
        await lab.plain.ask("ATE0")
        await give(one, b"abcdef")
        await lab.plain.expect(b"\r\n+QIRDI: 0,1,0\r\n")
        sent: list[bytes] = []
        lab.module.on_octets(lambda dlci, direction, octets: sent.append(octets) if direction == "sent" else None)
        answer = read(one.port, "abcd") + "\r\n+QIRDI: 0,1,0\r\n"
        await lab.plain.ask("AT+QIRD=0,1,0,4", answer, echo=False)
        assert sent == [read(one.port, "abcd").encode(), b"\r\n+QIRDI: 0,1,0\r\n"]
        sent.clear()
        await lab.plain.ask("AT+QIRD=0,1,0,2;+QINDI=0;+QIHEAD=1", read(one.port, "ef"), echo=False)
        assert len(sent) == 1
        sent.clear()
        await give(one, b"x" * 1460)
        await lab.plain.expect(b"IPD1460:" + b"x" * 1460)
        assert len(sent) == 1


async def test_the_manuals_reading_tells_once_until_everything_was_read() -> None:
    async with Lab(EmulatedModule(behaviour=Behaviour.parse(["qirdi=once"]))) as lab, peer() as one:
        await lab.plain.ask("AT+QINDI=1")
        await connect(lab.plain, one)
        await give(one, b"abcdef")
        await lab.plain.expect(b"\r\n+QIRDI: 0,1,0\r\n")
        await lab.plain.ask("AT+QIRD=0,1,0,4", read(one.port, "abcd"))
        await give(one, b"g")
        await lab.plain.quiet()
        await lab.plain.ask("AT+QIRD=0,1,0,1500", read(one.port, "efg"))
        await give(one, b"h")
        await lab.plain.expect(b"\r\n+QIRDI: 0,1,0\r\n")


async def test_qindi_2_tells_number_length_and_total() -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        await lab.plain.ask("AT+QINDI=2")
        await connect(lab.plain, one)
        await give(one, b"abcde")
        await lab.plain.expect(b"\r\n+QIRDI: 0,1,0,1,5,5\r\n")
        await give(one, b"fgh")
        await lab.plain.expect(b"\r\n+QIRDI: 0,1,0,2,3,8\r\n")
        await lab.plain.ask("AT+QIRD=0,1,0,1500", read(one.port, "abcdefgh"))
        await give(one, b"i")
        await lab.plain.expect(b"\r\n+QIRDI: 0,1,0,1,1,1\r\n")


async def test_after_the_remote_side_closed_the_rest_can_be_read_and_then_nothing_is_there() -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        await lab.plain.ask("AT+QINDI=1")
        await connect(lab.plain, one)
        one.writer.write(b"last")
        one.writer.close()
        await lab.plain.expect(b"\r\n+QIRDI: 0,1,0\r\n\r\nCLOSED\r\n")
        await lab.plain.ask("AT+QIRD=0,1,0,1500", read(one.port, "last"))
        await lab.plain.ask("AT+QIRD=0,1,0,1500", "\r\nERROR\r\n")


async def test_profiles_have_their_own_index_and_nothing_comes_out_by_itself() -> None:
    async with Lab(EmulatedModule()) as lab, peer() as a, peer() as b:
        await lab.plain.ask("AT+QIMUX=1;+QINDI=1;+QISHOWRA=1;+QIHEAD=1")
        await connect(lab.plain, a, 2)
        await connect(lab.plain, b, 5)
        await give(b, b"five")
        await lab.plain.expect(b"\r\n+QIRDI: 0,1,5\r\n")
        await give(a, b"two")
        await lab.plain.expect(b"\r\n+QIRDI: 0,1,2\r\n")
        await lab.plain.ask("AT+QIRD=0,1,2,10", read(a.port, "two"))
        await lab.plain.ask("AT+QIRD=0,1,5,10", read(b.port, "five"))
        await lab.plain.ask("AT+QIRD=0,1,3,10", "\r\nERROR\r\n")


async def test_a_servers_client_is_read_with_2_and_a_datagram_is_never_joined_to_the_next() -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = lab.plain
        await uart.ask("AT+QINDI=1")
        await uart.ask("AT+QISERVER=1", "\r\nOK\r\n\r\nSERVER OK\r\n")
        uart.write(b"AT+QILOCIP\r")
        await uart.expect(b"AT+QILOCIP\r\r\n")
        address = (await uart.until(b"\r\n"))[:-2].decode()
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=(address, 2020)
        )
        transport.sendto(b"one")
        await uart.expect(b"\r\nREMOTE IP: 127.")
        await uart.until(b"\r\n\r\n+QIRDI: 0,2,0\r\n")
        transport.sendto(b"two")
        await settle()
        host, port = transport.get_extra_info("sockname")
        await uart.ask("AT+QIRD=0,2,0,1500", f"\r\n+QIRD: {host}:{port},UDP,3\r\none\r\nOK\r\n\r\n+QIRDI: 0,2,0\r\n")
        await uart.ask("AT+QIRD=0,2,0,2", f"\r\n+QIRD: {host}:{port},UDP,2\r\ntw\r\nOK\r\n\r\n+QIRDI: 0,2,0\r\n")
        await uart.ask("AT+QIRD=0,2,0,2", f"\r\n+QIRD: {host}:{port},UDP,1\r\no\r\nOK\r\n")
        transport.close()


async def test_a_closed_client_that_nobody_read_makes_room_for_the_next_and_is_counted() -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = lab.plain
        await uart.ask("AT+QINDI=1")
        await uart.ask("AT+QISERVER", "\r\nOK\r\n\r\nSERVER OK\r\n")
        uart.write(b"AT+QILOCIP\r")
        await uart.expect(b"AT+QILOCIP\r\r\n")
        address = (await uart.until(b"\r\n"))[:-2].decode()
        for _ in range(2):
            _, writer = await asyncio.open_connection(address, 2020)
            writer.write(b"unread")
            writer.close()
            await uart.expect(b"\r\nREMOTE IP: 127.")
            await uart.until(b"\r\n\r\n+QIRDI: 0,2,0\r\n\r\nCLOSED\r\n")
        modem = lab.module._modem
        assert modem is not None
        assert modem.contexts[0].unread == 6


@pytest.mark.requirement("C26", "C27")
async def test_only_the_owner_reads_and_is_told_and_the_foreground_does_not_matter() -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        await lab.multiplex()
        first, second = await lab.open(1), await lab.open(2)
        await first.ask("AT+QIFGCNT=1")
        await first.ask("AT+QINDI=1")
        await connect(first, one)
        await first.ask("AT+QIFGCNT=0")
        await give(one, b"mine")
        await first.expect(b"\r\n+QIRDI: 1,1,0\r\n")
        await second.quiet()
        await second.ask("AT+QIRD=1,1,0,1500", "\r\nERROR\r\n")
        await first.ask("AT+QIRD=1,1,0,1500", read(one.port, "mine"))


@pytest.mark.parametrize("values", ["", "0,1,0", "2,1,0,5", "0,3,0,5", "0,1,6,5", "0,1,0,0", "0,1,0,1501", "0,1,0,5,6"])
async def test_values_out_of_range_are_refused(values: str) -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        await lab.plain.ask("AT+QINDI=1")
        await connect(lab.plain, one)
        await lab.plain.ask(f"AT+QIRD={values}", "\r\nERROR\r\n")


async def test_a_module_that_is_not_read_pushes_back() -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        await lab.plain.ask("ATE0;+QINDI=1")
        await lab.plain.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', CONNECTED, echo=False)
        await one.arrived.wait()
        pattern = bytes(range(250)) * 6
        sent = 0
        for _ in range(1000):
            if one.writer.transport.get_write_buffer_size() > 65536:
                break
            one.writer.write(pattern)
            sent += len(pattern)
            await asyncio.sleep(0)
        modem = lab.module._modem
        assert modem is not None
        assert modem.contexts[0].client.profiles[0].held <= 65536
        await lab.plain.expect(b"\r\n+QIRDI: 0,1,0\r\n")
        got = bytearray()
        while len(got) < sent:
            lab.plain.write(b"AT+QIRD=0,1,0,1500\r")
            line = await lab.plain.until(b"\r\n")
            if line == b"\r\n":
                line = await lab.plain.until(b"\r\n")
            if line.startswith(b"+QIRDI"):
                continue
            if line.startswith(b"OK"):
                await settle(5)
                continue
            length = int(line.rsplit(b",", 1)[1])
            while len(lab.plain.received) < length:
                await settle(1)
            got += lab.plain.received[:length]
            del lab.plain.received[:length]
            await lab.plain.expect(b"\r\nOK\r\n")
        assert bytes(got) == (pattern * (sent // len(pattern)))


def test_indications_without_data_say_nothing() -> None:
    for mode in (1, 2):
        told = Indications(repeat=True)
        assert told.take(mode, 0) is None
        told.arrived(4)
        assert told.take(mode, 4) == ((1, 4, 4) if mode == 2 else ())
        assert told.take(mode, 4) is None
