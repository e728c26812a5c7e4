"""Opening, showing and closing sockets, and the one table that they are in."""

from __future__ import annotations

import asyncio

import pytest
from emulator_host import Turning, settle
from emulator_peer import peer
from lte_module import ERROR, address, connect, connected, lab, listening, opening, reply, send, unused_port

GET_ERROR = "\r\n+QIGETERROR: {}\r\n\r\nOK\r\n"


def state(line: str) -> str:
    return f"\r\n+QISTATE: {line}\r\n\r\nOK\r\n"


@pytest.mark.requirement("L3.1", "L3.6", "L9.1")
async def test_a_connection_is_opened_shown_with_its_port_and_closed() -> None:  # K1, K6
    async with lab() as one, peer() as far:
        uart = one.plain
        await uart.ask("AT+QISTATE?")
        await uart.ask(f'AT+QIOPEN=1,11,"TCP","127.0.0.1",{far.port}', "\r\nOK\r\n\r\n+QIOPEN: 11,0\r\n")
        await far.arrived.wait()
        own, port = far.writer.get_extra_info("peername")[:2]
        assert own == await address(uart)
        shown = f'11,"TCP","127.0.0.1",{far.port},{port},2,1,0,0,"uart1"'
        for command in ("AT+QISTATE?", "AT+QISTATE", "AT+QISTATE=0,1", "AT+QISTATE=1,11"):
            await uart.ask(command, state(shown))
        for command in ("AT+QISTATE=0,2", "AT+QISTATE=1,0", "AT+QISTATE=?"):
            await uart.ask(command)
        await uart.ask("AT+QICLOSE=11,0")
        assert await far.reader.read() == b""
        await uart.ask("AT+QISTATE?")


async def test_a_local_port_can_be_chosen_and_a_taken_one_fails() -> None:
    async with lab() as one, peer() as far:
        port = unused_port()
        await one.plain.ask(f'AT+QIOPEN=1,0,"TCP","127.0.0.1",{far.port},{port},0', "\r\nOK\r\n\r\n+QIOPEN: 0,0\r\n")
        await far.arrived.wait()
        assert far.writer.get_extra_info("peername")[1] == port
        await one.plain.ask("AT+QISTATE?", state(f'0,"TCP","127.0.0.1",{far.port},{port},2,1,0,0,"uart1"'))
        await one.plain.ask(f'AT+QIOPEN=1,1,"TCP","127.0.0.1",{far.port},{port},0', "\r\nOK\r\n\r\n+QIOPEN: 1,556\r\n")


@pytest.mark.requirement("L3.3", "L3.7")
@pytest.mark.parametrize(
    "command",
    [
        *('AT+QIOPEN=1,12,"TCP","127.0.0.1",7', 'AT+QIOPEN=1,"TCP","127.0.0.1",7', 'AT+QIOPEN=1,,"TCP","127.0.0.1",7'),
        *('AT+QIOPEN=1,0,"tcp","127.0.0.1",7', 'AT+QIOPEN=1,0,"TCP","127.0.0.1",0', 'AT+QIOPEN=1,0,"TCP","",7'),
        *('AT+QIOPEN=1,0,"TCP","127.0.0.1",65536', 'AT+QIOPEN=1,0,"TCP","127.0.0.1",7,0,3', "AT+QIOPEN=1,0"),
        *('AT+QIOPEN=1,0,"TCP","127.0.0.1",7,0,0,1', 'AT+QIOPEN=1,0,"TCP INCOMING","127.0.0.1",7'),
        *("AT+QICLOSE=12", "AT+QICLOSE=0,65536", "AT+QICLOSE=0,1,1", "AT+QISTATE=2,0", "AT+QISTATE=1,12"),
        *('AT+QIOPEN=1,0,"TCP LISTENER","127.0.0.1",0', 'AT+QIOPEN=1,0,"UDP SERVICE","127.0.0.1",0,0,0'),
        *("AT+QISWTMD=0", "AT+QISWTMD=0,3", "AT+QISWTMD=12,0", "AT+QISWTMD=0,0"),
    ],
)
async def test_wrong_values_give_error(command: str) -> None:
    async with lab() as one:
        await one.plain.ask(command, ERROR)
        await one.plain.ask("AT+QIGETERROR", GET_ERROR.format("552,invalid parameters"))
        await one.plain.ask("AT+QISTATE?")


