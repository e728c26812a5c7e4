"""A fixture that wants every thread and descriptor of a test gone at its end."""

import gc
import os
import threading
from collections.abc import Iterator

import forked_programs
import pytest


def _descriptors() -> int:
    return len(os.listdir("/dev/fd")) - forked_programs.descriptors()


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Fail a test that leaves a thread or a descriptor behind."""
    gc.collect()
    gc.freeze()  # the collection at the end passes over what was there before: up to 0.4 s a test else
    threads, descriptors = set(threading.enumerate()), _descriptors()
    yield
    gc.collect()
    assert set(threading.enumerate()) <= threads
    assert _descriptors() <= descriptors
