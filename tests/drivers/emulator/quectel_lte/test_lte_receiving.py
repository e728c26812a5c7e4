"""Received data: announced and read, or pushed; of connections and of UDP services."""

from __future__ import annotations

import socket

import pytest
from emulator_host import Lab, Terminal, Turning, settle
from emulator_peer import Peer, peer
from lte_module import ERROR, address, connected, datagrams, lab, listening, opening, pushed, reply, unused_port

from drivers.emulator import EmulatedModule
from drivers.emulator.quectel_lte.data_socket import DataSocket
from drivers.emulator.quectel_lte.modem import QuectelLteModem

HOSTILE = [
    b"\r\nOK\r\n",
    b'\r\n+QIURC: "closed",0\r\n',
    b'\r\n+QIURC: "recv",0,3\r\n',
    b"\x1a\x1b\x00",
    b"> ",
    b"\r\nNO CARRIER\r\n",
    b"+QIRD: 3\r\n",
    bytes(range(256)),
]

RECV = b'\r\n+QIURC: "recv",0\r\n'


async def give(one: Peer, data: bytes) -> None:
    one.writer.write(data)
    await settle()


@pytest.mark.requirement("L5.1", "L5.2", "L5.3", "L5.4")
async def test_data_is_announced_once_until_everything_was_read() -> None:
    async with lab() as one, connected(one.plain) as far:
        uart = one.plain
        await uart.ask("AT+QIRD=0,1500", "\r\n+QIRD: 0\r\n\r\nOK\r\n")
        await uart.ask("AT+QIRD=0,0", "\r\n+QIRD: 0,0,0\r\n\r\nOK\r\n")
        await give(far, b"abcdef")
        await uart.expect(RECV)
        await give(far, b"ghi")
        await uart.quiet()
        await uart.ask("AT+QIRD=0,0", "\r\n+QIRD: 9,0,9\r\n\r\nOK\r\n")
        await uart.ask("AT+QIRD=0,4", reply(b"abcd"))
        await give(far, b"j")
        await uart.quiet()
        await uart.ask("AT+QIRD=0,0", "\r\n+QIRD: 10,4,6\r\n\r\nOK\r\n")
        await uart.ask("AT+QIRD=0,6", reply(b"efghij"))
        await give(far, b"k")
        await uart.expect(RECV)
        await uart.ask("AT+QIRD=0", reply(b"k"))
        await uart.ask("AT+QIRD=0", "\r\n+QIRD: 0\r\n\r\nOK\r\n")
        await uart.ask("AT+QIRD=0,0", "\r\n+QIRD: 11,11,0\r\n\r\nOK\r\n")


@pytest.mark.requirement("L5.1", "L5.2")
@pytest.mark.parametrize("size", [1, 700, 1500, None])
async def test_one_line_for_each_filling_whatever_the_size_of_the_reads(size: int | None) -> None:
    async with lab() as one, connected(one.plain) as far:
        for data in (b"x" * 3, b"\r\nOK\r\n" * 400):
            await give(far, data)
            await one.plain.expect(RECV)
            left = data if size != 1 else data[:20]
            while left:
                part, left = left[: size or 1500], left[size or 1500 :]
                await one.plain.ask("AT+QIRD=0" + (f",{size}" if size else ""), reply(part))
            if size == 1 and len(data) > 20:
                return
            await one.plain.quiet()


@pytest.mark.requirement("L5.2")
@pytest.mark.parametrize("values", ["0,1501", "0,-1", "0,1,1", "", "12", "x", "0,"])
async def test_wrong_values_of_qird(values: str) -> None:
    async with lab() as one, connected(one.plain):
        await one.plain.ask(f"AT+QIRD={values}", ERROR)


@pytest.mark.requirement("L5.5")
async def test_nothing_is_read_of_a_free_id_or_a_listener() -> None:
    async with lab() as one, listening(one.plain, 3):
        for values in ("0", "0,1500", "0,0", "3", "3,0"):
            await one.plain.ask(f"AT+QIRD={values}", ERROR)


@pytest.mark.requirement("L5.2", "L5.7")
@pytest.mark.parametrize("data", HOSTILE)
async def test_any_octets_come_unchanged(data: bytes) -> None:
    async with lab() as one, connected(one.plain) as far, connected(one.plain, 1, 1) as other:
        await give(far, data)
        await one.plain.expect(RECV)
        await one.plain.ask("AT+QIRD=0,1500", reply(data))
        await give(other, data)
        await one.plain.expect(f'\r\n+QIURC: "recv",1,{len(data)}\r\n'.encode() + data)


