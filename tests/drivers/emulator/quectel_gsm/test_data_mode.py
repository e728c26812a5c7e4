"""Transparent sessions: data mode, its escape, and the way back."""

from __future__ import annotations

import asyncio
import os

import pytest
import serial
from emulator_host import PATIENCE, Lab, PlainHost, Terminal, Turning, settle
from emulator_peer import Peer, peer

from cmux.aio import FdTransport
from cmux.protocol.commands import Signals
from cmux.pty import Pty
from drivers.emulator import Behaviour, EmulatedModule

OK = "\r\nOK\r\n"


async def _enter(uart: Terminal, one: Peer, word: str = "CONNECT") -> None:
    await uart.ask("AT+QIMODE=1")
    await uart.ask("AT+QITCFG=3,2,512,1", OK) if word == "CONNECT" else None
    await uart.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', f"\r\nOK\r\n\r\n{word}\r\n")
    await one.arrived.wait()


@pytest.mark.requirement("S3.21", "S3.23", "S3.24", "S3.10", "S3.11")
async def test_data_goes_out_in_packets_or_after_the_wait() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab, peer() as one:
        await _enter(lab.plain, one)
        lab.plain.write(b"a" * 511)
        await settle()
        assert not one.reader._buffer  # type: ignore[attr-defined]
        lab.plain.write(b"b" * 2)
        assert await one.reader.readexactly(512) == b"a" * 511 + b"b"
        await clock.turn(0.19)
        assert not one.reader._buffer  # type: ignore[attr-defined]
        await clock.turn(0.02)
        assert await one.reader.readexactly(1) == b"b"
        one.writer.write(b"AT\r\r\nOK\r\n")
        await lab.plain.expect(b"AT\r\r\nOK\r\n")


@pytest.mark.requirement("S3.12", "S3.22", "S3.25", "S3.26", "S3.27", "S3.28")
async def test_three_plus_signs_between_silences_lead_to_command_mode_and_ato_back() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab, peer() as one:
        await _enter(lab.plain, one)
        lab.plain.write(b"x")
        await clock.turn(0.6)
        lab.plain.write(b"+++")
        await settle()
        await lab.plain.quiet()
        await clock.turn(0.51)
        await lab.plain.expect(b"\r\nOK\r\n")
        assert await one.reader.readexactly(1) == b"x"
        one.writer.write(b"held")
        await settle()
        await lab.plain.ask("AT+QISACK", "\r\n+QISACK: 1, 1, 0\r\n\r\nOK\r\n")
        await lab.plain.ask("AT+QISEND", "\r\nERROR\r\n")
        await lab.plain.quiet()
        await lab.plain.ask("ATO", "\r\nCONNECT\r\nheld")
        lab.plain.write(b"y")
        await clock.turn(0.3)
        assert await one.reader.readexactly(1) == b"y"


@pytest.mark.statement("V.250 6.3.7")
async def test_what_waits_for_the_window_at_the_escape_goes_out_before_what_follows_ato() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab, peer() as one:
        await _enter(lab.plain, one)
        session = lab.module._running().contexts[0].bytestream.network  # type: ignore[attr-defined]
        session.pause_writing()
        lab.plain.write(b"a" * 1000)
        await clock.turn(0.6)
        lab.plain.write(b"+++")
        await clock.turn(0.6)
        await lab.plain.expect(OK.encode())
        await lab.plain.ask("ATO", "\r\nCONNECT\r\n")
        lab.plain.write(b"b" * 512)
        await settle()
        session.resume_writing()
        await clock.turn(0.3)
        assert await asyncio.wait_for(one.reader.readexactly(1512), PATIENCE) == b"a" * 1000 + b"b" * 512


