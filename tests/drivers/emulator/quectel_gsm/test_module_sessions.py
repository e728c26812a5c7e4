"""Sessions of the module on real sockets: data both ways, several at once, and pushing back."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket

import pytest
from emulator_host import Lab, Terminal, Turning, settle
from emulator_peer import CONNECTED, Peer, connect, peer

from drivers.emulator import EmulatedModule

SERVER = "\r\nOK\r\n\r\nSERVER OK\r\n"
TEXT = b"Quectel's module is great!"


async def listen(uart: Terminal, command: str = "AT+QISERVER") -> str:
    await uart.ask(command, SERVER)
    uart.write(b"AT+QILOCIP\r")
    await uart.expect(b"AT+QILOCIP\r\r\n")
    return (await uart.until(b"\r\n"))[:-2].decode()


HEADERS = list(itertools.product((0, 1), repeat=5))


@pytest.mark.requirement("S3.46", "S3.47", "S3.48", "S3.49", "S4.13", "S4.14")
@pytest.mark.parametrize("kind", ["TCP", "UDP"])
@pytest.mark.parametrize(("mux", "showra", "showla", "head", "showpt"), HEADERS)
async def test_what_stands_before_received_data(
    mux: int, showra: int, showla: int, head: int, showpt: int, kind: str
) -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        await lab.plain.ask(f"AT+QIMUX={mux}")
        echo, _ = await asyncio.get_running_loop().create_datagram_endpoint(_Echo, local_addr=("127.0.0.1", 0))
        port = one.port if kind == "TCP" else echo.get_extra_info("sockname")[1]
        index, answer = ("0,", "0, CONNECT OK") if mux else ("", "CONNECT OK")
        await lab.plain.ask(f'AT+QIOPEN={index}"{kind}","127.0.0.1",{port}', f"\r\nOK\r\n\r\n{answer}\r\n")
        lab.plain.write(b"AT+QILOCIP\r")
        await lab.plain.expect(b"AT+QILOCIP\r\r\n")
        own = (await lab.plain.until(b"\r\n")).decode()
        await lab.plain.ask(f"AT+QISHOWRA={showra};+QISHOWLA={showla};+QIHEAD={head};+QISHOWPT={showpt}")
        if kind == "TCP":
            await one.arrived.wait()
            one.writer.write(TEXT)
        else:
            await lab.plain.ask(f"AT+QISDE=0;+QISEND={index}{len(TEXT)}", "\r\n> ")
            lab.plain.write(TEXT)
            await lab.plain.expect(b"\r\nSEND OK\r\n")
        wanted = ""
        if mux or showra or showla:
            wanted = "\r\n"
        if mux:
            wanted += "+RECEIVE: 0, 26\r\n"
        if showra:
            wanted += f"RECV FROM:127.0.0.1:{port}\r\n"
        if showla:
            wanted += f"TO:{own}"
        if head:
            wanted += f"IPD26{kind}:" if showpt else "IPD26:"
        await lab.plain.expect(wanted.encode() + TEXT)
        await lab.plain.quiet()
        echo.close()


@pytest.mark.requirement("S4.5", "S4.7", "S4.8", "S4.12", "S4.15", "S2.3")
async def test_six_profiles_at_once_tcp_and_udp() -> None:
    async with Lab(EmulatedModule()) as lab, contextlib.AsyncExitStack() as stack:
        uart = lab.plain
        await uart.ask("AT+QIMUX=1")
        echo, _ = await asyncio.get_running_loop().create_datagram_endpoint(_Echo, local_addr=("127.0.0.1", 0))
        stack.callback(echo.close)
        port = echo.get_extra_info("sockname")[1]
        peers = [await stack.enter_async_context(peer()) for _ in range(3)]
        for index, one in enumerate(peers):
            await connect(uart, one, index)
        for index in (3, 4, 5):
            await uart.ask(f'AT+QIOPEN={index},"UDP","127.0.0.1",{port}', f"\r\nOK\r\n\r\n{index}, CONNECT OK\r\n")
        await uart.ask('AT+QIOPEN=6,"UDP","127.0.0.1",9', "\r\nERROR\r\n")
        await uart.ask('AT+QIOPEN=5,"UDP","127.0.0.1",9', "\r\n5, ALREADY CONNECT\r\n")
        await uart.ask("AT+QISEND", "\r\nERROR\r\n")
        await uart.ask("AT+QISTATE", _states(peers, port))
        for index, one in enumerate(peers):
            await uart.ask(f"AT+QISEND={index}", "\r\n> ")
            uart.write(b"to %d\x1a" % index)
            await uart.expect(b"to %d\r\nSEND OK\r\n" % index)
            assert await one.reader.readexactly(4) == b"to %d" % index
        await uart.ask("AT+QISEND=4,3", "\r\n> ")
        uart.write(b"udp")
        await uart.expect(b"udp\r\nSEND OK\r\n\r\n+RECEIVE: 4, 3\r\nudp")
        await uart.ask("AT+QISACK=4", "\r\n+QISACK: 3, 3, 0\r\n\r\nOK\r\n")
        await uart.ask("AT+QISACK", "\r\nERROR\r\n")
        peers[1].writer.close()
        await uart.expect(b"\r\n1, CLOSED\r\n")
        await uart.ask("AT+QICLOSE=0", "\r\n0, CLOSE OK\r\n")
        await uart.ask("AT+QICLOSE=0", "\r\nERROR\r\n")
        await uart.ask("AT+QICLOSE", "\r\nERROR\r\n")
        await uart.ask("AT+QIDEACT", "\r\nDEACT OK\r\n")
        await uart.quiet()


def _states(peers: list[Peer], port: int) -> str:
    lines = [f'+QISTATE: {index}, "TCP", "127.0.0.1", {one.port},"CONNECTED"' for index, one in enumerate(peers)]
    lines += [f'+QISTATE: {index}, "UDP", "127.0.0.1", {port},"CONNECTED"' for index in (3, 4, 5)]
    return "\r\nOK\r\n\r\nSTATE: IP PROCESSING\r\n\r\n" + "\r\n".join(lines) + "\r\n\r\nOK\r\n"


class _Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        self._transport.sendto(data, addr)  # type: ignore[attr-defined]


async def test_a_session_with_atv0() -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        uart = lab.plain
        await uart.ask("ATV0", "0\r")
        await uart.ask("ATE0+QISHOWRA=1", "0\r")
        await uart.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', "0\rCONNECT OK\r\n", echo=False)
        await one.arrived.wait()
        await uart.ask("AT+QISTATE", "0\r8\r\n", echo=False)
        await uart.ask("AT+QISEND=2", "> ", echo=False)
        uart.write(b"hi")
        await uart.expect(b"hiSEND OK\r\n")
        assert await one.reader.readexactly(2) == b"hi"
        await settle()
        await uart.ask("AT+QISACK", "+QISACK: 2, 2, 0\r\n0\r", echo=False)
        one.writer.write(b"there")
        await uart.expect(f"\r\nRECV FROM:127.0.0.1:{one.port}\r\nthere".encode())
        one.writer.close()
        await uart.expect(b"CLOSED\r\n")
        await uart.ask("AT+QISTAT", "0\r7\r\n", echo=False)
        await uart.ask("AT+QIDEACT", "DEACT OK\r\n", echo=False)
        await uart.ask("ATO", "3\r", echo=False)


@pytest.mark.requirement("S5.4", "S5.6", "S5.8", "S5.10", "S5.16", "S5.17")
async def test_a_server_for_one_client() -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = lab.plain
        address = await listen(uart)
        reader, writer = await asyncio.open_connection(address, 2020)
        await uart.expect(b"\r\nREMOTE IP: 127.0.0.1\r\n" if address == "127.0.0.1" else b"\r\nREMOTE IP: 127.")
        await uart.until(b"\r\n") if address != "127.0.0.1" else None
        await uart.ask("AT+QISERVER?", "\r\n+QISERVER: 1, 1\r\n\r\nOK\r\n")
        second, second_writer = await asyncio.open_connection(address, 2020)
        with contextlib.suppress(ConnectionError):
            assert await second.read() == b""  # turned away
        second_writer.close()
        await uart.ask("AT+QISEND=2", "\r\nERROR\r\n")
        await uart.ask("AT+QISRVC=2")
        await uart.ask("AT+QISEND=2", "\r\n> ")
        uart.write(b"hi")
        await uart.expect(b"hi\r\nSEND OK\r\n")
        assert await reader.readexactly(2) == b"hi"
        await uart.ask("AT+QICLOSE", "\r\nCLOSE OK\r\n")
        assert await reader.read() == b""
        writer.close()
        await uart.ask("AT+QISERVER?", "\r\n+QISERVER: 1, 0\r\n\r\nOK\r\n")
        await uart.ask("AT+QICLOSE", "\r\nCLOSE OK\r\n")
        await uart.ask("AT+QISERVER?", "\r\n+QISERVER: 0, 0\r\n\r\nOK\r\n")
        await uart.ask("AT+QICLOSE", "\r\nERROR\r\n")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(address, 2020)


@pytest.mark.requirement("S6.4", "S6.5", "S6.6", "S6.12", "S6.13", "S6.15")
async def test_a_server_for_several_clients() -> None:
    async with Lab(EmulatedModule()) as lab:
        uart = lab.plain
        await uart.ask("AT+QIMUX=1")
        await uart.ask('AT+QILPORT="TCP",7021')
        address = await listen(uart, "AT+QISERVER=0,2")
        await uart.ask("AT+QISERVER=0,2", "\r\nERROR\r\n")
        first = await asyncio.open_connection(address, 7021)
        await uart.expect(b"\r\n0, REMOTE IP: 127.")
        await uart.until(b"\r\n")
        second = await asyncio.open_connection(address, 7021)
        await uart.expect(b"\r\n1, REMOTE IP: 127.")
        await uart.until(b"\r\n")
        third = await asyncio.open_connection(address, 7021)
        with contextlib.suppress(ConnectionError):
            assert await third[0].read() == b""
        second[1].write(b"two")
        await uart.expect(b"\r\n+RECEIVE: 1, 3\r\ntwo")
        await uart.ask("AT+QISRVC=2")
        await uart.ask("AT+QICLOSE=0", "\r\n0, CLOSE OK\r\n")
        assert await first[0].read() == b""
        second[1].close()
        await uart.expect(b"\r\n1, CLOSED\r\n")
        again = await asyncio.open_connection(address, 7021)
        await uart.expect(b"\r\n0, REMOTE IP: 127.")
        await uart.until(b"\r\n")
        await uart.ask("AT+QICLOSE", "\r\nCLOSE OK\r\n")
        assert await again[0].read() == b""
        await uart.ask("AT+QISERVER?", "\r\n+QISERVER: 0, 0\r\n\r\nOK\r\n")
        await uart.ask("AT+QISTAT", "\r\n" + "\r\n".join(f'+QISTAT: {n}, "", "",' for n in range(6)) + "\r\n\r\nOK\r\n")
        for _, writer in (first, second, third, again):
            writer.close()


@pytest.mark.requirement("S5.3", "S5.9", "S6.7")
async def test_a_udp_server_tells_the_client_with_its_first_datagram() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.multiplex()
        one, two = await lab.open(1), await lab.open(2)
        await one.ask("AT+QIFGCNT=0")
        address = await listen(one, "AT+QISERVER=1")
        await two.ask("AT+QIFGCNT=1")
        await two.ask(f'AT+QIOPEN="UDP","{address}",2020', CONNECTED)
        await one.quiet()
        await two.ask("AT+QISEND=4", "\r\n> ")
        two.write(b"ping")
        await two.expect(b"ping\r\nSEND OK\r\n")
        await one.expect(b"\r\nREMOTE IP: 127.")
        await one.until(b"\r\nping")
        await one.ask("AT+QISRVC=2")
        await one.ask("AT+QISEND=4", "\r\n> ")
        one.write(b"pong")
        await one.expect(b"pong\r\nSEND OK\r\n")
        await two.expect(b"pong")


@pytest.mark.parametrize("multiplexed", [False, True])
async def test_a_host_that_does_not_read_pushes_back_to_the_remote_side_and_nothing_is_lost(multiplexed: bool) -> None:
    total = 3_000_000
    pattern = bytes(range(256)) * 16
    async with Lab(EmulatedModule()) as lab, peer() as one:
        if multiplexed:
            await lab.multiplex()
            uart = await lab.open(1)
        else:
            uart = lab.plain
        await connect(uart, one)
        transport = lab.host.transport
        assert transport is not None
        for end in (transport, one.writer.transport):
            for size in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, size, 65536)
        transport.pause_reading()
        sent = 0
        stuck = 0
        while sent < total and stuck < 20:  # until nothing more is taken
            if one.writer.transport.get_write_buffer_size() < 65536:
                one.writer.write(pattern)
                sent += len(pattern)
                stuck = 0
            else:
                stuck += 1
                await settle()
        assert sent < total, "the module took everything although nobody read"
        transport.resume_reading()
        received = 0
        while received < sent:
            part = await uart.until(pattern)
            assert part == pattern
            received += len(part)
        await uart.quiet()


async def test_a_remote_side_that_does_not_read_makes_qisend_wait_and_then_fail() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab, peer() as one:
        uart = lab.plain
        await uart.ask("ATE0;+QISDE=0")
        await uart.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', CONNECTED, echo=False)
        await one.arrived.wait()
        one.writer.transport.pause_reading()
        sent = 0
        for _ in range(20000):
            await uart.ask("AT+QISEND=1460", "\r\n> ", echo=False)
            uart.write(b"q" * 1460)
            await settle(5)
            if not uart.received:
                break
            await uart.expect(b"\r\nSEND OK\r\n")
            sent += 1460
        await clock.turn(10)
        await uart.expect(b"\r\nSEND FAIL\r\n")
        uart.write(b"AT+QISACK\r")
        counters = (await uart.until(b"OK\r\n")).decode()
        total, done, missing = (int(text) for text in counters.split(":")[1].split("\r")[0].split(","))
        assert total == sent == done + missing
        assert missing > 0
        one.writer.transport.resume_reading()
        assert await one.reader.readexactly(sent) == b"q" * sent
        await settle()
        await uart.ask("AT+QISACK", f"\r\n+QISACK: {sent}, {sent}, 0\r\n\r\nOK\r\n", echo=False)


async def test_only_loopback_is_reached_unless_the_network_is_allowed() -> None:
    async with Lab(EmulatedModule(hosts={"Far.Example": "192.0.2.7", "near.example": "127.0.0.1"})) as lab:
        await lab.plain.ask("AT+QIDNSIP=1")
        await lab.plain.ask('AT+QIOPEN="TCP","far.example",80', "\r\nOK\r\n\r\nCONNECT FAIL\r\n")
        async with peer() as one:
            await lab.plain.ask(f'AT+QIOPEN="TCP","near.example",{one.port}', CONNECTED)
        await lab.plain.expect(b"\r\nCLOSED\r\n")
        await lab.plain.ask('AT+QIDNSGIP="far.example"', "\r\nOK\r\n\r\n192.0.2.7\r\n")
        await lab.plain.ask('AT+QIDNSGIP="nowhere.example"', "\r\nOK\r\n\r\nERROR: 4\r\n\r\nSTATE: IP CLOSE\r\n")


async def test_two_modules_never_share_an_address() -> None:
    async with Lab(EmulatedModule(seed=1)) as left, Lab(EmulatedModule(seed=1)) as right:
        one, two = await listen(left.plain), await listen(right.plain)
        assert one != two or one == "127.0.0.1"
