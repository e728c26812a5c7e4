"""What modules do with frames otherwise than others, one reading at a time, on octets typed by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from typed_frames import (
    CLD,
    CLD_ANSWER,
    DISC_0,
    OWN_MSC,
    OWN_MSC_ANSWERED,
    SABM_0,
    SABM_1,
    UA_0,
    UA_1,
    basic,
)
from wired import Wired

from cmux.protocol import BasicDecoder, Frame
from drivers.clock import FakeClock
from drivers.emulator import Behaviour, EmulatedModule

AT, OK_ON_1 = basic("07 EF 07", "41 54 0D"), basic("05 EF 0D", "0D 0A 4F 4B 0D 0A")
ATE0 = basic("07 EF 0B", "41 54 45 30 0D")
STOP_1, STOP_1_ANSWERED = basic("03 EF 09", "E3 05 07 8F"), basic("01 EF 09", "E1 05 07 8F")
GO_1, GO_1_ANSWERED = basic("03 EF 09", "E3 05 07 8D"), basic("01 EF 09", "E1 05 07 8D")


@asynccontextmanager
async def opened(*readings: str, command: str = "AT+CMUX=0", loopback: Sequence[int] = ()) -> AsyncIterator[Wired]:
    """Run a module in multiplexer mode, with DLCs 0 and 1 open, and echo off on 1."""
    clock = FakeClock()
    behaviour = Behaviour.parse(readings)
    async with EmulatedModule(clock=clock, behaviour=behaviour, loopback=loopback) as module:
        one = Wired(module, clock)
        await one.ask("ATE0")
        await one.ask("AT&W")
        await one.ask(command)
        one.came.clear()
        one.say(SABM_0)
        await one.turn(0.05, 0.01)
        assert bytes(one.came) == UA_0
        one.came.clear()
        one.say(SABM_1)
        await one.turn(0.05, 0.01)
        yield one


async def said(one: Wired, octets: bytes, seconds: float = 0.05) -> bytes:
    """Return what comes within a time of saying something."""
    one.came.clear()
    one.say(octets)
    await one.turn(seconds, 0.01)
    return bytes(one.came)


async def test_a_module_tells_its_signals_behind_ua_and_takes_the_answer() -> None:
    async with opened() as one:
        assert bytes(one.came) == UA_1 + OWN_MSC
        assert await said(one, OWN_MSC_ANSWERED) == b""
        assert await said(one, AT) == OK_ON_1


async def test_a_module_that_keeps_its_signals_to_itself_repeats_nothing_and_tells_when_they_change() -> None:
    async with opened("msc_after_ua=off") as one:
        assert bytes(one.came) == UA_1
        assert await said(one, b"", 5) == b""
        assert await said(one, AT) == OK_ON_1
        assert await said(one, STOP_1) == STOP_1_ANSWERED
        assert await said(one, GO_1) == GO_1_ANSWERED


@pytest.mark.parametrize("reading", ["msc_after_ua=off", "msc_fc=ignored", "uih_pf=on", "psc=NSC", "psc=awake"])
async def test_octets_that_look_like_frames_of_the_control_channel_are_data(reading: str) -> None:
    looks = (OWN_MSC + STOP_1 + DISC_0 + basic("03 EF 05", "43 01")).hex()
    length = f"{len(looks) + 1:02X}"
    async with opened(reading, loopback=[7]) as one:
        await said(one, basic("1F 3F 01"))
        came = await said(one, basic(f"1F EF {length}", looks))
        control = "FF" if reading == "uih_pf=on" else "EF"
        assert basic(f"1D {control} {length}", looks) in came


async def test_uih_with_pf_set() -> None:
    async with opened("uih_pf=on") as one:
        assert bytes(one.came) == UA_1 + basic("01 FF 09", "E3 05 07 8D")
        assert await said(one, OWN_MSC_ANSWERED) == b""
        assert await said(one, AT) == basic("05 FF 0D", "0D 0A 4F 4B 0D 0A")


async def test_an_octet_in_each_frame() -> None:
    async with opened("ok_in_pieces=on", "msc_after_ua=off") as one:
        octets = ["0D", "0A", "4F", "4B", "0D", "0A"]
        assert await said(one, AT) == b"".join(basic("05 EF 03", octet) for octet in octets)


async def test_fc_stops_a_channel_or_is_answered_and_ignored() -> None:
    async with opened("msc_after_ua=off") as one:
        assert await said(one, STOP_1) == STOP_1_ANSWERED
        assert await said(one, AT) == b""
        assert await said(one, GO_1) == GO_1_ANSWERED + OK_ON_1
    async with opened("msc_after_ua=off", "msc_fc=ignored") as one:
        assert await said(one, STOP_1) == GO_1_ANSWERED  # it has not seen the bit
        assert await said(one, AT) == OK_ON_1


async def test_psc_is_answered_or_not_known() -> None:
    psc = basic("03 EF 05", "43 01")
    async with opened("msc_after_ua=off") as one:
        assert await said(one, psc) == basic("01 EF 05", "41 01")
    async with opened("msc_after_ua=off", "psc=NSC") as one:
        assert await said(one, psc) == basic("01 EF 07", "11 03 43")
        assert await said(one, b"\xf9\xf9\xf9\xf9") == b""
        assert await said(one, AT) == OK_ON_1


async def test_a_module_that_stays_awake_answers_psc_and_the_flags_that_would_wake_it() -> None:
    async with opened("msc_after_ua=off", "psc=awake") as one:
        await said(one, basic("07 EF 15", "41 54 2B 43 52 45 47 3D 31 0D"))  # AT+CREG=1
        assert await said(one, basic("03 EF 05", "43 01")) == basic("01 EF 05", "41 01")
        one.came.clear()
        one.module.trigger("registration_lost")
        await one.turn(0.05, 0.01)
        assert bytes(one.came) == basic("05 EF 19", "0D 0A 2B 43 52 45 47 3A 20 30 0D 0A")  # without a flag before it
        assert await said(one, b"\xf9\xf9\xf9\xf9") == b"\xf9\xf9\xf9\xf9"
        assert await said(one, AT) == OK_ON_1
        assert await said(one, b"\xf9\xf9\xf9\xf9") == b""  # the host is awake


async def test_disc_on_dlci_0_can_silence_the_module_until_a_restart() -> None:
    async with opened("disc0_silent=on", "msc_after_ua=off") as one:
        assert await said(one, DISC_0 + AT) == b""
        for octets in (AT, SABM_0, b"AT\r", CLD):
            assert await said(one, octets, 20) == b""
        one.module.trigger("reset")
        await one.turn(0.05, 0.01)
        assert bytes(one.came).startswith(b"\r\nRDY\r\n")
        assert await said(one, b"AT\r") == b"\r\nOK\r\n"


async def test_what_comes_behind_the_end_of_a_session_is_an_at_command_also_where_frames_are_looked_at() -> None:
    async with opened("msc_fc=ignored", "msc_after_ua=off") as one:
        answer = await said(one, CLD + b"AT\r")
        assert answer.startswith(CLD_ANSWER)
        assert answer.endswith(b"\r\nOK\r\n")


async def test_frames_cut_anywhere_are_looked_at_as_whole_ones() -> None:
    async with opened("msc_fc=ignored", "msc_after_ua=off", "uih_pf=on") as one:
        for octet in STOP_1:
            one.say(bytes([octet]))
            await one.turn(0.01, 0.01)
        assert await said(one, AT) == basic("05 FF 0D", "0D 0A 4F 4B 0D 0A")


@pytest.mark.parametrize(("overrun", "lengths"), [(0, [10, 10, 10, 7]), (20, [30, 7])])
async def test_frames_a_little_longer_than_n1(overrun: int, lengths: list[int]) -> None:
    async with opened(f"n1_overrun={overrun}", "msc_after_ua=off", command="AT+CMUX=0,0,5,10") as one:
        came = await said(one, basic("07 EF 13", "41 54 2B 43 4D 55 58 3F 0D"))  # AT+CMUX?
        frames = [frame for frame in BasicDecoder().receive_data(came) if isinstance(frame, Frame)]
        assert b"".join(frame.info for frame in frames) == b"\r\n+CMUX:0,0,5,10,10,3,30,10,2\r\n\r\nOK\r\n"
        assert [len(frame.info) for frame in frames] == lengths


async def test_the_at_channel_dies_while_the_multiplexer_lives() -> None:
    async with opened("msc_after_ua=off") as one:
        one.module.trigger("at_channel_dies")
        assert await said(one, AT, 20) == b""
        assert await said(one, basic("0B 3F 01")) == basic("0B 73 01")  # SABM 2, UA 2
        ate0, at = basic("0B EF 0B", "41 54 45 30 0D"), basic("0B EF 07", "41 54 0D")
        await said(one, ate0)
        assert await said(one, at) == basic("09 EF 0D", "0D 0A 4F 4B 0D 0A")
        assert await said(one, basic("03 EF 0B", "23 07 31 32 33")) == basic("01 EF 0B", "21 07 31 32 33")  # Test
        one.module.trigger("reset")
        await one.turn(0.05, 0.01)
        assert await said(one, b"AT\r") == b"\r\nOK\r\n"


def test_the_at_channel_cannot_die_in_at_mode() -> None:
    with EmulatedModule() as module, pytest.raises(ValueError, match="not in multiplexer mode"):
        module.trigger("at_channel_dies")
