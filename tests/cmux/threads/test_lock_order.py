"""The order of locks that docs/architecture.md gives, seen in sessions in which everything happens that takes locks."""

from __future__ import annotations

import re
import threading
import types
from pathlib import Path
from typing import Any

import pytest
from mux_leaks import nothing_left
from mux_module import Module

import cmux
from cmux.threads import engine, mux, waiting

PATIENCE = 20.0
ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.usefixtures("nothing_left")
__all__ = ["nothing_left"]


def documented() -> list[str]:
    """The names of the locks, the outermost first."""
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    found = re.search(r"\*\*Order of locks:\*\* (.+?)\.\n", text, re.DOTALL)
    assert found is not None
    return re.findall(r"`(\w+)`", found[1])


class Order:
    """Notes which locks a thread holds when it waits for another one."""

    def __init__(self) -> None:
        self.pairs: set[tuple[str, str]] = set()
        self.taken: set[str] = set()
        self._held = threading.local()

    @property
    def held(self) -> list[str]:
        """The names of the locks that this thread holds."""
        held: list[str] = self._held.__dict__.setdefault("names", [])
        return held

    def lock(self, name: str, plain: Any) -> Watched:
        """Make a lock that is watched."""
        return Watched(self, name, plain)


class Watched:
    """A lock that is watched."""

    def __init__(self, order: Order, name: str, plain: Any) -> None:
        self._order, self._name, self._plain = order, name, plain

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        held = self._order.held
        if blocking and self._name not in held:  # an RLock may be taken again
            self._order.pairs.update((outer, self._name) for outer in held)
        taken: bool = self._plain.acquire(blocking, timeout)
        if taken:
            held.append(self._name)
            self._order.taken.add(self._name)
        return taken

    def release(self) -> None:
        self._plain.release()
        held = self._order.held
        if self._name in held:  # a lock may be released by another thread
            held.remove(self._name)

    def locked(self) -> bool:
        return bool(self._plain.locked())

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    # What Condition asks of an RLock.

    def _is_owned(self) -> bool:
        return self._name in self._order.held

    def _release_save(self) -> int:
        times = self._order.held.count(self._name)
        for _ in range(times):
            self.release()
        return times

    def _acquire_restore(self, times: int) -> None:
        for _ in range(times):
            self.acquire()


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> Order:
    order = Order()

    def watch(module: types.ModuleType, names: dict[str, str]) -> None:
        """Name the locks that a function of the module makes by the attribute they are put in."""

        def make() -> Watched:
            import linecache
            import sys

            frame = sys._getframe(1)
            line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
            name = next(name for attribute, name in names.items() if f"self.{attribute} =" in line)
            return order.lock(name, threading.Lock())

        everything = {name: getattr(threading, name) for name in dir(threading)}
        monkeypatch.setattr(module, "threading", types.SimpleNamespace(**{**everything, "Lock": make}))

    watch(engine, {"_lock": "core", "_dispatching": "dispatching"})
    watch(mux, {"_lock": "mux", "_asking": "asking"})

    plain = waiting.ChannelCondition.__init__

    def begin(condition: waiting.ChannelCondition, kick: Any) -> None:
        plain(condition, kick, order.lock("channel", threading.RLock()))  # type: ignore[arg-type]

    monkeypatch.setattr(waiting.ChannelCondition, "__init__", begin)
    return order


def test_locks_are_taken_in_the_documented_order(order: Order) -> None:
    names = documented()
    with Module() as module, cmux.open(module.path, settle=0.0) as mux:
        channels = [mux.channel(dlci) for dlci in (1, 2, 3)]
        data = bytes(range(256)) * 400
        got: dict[int, bytes] = {}

        def read(number: int) -> None:
            channels[number].timeout = PATIENCE
            got[number] = channels[number].read(len(data))

        threads = [threading.Thread(target=read, args=(number,)) for number in range(3)]
        threads += [threading.Thread(target=channel.write, args=(data,)) for channel in channels]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert got == dict.fromkeys(range(3), data)
        one = channels[0]
        one.fileno()
        one.dtr = False
        one.cancel_read()
        one.timeout = 0.01
        one.reset_output_buffer()
        one.write(b"unread" * 40_000)  # stops the peer
        one.flush()
        one.reset_input_buffer()
        one.send_break(0.0)
        mux.test()
        mux.stats()
        one.close()
        module.stop()
        with pytest.raises(cmux.SessionEnded):
            channels[1].read(1)
    assert order.taken <= {*names, "asking"}
    assert {"core", "channel", "dispatching", "mux"} <= order.taken
    wrong = {
        (outer, inner)
        for outer, inner in order.pairs
        if outer in names and inner in names and names.index(outer) >= names.index(inner)
    }
    assert wrong == set()
    assert ("channel", "core") in order.pairs