@pytest.mark.requirement("S3.25", "S3.26", "S3.27")
@pytest.mark.parametrize(
    ("pieces", "sent"),
    [
        ([(0.1, b"+++"), (0.6, b"")], b"+++"),  # no silence before
        ([(0.6, b"+++"), (0.4, b"z"), (0.3, b"")], b"+++z"),  # no silence behind
        ([(0.6, b"+"), (0.03, b"+"), (0.03, b"+"), (0.7, b"")], b"+++"),  # too slow
        ([(0.6, b"++++"), (0.7, b"")], b"++++"),
    ],
)
async def test_plus_signs_at_the_wrong_time_are_data(pieces: list[tuple[float, bytes]], sent: bytes) -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab, peer() as one:
        await _enter(lab.plain, one)
        lab.plain.write(b"x")
        await settle()
        for silence, octets in pieces:
            await clock.turn(silence)
            lab.plain.write(octets)
            await settle()
        await clock.turn(0.6)
        assert await one.reader.readexactly(len(sent) + 1) == b"x" + sent
        await lab.plain.quiet()


@pytest.mark.requirement("S3.12")
async def test_plus_signs_are_data_when_the_escape_is_off() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab, peer() as one:
        await lab.plain.ask("AT+QITCFG=3,2,3,0")
        await lab.plain.ask("AT+QIMODE=1")
        await lab.plain.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', "\r\nOK\r\n\r\nCONNECT\r\n")
        await one.arrived.wait()
        await clock.turn(1)
        lab.plain.write(b"+++")
        assert await one.reader.readexactly(3) == b"+++"


@pytest.mark.parametrize("ended_by", ["us", "them"])
async def test_after_a_transparent_session_left_with_plus_signs_the_next_ones_are_transparent_too(
    ended_by: str,
) -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab, peer() as one, peer() as two:
        uart = lab.plain
        await _enter(uart, one)
        await clock.turn(1)
        uart.write(b"+++")
        await clock.turn(1)
        await uart.expect(b"\r\nOK\r\n")
        if ended_by == "us":
            await uart.ask("AT+QICLOSE", "\r\nCLOSE OK\r\n")
        else:
            one.writer.close()
            await uart.expect(b"\r\nCLOSED\r\n")
        await uart.ask("ATO", "\r\nNO CARRIER\r\n")
        await uart.ask(f'AT+QIOPEN="TCP","127.0.0.1",{two.port}', "\r\nOK\r\n\r\nCONNECT\r\n")
        await two.arrived.wait()
        two.writer.write(b"second")
        await uart.expect(b"second")
        await clock.turn(1)
        uart.write(b"+++")
        await clock.turn(1)
        await uart.expect(b"\r\nOK\r\n")
        await uart.ask("AT+QICLOSE", "\r\nCLOSE OK\r\n")
        await uart.ask("AT+QINDI=1;+QISERVER", "\r\nOK\r\n\r\nSERVER OK\r\n")
        uart.write(b"AT+QILOCIP\r")
        await uart.until(b"\r\n")
        address = (await uart.until(b"\r\n")).decode().strip()
        _, writer = await asyncio.open_connection(address, 2020)
        await uart.expect(b"\r\nREMOTE IP: 127.0.0.1\r\n\r\nCONNECT\r\n")
        writer.write(b"third")
        await uart.expect(b"third")
        writer.close()
        await uart.expect(b"\r\nCLOSED\r\n")


async def test_the_remote_side_ends_data_mode() -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        await _enter(lab.plain, one)
        one.writer.write(b"bye")
        one.writer.close()
        await lab.plain.expect(b"bye\r\nCLOSED\r\n")
        await lab.plain.ask("AT+QISTAT", "\r\nOK\r\n\r\nSTATE: IP CLOSE\r\n")
        await lab.plain.ask("ATO", "\r\nNO CARRIER\r\n")


@pytest.mark.requirement("S3.19")
async def test_the_other_reading_of_the_first_word() -> None:
    async with Lab(EmulatedModule(behaviour=Behaviour.parse(["transparent_open=CONNECT OK"]))) as lab, peer() as one:
        await _enter(lab.plain, one, "CONNECT OK")
        one.writer.write(b"data")
        await lab.plain.expect(b"data")