@pytest.mark.requirement("L3.4")
async def test_an_id_in_use_is_told_behind_ok_and_the_connection_stays() -> None:  # K3
    async with lab() as one, connected(one.plain) as far:
        await one.plain.ask(opening(far), "\r\nOK\r\n\r\n+QIOPEN: 0,563\r\n")
        await one.plain.ask("AT+QIGETERROR", GET_ERROR.format("563,socket identity has been used"))
        far.writer.write(b"x")
        await one.plain.expect(b'\r\n+QIURC: "recv",0\r\n')
        await one.plain.ask(opening(far, mode=2), ERROR)


@pytest.mark.requirement("L3.4")
async def test_the_other_reading_of_an_id_in_use_is_error() -> None:
    async with lab("in_use=error") as one, connected(one.plain) as far:
        await one.plain.ask(opening(far), ERROR)
        await one.plain.ask("AT+QIGETERROR", GET_ERROR.format("563,socket identity has been used"))


@pytest.mark.requirement("L3.5")
@pytest.mark.parametrize(("host", "code"), [("nowhere.example", 565), ("127.0.0.1", 566), ("192.0.2.1", 566)])
async def test_why_a_connection_is_not_there(host: str, code: int) -> None:  # K2, K5
    async with lab() as one:
        port = unused_port()
        await one.plain.ask(f'AT+QIOPEN=1,0,"TCP","{host}",{port}', f"\r\nOK\r\n\r\n+QIOPEN: 0,{code}\r\n")
        one.plain.write(b"AT+QIGETERROR\r")
        assert f"+QIGETERROR: {code},".encode() in await one.plain.until(b"\r\nOK\r\n")
        await one.plain.ask("AT+QISTATE?", state(f'0,"TCP","{host}",{port},0,4,1,0,0,"uart1"'))
        await one.plain.ask(f'AT+QIOPEN=1,0,"TCP","{host}",{port}', "\r\nOK\r\n\r\n+QIOPEN: 0,563\r\n")
        await one.plain.ask("AT+QISEND=0,1", ERROR)
        await one.plain.ask("AT+QICLOSE=0")
        await one.plain.ask("AT+QISTATE?")


async def test_nobody_answers_in_a_silent_network_until_the_time_is_over() -> None:
    clock = Turning()
    async with lab(clock=clock) as one, peer() as far:
        one.module.trigger("silence")
        await one.plain.ask(opening(far))
        await clock.turn(74)
        await one.plain.ask("AT+QISTATE?", state(f'0,"TCP","127.0.0.1",{far.port},0,1,1,0,0,"uart1"'))
        await clock.turn(1.1)
        await one.plain.expect(b"\r\n+QIOPEN: 0,569\r\n")


async def test_the_other_reading_of_a_failed_opening_leaves_the_id_free() -> None:
    async with lab("failed_open=free") as one:
        for _ in range(2):
            await one.plain.ask(f'AT+QIOPEN=1,0,"TCP","127.0.0.1",{unused_port()}', "\r\nOK\r\n\r\n+QIOPEN: 0,566\r\n")


@pytest.mark.parametrize(
    ("order", "good", "bad"),
    [
        ("urc_first", "\r\n+QIOPEN: 0,0\r\n\r\nOK\r\n", "\r\n+QIOPEN: 1,565\r\n\r\nOK\r\n"),
        ("no_ok", "\r\n+QIOPEN: 0,0\r\n", "\r\n+QIOPEN: 1,565\r\n"),
    ],
)
async def test_other_readings_of_where_the_ok_of_an_opening_stands(order: str, good: str, bad: str) -> None:
    async with lab(f"qiopen_order={order}") as one, peer() as far:
        await one.plain.ask(opening(far), good)
        await one.plain.ask('AT+QIOPEN=1,1,"TCP","nowhere.example",7', bad)
        await one.plain.ask("AT+QISTATE=1,1", state('1,"TCP","nowhere.example",7,0,4,1,0,0,"uart1"'))