@pytest.mark.requirement("L5.7")
async def test_pushed_data_comes_in_pieces_of_1500_at_most_with_nothing_behind_it() -> None:
    async with lab() as one, connected(one.plain, 7, 1) as far:
        await give(far, b"abc")
        await give(far, b"de")
        await one.plain.expect(b'\r\n+QIURC: "recv",7,3\r\nabc\r\n+QIURC: "recv",7,2\r\nde')
        one.plain.write(b"A")
        await one.plain.expect(b"A")
        await give(far, b"x" * 3100)
        await one.plain.quiet()
        one.plain.write(b"T\r")
        await one.plain.expect(b"T\r\r\nOK\r\n")
        for size in (1500, 1500, 100):
            await one.plain.expect(f'\r\n+QIURC: "recv",7,{size}\r\n'.encode() + b"x" * size)


async def test_the_reading_in_which_pushed_data_ends_with_a_line_end() -> None:
    async with lab("pushed_end=CRLF") as one, connected(one.plain, 0, 1) as far:
        await give(far, b"abc")
        await one.plain.expect(b'\r\n+QIURC: "recv",0,3\r\nabc\r\n')


async def test_an_answer_shows_apart_from_send_ok_where_that_is_wanted() -> None:
    clock = Turning()
    async with lab("result_time=0.05", clock=clock) as one, peer() as far:
        for number, mode in ((0, 0), (1, 1)):
            await one.plain.ask(opening(far, number, mode))
            await clock.turn(0.06)
            await one.plain.expect(f"\r\n+QIOPEN: {number},0\r\n".encode())
            await far.arrived.wait()
            far.arrived.clear()
            await one.plain.ask(f"AT+QISEND={number},1", "\r\n> ")
            one.plain.write(b"x")
            assert await far.reader.readexactly(1) == b"x"
            await give(far, b"answer")
            await one.plain.expect(b"x\r\nSEND OK\r\n")
            await one.plain.quiet()
            await clock.turn(0.06)
            more = ",6\r\nanswer" if mode else "\r\n"
            await one.plain.expect(f'\r\n+QIURC: "recv",{number}{more}'.encode())
            far.writer.transport.abort()
            await one.plain.expect(f'\r\n+QIURC: "closed",{number}\r\n'.encode())
        far.arrived.set()


async def test_pushed_data_waits_at_a_prompt_and_is_not_read_meanwhile() -> None:
    async with lab() as one, connected(one.plain, 0, 1) as far:
        await one.plain.ask("AT+QISEND=0,1", "\r\n> ")
        await give(far, b"abc")
        await one.plain.quiet()
        one.plain.write(b"y")
        await one.plain.expect(b'y\r\nSEND OK\r\n\r\n+QIURC: "recv",0,3\r\nabc')
        await one.plain.ask("AT+QIRD=0", "\r\n+QIRD: 0\r\n\r\nOK\r\n")


async def test_pushed_data_comes_between_a_command_and_its_result_in_the_reading_that_lets_it() -> None:
    clock = Turning()
    async with lab("interleave=on", "deactivation_time=5", clock=clock) as one, connected(one.plain, 0, 1) as far:
        one.plain.write(b"AT+QIDEACT=2\r")
        await one.plain.expect(b"AT+QIDEACT=2\r")
        await give(far, b"abc")
        await one.plain.expect(b'\r\n+QIURC: "recv",0,3\r\nabc')
        await clock.turn(5.1)
        await one.plain.expect(b"\r\nOK\r\n")


async def test_the_other_reading_of_qird_of_pushed_data() -> None:
    async with lab("qird_pushed=ERROR") as one, connected(one.plain, 0, 1):
        await one.plain.ask("AT+QIRD=0", ERROR)


async def test_a_switch_to_direct_push_pushes_what_is_there_and_back_announces_it() -> None:
    async with lab() as one, connected(one.plain) as far:
        uart = one.plain
        await give(far, b"abc")
        await uart.expect(RECV)
        await uart.ask("AT+QISWTMD=0,0")
        await uart.quiet()
        await uart.ask("AT+QISWTMD=0,1", '\r\nOK\r\n\r\n+QIURC: "recv",0,3\r\nabc')
        uart.write(b"AT+QISWTMD=0")
        await uart.expect(b"AT+QISWTMD=0")
        await give(far, b"def")
        uart.write(b",0\r")
        await uart.expect(b",0\r\r\nOK\r\n" + RECV)
        await uart.ask("AT+QIRD=0", reply(b"def"))


