"""Both shells on clocks of their own: seconds of the one are shorter, the other jumps to what is due.

So what waits for a peer that does not answer takes no time, and a call that never returns is found at once.
"""

from __future__ import annotations

import asyncio
import importlib
import select
import selectors
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from queue import SimpleQueue
from typing import Any
from unittest.mock import patch

from cmux import conditions

FACTOR = 50.0
"""Seconds of the thread shell that make a real one."""
HASTE = 200.0
"""Seconds of a loop that wait for other threads in a real one."""
_CLOCKED = ("channel_stream", "engine", "line_writer", "mux", "receive_buffer", "startup_runner", "waiting")
_WAITING = ("channels", "engine", "line_reader", "line_writer", "mux")


class _Hurried:
    """A module of the standard library, some of whose names are replaced."""

    def __init__(self, module: object, **names: object) -> None:
        self._module = module
        self.__dict__.update(names)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def _scaled(timeout: float | None) -> float | None:
    return None if timeout is None else timeout / FACTOR


def _wait(self: threading.Condition, timeout: float | None = None) -> bool:
    return threading.Condition.wait(self, _scaled(timeout))


def _wait_for(self: threading.Condition, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
    end = None if timeout is None else time.monotonic() + timeout / FACTOR
    while not (result := predicate()):
        left = None if end is None else end - time.monotonic()
        if left is not None and left <= 0:
            break
        threading.Condition.wait(self, left)
    return result


class _Condition(threading.Condition):
    wait = _wait
    wait_for = _wait_for


class _Queue(SimpleQueue[Any]):
    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        return super().get(block, _scaled(timeout))


class _Poll:
    def __init__(self) -> None:
        self._poll = select.poll()

    def poll(self, timeout: float | None = None) -> list[tuple[int, int]]:
        return self._poll.poll(_scaled(timeout))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._poll, name)


@contextmanager
def hurried_threads() -> Iterator[None]:
    """Let seconds be shorter for all that the thread shell does on a line."""
    clock = _Hurried(time, monotonic=lambda: time.monotonic() * FACTOR)
    waiting = _Hurried(threading, Condition=_Condition)
    polling = _Hurried(select, poll=_Poll)
    with ExitStack() as stack:
        for name in _CLOCKED:
            stack.enter_context(patch.object(importlib.import_module(f"cmux.threads.{name}"), "time", clock))
        for name in _WAITING:
            stack.enter_context(patch.object(importlib.import_module(f"cmux.threads.{name}"), "threading", waiting))
        stack.enter_context(patch.object(importlib.import_module("cmux.line.physical"), "time", clock))
        stack.enter_context(patch.object(importlib.import_module("cmux.threads.services"), "SimpleQueue", _Queue))
        stack.enter_context(patch.multiple(conditions.Condition, wait=_wait, wait_for=_wait_for, create=True))
        for name in ("physical", "shared_read"):
            stack.enter_context(patch.object(importlib.import_module(f"cmux.line.{name}"), "select", polling))
        yield


class _Selector:
    """A selector that never waits for the time, only, for a moment, for other threads."""

    def __init__(self, breath: float) -> None:
        self._selector = selectors.DefaultSelector()
        self._breath = breath
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        breath = self._breath if timeout else 0.0
        events = self._selector.select(breath if timeout is not None else PATIENCE)
        if not events and timeout is None:
            raise AssertionError("nothing is due, and nobody is going to call")
        if not events and timeout:
            self.now += min(timeout, self._breath * HASTE) if self._breath else timeout
        return events

    def __getattr__(self, name: str) -> Any:
        return getattr(self._selector, name)


PATIENCE = 10.0
"""Real seconds."""


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to what is due next, when nothing else is to be done.

    Args:
        breath: real seconds for other threads before it jumps.
    """

    def __init__(self, breath: float = 0.0) -> None:
        self._jumping = _Selector(breath)
        super().__init__(self._jumping)  # type: ignore[arg-type]  # it has what a loop needs

    def time(self) -> float:
        return self._jumping.now
