"""Transparent mode: data mode on one port, the ways out of it, and the way back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from emulator_host import Lab, Terminal, Turning, settle
from emulator_peer import Peer
from lte_module import CONNECT, ERROR, connected, lab, opening, reply, unused_port

from cmux.protocol.commands import Signals

NO_CARRIER = "\r\nNO CARRIER\r\n"
CLOSED = b'\r\n+QIURC: "closed",0\r\n'
RECV = b'\r\n+QIURC: "recv",0\r\n'


def waiting(one: Peer) -> bytes:
    """Return what has arrived and was not read."""
    return bytes(one.reader._buffer)  # type: ignore[attr-defined]


@contextlib.asynccontextmanager
async def online(clock: Turning, *readings: str, model: str = "bg96") -> AsyncIterator[tuple[Lab, Terminal, Peer]]:
    """Be in data mode on socket 0."""
    async with lab(*readings, model=model, clock=clock) as one, connected(one.plain, 0, 2) as far:
        yield one, one.plain, far


async def escape(clock: Turning, uart: Terminal) -> None:
    await clock.turn(1.0)
    uart.write(b"+++")
    await clock.turn(1.0)
    await uart.expect(b"\r\nOK\r\n")


@pytest.mark.requirement("L3.2")
async def test_an_opening_in_transparent_mode_says_connect_and_nothing_else() -> None:
    clock = Turning()
    async with online(clock) as (_, uart, far):
        await uart.quiet()
        far.writer.write(b"AT\r\r\nOK\r\n")
        await uart.expect(b"AT\r\r\nOK\r\n")


@pytest.mark.requirement("L3.2")
@pytest.mark.parametrize(
    ("values", "code"),
    [
        ('1,0,"TCP","nowhere.example",7,0,2', "565,DNS parse failed"),
        ('1,0,"TCP","127.0.0.1",{},0,2', "566,socket connect failed"),
        ('2,0,"TCP","127.0.0.1",{},0,2', "561,open PDP context failed"),
        ('1,0,"TCP LISTENER","127.0.0.1",0,{},2', "555,operation not supported"),
        ('1,0,"UDP SERVICE","127.0.0.1",0,{},2', "555,operation not supported"),
    ],
)
async def test_a_failed_opening_in_transparent_mode_says_error_and_leaves_the_id_free(values: str, code: str) -> None:
    async with lab() as one:
        await one.plain.ask("AT+QIOPEN=" + values.format(unused_port()), ERROR)
        await one.plain.ask("AT+QIGETERROR", f"\r\n+QIGETERROR: {code}\r\n\r\nOK\r\n")
        await one.plain.ask("AT+QISTATE?")
        await one.plain.quiet()


async def test_an_opening_that_waits_is_ended_by_a_lost_context() -> None:
    async with lab() as one, connected(one.plain, 1) as far:
        one.module.trigger("silence")
        one.plain.write(f"{opening(far, 0, 2)}\r".encode())
        await one.plain.expect(f"{opening(far, 0, 2)}\r".encode())
        await one.plain.quiet()
        one.module.trigger("pdp_deact")
        await one.plain.expect(b'\r\nERROR\r\n\r\n+QIURC: "pdpdeact",1\r\n')
        await one.plain.ask("AT+QISTATE=1,0")


@pytest.mark.requirement("L8.1")
@pytest.mark.parametrize(
    ("readings", "size", "wait", "seconds"),
    [((), None, None, 0.2), ((), 100, 5, 0.5), (("transwaittm_unit=1ms",), 100, 20, 0.02), ((), 1, 20, 2.0)],
)
async def test_octets_go_out_in_packets_or_after_a_silence(
    readings: tuple[str, ...], size: int | None, wait: int | None, seconds: float
) -> None:
    clock = Turning()
    async with lab(*readings, clock=clock) as one:
        for name, value in (("transpktsize", size), ("transwaittm", wait)):
            if value is not None:
                await one.plain.ask(f'AT+QICFG="{name}",{value}')
        size = size or 1024
        async with connected(one.plain, 0, 2) as far:
            one.plain.write(b"a" * size)
            assert await far.reader.readexactly(size) == b"a" * size
            if size > 1:
                one.plain.write(b"b" * (size - 1))
                await settle()
                await clock.turn(seconds * 0.9)
                assert not waiting(far)
                await clock.turn(seconds * 0.2)
                assert await far.reader.readexactly(size - 1) == b"b" * (size - 1)


@pytest.mark.requirement("L8.2", "L8.3")
async def test_plus_signs_between_silences_of_a_second_lead_to_command_mode_in_buffered_mode() -> None:
    clock = Turning()
    async with online(clock) as (_, uart, far):
        uart.write(b"x")
        await clock.turn(1.1)
        uart.write(b"+")
        await clock.turn(0.4)
        uart.write(b"++")
        await clock.turn(0.9)
        await uart.quiet()
        await clock.turn(0.2)
        await uart.expect(b"\r\nOK\r\n")
        assert await far.reader.readexactly(1) == b"x"
        far.writer.write(b"late")
        await uart.expect(RECV)
        await uart.ask("AT+QIRD=0", reply(b"late"))
        uart.write(b"AT+QISTATE?\r")
        assert b',2,1,0,0,"uart1"\r\n' in await uart.until(b"\r\nOK\r\n")
        await uart.quiet()
        assert not waiting(far)


@pytest.mark.requirement("L8.2")
@pytest.mark.parametrize(
    "steps",
    [
        [(0.9, b"+++"), (1.5, b"")],
        [(1.1, b"+++"), (0.9, b"x"), (1.5, b"")],
        [(1.1, b"++++"), (1.5, b"")],
        [(1.1, b"++"), (1.5, b"")],
        [(1.1, b"++"), (1.1, b"+"), (1.5, b"")],
        [(1.1, b"a+++"), (1.5, b"")],
    ],
)
async def test_other_plus_signs_are_data(steps: list[tuple[float, bytes]]) -> None:
    clock = Turning()
    async with online(clock) as (_, uart, far):
        uart.write(b"x")
        for pause, octets in steps:
            await clock.turn(pause)
            if octets:
                uart.write(octets)
        await clock.turn(3)
        expected = b"x" + b"".join(octets for _, octets in steps)
        assert await far.reader.readexactly(len(expected)) == expected
        assert uart.received == b""


async def test_connect_of_a_socket_tells_no_rate_where_that_of_a_data_call_does() -> None:
    clock = Turning()
    async with online(clock, "connect_rate=150000000") as (_, uart, _far):
        await escape(clock, uart)
        await uart.ask("ATO", CONNECT)


async def test_dcd_is_on_from_connect_until_the_connection_ends() -> None:
    clock = Turning()
    async with lab("idle_carrier=off", clock=clock) as one:
        await one.multiplex()
        uart = await one.open(1)
        modem = one.module._modem
        assert modem is not None
        carrier = modem.uarts[0].carrier
        assert not carrier.on
        async with connected(uart, 0, 2) as far:
            assert carrier.on
            await escape(clock, uart)
            assert carrier.on
            await uart.ask("ATO", CONNECT)
            far.writer.close()
            await uart.expect(b"\r\nNO CARRIER\r\n")
            assert not carrier.on
        async with connected(uart, 1, 2) as far:
            await escape(clock, uart)
            assert carrier.on
            far.writer.close()
            await uart.expect(b'\r\n+QIURC: "closed",1\r\n')
            assert not carrier.on
        async with connected(uart, 2, 2):
            assert carrier.on
            one.module.trigger("reset")
            assert not carrier.on


@pytest.mark.requirement("L8.4")
@pytest.mark.parametrize("back", ["ATO", "ATO0", "AT+QISWTMD=0,2"])
async def test_the_way_back_says_connect_and_what_came_meanwhile_comes_first(back: str) -> None:
    clock = Turning()
    async with online(clock) as (_, uart, far):
        await escape(clock, uart)
        far.writer.write(b"held")
        await uart.expect(RECV)
        await uart.ask(back, f"{CONNECT}held")
        uart.write(b"y")
        await clock.turn(0.3)
        assert await far.reader.readexactly(1) == b"y"
        await escape(clock, uart)
        far.writer.write(b"again")
        await uart.expect(RECV)
        await uart.ask(back, f"{CONNECT}again")


@pytest.mark.requirement("L8.4")
async def test_ato_without_a_connection_says_no_carrier() -> None:
    clock = Turning()
    async with lab() as one, connected(one.plain, 1):
        await one.plain.ask("ATO", NO_CARRIER)
    async with online(clock) as (_, uart, far):
        await escape(clock, uart)
        far.writer.close()
        await uart.expect(CLOSED)
        await uart.ask("ATO", NO_CARRIER)
        await uart.ask("AT+QISWTMD=0,2", ERROR)
        await uart.ask("AT+QIGETERROR", "\r\n+QIGETERROR: 567,socket has been closed\r\n\r\nOK\r\n")
        await uart.ask("AT+QICLOSE=0")
        await uart.ask("ATO", NO_CARRIER)


@pytest.mark.requirement("L8.5", "L6.1")
async def test_the_peer_ends_data_mode_with_no_carrier_and_the_id_is_in_use_until_qiclose() -> None:
    clock = Turning()
    async with online(clock) as (_, uart, far):
        far.writer.write(b"last")
        far.writer.close()
        await uart.expect(b"last\r\nNO CARRIER\r\n")
        await uart.quiet()
        uart.write(b"AT+QISTATE?\r")
        assert b',4,1,0,0,"uart1"\r\n' in await uart.until(b"\r\nOK\r\n")
        await uart.ask(opening(far, 0), "\r\nOK\r\n\r\n+QIOPEN: 0,563\r\n")
        await uart.ask("AT+QICLOSE=0")
        await uart.ask("AT+QISTATE?")


async def test_the_reading_in_which_closed_is_told_behind_no_carrier() -> None:
    async with online(Turning(), "transparent_end=both") as (_, uart, far):
        far.writer.close()
        await uart.expect(b"\r\nNO CARRIER\r\n" + CLOSED)


async def test_a_lost_context_ends_data_mode_with_no_carrier_first() -> None:
    async with online(Turning()) as (one, uart, _):
        one.module.trigger("pdp_deact")
        await uart.expect(b'\r\nNO CARRIER\r\n\r\n+QIURC: "pdpdeact",1\r\n')
        await uart.quiet()


async def test_lines_of_other_sockets_wait_while_their_port_is_in_data_mode() -> None:
    clock = Turning()
    async with lab(clock=clock) as one, connected(one.plain, 1) as other, connected(one.plain, 0, 2) as far:
        other.writer.write(b"abc")
        await one.plain.quiet()
        far.writer.write(b"data")
        await one.plain.expect(b"data")
        await escape(clock, one.plain)
        await one.plain.expect(b'\r\n+QIURC: "recv",1\r\n')
        await one.plain.ask("AT+QIRD=1", reply(b"abc"))


async def test_a_connection_in_command_mode_can_be_sent_to_and_read_as_any_other() -> None:
    clock = Turning()
    async with online(clock) as (_, uart, far):
        await escape(clock, uart)
        await uart.ask("AT+QISEND=0,2", "\r\n> ")
        uart.write(b"hi")
        await uart.expect(b"hi\r\nSEND OK\r\n")
        assert await far.reader.readexactly(2) == b"hi"
        await uart.ask("AT+QICLOSE=0,0")
        await uart.ask("ATO", NO_CARRIER)


@pytest.mark.requirement("L8.6")
async def test_another_port_works_while_one_is_in_data_mode() -> None:
    async with lab() as one:
        await one.multiplex()
        first, second = await one.open(1), await one.open(2)
        async with connected(first, 0, 2) as far, connected(second, 1) as other:
            other.writer.write(b"abc")
            await second.expect(b'\r\n+QIURC: "recv",1\r\n')
            await second.ask("AT+QIRD=1", reply(b"abc"))
            second.write(b"AT+QISTATE?\r")
            shown = await second.until(b"\r\nOK\r\n")
            assert b',2,1,0,2,"cmux1"\r\n' in shown
            assert b',2,1,0,0,"cmux2"\r\n' in shown
            for command in ("AT+QISEND=0,1", "AT+QIRD=0", "AT+QISWTMD=0,0", "AT+QISWTMD=0,2", 'AT+QISENDEX=0,"31"'):
                await second.ask(command, ERROR)
                await second.ask("AT+QIGETERROR", "\r\n+QIGETERROR: 572,operation not allowed\r\n\r\nOK\r\n")
            await second.ask("ATO", NO_CARRIER)
            far.writer.write(b"through")
            await first.expect(b"through")
            async with connected(second, 2, 2) as third:  # several at once, on several ports
                third.writer.write(b"too")
                await second.expect(b"too")
                far.writer.write(b"and on")
                await first.expect(b"and on")
            await second.expect(b"\r\nNO CARRIER\r\n")


@pytest.mark.requirement("L8.6")
async def test_qiclose_on_another_port_ends_data_mode() -> None:
    async with lab() as one:
        await one.multiplex()
        first, second = await one.open(1), await one.open(2)
        async with connected(first, 0, 2):
            await second.ask("AT+QICLOSE=0,0")
            await first.expect(b"\r\nNO CARRIER\r\n")
            await second.ask("AT+QISTATE?")


async def test_the_port_that_asks_for_transparent_mode_has_the_data_and_the_opener_the_lines() -> None:
    clock = Turning()
    async with lab(clock=clock) as one:
        await one.multiplex()
        first, second = await one.open(1), await one.open(2)
        async with connected(first) as far:
            await second.ask("AT+QISWTMD=0,2", CONNECT)
            far.writer.write(b"here")
            await second.expect(b"here")
            await first.quiet()
            await escape(clock, second)
            far.writer.write(b"there")
            await first.expect(RECV)
            await second.quiet()
            await first.ask("ATO", NO_CARRIER)
            await second.ask("ATO", f"{CONNECT}there")


@pytest.mark.parametrize(("setting", "answer"), [(0, b""), (1, b"\r\nOK\r\n"), (2, b"\r\nNO CARRIER\r\n")])
async def test_dtr_ends_data_mode_as_at_d_says(setting: int, answer: bytes) -> None:
    clock = Turning()
    async with lab(clock=clock) as one:
        await one.multiplex()
        uart = await one.open(1)
        await uart.ask(f"AT&D{setting}")
        async with connected(uart, 0, 2) as far:
            mux = one.mux
            assert mux is not None
            for on in (True, False):
                mux.multiplexer.set_signals(1, Signals(rtc=on, rtr=True, dv=True), mux.now())
                mux.flush()
                await settle()
            await uart.expect(answer)
            if setting == 2:
                assert await far.reader.read() == b""
                uart.write(b"AT+QISTATE?\r")
                assert b',4,1,0,0,"cmux1"\r\n' in await uart.until(b"\r\nOK\r\n")
                await uart.ask("AT+QICLOSE=0")
                return
            far.writer.write(b"abc")
            await uart.expect(b"abc" if setting == 0 else RECV)


@pytest.mark.parametrize(("reading", "stays"), [("stays", True), ("closes", False)])
async def test_a_dlc_that_closes_in_data_mode(reading: str, stays: bool) -> None:
    async with lab(f"disc_in_data_mode={reading}") as one:
        await one.multiplex()
        first, second = await one.open(1), await one.open(2)
        async with connected(first, 0, 2) as far:
            await one.close(1)
            if stays:
                far.writer.write(b"abc")
                await second.expect(RECV)
                await second.ask("AT+QIRD=0", reply(b"abc"))
            else:
                assert await far.reader.read() == b""
            await second.ask("AT+QICLOSE=0,0")


async def test_a_udp_connection_can_be_transparent() -> None:
    loop, clock = asyncio.get_running_loop(), Turning()
    received: asyncio.Queue[bytes] = asyncio.Queue()

    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
            received.put_nowait(data)
            self.transport.sendto(data.upper(), addr)  # type: ignore[attr-defined]

    transport, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    async with lab(clock=clock) as one:
        await one.plain.ask(f'AT+QIOPEN=1,0,"UDP","127.0.0.1",{port},0,2', CONNECT)
        one.plain.write(b"hello")
        await clock.turn(0.25)
        await one.plain.expect(b"HELLO")
        assert received.get_nowait() == b"hello"
    transport.close()
