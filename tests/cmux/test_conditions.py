"""An interrupt at the beginning of a ``with`` leaves no lock behind."""

from __future__ import annotations

import sys
import threading
from types import FrameType

import pytest

from cmux.conditions import Condition


class Interrupt:
    """Raises KeyboardInterrupt where the interpreter may run a signal handler: as a function in Python begins or ends.

    Args:
        at: the number of that moment.
    """

    def __init__(self, at: int) -> None:
        self.left = at

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        if event in ("call", "return") and frame.f_code.co_filename != __file__:
            self.left -= 1
            if self.left == 0:
                sys.setprofile(None)
                raise KeyboardInterrupt


def is_free(condition: threading.Condition) -> bool:
    """Ask in another thread: the lock may be one that its owner can take again."""
    found: list[bool] = []

    def ask() -> None:
        found.append(condition.acquire(blocking=False))
        if found[0]:
            condition.release()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    return found[0]


def enter(condition: threading.Condition, interrupt: Interrupt) -> bool:
    """Enter and leave a block; return whether that was interrupted."""
    before = sys.getprofile()
    sys.setprofile(interrupt)
    try:
        with condition:
            pass
    except KeyboardInterrupt:
        return True
    finally:
        sys.setprofile(before)
    return False


@pytest.mark.parametrize("lock", [None, threading.Lock, threading.RLock], ids=["its own", "Lock", "RLock"])
def test_an_interrupt_before_or_behind_a_block_leaves_the_lock_free(lock: type[threading.Lock] | None) -> None:
    at = 1
    while True:
        condition = Condition(None if lock is None else lock())
        interrupted = enter(condition, Interrupt(at))
        assert is_free(condition), at
        if not interrupted:
            break
        at += 1
    assert at > 1


def test_the_condition_of_the_standard_library_does_not() -> None:
    """If this fails, `Condition` is not needed any more."""
    assert not all(
        is_free(condition)
        for condition, at in ((threading.Condition(), at) for at in range(1, 5))
        if enter(condition, Interrupt(at))
    )


def test_it_waits_and_wakes_as_the_other_one_does() -> None:
    condition = Condition()
    told: list[str] = []

    def tell() -> None:
        with condition:
            told.append("now")
            condition.notify_all()

    with condition:
        thread = threading.Thread(target=tell)
        thread.start()
        assert condition.wait_for(lambda: told, 20)
    thread.join()
