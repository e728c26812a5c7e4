"""Ports: which of them is told what, and what each of them may do with the sockets of others."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest
from emulator_host import Lab, Terminal, settle
from emulator_peer import Peer, peer
from lte_module import ERROR, OK, bg96, connected, lab, listening, opening, pushed, reply

from drivers.emulator.quectel_lte.modem import QuectelLteModem


@contextlib.asynccontextmanager
async def two_ports(*readings: str) -> AsyncIterator[tuple[Lab, Terminal, Terminal]]:
    async with lab(*readings) as one:
        await one.multiplex()
        yield one, await one.open(1), await one.open(2)


def recv(number: int) -> bytes:
    return f'\r\n+QIURC: "recv",{number}\r\n'.encode()


def modem_of(one: Lab) -> QuectelLteModem:
    modem = one.module._modem
    assert isinstance(modem, QuectelLteModem)
    return modem


@pytest.mark.requirement("L9.1", "L9.2")
async def test_every_port_sees_all_sockets_with_their_ports_and_may_use_them() -> None:  # W1, W2, W3, W8
    async with two_ports() as (_, first, second), connected(first, 0) as far, connected(second, 4) as other:
        for uart in (first, second):
            uart.write(b"AT+QISTATE?\r")
            text = (await uart.until(b"\r\nOK\r\n")).decode()
            own, its = (one.writer.get_extra_info("peername")[1] for one in (far, other))
            assert text == (
                f'AT+QISTATE?\r\r\n+QISTATE: 0,"TCP","127.0.0.1",{far.port},{own},2,1,0,0,"cmux1"\r\n'
                f'+QISTATE: 4,"TCP","127.0.0.1",{other.port},{its},2,1,0,0,"cmux2"\r\n\r\nOK\r\n'
            )
        far.writer.write(b"abc")
        await first.expect(recv(0))
        await second.ask("AT+QIRD=0", reply(b"abc"))
        await second.ask("AT+QISEND=0,2", "\r\n> ")
        second.write(b"hi")
        await second.expect(b"hi\r\nSEND OK\r\n")
        assert await far.reader.readexactly(2) == b"hi"
        await second.ask("AT+QICLOSE=0,0")
        await first.ask("AT+QIRD=0", ERROR)
        await first.quiet()


@pytest.mark.requirement("L9.2")
async def test_the_reading_in_which_the_socket_of_another_port_is_refused() -> None:
    async with two_ports("foreign_port=error") as (_, first, second), connected(first) as far:
        for command in ("AT+QIRD=0", "AT+QISEND=0,1", 'AT+QISENDEX=0,"31"', "AT+QISWTMD=0,1", "AT+QICLOSE=0"):
            await second.ask(command, ERROR)
            await second.ask("AT+QIGETERROR", "\r\n+QIGETERROR: 572,operation not allowed\r\n\r\nOK\r\n")
        far.writer.write(b"abc")
        await first.expect(recv(0))
        await first.ask("AT+QIRD=0", reply(b"abc"))
        await second.ask("AT+QICLOSE=1")


@pytest.mark.requirement("L9.1")
async def test_the_reading_in_which_ports_of_the_multiplexer_have_no_names() -> None:
    async with two_ports("port_names=uart1") as (_, first, second), connected(second):
        first.write(b"AT+QISTATE?\r")
        assert b',2,1,0,0,"uart1"\r\n' in await first.until(b"\r\nOK\r\n")


async def test_the_port_that_opened_a_socket_is_told_of_it_and_no_other() -> None:  # W7
    async with two_ports() as (one, first, second), connected(first, 0) as far, connected(second, 1, 1) as other:
        far.writer.write(b"abc")
        await first.expect(recv(0))
        other.writer.write(b"def")
        await second.expect(b'\r\n+QIURC: "recv",1,3\r\ndef')
        async with listening(second, 5) as clients:
            host, its = (await clients.call()).name
            await second.expect(f'\r\n+QIURC: "incoming",11,5,"{host}",{its}\r\n'.encode())
        await second.expect(b'\r\n+QIURC: "closed",11\r\n')
        far.writer.close()
        await first.expect(b'\r\n+QIURC: "closed",0\r\n')
        await first.ask('AT+QIDNSGIP=1,"127.0.0.1"')
        await first.expect(b'\r\n+QIURC: "dnsgip",0,1,600\r\n\r\n+QIURC: "dnsgip","127.0.0.1"\r\n')
        one.module.trigger("pdp_deact")  # to whom has activated the context: the plain port, which is the first now
        await first.expect(b'\r\n+QIURC: "pdpdeact",1\r\n')
        await second.quiet()


@pytest.mark.parametrize(
    ("reading", "urc_port", "told"),
    [
        *(("urcport", 0, (1, 2, 3)), ("urcport", 1, (1,)), ("urcport", 3, (3,)), ("urcport", 4, ())),
        *(("all", 0, (1, 2, 3)), ("all", 3, (1, 2, 3)), ("opener", 0, (2,)), ("opener", 3, (2,))),
    ],
)
async def test_the_other_readings_of_who_is_told(reading: str, urc_port: int, told: tuple[int, ...]) -> None:
    async with lab(f"socket_urcs={reading}") as one:  # W4, W5, W6
        modem_of(one).kept["cmux/urcport"] = str(urc_port)
        await one.multiplex()
        ports = {number: await one.open(number) for number in (1, 2, 3)}
        async with peer_of(ports[2], 2 in told) as far:
            for number in told:
                if number != 2:
                    await ports[number].expect(b"\r\n+QIOPEN: 0,0\r\n")
            far.writer.write(b"abcdef")
            for number in told:
                await ports[number].expect(b'\r\n+QIURC: "recv",0,6\r\nabcdef')
            for uart in ports.values():
                await uart.quiet()
            far.writer.close()
            for number in told:
                await ports[number].expect(b'\r\n+QIURC: "closed",0\r\n')
            for uart in ports.values():
                await uart.quiet()


async def test_the_port_that_opened_a_socket_misses_nothing_where_all_are_told_and_it_is_held_up() -> None:
    data = bytes(index % 251 for index in range(300_000))  # 200 pieces of 1500 octets; 64 can wait for a port
    async with lab("socket_urcs=all") as one:
        await one.multiplex()
        first, second = await one.open(1), await one.open(2)
        async with connected(first, 0, 1) as far:
            await first.ask("AT+QISEND=0,2", "\r\n> ")  # nothing unasked for comes before the two octets
            far.writer.write(data)
            came = -1
            while came != (came := len(second.received)):
                await settle(200)
            assert not first.received
            first.write(b"hi")
            await first.expect(b"hi\r\nSEND OK\r\n")
            received = b""
            while len(received) < len(data):
                received += await pushed(first)
            assert received == data


async def test_news_of_a_port_are_not_lost_for_those_of_others_that_it_is_told_too() -> None:
    data = bytes(150_000)  # 100 pieces of 1500 octets; 64 can wait for a port
    async with lab("socket_urcs=all") as one:
        await one.multiplex()
        first, second = await one.open(1), await one.open(2)
        async with connected(first, 0) as near:
            await second.expect(b"\r\n+QIOPEN: 0,0\r\n")
            async with connected(second, 1, 1) as far:
                await first.expect(b"\r\n+QIOPEN: 1,0\r\n")
                await first.ask("AT+QISEND=0,2", "\r\n> ")  # nothing unasked for comes before the two octets
                near.writer.write(b"news")
                await second.until(b'\r\n+QIURC: "recv",0\r\n')
                far.writer.write(data)
                came = -1
                while came != (came := len(second.received)):
                    await settle(200)
                assert came > len(data)
                first.write(b"hi")
                await first.expect(b'hi\r\nSEND OK\r\n\r\n+QIURC: "recv",0\r\n')


@contextlib.asynccontextmanager
async def peer_of(uart: Terminal, told: bool) -> AsyncIterator[Peer]:
    """Open socket 0 in direct push mode on a port that is told of it, or is not."""
    async with peer() as far:
        await uart.ask(opening(far, 0, 1), OK + ("\r\n+QIOPEN: 0,0\r\n" if told else ""))
        await far.arrived.wait()
        yield far


async def test_sockets_survive_the_dlc_that_opened_them_and_lines_go_to_the_urc_port() -> None:
    async with two_ports() as (one, first, second), connected(first, 0) as far:
        await one.close(1)
        far.writer.write(b"abc")
        await second.expect(recv(0))
        await second.ask("AT+QIRD=0", reply(b"abc"))
        modem_of(one).kept["cmux/urcport"] = "3"
        far.writer.write(b"def")
        await second.quiet()
        third = await one.open(3)
        await third.expect(recv(0))
        await second.ask("AT+QIRD=0", reply(b"def"))


async def test_sockets_survive_the_way_into_multiplexer_mode_and_out_of_it() -> None:
    async with lab() as one, connected(one.plain, 3) as far:
        await one.multiplex()
        first = await one.open(1)
        far.writer.write(b"abc")
        await first.expect(recv(3))
        first.write(b"AT+QISTATE?\r")
        assert b',2,1,0,0,"uart1"\r\n' in await first.until(b"\r\nOK\r\n")
        await first.ask("AT+QIRD=3", reply(b"abc"))
        await one.leave()
        far.writer.write(b"def")
        await one.plain.expect(recv(3))
        await one.plain.ask("AT+QIRD=3", reply(b"def"))


async def test_the_readings_in_which_sockets_end_with_their_dlc_or_with_the_multiplexer() -> None:
    async with two_ports("disc_sockets=close") as (one, first, second), connected(first) as far, connected(second, 1):
        await one.close(1)
        assert await far.reader.read() == b""
        second.write(b"AT+QISTATE?\r")
        assert (await second.until(b"\r\nOK\r\n")).count(b"+QISTATE: ") == 1
    async with lab("cmux_sockets=close") as one:
        async with connected(one.plain) as far:
            await one.multiplex()
            assert await far.reader.read() == b""
        first = await one.open(1)
        await first.ask("AT+QISTATE?")
        async with connected(first) as far:
            await one.leave()
            assert await far.reader.read() == b""
        await one.plain.ask("AT+QISTATE?")


@pytest.mark.parametrize(("reading", "told"), [("dropped", False), ("kept", True)])
async def test_lines_that_no_port_can_show_are_lost_or_kept(reading: str, told: bool) -> None:
    async with lab(f"unheard_lines={reading}") as one:
        await one.multiplex()
        first = await one.open(1)
        async with listening(first) as clients:
            await one.close(1)
            host, its = (await clients.call()).name
            await settle()
            first = await one.open(1)
            if told:
                await first.expect(f'\r\n+QIURC: "incoming",11,0,"{host}",{its}\r\n'.encode())
            await first.quiet()
            lost = modem_of(one).outlets.lost + modem_of(one).uarts[0].dropped_lines
            assert lost == (0 if told else 1)
        await first.expect(b'\r\n+QIURC: "closed",11\r\n')


async def test_settings_of_the_stack_are_those_of_every_port_and_echo_is_not() -> None:  # W9
    async with two_ports() as (_, first, second):
        await first.ask('AT+QICFG="transpktsize",100;+QISDE=0;+QICSGP=5,1,"apn";E0')
        await second.ask('AT+QICFG="transpktsize"', '\r\n+QICFG: "transpktsize",100\r\n\r\nOK\r\n')
        await second.ask("AT+QISDE?", "\r\n+QISDE: 0\r\n\r\nOK\r\n")
        await second.ask("AT+QICSGP=5", '\r\n+QICSGP: 1,"apn","","",0\r\n\r\nOK\r\n')
        await second.ask("AT+QICFG=", ERROR)
        await first.ask("AT+QIGETERROR", "\r\n+QIGETERROR: 552,invalid parameters\r\n\r\nOK\r\n", echo=False)


@pytest.mark.parametrize(("scope", "told"), [("module", "0,operate successfully"), ("port", "552,invalid parameters")])
async def test_the_last_error_is_that_of_the_module_or_of_the_port(scope: str, told: str) -> None:
    async with two_ports(f"error_scope={scope}") as (_, first, second):
        await first.ask("AT+QIACT=17", ERROR)
        await second.ask("AT+QIDEACT=2")
        await first.ask("AT+QIGETERROR", f"\r\n+QIGETERROR: {told}\r\n\r\nOK\r\n")


async def test_only_the_port_of_a_command_waits_for_it() -> None:
    async with two_ports() as (one, first, second), connected(first) as far:
        one.module.trigger("silence")
        second.write(b"AT+QIACT=2\rAT\r")
        await second.expect(b"AT+QIACT=2\r")
        await first.ask("AT+QISTATE=0,2")
        await first.ask("AT+QIACT=2", ERROR)
        await first.ask("AT+QIGETERROR", "\r\n+QIGETERROR: 568,operation busy\r\n\r\nOK\r\n")
        await second.quiet()
        one.module.trigger("sound")
        await second.expect(b"\r\nOK\r\nAT\r\r\nOK\r\n")
        assert far


@pytest.mark.requirement("L11.1")
@pytest.mark.parametrize("mode", [0, 1, 2])
async def test_a_reset_ends_sockets_contexts_and_the_multiplexer(mode: int) -> None:
    async with lab() as one:
        await one.plain.ask('AT+QICFG="viewmode",1')
        await one.multiplex()
        first = await one.open(1)
        async with connected(first, 0, mode) as far:
            one.module.trigger("reset")
            assert await far.reader.read() == b""
        mux, transport = one.mux, one.host.transport
        assert mux is not None
        assert transport is not None
        mux.detach()
        transport.set_protocol(one.host)
        await settle()
        one.plain.received.clear()
        for command in ("AT+QIACT?", "AT+QISTATE?"):
            await one.plain.ask(command)
        await one.plain.ask('AT+QICFG="viewmode"', '\r\n+QICFG: "viewmode",0\r\n\r\nOK\r\n')
        await one.plain.ask("AT+QIGETERROR", "\r\n+QIGETERROR: 0,operate successfully\r\n\r\nOK\r\n")


@pytest.mark.requirement("L11.1")
@pytest.mark.parametrize("at", ["prompt", "data mode", "QICLOSE", "QIOPEN", "QIACT"])
async def test_a_reset_in_the_middle_of_something_leaves_a_module_that_works(at: str) -> None:
    async with lab() as one, connected(one.plain, 0) as far:
        uart = one.plain
        if at == "prompt":
            await uart.ask("AT+QISEND=0,5", "\r\n> ")
        elif at == "data mode":
            await uart.ask("AT+QISWTMD=0,2", "\r\nCONNECT\r\n")
        else:
            one.module.trigger("silence")
            commands = {"QICLOSE": "AT+QICLOSE=0", "QIOPEN": opening(far, 1, 2), "QIACT": "AT+QIACT=2"}
            uart.write(f"{commands[at]}\r".encode())
            await uart.expect(f"{commands[at]}\r".encode())
        one.module.trigger("reset")
        assert (await uart.until(b"APP RDY\r\n")).startswith(b'\r\n+QIURC: "pdpdeact",1\r\n\r\nRDY\r\n')
        await settle()
        uart.received.clear()
        await uart.ask("AT+QISTATE?")
        await uart.ask("AT+QIACT=1")
        async with connected(uart, 0) as again:
            again.writer.write(b"x")
            await uart.expect(recv(0))


async def test_a_module_that_ends_with_open_sockets_leaves_nothing_behind() -> None:
    async with Lab(bg96()) as one:
        await one.plain.ask("AT+QIACT=1")
        async with listening(one.plain, 0) as clients, connected(one.plain, 1), connected(one.plain, 2, 1):
            await clients.call()
            await one.plain.until(b'"incoming"')
            modem = modem_of(one)
            await one.module.__aexit__(None, None, None)
            assert list(modem.sockets) == []
            assert not modem.environment.transports
