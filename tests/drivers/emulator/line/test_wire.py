"""The wire of the emulated line: when octets arrive, with a clock that the test turns."""

from __future__ import annotations

import asyncio
import random

import pytest
from emulator_host import Turning, settle

from drivers.emulator import Behaviour, Faults
from drivers.emulator.environment import Environment
from drivers.emulator.line.injury import Injury
from drivers.emulator.line.wire import Lane

RATE = 115_200
OCTET = 10 / RATE


class Arrivals:
    """A lane, and what has come of it at which time."""

    def __init__(self, clock: Turning, faults: Faults | None = None, rate: int = RATE) -> None:
        self.clock = clock
        self.began = clock.now()
        self.came: list[tuple[float, bytes]] = []
        environment = Environment(asyncio.get_running_loop(), clock, Behaviour())
        injury = Injury(faults or Faults(), random.Random(1))  # noqa: S311
        self.lane = Lane(environment, injury, rate, self._note, lambda: None)

    def _note(self, data: bytes) -> None:
        self.came.append((self.clock.now() - self.began, data))

    async def until_empty(self, step: float) -> None:
        while self.lane.waiting:
            await self.clock.turn(step)

    def at(self, count: int) -> float:
        """Return when this many octets had come."""
        total = 0
        for when, data in self.came:
            total += len(data)
            if total >= count:
                return when
        raise AssertionError(f"{total} octets came, not {count}")


@pytest.fixture
def clock() -> Turning:
    return Turning()


async def test_what_was_written_at_once_is_there_when_its_last_octet_has_passed(clock: Turning) -> None:
    arrivals = Arrivals(clock)
    answer, frame, news = bytes(12), b"f" * 133, b"n" * 23
    for data in (answer, frame, news):
        arrivals.lane.put(data)
    step = OCTET / 2
    await arrivals.until_empty(step)
    assert b"".join(data for _, data in arrivals.came) == answer + frame + news
    for count in (12, 12 + 133, 12 + 133 + 23):
        assert 0 <= arrivals.at(count) - count * OCTET < 2 * step


async def test_a_late_timer_does_not_slow_the_line_down(clock: Turning) -> None:
    arrivals = Arrivals(clock)
    arrivals.lane.put(bytes(11_520))
    await arrivals.until_empty(0.0137)
    assert arrivals.came[-1][0] < 1 + 2 * 0.0137


async def test_a_second_of_a_saturated_line_takes_few_looks(clock: Turning) -> None:
    arrivals = Arrivals(clock)
    for _ in range(86):
        arrivals.lane.put(bytes(133))
    await arrivals.until_empty(0.001)
    assert len(arrivals.came) <= 3 * 86


async def test_what_is_overdue_comes_in_one_piece_unless_it_is_cut(clock: Turning) -> None:
    whole, cut = Arrivals(clock), Arrivals(clock, Faults(chunk=(10, 10), latency=0.0))
    for arrivals in (whole, cut):
        for _ in range(4):
            arrivals.lane.put(bytes(5))
    await settle()
    await clock.turn(0.1)
    await clock.turn(0.1)
    assert max(len(data) for _, data in whole.came) >= 10
    await cut.until_empty(0.1)
    assert [len(data) for _, data in cut.came if len(data) != 10] in ([], [5, 5])


async def test_an_answer_is_as_early_as_if_the_timer_had_not_been_late(clock: Turning) -> None:
    moments: list[float] = []
    answers, questions = Arrivals(clock), Arrivals(clock)

    def answer(data: bytes) -> None:
        moments.append(questions.lane.moment - questions.began)
        answers.lane.put(bytes(115), questions.lane.moment)

    questions.lane._deliver = answer
    questions.lane.put(bytes(25))
    await clock.turn(0.006)
    assert moments == [pytest.approx(25 * OCTET)]
    assert questions.lane.moment == clock.now()
    await answers.until_empty(OCTET / 2)
    assert answers.at(115) == pytest.approx((25 + 115) * OCTET, abs=OCTET)
