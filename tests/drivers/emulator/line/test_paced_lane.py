"""The module's sending lane on a line with a rate: when octets arrive, and how few are taken ahead of that."""

from __future__ import annotations

import asyncio
import random

import pytest

from drivers.clock import FakeClock
from drivers.emulator import Behaviour, Faults
from drivers.emulator.environment import Environment
from drivers.emulator.line.injury import Injury
from drivers.emulator.line.paced_lane import PacedLane

RATE = 115_200
OCTET = 10 / RATE


class Source:
    """Has something to send, and hands it over as there is room.

    Args:
        faults: of the line.
        rate: bits per second.
        ahead: octets that it hands over before the line can carry them.
    """

    def __init__(self, faults: Faults | None = None, rate: int = RATE, ahead: int = 16) -> None:
        self.clock = FakeClock()
        self.began = self.clock.now()
        self.ahead = ahead
        self.open = True
        self.left = b""
        self.taken = 0
        self.looks = 0
        self.came: list[tuple[float, bytes]] = []
        environment = Environment(asyncio.get_running_loop(), self.clock, Behaviour())
        injury = Injury(faults or Faults(), random.Random(1))  # noqa: S311
        self.lane = PacedLane(environment, injury, rate, self._note, self.ready)

    def _note(self, octets: bytes) -> None:
        self.came.append((self.clock.now() - self.began, octets))

    def has(self, octets: bytes) -> None:
        self.left += octets
        self.hand_over()

    def ready(self) -> None:
        self.looks += 1
        self.hand_over()

    def hand_over(self) -> None:
        now = self.clock.now()
        while self.left:
            if not self.open:
                self.lane.refuse(len(self.left), now)
                return
            if not (room := self.lane.room(len(self.left), self.ahead, now)):
                return
            self.lane.put(self.left[:room], now)
            self.taken += len(self.left[:room])
            self.left = self.left[room:]

    async def turn(self, seconds: float, step: float) -> None:
        for _ in range(round(seconds / step)):
            self.clock.advance(step)
            for _ in range(2):
                await asyncio.sleep(0)

    async def until_empty(self, step: float) -> None:
        while self.left or self.lane.waiting:
            await self.turn(step, step)

    @property
    def arrived(self) -> int:
        return sum(len(octets) for _, octets in self.came)


@pytest.mark.parametrize("ahead", [1, 16, 64])
@pytest.mark.parametrize("size", [1, 12, 200, 11_520])
async def test_the_last_octet_arrives_in_its_time(size: int, ahead: int) -> None:
    source = Source(ahead=ahead)
    source.has(bytes(size))
    step = OCTET / 2
    await source.until_empty(step)
    assert source.arrived == size
    assert 0 <= source.came[-1][0] - size * OCTET < 2 * step


async def test_a_late_timer_does_not_slow_the_line_down() -> None:
    source = Source()
    source.has(bytes(11_520))
    await source.until_empty(0.0137)
    assert source.came[-1][0] < 1 + 2 * 0.0137


async def test_nothing_is_taken_ahead_but_what_may_wait() -> None:
    source = Source(ahead=16)
    source.has(bytes(11_520))
    for _ in range(50):
        await source.turn(0.0031, 0.0031)
        carried = int((source.clock.now() - source.began) / OCTET + 1e-6)
        assert source.taken <= carried + 16


async def test_a_second_of_a_saturated_line_takes_few_looks() -> None:
    fast, slow = Source(rate=921_600), Source(rate=9600)
    for source in (fast, slow):
        source.has(bytes(100_000))
        await source.turn(1, 0.001)
    assert fast.looks <= 125
    assert slow.looks <= 250


async def test_time_in_which_there_was_nothing_to_send_carries_nothing() -> None:
    source = Source()
    source.has(bytes(100))
    await source.until_empty(OCTET)
    await source.turn(1, 0.01)
    source.has(bytes(1000))
    before = source.clock.now()
    await source.turn(100 * OCTET, OCTET)
    assert source.arrived - 100 <= 100
    await source.until_empty(OCTET)
    assert source.clock.now() - before == pytest.approx(1000 * OCTET, abs=2 * OCTET)


@pytest.mark.parametrize("way", ["the connection is full", "the host takes nothing"])
async def test_time_in_which_nothing_may_be_sent_carries_nothing(way: str) -> None:
    source = Source()
    source.has(bytes(2000))
    await source.turn(0.05, OCTET)
    if way == "the host takes nothing":
        source.open = False
    else:
        source.lane.hold(True)
    before = source.arrived
    await source.turn(1, OCTET * 10)
    assert source.arrived - before <= 16 + 0.005 / OCTET
    before, source.open = source.arrived, True
    source.lane.hold(False)
    await source.turn(0.05, OCTET)
    assert 0.05 / OCTET - 80 <= source.arrived - before <= 0.05 / OCTET + 80
    await source.until_empty(OCTET)
    assert source.arrived == 2000


async def test_the_latency_of_the_line_comes_on_top() -> None:
    source = Source(Faults(latency=0.25))
    source.has(bytes(115))
    await source.until_empty(OCTET / 2)
    assert source.came[-1][0] == pytest.approx(0.25 + 115 * OCTET, abs=OCTET)


async def test_pieces_arrive_apart() -> None:
    source = Source(Faults(chunk=(3, 3)))
    source.has(bytes(300))
    await source.until_empty(OCTET)
    assert source.arrived == 300
    assert max(len(octets) for _, octets in source.came) <= 3


async def test_what_is_on_its_way_can_be_delivered_at_once_or_dropped() -> None:
    for end, arrives in (("flush", 16), ("stop", 0)):
        source = Source()
        source.has(bytes(100))
        getattr(source.lane, end)()
        assert source.arrived == arrives
        assert source.lane.waiting == 0
        source.left = b""
        await source.turn(0.1, 0.01)
        assert source.arrived == arrives
