"""Who writes to a channel puts its octets on the line itself, where the line takes them at once (rules a to c, g)."""

from __future__ import annotations

import threading
from collections import deque
from pathlib import Path
from typing import Any

import pytest
from interrupts import Interrupt
from mux_leaks import nothing_left
from mux_module import Module
from mux_of_module import PATIENCE, channel_of, module, mux, quiet

import cmux
from cmux.line.base import HungUp
from cmux.line.physical import DescriptorLine
from cmux.opening import make_plan
from cmux.protocol.events import Cause
from cmux.threads import line_writer, startup_runner
from cmux.threads.line_writer import LineWriter
from cmux.threads.opener import Opening

pytestmark = pytest.mark.usefixtures("nothing_left")

__all__ = ["module", "mux", "nothing_left"]


def test_one_octet_is_one_write_of_the_caller_and_wakes_nobody(mux: cmux.Mux, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = channel_of(mux)
    channel.write(b"?")
    assert channel.read(1) == b"?"
    quiet(mux)
    writers: list[str] = []
    notified: list[str] = []
    for name in ("write", "write_at_once"):
        plain = getattr(DescriptorLine, name)

        def counted(line: DescriptorLine, *arguments: Any, _plain: Any = plain) -> Any:
            writers.append(threading.current_thread().name)
            return _plain(line, *arguments)

        monkeypatch.setattr(DescriptorLine, name, counted)
    work = mux._engine._writer.work
    plain_notify = work.notify
    monkeypatch.setattr(work, "notify", lambda n=1: (notified.append("work"), plain_notify(n))[1])
    for _ in range(20):
        channel.write(b"x")
        assert channel.read(1) == b"x"
    assert writers == [threading.current_thread().name] * 20
    assert notified == []


@pytest.mark.parametrize("at_once", [0, 1, 3])
def test_what_the_line_does_not_take_at_once_is_left_to_the_writer(
    mux: cmux.Mux, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    plain = DescriptorLine.write_at_once

    def little(line: DescriptorLine, data: bytes, taken: deque[int]) -> None:
        if at_once:
            plain(line, data[:at_once], taken)

    monkeypatch.setattr(DescriptorLine, "write_at_once", little)
    channel = channel_of(mux)
    data = bytes(range(256)) * 20
    channel.write(data)
    assert channel.read(len(data)) == data


def test_no_lock_is_held_over_a_write_or_the_capture(
    module: Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cmux.open(module.path, capture=tmp_path / "x.log", drain_timeout=0.0) as mux:
        channel = channel_of(mux)
        engine, handle = mux._engine, channel._handle
        assert handle is not None
        quiet(mux)
        free: list[bool] = []

        def look() -> None:
            if threading.current_thread() is threading.main_thread():
                for lock in (engine._lock, handle.condition):
                    # A condition has an RLock, which its owner gets again: another thread asks.
                    found: list[bool] = []

                    def ask(lock: Any = lock, found: list[bool] = found) -> None:
                        found.append(lock.acquire(timeout=PATIENCE))
                        if found[0]:
                            lock.release()

                    asking = threading.Thread(target=ask)
                    asking.start()
                    asking.join(PATIENCE)
                    free.append(found == [True])

        plain, captured = DescriptorLine.write_at_once, mux._engine.capture
        assert captured is not None
        plain_feed = captured.feed
        monkeypatch.setattr(
            DescriptorLine, "write_at_once", lambda line, data, taken: (look(), plain(line, data, taken))[1]
        )
        monkeypatch.setattr(captured, "feed", lambda data, **about: (look(), plain_feed(data, **about))[1])
        channel.write(b"x")
        assert channel.read(1) == b"x"
        # Its capture and the write; the capture of the answer, too, unless the reader thread was there first.
        assert free in ([True] * 4, [True] * 6)


def test_both_ways_at_once_with_full_buffers_and_two_threads_a_channel(mux: cmux.Mux) -> None:
    """The module sends everything back, so nobody may wait for the line with a lock that reading needs."""
    data = bytes(range(256)) * 2000
    channels = [channel_of(mux, dlci) for dlci in (1, 2, 3, 4)]
    got: dict[int, bytes] = {}

    def read(number: int) -> None:
        got[number] = channels[number].read(len(data))

    threads = [threading.Thread(target=read, args=(number,)) for number in range(4)]
    threads += [threading.Thread(target=channel.write, args=(data,)) for channel in channels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE * 2)
    assert got == dict.fromkeys(range(4), data)


def test_an_interrupt_at_any_line_of_a_write_loses_no_octet_and_sends_none_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or it ends the session, if it came in the middle of a change of the core."""
    monkeypatch.setattr(startup_runner, "leave", lambda *_, **__: True)  # 1.5 s for each session that was interrupted
    at = whole = ended = 0
    interrupt = Interrupt(0)
    while at == 0 or interrupt.where:
        with Module() as module, cmux.open(module.path, drain_timeout=0.0, settle=0.0) as mux:
            channel = channel_of(mux)
            while at == 0 or interrupt.where:
                at += 1
                interrupt = Interrupt(at)
                token = b"<%d>" % at
                with interrupt.in_force():
                    channel.write(token)
                if mux.error is not None:
                    with pytest.raises(cmux.SessionEnded, match="interrupted in the middle of a change"):
                        channel.write(b".")
                    ended += 1
                    break
                # What has been queued leaves by itself; the line works as before.
                assert mux._engine.wait_written(1, PATIENCE), f"interrupted in {interrupt.where}"
                channel.write(b".")
                assert channel.read_until(b".") in (token + b".", b"."), f"interrupted in {interrupt.where}"
                whole += bool(interrupt.where)
    assert whole >= 30
    assert ended >= 1


def test_closing_waits_for_who_is_writing(module: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    """The descriptor may belong to another file a moment later."""
    writes, may_end, ended = threading.Event(), threading.Event(), threading.Event()
    mux = cmux.open(module.path, drain_timeout=0.0, t1=0.05, t2=0.2, n2=1)
    channel = channel_of(mux)
    quiet(mux)
    plain = DescriptorLine.write_at_once

    def slow(line: DescriptorLine, data: bytes, taken: deque[int]) -> None:
        writes.set()
        assert may_end.wait(PATIENCE)
        plain(line, data, taken)
        ended.set()

    monkeypatch.setattr(DescriptorLine, "write_at_once", slow)
    writing = threading.Thread(target=channel.write, args=(b"x",))
    writing.start()
    assert writes.wait(PATIENCE)
    plain_end = LineWriter.end
    monkeypatch.setattr(LineWriter, "end", lambda writer, timeout: (may_end.set(), plain_end(writer, timeout))[1])
    plain_close = DescriptorLine.close
    order: list[bool] = []
    monkeypatch.setattr(DescriptorLine, "close", lambda line: (order.append(ended.is_set()), plain_close(line))[1])
    mux.close()
    writing.join(PATIENCE)
    assert order == [True]


def test_octets_that_come_wake_nobody_who_waits_for_room(mux: cmux.Mux, module: Module) -> None:
    channel = channel_of(mux)
    handle = channel._handle
    assert handle is not None
    module.run(lambda core, now: core.pause_reading(1, now))
    assert mux.test()  # that has come
    waiting, woken = threading.Event(), []
    plain = handle.condition.room.wait

    def wait(timeout: float | None) -> bool:
        waiting.set()
        try:
            return plain(timeout)
        finally:
            woken.append(len(got))

    handle.condition.room.wait = wait  # type: ignore[method-assign]
    got = b""
    data = bytes(100_000)
    writing = threading.Thread(target=channel.write, args=(data,))
    writing.start()
    assert waiting.wait(PATIENCE)
    for _ in range(20):
        module.run(lambda core, now: module.feed(1, b"x"))
        got += channel.read(1)
    module.run(lambda core, now: core.resume_reading(1, now))
    got += channel.read(len(data))
    writing.join(PATIENCE)
    assert got == b"x" * 20 + data
    assert min(woken) >= 20


def test_a_caller_that_has_written_long_enough_leaves_the_rest_to_the_thread(
    mux: cmux.Mux, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_writer, "_AT_ONCE", 1)
    channel = channel_of(mux)
    data = bytes(range(256)) * 200
    writing = threading.Thread(target=channel.write, args=(data,))
    writing.start()
    assert channel.read(len(data)) == data
    writing.join(PATIENCE)


@pytest.mark.parametrize("count", [0, 3])
def test_an_interrupt_during_a_write_leaves_what_the_line_has_not_taken_to_the_thread(
    mux: cmux.Mux, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    plain = DescriptorLine.write_at_once
    channel = channel_of(mux)
    quiet(mux)

    def interrupted(line: DescriptorLine, data: bytes, taken: deque[int]) -> None:
        monkeypatch.setattr(DescriptorLine, "write_at_once", plain)
        if count:
            plain(line, data[:count], taken)
        raise KeyboardInterrupt

    monkeypatch.setattr(DescriptorLine, "write_at_once", interrupted)
    with pytest.raises(KeyboardInterrupt):
        channel.write(b"whole")
    assert channel.read(5) == b"whole"


def test_a_line_that_hangs_up_during_a_write_ends_the_session_with_its_cause(
    mux: cmux.Mux, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = channel_of(mux)
    quiet(mux)

    def hangs_up(line: DescriptorLine, data: bytes, taken: deque[int]) -> None:
        raise HungUp("the cable was pulled")

    monkeypatch.setattr(DescriptorLine, "write_at_once", hangs_up)
    with pytest.raises(cmux.SessionEnded, match="the cable was pulled"):
        channel.write(b"x" * 100_000)  # more than can be queued
    assert mux.error is not None
    assert mux.error.cause is Cause.LINE_LOST


def test_an_opening_that_was_cut_short_before_it_had_a_line_opens_none(module: Module) -> None:
    opening = Opening(make_plan(module.path, {}))
    opening.cancel()
    with pytest.raises(cmux.CmuxError, match="cut short"):
        opening.run()
    assert module.commands == []
