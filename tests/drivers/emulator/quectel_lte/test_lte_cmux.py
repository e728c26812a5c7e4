"""AT+CMUX of LTE modules: its forms, the pause behind its OK, the channels, the rate of the line, and the way out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from emulator_host import Lab, PlainHost, settle
from lte_module import ERROR, OK, bg96, connected, lab
from typed_frames import (
    ADVANCED_SABM_0,
    ADVANCED_UA_0,
    CLD,
    CLD_ANSWER,
    DISC_0,
    SABM_0,
    SABM_1,
    SABM_2,
    UA_0,
    UA_1,
    UA_2,
    basic,
)
from wired import Wired

from cmux.aio import FdTransport
from cmux.protocol import BasicDecoder, Frame
from cmux.pty import Pty
from drivers.clock import FakeClock
from drivers.emulator import Behaviour, EmulatedModule

RANGES = "\r\n+CMUX: (0),(0),(1-8),(1-1509),(1-255),(0-100),(2-255),(1-255),(1-7)\r\n\r\nOK\r\n"
AT_ON_1, OK_ON_1 = basic("07 EF 07", "41 54 0D"), bytes.fromhex("F905EF0D0D0A4F4B0D0A5FF9")
"""The answer as a BG96 has sent it (esp-protocols #103)."""


@asynccontextmanager
async def wired(*readings: str, model: str = "bg96", **options: object) -> AsyncIterator[Wired]:
    """Run a module with a host that counts octets; nothing but its clock makes it go on. ATE0 on every UART."""
    clock = FakeClock()
    behaviour = Behaviour.parse(readings)
    async with EmulatedModule(model=model, clock=clock, behaviour=behaviour, **options) as module:  # type: ignore[arg-type]
        one = Wired(module, clock)
        await one.ask("ATE0&W")
        one.came.clear()
        yield one


async def said(one: Wired, octets: bytes, seconds: float = 0.02) -> bytes:
    """Return what comes within a time of saying something."""
    one.came.clear()
    one.say(octets)
    await one.turn(seconds, 0.005)
    return bytes(one.came)


# The command


@pytest.mark.requirement("L9.6")
@pytest.mark.parametrize(
    ("parameters", "in_force"),
    [
        ("0", "0,0,5,127,10,3,30,10,2"),
        ("0,0", "0,0,5,127,10,3,30,10,2"),
        ("0,0,5,127", "0,0,5,127,10,3,30,10,2"),
        ("0,0,5,127,10,3,30,10,2", "0,0,5,127,10,3,30,10,2"),
        ("0,0,8,1509,,,,,", "0,0,8,1509,10,3,30,10,2"),
        ("0,0,7,1509,20,5", "0,0,7,1509,20,5,30,10,2"),
        ("0,,,31,,,,,", "0,0,5,31,10,3,30,10,2"),
        ("0,0,1,1,1,0,2,1,1", "0,0,1,1,1,0,2,1,1"),
        ("0,0,8,1509,255,100,255,255,7", "0,0,8,1509,255,100,255,255,7"),
    ],
)
async def test_all_forms_are_taken_and_empty_fields_are_the_usual_values(parameters: str, in_force: str) -> None:
    async with wired("cmux_settle=0") as one:
        assert await said(one, f"AT+CMUX={parameters}\r".encode()) == OK.encode()
        assert await said(one, SABM_0 + SABM_1) == UA_0 + UA_1
        came = await said(one, basic("07 EF 13", "41 54 2B 43 4D 55 58 3F 0D"), 0.1)  # AT+CMUX?
        frames = [frame for frame in BasicDecoder().receive_data(came) if isinstance(frame, Frame)]
        text = f"\r\n+CMUX: {in_force}\r\n\r\nOK\r\n".encode()
        assert b"".join(frame.info for frame in frames) == text
        n1 = int(in_force.split(",")[3])
        assert [len(frame.info) for frame in frames] == [len(text[at : at + n1]) for at in range(0, len(text), n1)]


@pytest.mark.requirement("L9.6")
@pytest.mark.parametrize(
    "parameters",
    [
        "1",
        "2",
        "",
        "0,1",
        "0,0,0",
        "0,0,9",
        "0,0,5,0",
        "0,0,5,1510",
        "0,0,5,127,0",
        "0,0,5,127,30,3,30",
        "0" + 9 * ",0",
    ],
)
async def test_what_is_out_of_range_is_error_and_the_module_stays_in_at_mode(parameters: str) -> None:
    async with wired() as one:
        assert await said(one, f"AT+CMUX={parameters}\r".encode()) == ERROR.encode()
        assert await said(one, b"AT+CMUX?\r") == b"\r\n+CMUX: 0,0,5,127,10,3,30,10,2\r\n\r\nOK\r\n"
        assert await said(one, b"AT+CMUX=?\r") == RANGES.encode()


async def test_the_advanced_option_is_taken_where_the_module_is_told_to() -> None:
    async with wired("cmux_settle=0", option="any") as one:
        assert b"+CMUX: (0-1),(0),(1-8)" in await said(one, b"AT+CMUX=?\r")
        assert await said(one, b"AT+CMUX=1\r") == OK.encode()
        assert await said(one, ADVANCED_SABM_0) == ADVANCED_UA_0


async def test_early_firmware_has_no_multiplexer() -> None:
    async with wired("cmux_refused=on", model="ec25") as one:
        for command in (b"AT+CMUX=0\r", b"AT+CMUX?\r", b"AT+CMUX=?\r"):
            assert await said(one, command) == ERROR.encode()
        assert await said(one, b"AT\r") == OK.encode()


async def test_a_channel_does_not_multiplex_once_more() -> None:
    async with Lab(bg96()) as one:
        await one.multiplex()
        uart = await one.open(1)
        await uart.ask("AT+CMUX=0", ERROR)
        await uart.ask("AT+CMUX=?", RANGES)
        await uart.ask("AT+CMUX?", "\r\n+CMUX: 0,0,5,127,10,3,30,10,2\r\n\r\nOK\r\n")


# Behind OK


@pytest.mark.requirement("L9.4")
async def test_frames_within_the_settle_time_are_lost_and_later_ones_answered() -> None:
    async with wired() as one:  # 0.1 s of a BG96
        assert one.module.settle == 0.1
        assert await said(one, b"AT+CMUX=0\r") == OK.encode()
        assert await said(one, SABM_0) == b""
        await one.turn(0.1, 0.01)
        assert await said(one, SABM_0) == UA_0
    async with wired(model="ec25") as one:
        assert one.module.settle == 0
        assert await said(one, b"AT+CMUX=0\r") == OK.encode()
        assert await said(one, SABM_0) == UA_0


@pytest.mark.requirement("L9.4")
async def test_a_frame_that_came_too_early_can_lock_the_module_up_until_a_reset() -> None:
    async with wired("cmux_deadlock=on") as one:
        await said(one, b"AT+CMUX=0\r")
        assert await said(one, SABM_0) == b""
        assert await said(one, b"", 10) == b""
        assert await said(one, SABM_0 + b"AT\r", 10) == b""
        one.module.trigger("reset")
        await one.turn(0.05, 0.01)
        assert await said(one, b"AT\r") == OK.encode()


@pytest.mark.requirement("L9.5")
async def test_four_channels_open_with_the_octets_of_a_log_and_a_fifth_is_refused() -> None:
    async with wired("cmux_settle=0") as one:
        await said(one, b"AT+CMUX=0,0,5,127,10,3,30,10,2\r")
        assert await said(one, SABM_0) == UA_0 == bytes.fromhex("F9037301D7F9")
        assert await said(one, SABM_1) == UA_1 == bytes.fromhex("F907730115F9")
        assert await said(one, SABM_2) == UA_2 == bytes.fromhex("F90B730192F9")
        for dlci in (3, 4):
            header = f"{dlci << 2 | 3:02X}"
            assert await said(one, basic(f"{header} 3F 01")) == basic(f"{header} 73 01")
        for dlci in (5, 6, 61):
            header = f"{dlci << 2 | 3:02X}"
            assert await said(one, basic(f"{header} 3F 01")) == basic(f"{header} 1F 01")  # DM
        assert await said(one, AT_ON_1) == OK_ON_1
        assert await said(one, b"", 5) == b""  # no MSC of its own


@pytest.mark.parametrize("dlci", [1, 2, 3, 4])
async def test_every_channel_is_an_at_port_of_its_own_with_echo_as_it_was_stored(dlci: int) -> None:
    async with Lab(bg96()) as one:
        await one.multiplex()
        uart = await one.open(dlci)
        await uart.ask("ATI", "\r\nQuectel\r\nBG96\r\nRevision: BG96MAR02A07M1G\r\n\r\nOK\r\n")
        await uart.ask("ATE0")
        await uart.ask("AT+CGMM", "\r\nBG96\r\n\r\nOK\r\n", echo=False)


@pytest.mark.parametrize(("reading", "echo", "told"), [("stored", True, "0,1"), ("inherited", False, "1,1")])
async def test_a_channel_begins_with_what_was_stored_or_with_what_was_set_where_cmux_was_typed(
    reading: str, echo: bool, told: str
) -> None:
    async with Lab(bg96(f"cmux_settings={reading}")) as one:
        await one.plain.ask("ATE0")
        await one.plain.ask("AT+CEREG=1", echo=False)
        await one.multiplex_quietly()
        for dlci in (1, 3):
            uart = await one.open(dlci)
            await uart.ask("AT+CEREG?", f"\r\n+CEREG: {told}\r\n\r\nOK\r\n", echo=echo)
            await uart.ask("ATE1", echo=echo)


# The rate of the line


@pytest.mark.parametrize(("reading", "answer"), [("ERROR", ERROR), ("OK", OK)])
async def test_ipr_changes_nothing_in_multiplexer_mode(reading: str, answer: str) -> None:
    async with Lab(bg96(f"ipr_multiplexed={reading}")) as one:
        await one.multiplex()
        uart = await one.open(1)
        await uart.ask("AT+IPR=9600", answer)
        await uart.ask("AT+IPR=9601", ERROR)
        await uart.ask("AT+IPR?", "\r\n+IPR: 115200\r\n\r\nOK\r\n")


@pytest.mark.skipif(os.name != "posix", reason="needs a pty")
@pytest.mark.parametrize(
    ("model", "readings", "parameters", "rate"),
    [
        ("bg96", (), "0,0,8,1509,,,,,", "B921600"),
        ("bg96", (), "0,0,1", "B9600"),
        ("bg96", (), "0", "B115200"),  # none is named
        ("bg96", ("cmux_speed=ignore",), "0,0,8", "B115200"),
        ("m10", (), "0,0,1", "B115200"),
        ("m10", ("cmux_speed=follow",), "0,0,1", "B9600"),
    ],
)
async def test_the_port_speed_moves_a_real_line_behind_ok(
    model: str, readings: tuple[str, ...], parameters: str, rate: str
) -> None:
    import termios

    loop = asyncio.get_running_loop()
    with Pty() as pty:
        async with EmulatedModule(model=model, behaviour=Behaviour.parse(readings)) as module:
            module.serve_serial(pty.path, 115200)
            host = PlainHost()
            FdTransport(loop, os.dup(pty.master), host)
            await settle()
            await host.terminal.ask(f"AT+CMUX={parameters}")
            async with asyncio.timeout(5):
                while termios.tcgetattr(pty.master)[4] != getattr(termios, rate):
                    await settle()
            if rate == "B115200":
                await asyncio.sleep(0.03)  # more than the 64 octets of the answer take
                assert termios.tcgetattr(pty.master)[4] == termios.B115200
            assert host.transport is not None
            host.transport.abort()


async def test_a_host_that_restarts_can_find_its_cts_off_until_it_sends_all_the_same() -> None:
    async with wired("cmux_settle=0", "cts_latched=on") as one:
        modem = one.module._running()
        held: list[bool] = []
        modem.hold_host = held.append
        modem.plain_dtr(False)
        assert held == []  # in AT mode
        await said(one, b"AT+CMUX=0\r" + SABM_0)
        modem.plain_dtr(True)
        modem.plain_dtr(False)
        assert held == [True]
        assert await said(one, SABM_1) == UA_1
        assert held == [True, False]
        await said(one, AT_ON_1)
        assert held == [True, False]


# The way out


@pytest.mark.parametrize(("leaving", "answer"), [(CLD, CLD_ANSWER), (DISC_0, basic("03 73 01"))])
async def test_cld_and_disc_0_both_end_it_at_the_same_rate_and_it_can_be_entered_again(
    leaving: bytes, answer: bytes
) -> None:
    async with wired("cmux_settle=0") as one:
        for _ in range(2):
            assert await said(one, b"AT+CMUX=0\r") == OK.encode()
            assert await said(one, SABM_0 + SABM_1) == UA_0 + UA_1
            assert (await said(one, leaving)).startswith(answer)
            assert await said(one, b"AT\r") == OK.encode()


async def test_entering_again_can_want_a_pause_behind_the_way_out() -> None:
    async with wired("cmux_settle=0", "cmux_reentry=1") as one:
        assert await said(one, b"AT+CMUX=0\r") == OK.encode()
        assert await said(one, SABM_0) == UA_0
        assert (await said(one, CLD)).startswith(CLD_ANSWER)
        assert await said(one, b"AT+CMUX=0\r") == b"\r\n+CME ERROR: 13\r\n"
        assert await said(one, b"AT\r", 1) == OK.encode()
        assert await said(one, b"AT+CMUX=0\r") == OK.encode()
        assert await said(one, SABM_0) == UA_0


@pytest.mark.requirement("L11.1")
@pytest.mark.parametrize(("command", "said_behind"), [("AT+CFUN=1,1", "\r\nRDY\r\n"), ("AT+QPOWD=1", "")])
async def test_a_restart_and_a_power_down_leave_at_once(command: str, said_behind: str) -> None:
    async with wired("cmux_settle=0", model="ec25") as one:
        await said(one, b"AT+CMUX=0\r")
        await said(one, SABM_0 + SABM_1)
        header = f"07 EF {(len(command) + 1) << 1 | 1:02X}"
        came = await said(one, basic(header, (command.encode() + b"\r").hex()))
        text = "\r\nOK\r\n\r\nPOWERED DOWN\r\n"
        framed = basic(f"05 EF {len(text) << 1 | 1:02X}", text.encode().hex())
        assert came.startswith(framed + said_behind.encode())
        assert await said(one, b"AT\r") == OK.encode()


async def test_sockets_outlive_the_multiplexer() -> None:
    async with lab() as one, connected(one.plain, 0) as far:
        await one.multiplex()
        uart = await one.open(2)
        uart.write(b"AT+QISTATE?\r")
        assert b'+QISTATE: 0,"TCP","127.0.0.1"' in await uart.until(OK.encode())
        await uart.ask("AT+QISEND=0,3", "\r\n> ")
        uart.write(b"abc")
        await uart.expect(b"abc\r\nSEND OK\r\n")
        assert await far.reader.readexactly(3) == b"abc"
        await one.leave()
        await one.plain.ask("AT+QISEND=0,0", "\r\n+QISEND: 3,3,0\r\n\r\nOK\r\n")