@pytest.mark.requirement("L3.8")
@pytest.mark.parametrize("host", ['"localhost"', "localhost", "127.0.0.1"])
async def test_a_name_is_as_good_as_an_address_and_needs_no_quotes(host: str) -> None:
    async with lab() as one, peer() as far:
        await one.plain.ask(f'AT+QIOPEN=1,0,"TCP",{host},{far.port}', "\r\nOK\r\n\r\n+QIOPEN: 0,0\r\n")


async def test_a_connection_that_is_closed_while_it_opens_never_says_that_it_is_open() -> None:
    async with lab() as one, peer() as far:
        one.module.trigger("silence")
        await one.plain.ask(opening(far))
        await one.plain.ask("AT+QICLOSE=0")
        await one.plain.ask("AT+QISTATE?")
        one.module.trigger("sound")
        await one.plain.quiet()
        assert not far.arrived.is_set()


@pytest.mark.requirement("L6.1", "L4.5")
@pytest.mark.parametrize("mode", [0, 1])
async def test_the_peer_closes_and_the_id_is_in_use_until_qiclose(mode: int) -> None:  # K4, K5, K9
    async with lab() as one, connected(one.plain, 2, mode) as far:
        far.writer.close()
        await one.plain.expect(b'\r\n+QIURC: "closed",2\r\n')
        one.plain.write(b"AT+QISTATE=1,2\r")
        assert f',4,1,0,{mode},"uart1"\r\n'.encode() in await one.plain.until(b"\r\nOK\r\n")
        await one.plain.ask("AT+QISEND=2,1", ERROR)
        await one.plain.ask("AT+QIGETERROR", GET_ERROR.format("567,socket has been closed"))
        await one.plain.ask(opening(far, 2), "\r\nOK\r\n\r\n+QIOPEN: 2,563\r\n")
        await one.plain.ask("AT+QICLOSE=2")
        async with peer() as another:
            await connect(one.plain, another, 2)


async def test_a_reset_by_the_peer_is_told_as_closed() -> None:
    async with lab() as one, connected(one.plain):
        one.module.trigger("remote_reset")
        await one.plain.expect(b'\r\n+QIURC: "closed",0\r\n')


@pytest.mark.requirement("L6.2")
async def test_a_free_id_can_be_closed_but_not_read_or_sent_to() -> None:  # K7, K10
    async with lab() as one:
        for number in (5, 5, 0, 11):
            await one.plain.ask(f"AT+QICLOSE={number}")
        await one.plain.ask("AT+QICLOSE=5,10")
        for command in ("AT+QIRD=5", "AT+QIRD=5,1500", "AT+QISEND=5", "AT+QISEND=5,1", 'AT+QISENDEX=5,"31"'):
            await one.plain.ask(command, ERROR)


@pytest.mark.requirement("L6.3", "L6.4")
async def test_closing_waits_for_the_peer_ten_seconds_or_as_long_as_is_said() -> None:
    clock = Turning()
    async with lab(clock=clock) as one:
        arrived: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await arrived.put(writer)

        stubborn = await asyncio.start_server(take, "127.0.0.1", 0)
        port = stubborn.sockets[0].getsockname()[1]
        for command, seconds in (("AT+QICLOSE=0", 10), ("AT+QICLOSE=0,3", 3), ("AT+QICLOSE=0,0", 0)):
            await one.plain.ask(f'AT+QIOPEN=1,0,"TCP","127.0.0.1",{port}', "\r\nOK\r\n\r\n+QIOPEN: 0,0\r\n")
            writer = await arrived.get()
            if not seconds:
                await one.plain.ask(command)
            else:
                one.plain.write(f"{command}\r".encode())
                await one.plain.expect(f"{command}\r".encode())
                await clock.turn(seconds - 0.1)
                await one.plain.quiet()
                await clock.turn(0.2)
                await one.plain.expect(b"\r\nOK\r\n")
            writer.transport.abort()
        stubborn.close()