async def test_the_reading_in_which_what_waits_at_a_switch_to_direct_push_still_wants_to_be_read() -> None:
    async with lab("switch_to_push=kept") as one, connected(one.plain) as far:
        await give(far, b"abcdef")
        await one.plain.expect(RECV)
        await one.plain.ask("AT+QISWTMD=0,1")
        await give(far, b"ghi")
        await one.plain.quiet()
        await one.plain.ask("AT+QIRD=0,4", reply(b"abcd"))
        await one.plain.ask("AT+QIRD=0,2", reply(b"ef") + '\r\n+QIURC: "recv",0,3\r\nghi')
        await give(far, b"jkl")
        await one.plain.expect(b'\r\n+QIURC: "recv",0,3\r\njkl')


@pytest.mark.requirement("L5.8", "L6.1")
async def test_what_came_before_the_peer_closed_can_still_be_read() -> None:  # K8
    async with lab() as one, connected(one.plain) as far:
        far.writer.write(b"last")
        far.writer.close()
        await one.plain.expect(RECV + b'\r\n+QIURC: "closed",0\r\n')
        await one.plain.ask("AT+QIRD=0,3", reply(b"las"))
        await one.plain.ask("AT+QIRD=0", reply(b"t"))
        await one.plain.ask("AT+QIRD=0", "\r\n+QIRD: 0\r\n\r\nOK\r\n")
        await one.plain.ask("AT+QICLOSE=0")
        await one.plain.ask("AT+QIRD=0", ERROR)


async def test_the_other_reading_of_data_before_a_close() -> None:
    async with lab("closed_buffer=dropped") as one, connected(one.plain) as far:
        await give(far, b"last")
        await one.plain.expect(RECV)
        far.writer.close()
        await one.plain.expect(b'\r\n+QIURC: "closed",0\r\n')
        await one.plain.ask("AT+QIRD=0", "\r\n+QIRD: 0\r\n\r\nOK\r\n")


@pytest.mark.requirement("L6.1", "L5.7")
async def test_pushed_data_comes_before_the_line_that_it_is_closed() -> None:
    async with lab() as one, connected(one.plain, 0, 1) as far:
        one.plain.write(b"A")
        await one.plain.expect(b"A")
        far.writer.write(b"last")
        far.writer.close()
        await one.plain.quiet()
        one.plain.write(b"T\r")
        await one.plain.expect(b'T\r\r\nOK\r\n\r\n+QIURC: "recv",0,4\r\nlast\r\n+QIURC: "closed",0\r\n')


async def read(uart: Terminal, size: int) -> bytes:
    """Read with AT+QIRD, after ATE0."""
    uart.write(f"AT+QIRD=0,{size}\r".encode())
    await uart.until(b"\r\n+QIRD: ")
    length = int(await uart.until(b"\r\n"))
    if not length:
        await uart.expect(b"\r\nOK\r\n")
        return b""
    while len(uart.received) < length:
        await settle(5)
    data = bytes(uart.received[:length])
    await uart.expect(data + b"\r\n\r\nOK\r\n")
    return data


@pytest.mark.requirement("L5.9")
async def test_a_full_buffer_stops_the_peer_and_nothing_is_lost() -> None:
    async with lab() as one, connected(one.plain) as far:
        data = bytes(index % 251 for index in range(1_000_000))
        await one.plain.ask("ATE0")
        far.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        far.writer.write(data)
        await one.plain.expect(RECV)
        await settle(60)
        await one.plain.ask("AT+QIRD=0,0", "\r\n+QIRD: 10240,0,10240\r\n\r\nOK\r\n", echo=False)
        assert far.writer.transport.get_write_buffer_size() > 0
        received = b""
        while len(received) < len(data):
            part = await read(one.plain, 1500)
            received += part
            if not part:
                await one.plain.expect(RECV)
        assert received == data


@pytest.mark.requirement("L5.9")
@pytest.mark.parametrize("mode", [1, 2])
async def test_a_host_that_takes_nothing_stops_the_peer_in_the_other_modes_too(mode: int) -> None:
    async with lab() as one, connected(one.plain, 0, mode) as far:
        data = bytes(index % 251 for index in range(4_000_000))
        far.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        host = one.host.transport
        assert host is not None
        host.pause_reading()
        far.writer.write(data)
        waiting = 0
        while waiting != (waiting := far.writer.transport.get_write_buffer_size()):
            await settle(200)
        assert waiting > 0
        modem = one.module._modem
        assert isinstance(modem, QuectelLteModem)
        sockets = list(modem.sockets)
        assert isinstance(sockets[0], DataSocket)
        assert 0 < sockets[0].held <= 10240
        host.resume_reading()
        received = bytearray()
        while len(received) < len(data):
            if mode == 1:
                received += await pushed(one.plain)
            else:
                await settle(5)
                received += one.plain.received
                one.plain.received.clear()
        assert received == data


