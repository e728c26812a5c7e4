"""The ways to reach the module, its thread, and what is left when it has gone: nothing."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import warnings
from pathlib import Path
from typing import cast

import pytest
import serial
from emulator_host import Lab, PlainHost, Turning, settle
from emulator_peer import peer

from cmux.aio import FdTransport
from cmux.protocol.commands import Signals
from cmux.protocol.config import Config, Option
from cmux.protocol.events import SignalsChanged
from cmux.pty import Pty
from drivers.emulator import Behaviour, EmulatedModule, Uart
from drivers.emulator.environment import Environment
from drivers.emulator.line.serial_line import SerialSettings


def test_in_a_thread_of_its_own_with_a_serial_like_object() -> None:
    before = threading.active_count()
    with EmulatedModule() as module:
        assert module.url is None
        with module.port(timeout=5) as port:
            assert port.write(b"AT\r") == 3
            assert port.read(9) == b"AT\r\r\nOK\r\n"
            assert port.in_waiting == 0
            assert port.fileno() >= 0
            port.timeout = 0
            assert port.read(1) == b""
        with pytest.raises(ValueError, match="closed"):
            port.read()
        port.close()
    assert threading.active_count() == before
    with pytest.raises(RuntimeError, match="not running"):
        module.serve_tcp()


def test_a_waiting_read_can_be_cancelled() -> None:
    with EmulatedModule() as module, module.port() as port:
        results: list[bytes] = []
        reader = threading.Thread(target=lambda: results.append(port.read(10)))
        reader.start()
        port.cancel_read()
        reader.join(5)
        assert results == [b""]


def test_the_end_of_the_module_ends_the_read_of_its_host() -> None:
    with EmulatedModule() as module:
        port = module.port(timeout=5)
        port.write(b"AT\r")
        assert port.read(9)
    assert port.read(1) == b""
    port.close()


def test_one_line_at_a_time_and_the_next_one_finds_the_module_as_it_was_left() -> None:
    with EmulatedModule() as module:
        with module.port(timeout=5) as port:
            port.write(b"AT+QIMUX=1\r")
            port.read(17)
            with pytest.raises(RuntimeError, match=r"port\(\) or connect\(\) has returned, which is not closed"):
                module.port()
            port.write(b"AT\r")
            assert port.read(9) == b"AT\r\r\nOK\r\n"
        wanted = b"AT+QIMUX?\r\r\n+QIMUX: 1\r\n\r\nOK\r\n"
        with module.port(timeout=5) as port:
            port.write(b"AT+QIMUX?\r")
            answer = port.read(len(wanted))
        assert answer == wanted


@pytest.mark.skipif(os.name != "posix", reason="ptys are POSIX")
def test_on_a_pty_with_pyserial(tmp_path: Path) -> None:
    link = tmp_path / "m10"
    with EmulatedModule() as module:
        assert module.serve_pty(link) == str(link) == module.url
        for _ in range(2):  # a client may come back
            with serial.Serial(str(link), 115200, timeout=5) as port:
                port.write(b"AT+CGMM\r\n")
                wanted = b"AT+CGMM\r\r\nQuectel_M10\r\n\r\nOK\r\n"
                assert port.read(len(wanted)) == wanted
    assert not link.is_symlink()


@pytest.mark.skipif(os.name != "posix", reason="ptys are POSIX")
def test_at_the_other_end_of_a_serial_line() -> None:
    import tty

    host, module_side = os.openpty()
    tty.setraw(host)
    try:
        with EmulatedModule() as module:
            module.serve_serial(os.ttyname(module_side))
            os.write(host, b"AT\r")
            said = b""
            while len(said) < 9:
                said += os.read(host, 100)
            assert said == b"AT\r\r\nOK\r\n"
    finally:
        os.close(host)
        os.close(module_side)


def test_on_a_serial_port_that_is_a_url_and_the_end_of_it() -> None:
    before = threading.active_count()
    with socket.create_server(("127.0.0.1", 0)) as listener, EmulatedModule() as module:
        module.serve_serial(f"socket://127.0.0.1:{listener.getsockname()[1]}")
        host, _ = listener.accept()
        with host:
            host.settimeout(5)
            host.sendall(b"AT\r")
            said = b""
            while len(said) < 9:
                said += host.recv(100)
            assert said == b"AT\r\r\nOK\r\n"
        assert module.ended.exception(timeout=5) is not None
    assert threading.active_count() == before


def test_what_cannot_be_served_says_so() -> None:
    with EmulatedModule() as module:
        with pytest.raises(serial.SerialException):
            module.serve_serial("/dev/no-such-port")
        with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
            module.serve_tcp(port=taken.getsockname()[1])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"startup": "later"}, "startup"),
        ({"option": "fancy"}, "option"),
        ({"n1": 0}, "n1"),
        ({"n1": 32768}, "n1"),
        ({"loopback": [0]}, "loopback"),
        ({"loopback": [62]}, "loopback"),
    ],
)
def test_arguments_out_of_range_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EmulatedModule(**wrong)  # type: ignore[arg-type]


async def test_streams_in_the_same_loop() -> None:
    async with EmulatedModule() as module:
        reader, writer = await module.connect()
        writer.write(b"AT\r")
        assert await reader.readexactly(9) == b"AT\r\r\nOK\r\n"
        writer.close()


async def test_octets_are_told_per_dlci_from_the_modules_side() -> None:
    told: list[tuple[int, str, bytes]] = []
    async with Lab(EmulatedModule()) as lab:
        lab.module.on_octets(lambda dlci, direction, octets: told.append((dlci, direction, octets)))
        await lab.plain.ask("ATE0")
        await lab.multiplex_quietly()
        three = await lab.open(3)
        await three.ask("AT")
    plain = b"".join(octets for dlci, direction, octets in told if (dlci, direction) == (0, "sent"))
    assert plain == b"ATE0\r\r\nOK\r\n\r\nOK\r\n"
    assert b"".join(octets for dlci, direction, octets in told if (dlci, direction) == (3, "received")) == b"AT\r"
    assert b"".join(octets for dlci, direction, octets in told if (dlci, direction) == (3, "sent")) == b"AT\r\r\nOK\r\n"


async def test_without_a_sabm_it_is_back_in_at_mode_after_five_seconds() -> None:
    clock = Turning()
    async with Lab(EmulatedModule(clock=clock)) as lab:
        await lab.plain.ask("AT+CMUX=0")
        lab.plain.write(b"AT\r")
        await settle()
        await lab.plain.quiet()
        await clock.turn(5.1)
        await lab.plain.ask("AT")


@pytest.mark.parametrize("command", ["AT+CMUX=0", "\x1aAT+CMUX=0,0,5,64", "AT+CMUX=0,0,,31", "at+cmux=1,0,5,64"])
async def test_the_line_feed_behind_at_cmux_is_junk_before_the_first_flag(command: str) -> None:
    option = 1 if "=1" in command else 0
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        lab.plain.write(command.encode() + b"\r\n")
        await lab.plain.expect(b"\r\nOK\r\n")
        await lab.start(Config(option=Option.ADVANCED if option else Option.BASIC, n1=64))
        two = await lab.open(2)
        await two.ask("ATI", "\r\nQuectel_Ltd\r\nQuectel_M10\r\nRevision:M10R04A02M32_SST\r\n\r\nOK\r\n")


async def test_leaving_the_multiplexer_and_entering_again() -> None:
    async with Lab(EmulatedModule()) as lab:
        for _ in range(2):
            await lab.multiplex()
            one = await lab.open(1)
            await one.ask("AT+CMUX?", "\r\n+CMUX:0,0,5,127,10,3,30,10,2\r\n\r\nOK\r\n")
            await one.ask("AT+CMUX=0", "\r\n+CME ERROR: 3\r\n")
            await one.ask("AT+IPR=9600", "\r\nERROR\r\n")
            await one.ask("AT+CFUN=0")
            await one.ask("AT+CFUN=1")
            await lab.leave()
            await lab.plain.ask("AT")


async def test_each_virtual_uart_has_its_own_echo_and_verbosity() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("ATE0")
        await lab.multiplex_quietly()
        one, two, three, four = [await lab.open(dlci) for dlci in (1, 2, 3, 4)]
        await two.ask("ATE0")
        await three.ask("ATV0", "0\r")
        await one.ask("AT")
        await two.ask("AT", echo=False)
        await three.ask("AT", "0\r")
        await four.ask("AT+CMEE=0")
        await four.ask("AT+CMUX=7", "\r\nERROR\r\n")
        await one.ask("AT+CMUX=7", "\r\n+CME ERROR: 3\r\n")


async def test_from_the_first_octet_in_multiplexer_mode_and_still_after_it_was_closed() -> None:
    async with Lab(EmulatedModule(startup="none", option="basic")) as lab:
        await settle()
        assert not lab.plain.received
        for _ in range(2):
            await lab.start()
            one = await lab.open(1)
            await one.ask("AT")
            await lab.leave()


def test_at_commands_right_behind_the_close_down_are_heard() -> None:
    """Some hosts send CLD and the next AT command in one breath."""
    close_down = bytes.fromhex("F9 03 EF 05 C3 01 F2 F9")
    with EmulatedModule() as module, module.port(timeout=5) as port:
        port.write(b"ATE0;+CMUX=0\r")
        assert port.read(19).endswith(b"\r\nOK\r\n")
        port.write(close_down + b"\rAT\r\n")
        answer = bytes.fromhex("F9 01 EF 05 C1 01 93 F9") + b"\rAT\r\r\nOK\r\n"
        assert port.read(len(answer)) == answer


async def test_dlcis_that_are_no_uart_are_refused_and_loopbacks_echo() -> None:
    async with Lab(EmulatedModule(loopback=[9])) as lab:
        await lab.multiplex()
        with pytest.raises(AssertionError, match="refused"):
            await lab.open(5)
        nine = await lab.open(9)
        nine.write(b"x" * 20000)
        await nine.expect(b"x" * 16384)


def test_a_subclass_can_break_a_step() -> None:
    class NoServerOk(Uart):
        def line(self, text: str) -> None:
            if text != "SERVER OK":
                super().line(text)

    class Broken(EmulatedModule):
        uart_class = NoServerOk

    with Broken() as module, module.port(timeout=5) as port:
        port.write(b"ATE0\rAT+QISERVER\rAT+QISERVER?\r")
        wanted = b"ATE0\r\r\nOK\r\n\r\nOK\r\n\r\n+QISERVER: 1, 0\r\n\r\nOK\r\n"
        assert port.read(len(wanted)) == wanted


async def test_a_transport_of_the_module_is_not_left_open() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async with Lab(EmulatedModule()) as lab:
            await lab.plain.ask("AT+QISERVER", "\r\nOK\r\n\r\nSERVER OK\r\n")
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("turns", range(4))
async def test_nothing_is_left_of_a_module_that_ends_in_the_middle_of_things(turns: int) -> None:
    async with EmulatedModule() as module:
        module.serve_tcp()
        _, writer = await module.connect()
        writer.write(b'AT+QIMUX=1;+QISERVER=0,3\rAT+QIOPEN=0,"TCP","127.0.0.1",9\r')
        writer.write(b'AT+QIOPEN=1,"UDP","127.0.0.1",9\r')
        for _ in range(turns):
            await asyncio.sleep(0)
    writer.close()
    assert len(asyncio.all_tasks()) == 1


async def test_a_loopback_mirrors_rts_to_cts_and_dtr_to_dsr() -> None:
    async with Lab(EmulatedModule(loopback=[3])) as lab:
        await lab.multiplex()
        await lab.open(3)
        mux = lab.mux
        assert mux is not None
        for rtr, rtc in ((True, False), (False, False), (False, True), (True, True)):
            mux.multiplexer.set_signals(3, Signals(rtc=rtc, rtr=rtr), mux.now())
            mux.flush()
            wanted = (rtr, rtc)
            while True:
                event = await lab.happens(lambda event: isinstance(event, SignalsChanged))
                assert isinstance(event, SignalsChanged)
                if (event.signals.rtr, event.signals.rtc) == wanted:
                    break


async def test_xon_and_xoff_of_the_host_are_no_data_where_ifc_asks_for_them() -> None:
    async with Lab(EmulatedModule()) as lab:
        await lab.plain.ask("AT+IFC=1,1")
        lab.plain.write(b"AT+\x13CSQ\r")
        await settle()
        await lab.plain.quiet()
        lab.plain.write(b"\x11")
        await lab.plain.expect(b"AT+CSQ\r\r\n+CSQ: 28,0\r\n\r\nOK\r\n")
        lab.plain.write(b"AT\x13\x11\r")
        await lab.plain.expect(b"AT\r\r\nOK\r\n")


@pytest.mark.parametrize("escape", [True, False])
async def test_xon_xoff_and_their_escape_as_data_with_software_flow_control(escape: bool) -> None:
    clock = Turning()
    behaviour = Behaviour(xon_escape=escape)
    async with Lab(EmulatedModule(behaviour=behaviour, clock=clock)) as lab, peer() as one:
        uart = lab.plain
        await uart.ask("AT+IFC=1,1;+QISDE=0;E0")
        await uart.ask(f'AT+QIOPEN="TCP","127.0.0.1",{one.port}', "\r\nOK\r\n\r\nCONNECT OK\r\n", echo=False)
        await one.arrived.wait()
        plain, escaped = b"a\x11b\x13cwd", b"a\x77\xeeb\x77\xecc\x77\x88d"
        for octets, sent in (
            ((escaped, plain) if escape else (b"a!b?cwd", b"a!b?cwd")),
            (b"wow!", b"wow!"),
            (b"w", b"w"),
        ):
            await uart.ask(f"AT+QISEND={len(sent)}", "\r\n> ", echo=False)
            for octet in octets:
                uart.write(bytes([octet]))
            await clock.turn(0.1)
            await uart.expect(b"\r\nSEND OK\r\n")
            assert await one.reader.readexactly(len(sent)) == sent
        one.writer.write(plain)
        await uart.expect(escaped if escape else plain)


async def test_the_module_says_xoff_before_its_buffer_is_full_and_xon_again() -> None:
    async with Lab(EmulatedModule(behaviour=Behaviour(activation_time=0.05))) as lab:
        await lab.plain.ask("AT+IFC=1,1;+QIREGAPP;E0")
        lab.plain.write(b"AT+QIACT\r" + b"AT\r" * 1000)
        said = await lab.plain.until(b"\x11")
        assert said.startswith(b"\x13")
        await settle()
        assert (said + bytes(lab.plain.received)).count(b"\r\nOK\r\n") == 1001


@pytest.mark.skipif(os.name != "posix", reason="needs a pty")
async def test_ipr_and_ifc_change_rate_and_flow_control_of_a_real_line_behind_the_answer() -> None:
    import termios

    loop = asyncio.get_running_loop()
    with Pty() as pty:
        async with EmulatedModule() as module:
            module.serve_serial(pty.path, 115200)
            host = PlainHost()
            FdTransport(loop, os.dup(pty.master), host)
            await settle()
            await host.terminal.ask("AT+IPR=9600")
            async with asyncio.timeout(5):
                while termios.tcgetattr(pty.master)[4] != termios.B9600:
                    await settle()
            await host.terminal.ask("AT+IPR?", "\r\n+IPR: 9600\r\n\r\nOK\r\n")
            for flow, rts_cts in (("2,2", True), ("0,0", False)):
                await host.terminal.ask(f"AT+IFC={flow}")
                async with asyncio.timeout(5):
                    while bool(termios.tcgetattr(pty.master)[2] & termios.CRTSCTS) is not rts_cts:
                        await settle()
            assert host.transport is not None
            host.transport.abort()


@pytest.mark.skipif(os.name != "posix", reason="needs a pty")
def test_the_cts_of_a_host_is_the_rts_of_this_side_where_the_line_has_it() -> None:
    with serial.serial_for_url("loop://") as port:
        settings = SerialSettings(cast(Environment, None), port)  # which is for what comes later
        for off in (True, False, True):
            settings.hold_host(off)
            assert port.cts is not off
    settings.hold_host(False)  # it is closed
    with Pty() as pty, serial.Serial(pty.path) as port:  # which has no such signal
        SerialSettings(cast(Environment, None), port).hold_host(True)