@pytest.mark.requirement("L6.4")
async def test_closing_ends_as_soon_as_the_peer_closes_too() -> None:
    async with lab(clock=Turning()) as one, connected(one.plain) as far:
        await one.plain.ask("AT+QISEND=0,3", "\r\n> ")
        one.plain.write(b"end")
        await one.plain.expect(b"end\r\nSEND OK\r\n")
        one.plain.write(b"AT+QICLOSE=0\r")
        assert await far.reader.read() == b"end"
        await one.plain.expect(b"AT+QICLOSE=0\r")
        await one.plain.quiet()
        far.writer.write(b"too late")
        far.writer.close()
        await one.plain.expect(b"\r\nOK\r\n")
        await one.plain.ask("AT+QISTATE?")


async def test_closing_in_a_silent_network_ends_when_the_silence_does() -> None:
    async with lab(clock=Turning()) as one, connected(one.plain) as far:
        one.module.trigger("silence")
        one.plain.write(b"AT+QICLOSE=0\r")
        await one.plain.expect(b"AT+QICLOSE=0\r")
        await one.plain.quiet()
        assert not far.reader.at_eof()
        one.module.trigger("sound")
        assert await far.reader.read() == b""
        far.writer.close()
        await one.plain.expect(b"\r\nOK\r\n")


async def test_the_other_reading_of_a_timeout_of_zero() -> None:
    async with lab("qiclose_zero=error") as one:
        await one.plain.ask("AT+QICLOSE=0,0", ERROR)
        await one.plain.ask("AT+QICLOSE=0,1")


async def test_a_bg96_that_shows_3_for_a_client() -> None:
    async with lab("client_state=3") as one, connected(one.plain) as far:
        port = far.writer.get_extra_info("peername")[1]
        await one.plain.ask("AT+QISTATE?", state(f'0,"TCP","127.0.0.1",{far.port},{port},3,1,0,0,"uart1"'))


@pytest.mark.requirement("L7.1", "L7.2")
async def test_a_listener_and_its_clients() -> None:
    async with lab() as one, listening(one.plain, 1) as clients:
        uart, (own, port) = one.plain, clients.place
        listener = f'+QISTATE: 1,"TCP LISTENER","{own}",0,{port},3,1,1,0,"uart1"'
        await uart.ask("AT+QISTATE?", f"\r\n{listener}\r\n\r\nOK\r\n")
        incoming = []
        for number in (11, 10):
            host, its = (await clients.call()).name
            await uart.expect(f'\r\n+QIURC: "incoming",{number},1,"{host}",{its}\r\n'.encode())
            incoming.insert(0, f'+QISTATE: {number},"TCP INCOMING","{host}",{its},{port},2,1,1,0,"uart1"')
        await uart.ask("AT+QISTATE?", "\r\n" + "\r\n".join([listener, *incoming]) + "\r\n\r\nOK\r\n")
        client = clients.all[0]
        client.writer.write(b"hello")
        await uart.expect(b'\r\n+QIURC: "recv",11\r\n')
        await uart.ask("AT+QIRD=11,1500", reply(b"hello"))
        await uart.ask("AT+QICLOSE=1")
        await send(uart, 11, b"hi")
        assert await client.reader.readexactly(2) == b"hi"
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(own, port)


@pytest.mark.requirement("L7.3")
async def test_with_all_ids_in_use_a_client_is_dropped_and_told() -> None:
    async with lab() as one, listening(one.plain, 0) as clients:
        uart = one.plain
        for number in range(11, 0, -1):
            host, its = (await clients.call()).name
            await uart.expect(f'\r\n+QIURC: "incoming",{number},0,"{host}",{its}\r\n'.encode())
        dropped = await clients.call()
        await uart.expect(b'\r\n+QIURC: "incoming full"\r\n')
        assert await dropped.reader.read() == b""
        await uart.ask("AT+QICLOSE=4,0")
        host, its = (await clients.call()).name
        await uart.expect(f'\r\n+QIURC: "incoming",4,0,"{host}",{its}\r\n'.encode())