async def test_the_size_of_the_buffer_is_a_setting_of_an_ec25() -> None:
    async with lab(model="ec25") as one:
        await one.plain.ask('AT+QICFG="recv/buffersize",20000;E0')
        async with connected(one.plain, echo=False) as far:
            far.writer.write(bytes(300_000))
            await one.plain.until(RECV)
            await settle(60)
            await one.plain.ask("AT+QIRD=0,0", "\r\n+QIRD: 20000,0,20000\r\n\r\nOK\r\n", echo=False)


async def test_the_length_in_the_announcement_is_a_setting_of_an_ec25() -> None:
    async with lab(model="ec25") as one, connected(one.plain) as far:
        await one.plain.ask('AT+QICFG="recvind",1')
        await give(far, b"abc")
        await one.plain.expect(b'\r\n+QIURC: "recv",0,3\r\n')
        await one.plain.ask("AT+QIRD=0", reply(b"abc"))


async def test_a_comma_in_place_of_the_line_end_with_viewmode() -> None:
    async with lab() as one, connected(one.plain) as far:
        await one.plain.ask('AT+QICFG="viewmode",1')
        await give(far, b"abc")
        await one.plain.expect(RECV)
        await one.plain.ask("AT+QIRD=0", "\r\n+QIRD: 3,abc\r\n\r\nOK\r\n")
        await one.plain.ask("AT+QIRD=0", "\r\n+QIRD: 0\r\n\r\nOK\r\n")


@pytest.mark.requirement("L5.6", "L5.7", "L4.8", "L3.7")
@pytest.mark.parametrize("mode", [0, 1])
async def test_a_udp_service_gives_one_datagram_with_its_sender_and_sends_to_whom_one_likes(mode: int) -> None:
    async with lab() as one:
        uart, port = one.plain, unused_port()
        own = await address(uart)
        await uart.ask(f'AT+QIOPEN=1,2,"UDP SERVICE","127.0.0.1",0,{port},{mode}', "\r\nOK\r\n\r\n+QIOPEN: 2,0\r\n")
        shown = f'2,"UDP SERVICE","{own}",0,{port},2,1,2,{mode},"uart1"'
        await uart.ask("AT+QISTATE?", f"\r\n+QISTATE: {shown}\r\n\r\nOK\r\n")
        with datagrams() as first, datagrams() as second:
            for each, data in ((first, b"one"), (second, b"\r\nOK\r\n")):
                each.sendto(data, (own, port))
                await settle()
            places = [each.getsockname() for each in (first, second)]
            if mode:
                for (host, its), data in zip(places, (b"one", b"\r\nOK\r\n"), strict=True):
                    await uart.expect(f'\r\n+QIURC: "recv",2,{len(data)},"{host}",{its}\r\n'.encode() + data)
            else:
                await uart.expect(b'\r\n+QIURC: "recv",2\r\n')
                for (host, its), data in zip(places, (b"one", b"\r\nOK\r\n"), strict=True):
                    await uart.ask("AT+QIRD=2", reply(data, f',"{host}",{its}'))
                await uart.ask("AT+QIRD=2", "\r\n+QIRD: 0\r\n\r\nOK\r\n")
            for each in (first, second):
                host, its = each.getsockname()
                await uart.ask(f'AT+QISEND=2,2,"{host}",{its}', "\r\n> ")
                uart.write(b"hi")
                await uart.expect(b"hi\r\nSEND OK\r\n")
                await settle()
                assert each.recvfrom(100) == (b"hi", (own, port))
            await uart.ask("AT+QISEND=2,0", "\r\n+QISEND: 4,4,0\r\n\r\nOK\r\n")
            for values in ("2", "2,1", '2,1,"localhost",7', '2,1,"127.0.0.1"', '2,1,"127.0.0.1",0'):
                await uart.ask(f"AT+QISEND={values}", ERROR)
            await uart.ask('AT+QISENDEX=2,"31"', ERROR)
            await uart.ask("AT+QISWTMD=2,2", ERROR)
            await uart.ask("AT+QICLOSE=2")
            await uart.ask("AT+QISTATE?")