@pytest.mark.requirement("S5.7", "S5.11", "S8.5")
async def test_a_transparent_server_on_one_virtual_uart_and_a_client_on_another() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab:
        await lab.multiplex()
        one, two = await lab.open(1), await lab.open(2)
        await one.ask("AT+QIFGCNT=0")
        await one.ask("AT+QIMODE=1")
        await one.ask("AT+QISERVER", "\r\nOK\r\n\r\nSERVER OK\r\n")
        one.write(b"AT+QILOCIP\r")
        await one.expect(b"AT+QILOCIP\r\r\n")
        address = (await one.until(b"\r\n"))[:-2].decode()
        await two.ask("AT+QIFGCNT=1")
        await two.ask("AT+QIMODE=1")
        await two.ask(f'AT+QIOPEN="TCP","{address}",2020', "\r\nOK\r\n\r\nCONNECT\r\n")
        await one.expect(b"\r\nREMOTE IP: 127.")
        await one.until(b"\r\n\r\nCONNECT\r\n")
        one.write(b"from one")
        two.write(b"from two")
        await settle()
        await clock.turn(0.3)
        await one.expect(b"from two")
        await two.expect(b"from one")


@pytest.mark.requirement("S3.29")
async def test_dtr_leads_to_command_mode_after_at_d_1() -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        await lab.multiplex()
        uart = await lab.open(1)
        await uart.ask("AT&D1")
        await _enter(uart, one)
        mux = lab.mux
        assert mux is not None
        for on in (False, True):
            mux.multiplexer.set_signals(1, Signals(rtc=on), mux.now())
            mux.flush()
            await asyncio.sleep(0)
        await uart.expect(b"\r\nOK\r\n")
        await uart.ask("AT+QISTAT", "\r\nOK\r\n\r\nSTATE: CONNECT OK\r\n")


async def test_at_d_2_hangs_up() -> None:
    async with Lab(EmulatedModule()) as lab, peer() as one:
        await lab.multiplex()
        uart = await lab.open(1)
        await uart.ask("AT&D2")
        await _enter(uart, one)
        mux = lab.mux
        assert mux is not None
        mux.multiplexer.set_signals(1, Signals(rtc=False), mux.now())
        mux.flush()
        await uart.expect(b"\r\nOK\r\n")
        assert await one.reader.read() == b""
        await uart.ask("AT+QISTAT", "\r\nOK\r\n\r\nSTATE: IP CLOSE\r\n")


class _WiredPort(serial.Serial):
    """A pty whose DSR is a wire from the host's DTR, as on a null-modem cable; pyserial reads it as on a real UART."""

    wired = True

    @property
    def dsr(self) -> bool:
        return self.wired


@pytest.mark.requirement("S3.29")
@pytest.mark.skipif(os.name != "posix", reason="needs a pty")
@pytest.mark.parametrize(("setting", "state"), [(0, None), (1, "CONNECT OK"), (2, "IP CLOSE")])
async def test_on_a_real_line_the_hosts_dtr_is_our_dsr(
    setting: int, state: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Turning()
    with Pty() as pty:
        port = _WiredPort(timeout=0)
        port.port = pty.path
        monkeypatch.setattr(serial, "serial_for_url", lambda *arguments, **settings: port)
        async with EmulatedModule(clock=clock) as module, peer() as one:
            module.serve_serial(pty.path)
            host = PlainHost()
            FdTransport(asyncio.get_running_loop(), os.dup(pty.master), host)
            await settle()
            await host.terminal.ask(f"AT&D{setting}")
            await _enter(host.terminal, one)
            port.wired = False
            await clock.turn(0.1)
            if state is None:
                await host.terminal.quiet()
            else:
                await host.terminal.expect(b"\r\nOK\r\n")
                await host.terminal.ask("AT+QISTAT", f"\r\nOK\r\n\r\nSTATE: {state}\r\n")
            port.wired = True
            await clock.turn(0.1)
            await host.terminal.quiet()
            assert host.transport is not None
            host.transport.abort()
