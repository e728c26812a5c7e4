"""`cmux.cli.stopping`: what a signal does to a command that waits for one."""

from __future__ import annotations

import signal
import sys
from types import FrameType

import pytest

from cmux.cli.stopping import Stop


@pytest.mark.timeout(10)
def test_a_signal_at_any_moment_of_the_wait_ends_it() -> None:
    """The handler runs on the thread that waits, so it may not need a lock that the wait holds."""
    stop = Stop()
    stop.interrupts = False

    def interrupt(frame: FrameType, event: str, argument: object) -> object:
        stop.handle(signal.SIGTERM, frame)
        return interrupt

    before = sys.gettrace()
    sys.settrace(interrupt)  # type: ignore[arg-type]
    try:
        assert stop.wait()
    finally:
        sys.settrace(before)
    assert stop.asked


def test_the_first_signal_interrupts_an_opening() -> None:
    stop = Stop()
    with pytest.raises(KeyboardInterrupt):
        stop.handle(signal.SIGINT, None)
    stop.handle(signal.SIGINT, None)
    assert stop.asked
    assert stop.wait()


def test_a_signal_that_did_not_end_the_wait_that_was_about_to_begin_is_seen_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cmux.cli.stopping._LOOK", 0.01)
    stop = Stop()
    stop.asked = True  # and nothing in the queue
    assert stop.wait()
    assert stop.wait(50)


def test_a_wait_is_over_at_its_time() -> None:
    assert not Stop().wait(0)
