"""The loop of the emulated module: a short wait is not rounded up to milliseconds, and an idle one is not looked at."""

from __future__ import annotations

import select
import selectors

import pytest

from drivers.emulator import precise_loop

pytestmark = pytest.mark.skipif(not hasattr(selectors, "EpollSelector"), reason="only epoll counts in milliseconds")


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    asked: list[float] = []

    def wait(read: list[int], write: list[int], other: list[int], timeout: float) -> tuple[list[int], ...]:
        asked.append(timeout)
        return ([], [], [])

    monkeypatch.setattr(select, "select", wait)
    return asked


def test_a_short_wait_is_exact_and_a_long_one_is_left_to_epoll(waits: list[float]) -> None:
    loop = precise_loop.new_loop()
    try:
        selector = loop._selector  # type: ignore[attr-defined]
        for timeout in (0.0123, 0.000087, 0, -1, 0.0501):
            selector.select(timeout)
    finally:
        loop.close()
    assert waits == [0.0123, 0.000087]


def test_it_wakes_for_what_happens_meanwhile() -> None:
    loop = precise_loop.new_loop()
    try:
        loop.call_soon(loop.call_soon_threadsafe, loop.stop)
        loop.call_later(30, loop.stop)
        loop.run_forever()
    finally:
        loop.close()


def test_without_epoll_it_is_the_systems_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(selectors, "EpollSelector")
    loop = precise_loop.new_loop()
    loop.close()
    assert not isinstance(loop._selector, precise_loop._PreciseSelector)  # type: ignore[attr-defined]