async def test_a_route_leads_to_this_computer_and_the_program_sees_what_it_asked_for() -> None:
    with datagrams() as far, datagrams() as other:
        routes = {"192.0.2.1:7000": f"127.0.0.1:{far.getsockname()[1]}"}
        async with Lab(EmulatedModule(model="bg96", routes=routes)) as one:
            uart = one.plain
            await uart.ask("AT+QIACT=1")
            await uart.ask(
                f'AT+QIOPEN=1,0,"UDP SERVICE","127.0.0.1",0,{unused_port()},0', "\r\nOK\r\n\r\n+QIOPEN: 0,0\r\n"
            )
            for to, data in (("192.0.2.1", b"a"), ("192.0.2.2", b"b")):  # nobody may reach the other one
                await uart.ask(f'AT+QISEND=0,1,"{to}",7000', "\r\n> ")
                uart.write(data)
                await uart.expect(data + b"\r\nSEND OK\r\n")
            await settle()
            data, module = far.recvfrom(100)
            assert data == b"a"
            far.sendto(b"answer", module)
            await uart.expect(RECV)
            await uart.ask("AT+QIRD=0", reply(b"answer", ',"192.0.2.1",7000'))
            other.sendto(b"x", module)
            await uart.expect(RECV)
            await uart.ask("AT+QIRD=0", reply(b"x", ',"{}",{}'.format(*other.getsockname())))


@pytest.mark.parametrize(
    ("model", "setting", "second"), [("bg96", None, b"ef"), ("ec25", 0, b"second"), ("ec25", 1, b"ef")]
)
async def test_the_rest_of_a_datagram_that_is_longer_than_what_is_read(
    model: str, setting: int | None, second: bytes
) -> None:
    async with lab(model=model) as one:
        if setting is not None:
            await one.plain.ask(f'AT+QICFG="udp/readmode",{setting}')
        with datagrams() as far:
            await one.plain.ask(
                f'AT+QIOPEN=1,0,"UDP","127.0.0.1",{far.getsockname()[1]},0,0', "\r\nOK\r\n\r\n+QIOPEN: 0,0\r\n"
            )
            await one.plain.ask("AT+QISEND=0,1", "\r\n> ")
            one.plain.write(b"x")
            await one.plain.expect(b"x\r\nSEND OK\r\n")
            await settle()
            data, module = far.recvfrom(100)
            assert data == b"x"
            far.sendto(b"abcdef", module)
            far.sendto(b"second", module)
            await one.plain.expect(RECV)
            await settle()
            await one.plain.ask("AT+QIRD=0,4", reply(b"abcd"))
            await one.plain.ask("AT+QIRD=0,6", reply(second))


async def test_a_datagram_of_1500_octets_is_read_at_once() -> None:
    async with lab() as one:
        with datagrams() as far:
            await one.plain.ask(
                f'AT+QIOPEN=1,0,"UDP","127.0.0.1",{far.getsockname()[1]},0,0', "\r\nOK\r\n\r\n+QIOPEN: 0,0\r\n"
            )
            await one.plain.ask('AT+QISENDEX=0,"3132"', "\r\nSEND OK\r\n")
            await settle()
            _, module = far.recvfrom(100)
            data = bytes(index % 256 for index in range(1500))
            far.sendto(data, module)
            far.sendto(b"next", module)
            await one.plain.expect(RECV)
            await one.plain.ask("AT+QIRD=0,1500", reply(data))
            await one.plain.ask("AT+QIRD=0,1500", reply(b"next"))


@pytest.mark.parametrize(("reading", "accepted"), [("accepted", True), ("refused", False)])
async def test_an_address_may_be_given_for_a_datagram_of_a_connected_udp_socket(reading: str, accepted: bool) -> None:
    async with lab(f"udp_send_address={reading}") as one:
        with datagrams() as far:
            host, port = far.getsockname()
            await one.plain.ask(f'AT+QIOPEN=1,2,"UDP","{host}",{port},0,0', "\r\nOK\r\n\r\n+QIOPEN: 2,0\r\n")
            await one.plain.ask(f'AT+QISEND=2,5,"{host}",{port}', "\r\n> " if accepted else ERROR)
            if accepted:
                one.plain.write(b"hello")
                await one.plain.expect(b"hello\r\nSEND OK\r\n")
                await settle()
                assert far.recvfrom(100)[0] == b"hello"


async def test_a_connected_udp_socket_takes_datagrams_of_its_peer_alone() -> None:
    async with lab() as one:
        with datagrams() as far, datagrams() as stranger:
            port = unused_port()
            await one.plain.ask(
                f'AT+QIOPEN=1,0,"UDP","127.0.0.1",{far.getsockname()[1]},{port},1', "\r\nOK\r\n\r\n+QIOPEN: 0,0\r\n"
            )
            own = await address(one.plain)
            stranger.sendto(b"no", (own, port))
            far.sendto(b"yes", (own, port))
            await one.plain.expect(b'\r\n+QIURC: "recv",0,3\r\nyes')
            await one.plain.quiet()
