"""AT+QICFG="tcp/keepalive" of an EC25: what it probes, when it gives a connection up, and what it says then."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from emulator_host import Lab, Turning, settle
from emulator_peer import Peer
from lte_module import connected, lab, reply, send

from drivers.emulator.environment import Network

IDLE, INTERVAL, COUNT = 60, 25, 3  # seconds, and how many probes
SETTING = 'AT+QICFG="tcp/keepalive",1,1,25,3'
GONE = b'\r\n+QIURC: "closed",0\r\n'
SILENT, AUDIBLE = Network(silent=True), Network()


@asynccontextmanager
async def probed(reading: str = "at_once") -> AsyncIterator[tuple[Lab, Peer, Turning]]:
    """A connection of an EC25 that probes it, with a peer."""
    clock = Turning()
    async with lab(f"keepalive_applies={reading}", model="ec25", clock=clock) as one, connected(one.plain) as far:
        await one.plain.ask(SETTING)
        yield one, far, clock


async def test_a_connection_whose_peer_is_silent_is_closed_after_the_last_probe() -> None:
    async with probed() as (one, far, clock):
        one.module.set_network(SILENT)
        await clock.turn(IDLE)
        for _ in range(COUNT - 1):
            await clock.turn(INTERVAL)
        await clock.turn(INTERVAL - 1)
        await one.plain.quiet()
        await clock.turn(1)
        await one.plain.expect(GONE)
        await one.plain.ask("AT+QISEND=0,1", "\r\nERROR\r\n")
        assert not far.reader.at_eof()  # who is not there does not hear of it
        await one.plain.ask("AT+QICLOSE=0")


async def test_what_was_received_before_can_still_be_read() -> None:
    async with probed() as (one, far, clock):
        far.writer.write(b"last words")
        await one.plain.expect(b'\r\n+QIURC: "recv",0\r\n')
        one.module.set_network(SILENT)
        for seconds in (IDLE, *[INTERVAL] * COUNT):
            await clock.turn(seconds)
        await one.plain.expect(GONE)
        await one.plain.ask("AT+QIRD=0", reply(b"last words"))


async def test_a_connection_whose_peer_lives_goes_on_and_the_peer_gets_no_octet() -> None:
    async with probed() as (one, far, clock):
        for _ in range(30):
            await clock.turn(IDLE)
        await one.plain.quiet()
        await send(one.plain, 0, b"still here")
        assert await far.reader.readexactly(10) == b"still here"


@pytest.mark.parametrize("sign", ["sound", "data"])
async def test_a_sign_of_life_begins_it_anew(sign: str) -> None:
    async with probed() as (one, far, clock):
        one.module.set_network(SILENT)
        for seconds in (IDLE, *[INTERVAL] * (COUNT - 1), INTERVAL - 1):
            await clock.turn(seconds)
        one.module.set_network(AUDIBLE)
        if sign == "data":
            far.writer.write(b"x")
            await one.plain.expect(b'\r\n+QIURC: "recv",0\r\n')
        one.module.set_network(SILENT)
        await settle()
        for seconds in (1, IDLE - 1, *[INTERVAL] * (COUNT - 1)):
            await clock.turn(seconds)
        await one.plain.quiet()
        for _ in range(2):
            await clock.turn(INTERVAL)
        await one.plain.expect(GONE)


@pytest.mark.parametrize("off", ["switched off", "for later connections"])
async def test_without_it_nobody_notices(off: str) -> None:
    async with probed("later" if off == "for later connections" else "at_once") as (one, _, clock):
        if off != "for later connections":
            await one.plain.ask('AT+QICFG="tcp/keepalive",0')
        one.module.set_network(SILENT)
        for _ in range(20):
            await clock.turn(IDLE)
        await one.plain.quiet()
        one.module.set_network(AUDIBLE)
