"""Habits of other multiplexers, octet for octet, with which the emulated module (`docs/emulator.md`) gets by."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from wired import Wired

from cmux.protocol import BasicDecoder, Frame, FrameType, encode
from drivers.clock import FakeClock
from drivers.emulator import EmulatedModule

SABM, DISC, UA, UIH = FrameType.SABM, FrameType.DISC, FrameType.UA, FrameType.UIH
MSC_COMMAND, MSC_RESPONSE, TEST_COMMAND, CLD_RESPONSE = 0xE3, 0xE1, 0x23, 0xC1
ANSWER = b"\r\nOK\r\n"


def opening(dlci: int) -> bytes:
    return encode(Frame(dlci, True, SABM, True))


def closing(dlci: int) -> bytes:
    return encode(Frame(dlci, True, DISC, True))


def data(dlci: int, octets: bytes, *, cr: bool = True, pf: bool = False) -> bytes:
    return encode(Frame(dlci, cr, UIH, pf, octets))


class Host(Wired):
    """A host that says what a test makes it say, and takes the frames of the module apart."""

    async def frames(self, seconds: float = 0.05) -> list[Frame]:
        """Return what comes within a time."""
        await self.turn(seconds, 0.01)
        found = [one for one in BasicDecoder().receive_data(bytes(self.came)) if isinstance(one, Frame)]
        self.came.clear()
        return found

    async def text(self, dlci: int, seconds: float = 0.05) -> bytes:
        """Return the data that comes on a DLC within a time."""
        return b"".join(one.info for one in await self.frames(seconds) if one.dlci == dlci and one.type is UIH)


@asynccontextmanager
async def host(*dlcis: int, **options: object) -> AsyncIterator[Host]:
    """Run a module in multiplexer mode, with these DLCs open."""
    clock = FakeClock()
    async with EmulatedModule(clock=clock, **options) as module:  # type: ignore[arg-type]
        one = Host(module, clock)
        await one.ask("ATE0")
        await one.ask("AT+CMUX=0")
        one.came.clear()
        for dlci in dlcis:
            one.say(opening(dlci))
            assert any(frame.type is UA and frame.dlci == dlci for frame in await one.frames())
        yield one


async def asks_at(one: Host, dlci: int, **bits: bool) -> None:
    one.say(data(dlci, b"ATE0\r", **bits))
    await one.frames()
    one.say(data(dlci, b"AT\r", **bits))
    assert await one.text(dlci) == ANSWER


@pytest.mark.clause("5.4.6.3.7")
async def test_a_host_that_never_answers_msc_keeps_its_channel() -> None:
    """NuttX, esp_modem: the module repeats MSC N2 times, and gives up asking."""
    async with host(0) as one:
        one.say(opening(1))
        asked = [frame for frame in await one.frames(5) if frame.dlci == 0 and frame.info[:1] == bytes([MSC_COMMAND])]
        assert 1 <= len(asked) <= 1 + 3
        assert not [frame for frame in await one.frames(120) if frame.type is not UIH or frame.dlci == 0]
        await asks_at(one, 1)


@pytest.mark.clause("5.4.3.1")
async def test_data_with_the_wrong_cr_bit_is_data() -> None:
    """Particle, esp_modem: UIH with C/R = 0 from the side that has opened the line."""
    async with host(0, 1) as one:
        await asks_at(one, 1, cr=False)


async def test_data_with_the_p_bit_is_data() -> None:
    async with host(0, 1) as one:
        await asks_at(one, 1, pf=True)


async def test_a_host_may_send_everything_at_once_and_wait_for_nothing() -> None:
    """NuttX, ofonod, gsm0710muxd: SABM on each DLC, and data right behind."""
    async with host() as one:
        one.say(b"".join(opening(dlci) for dlci in range(5)) + data(1, b"AT\r"))
        frames = await one.frames()
        assert [frame.dlci for frame in frames if frame.type is UA] == [0, 1, 2, 3, 4]
        assert ANSWER in b"".join(frame.info for frame in frames if frame.dlci == 1)


@pytest.mark.clause("5.4.6.3.4")
async def test_every_msc_and_every_test_that_asks_whether_it_is_there_is_answered() -> None:
    """Particle: MSC or Test as a keep-alive."""
    async with host(0, 1) as one:
        await one.frames(5)
        for _ in range(5):
            one.say(data(0, bytes((MSC_COMMAND, 0x05, 0x07, 0x8D))))
            assert bytes((MSC_RESPONSE, 0x05, 0x07, 0x8D)) in [frame.info for frame in await one.frames(1)]
            one.say(data(0, bytes((TEST_COMMAND, 0x09)) + b"ping"))
            assert bytes((TEST_COMMAND - 2, 0x09)) + b"ping" in [frame.info for frame in await one.frames(1)]


@pytest.mark.parametrize(
    ("way", "octets"),
    [
        ("esp_modem", closing(1) + closing(2) + data(0, bytes.fromhex("C301"), cr=False)),
        ("Particle", closing(1) + closing(2) + data(0, bytes.fromhex("C301"))),
        ("ubxlib: P = 1", closing(1) + data(0, bytes.fromhex("C301"), pf=True)),
        ("at-cmux: no length octet", closing(1) + data(0, b"\xc3")),
        ("n_gsm, ofonod: DISC", closing(1) + closing(0)),
    ],
)
@pytest.mark.clause("5.8.2")
async def test_each_way_of_leaving_brings_back_at_mode(way: str, octets: bytes) -> None:
    async with host(0, 1, 2) as one:
        one.say(octets)
        await one.frames()
        assert ANSWER in await one.ask("AT")


@pytest.mark.parametrize("n1", [64, 127])
async def test_a_host_that_reads_no_lengths_of_two_octets_gets_none(n1: int) -> None:
    """NuttX, gsm0710muxd; 64 is what Particle has room for."""
    async with host(0, 1, n1=n1) as one:
        one.say(data(1, b"AT+GSN;+CIMI;+QCCID;+GSN;+CIMI;+QCCID;+GSN;+CIMI\r"))
        frames = [frame for frame in await one.frames() if frame.dlci == 1]
        assert len(frames) > 1
        assert max(len(frame.info) for frame in frames) <= n1


async def test_a_host_that_asks_every_340_ms_until_msc_is_answered_hears_it_at_the_first() -> None:
    """n_gsm repeats MSC that is not answered, and waits for the MSC of the module right behind UA."""
    async with host(0) as one:
        one.say(opening(2) + data(0, bytes((MSC_COMMAND, 0x05, 0x0B, 0x8D))))
        infos = [frame.info for frame in await one.frames(0.01) if frame.dlci == 0]
        assert bytes((MSC_RESPONSE, 0x05, 0x0B, 0x8D)) in infos
        assert [info[:3] for info in infos].count(bytes((MSC_COMMAND, 0x05, 0x0B))) == 1