@pytest.mark.requirement("L3.7")
@pytest.mark.parametrize("kind", ["TCP LISTENER", "UDP SERVICE"])
@pytest.mark.parametrize("code", ["574", "556"])
async def test_two_on_one_port_fail(kind: str, code: str) -> None:
    async with lab(f"port_taken={code}") as one:
        port = unused_port()
        await one.plain.ask(f'AT+QIOPEN=1,0,"{kind}","127.0.0.1",0,{port},0', "\r\nOK\r\n\r\n+QIOPEN: 0,0\r\n")
        await one.plain.ask(f'AT+QIOPEN=1,1,"{kind}","127.0.0.1",0,{port},0', f"\r\nOK\r\n\r\n+QIOPEN: 1,{code}\r\n")
        await one.plain.ask("AT+QIACT=2")
        await one.plain.ask(f'AT+QIOPEN=2,2,"{kind}","127.0.0.1",0,{port},0', "\r\nOK\r\n\r\n+QIOPEN: 2,0\r\n")


@pytest.mark.requirement("L7.4")
@pytest.mark.parametrize(
    ("reading", "listens", "mode"), [("listener", 1, 1), ("buffered", 1, 0), ("listener", 0, 0), ("buffered", 0, 0)]
)
async def test_the_mode_of_a_client(reading: str, listens: int, mode: int) -> None:
    async with (
        lab(f"incoming_mode={reading}", "incoming_id=lowest") as one,
        listening(one.plain, 5, listens) as clients,
    ):
        client = await clients.call()
        host, its = client.name
        client.writer.write(b"data")
        data = ",4\r\ndata" if mode else "\r\n"
        told = f'\r\n+QIURC: "incoming",0,5,"{host}",{its}\r\n\r\n+QIURC: "recv",0{data}'
        await one.plain.expect(told.encode())
        shown = f'0,"TCP INCOMING","{host}",{its},{clients.place[1]},2,1,5,{mode},"uart1"'
        await one.plain.ask("AT+QISTATE=1,0", state(shown))


async def test_the_other_reading_of_closing_a_listener_closes_its_clients() -> None:
    async with lab("listener_close=all") as one, listening(one.plain) as clients:
        client = await clients.call()
        await one.plain.until(b'"incoming",11,0,"127.0.0.1",')
        await one.plain.until(b"\r\n")
        await one.plain.ask("AT+QICLOSE=0")
        assert await client.reader.read() == b""
        await one.plain.ask("AT+QISTATE?")


async def test_a_listener_that_refuses_clients_by_qicfg() -> None:
    async with lab(model="ec25") as one, listening(one.plain) as clients:
        await one.plain.ask('AT+QICFG="tcp/accept",0')
        assert await (await clients.call()).reader.read() == b""
        await one.plain.quiet()


async def test_all_twelve_sockets_carry_data_side_by_side() -> None:
    async with lab() as one:
        uart = one.plain
        accepted: list[asyncio.StreamWriter] = []
        server = await asyncio.start_server(lambda reader, writer: accepted.append(writer), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        for number in range(12):
            await uart.ask(f'AT+QIOPEN=1,{number},"TCP","127.0.0.1",{port}', f"\r\nOK\r\n\r\n+QIOPEN: {number},0\r\n")
        await settle()
        for number, writer in enumerate(accepted):
            writer.write(f"for {number}".encode())
            await uart.expect(f'\r\n+QIURC: "recv",{number}\r\n'.encode())
        for number in reversed(range(12)):
            data = f"for {number}"
            await uart.ask(f"AT+QIRD={number}", f"\r\n+QIRD: {len(data)}\r\n{data}\r\n\r\nOK\r\n")
        for writer in accepted:
            writer.transport.abort()
        server.close()


async def test_a_context_reaches_the_listener_of_another() -> None:
    async with lab() as one, listening(one.plain) as clients:
        uart, (own, port) = one.plain, clients.place
        await uart.ask("AT+QIACT=2")
        other = await address(uart, 2)
        await uart.ask(f'AT+QIOPEN=2,1,"TCP","{own}",{port}')
        lines = sorted([await uart.until(b"\r\n") + await uart.until(b"\r\n") for _ in range(2)])
        assert lines[0] == b"\r\n+QIOPEN: 1,0\r\n"
        assert lines[1].startswith(f'\r\n+QIURC: "incoming",11,0,"{other}",'.encode())
        await send(uart, 1, b"ab")
        await uart.expect(b'\r\n+QIURC: "recv",11\r\n')
