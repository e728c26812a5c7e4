"""Descriptors of a line are closed, whatever interrupts their opening, their use or their closing."""

import gc
import itertools
import os
import sys

import pytest

if sys.platform == "win32":
    pytest.skip("there are no pipes to wait for", allow_module_level=True)

from interrupts import Interrupt

from cmux.line.descriptors import Descriptors
from cmux.line.physical import open_line
from cmux.pty import Pty


def open_descriptors() -> set[str]:
    gc.collect()
    return set(os.listdir("/dev/fd"))


def test_both_ends_of_a_pipe_and_an_eventfd_are_open_until_close_which_may_come_twice() -> None:
    descriptors = Descriptors()
    before = open_descriptors()
    read, write = descriptors.pipe()
    os.write(write, b"x")
    assert os.read(read, 2) == b"x"
    with pytest.raises(BlockingIOError):
        os.read(read, 1)
    with pytest.raises(BlockingIOError):
        os.eventfd_read(descriptors.eventfd())
    assert len(open_descriptors()) == len(before) + 3
    descriptors.close()
    descriptors.close()
    assert open_descriptors() == before


def test_what_is_forgotten_is_closed() -> None:
    before = open_descriptors()
    Descriptors().pipe()
    assert open_descriptors() == before


def interrupted_at(at: int) -> bool:
    """Open a line and close it, with an interrupt at a line of the code; tell whether it came."""
    interrupt = Interrupt(at)
    with Pty() as pty, interrupt.in_force():
        line = open_line(pty.path, 115200)
        line.shared_read()
        line.close()
    return bool(interrupt.where)


def test_an_interrupt_at_any_line_of_opening_and_closing_a_line_leaves_no_descriptor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)  # that of pytest keeps the line of a finalizer alive
    before = open_descriptors()
    for at in itertools.count(1):
        interrupted = interrupted_at(at)
        assert open_descriptors() == before, at
        if not interrupted:
            break
    assert at > 100  # the lines that it takes
