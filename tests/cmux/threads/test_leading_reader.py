"""Who waits for octets reads the line itself, in place of the reader thread (rules d to g)."""

from __future__ import annotations

import logging
import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from interrupts import Interrupt
from mux_leaks import nothing_left
from mux_module import Module
from mux_of_module import PATIENCE, channel_of, module, mux

import cmux
from cmux.line.shared_read import SharedRead
from cmux.protocol.commands import Signals
from cmux.protocol.events import Opened
from cmux.threads import startup_runner

pytestmark = [
    pytest.mark.usefixtures("nothing_left"),
    pytest.mark.skipif(not hasattr(select, "epoll"), reason="nobody leads without epoll"),
]

__all__ = ["module", "mux", "nothing_left"]


def sends(module: Module, data: bytes, dlci: int = 1) -> None:
    module.run(lambda core, now: module.feed(dlci, data))


@pytest.fixture
def leads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[], object]], None]]:
    """Run a function when a caller who leads is about to wait; the fixture is given the function."""
    plain = SharedRead.lead
    jobs: list[Callable[[], object]] = []

    def lead(shared: SharedRead, timeout: float | None, *others: Any) -> dict[int, int]:
        if jobs and not threading.current_thread().name.startswith("cmux reader"):
            jobs.pop()()
        return plain(shared, timeout, *others)

    monkeypatch.setattr(SharedRead, "lead", lead)
    yield jobs.append
    assert not jobs, "nobody has led"


def in_thread(function: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=function)
    thread.start()
    return thread


def test_who_waits_reads_the_line_and_no_other_thread_runs(
    mux: cmux.Mux, module: Module, leads: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = channel_of(mux)
    readers: list[threading.Thread] = []
    plain = SharedRead.read
    monkeypatch.setattr(
        SharedRead, "read", lambda shared, octets: (readers.append(threading.current_thread()), plain(shared, octets))
    )
    waits: list[object] = []
    assert channel._handle is not None
    monkeypatch.setattr(channel._handle.condition, "wait", waits.append)
    for _ in range(20):
        leads(lambda: sends(module, b"x"))
        assert channel.read(1) == b"x"
    assert set(readers) == {threading.current_thread()}
    assert waits == []


def test_who_leads_feeds_the_channels_of_all(mux: cmux.Mux, module: Module, leads: Callable[..., None]) -> None:
    one, two = channel_of(mux, 1), channel_of(mux, 2)
    got: list[bytes] = []

    threads: list[threading.Thread] = []

    def other_waits_too() -> None:
        threads.append(in_thread(lambda: got.append(two.read(3))))
        sends(module, b"two", 2)
        sends(module, b"one", 1)

    leads(other_waits_too)
    assert one.read(3) == b"one"
    threads[0].join(PATIENCE)
    assert got == [b"two"]


@pytest.mark.parametrize(
    "how",
    [
        lambda channel: setattr(channel, "timeout", 0),
        lambda channel: channel.fileno(),
        lambda channel: setattr(channel, "timeout", 0) or channel.in_waiting,
    ],
    ids=["timeout=0", "fileno", "in_waiting"],
)
def test_who_polls_by_other_means_never_leads(
    mux: cmux.Mux, module: Module, how: Callable[[Any], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = channel_of(mux)
    how(channel)
    led: list[float | None] = []
    plain = SharedRead.lead

    def lead(shared: SharedRead, timeout: float | None, *others: Any) -> dict[int, int]:
        if threading.current_thread() is threading.main_thread():
            led.append(timeout)
        return plain(shared, timeout, *others)

    monkeypatch.setattr(SharedRead, "lead", lead)
    sends(module, b"x")
    got = b""
    while not got:
        got = channel.read(1)
    assert got == b"x"
    assert led == []


ENDS: dict[str, Callable[[cmux.Mux, cmux.VirtualUart], object]] = {
    "cancel_read": lambda mux, channel: channel.cancel_read(),
    "close": lambda mux, channel: channel.close(),
    "close of the mux": lambda mux, channel: mux.close(),
}


@pytest.mark.parametrize("how", ENDS)
def test_what_ends_the_wait_of_who_leads(mux: cmux.Mux, how: str, leads: Callable[..., None]) -> None:
    channel = channel_of(mux)
    channel.timeout = None
    threads: list[threading.Thread] = []
    leads(lambda: threads.append(in_thread(lambda: ENDS[how](mux, channel))))
    if how == "cancel_read":
        assert channel.read(1) == b""
    else:
        with pytest.raises((cmux.CmuxError, OSError)):
            channel.read(1)
    threads[0].join(PATIENCE)
    assert not threads[0].is_alive()


def test_its_deadline_ends_the_wait_of_who_leads(mux: cmux.Mux, module: Module, leads: Callable[..., None]) -> None:
    channel = channel_of(mux)
    channel.timeout = 0.01
    leads(lambda: None)
    assert channel.read(1) == b""
    channel.timeout, channel.inter_byte_timeout = PATIENCE, 0.01
    sends(module, b"ab")
    assert channel.read(3) == b"ab"


def test_the_end_of_the_line_ends_the_wait_of_who_leads(
    mux: cmux.Mux, module: Module, leads: Callable[..., None]
) -> None:
    channel = channel_of(mux)
    threads: list[threading.Thread] = []
    leads(lambda: threads.append(in_thread(module.stop)))
    with pytest.raises(cmux.SessionEnded, match="hung up"):
        channel.read(1)
    threads[0].join(PATIENCE)
    assert mux.error is not None


def test_octets_that_another_thread_delivers_end_the_wait_of_who_leads(
    mux: cmux.Mux, module: Module, leads: Callable[..., None]
) -> None:
    """It has read them, but another thread was delivering events at that moment."""
    channel, engine = channel_of(mux), mux._engine
    assert engine._dispatching.acquire(timeout=PATIENCE)

    def deliver() -> None:
        with engine._lock:
            assert engine.progress.wait_for(lambda: engine.events, PATIENCE)
        engine._dispatching.release()
        engine.dispatch()

    threads: list[threading.Thread] = []

    def begin() -> None:
        threads.append(in_thread(deliver))
        sends(module, b"x")

    leads(begin)
    assert channel.read(1) == b"x"
    threads[0].join(PATIENCE)


def test_the_peer_is_answered_while_who_led_computes(mux: cmux.Mux, module: Module, leads: Callable[..., None]) -> None:
    """MSC, Test and SABM of the peer; and `fileno` becomes readable. Nothing of cmux runs in this thread meanwhile."""
    channel, other = channel_of(mux, 1), channel_of(mux, 2)
    fd = other.fileno()
    leads(lambda: sends(module, b"x"))
    assert channel.read(1) == b"x"
    answered = len(module.events)

    def speaks(core: Any, now: float) -> None:
        core.set_signals(1, Signals(dv=True, rtc=True, rtr=True, ic=True), now)
        core.test(b"are you there", now)
        module.feed(2, b"y")

    module.run(speaks)
    module.wait(lambda: sum(type(event).__name__ == "CommandDone" for event in module.events[answered:]) >= 2)
    assert select.select([fd], [], [], PATIENCE)[0] == [fd]
    module.run(lambda core, now: core.open(3, now))
    module.wait(lambda: any(isinstance(event, Opened) and event.dlci == 3 for event in module.events))
    assert other.read(1) == b"y"


def test_no_lock_is_held_over_the_wait_and_while_a_log_handler_runs(
    mux: cmux.Mux, module: Module, leads: Callable[..., None]
) -> None:
    channel, engine = channel_of(mux), mux._engine
    handle = channel._handle
    assert handle is not None
    free: list[bool] = []

    def look() -> None:
        """A condition has an RLock, which its owner gets again: another thread asks."""

        def ask() -> None:
            for lock in (engine._lock, handle.condition):
                free.append(lock.acquire(timeout=PATIENCE))
                lock.release()

        if threading.current_thread() is threading.main_thread():
            in_thread(ask).join(PATIENCE * 2)

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "DataReceived" in record.getMessage():
                look()

    handler = Handler()
    engine._log.addHandler(handler)
    level = engine._log.level
    engine._log.setLevel(logging.DEBUG)
    try:
        leads(lambda: (look(), sends(module, b"x")))
        assert channel.read(1) == b"x"
    finally:
        engine._log.setLevel(level)
        engine._log.removeHandler(handler)
    # The wait; the handler, too, unless another thread was dispatching at that moment.
    assert free in ([True] * 2, [True] * 4)


def test_an_interrupt_at_any_line_of_a_leading_read_loses_no_octet_of_any_channel(
    leads: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or it ends the session with one cause, if it came in the middle of a change of the core."""
    monkeypatch.setattr(startup_runner, "leave", lambda *_, **__: True)  # 1.5 s for each session that was interrupted
    at = whole = ended = 0
    interrupt = Interrupt(0)
    while at == 0 or interrupt.where:
        with Module() as module, cmux.open(module.path, drain_timeout=0.0, settle=0.0) as mux:
            one, two = channel_of(mux, 1), channel_of(mux, 2)
            while at == 0 or interrupt.where:
                at += 1
                interrupt = Interrupt(at)
                token = b"<%d>" % at
                got = b""

                def both(core: Any, now: float, token: bytes = token, module: Module = module) -> None:
                    module.feed(2, token)
                    module.feed(1, token)

                leads(lambda module=module, both=both: module.run(both))
                with interrupt.in_force():
                    got = one.read(len(token))
                begun = not leads.__self__  # type: ignore[attr-defined]
                if mux.error is not None:
                    with pytest.raises(cmux.SessionEnded, match="interrupted in the middle of a change"):
                        one.write(b".")
                    ended += 1
                    break
                if not begun:  # interrupted before it waited
                    leads.__self__.clear()  # type: ignore[attr-defined]
                    module.run(both)
                here = f"interrupted in {interrupt.where}"
                assert (got or one.read(len(token)), two.read(len(token))) == (token, token), here
                one.write(b".")
                assert one.read(1) == b".", here
                assert (one.in_waiting, two.in_waiting) == (0, 0), here
                whole += bool(interrupt.where)
    assert whole >= 30
    assert ended >= 1


def test_a_signal_ends_the_wait_of_who_leads(mux: cmux.Mux, module: Module, leads: Callable[..., None]) -> None:
    channel = channel_of(mux)
    main = threading.main_thread().ident
    assert main is not None
    strike = threading.Thread(target=signal.pthread_kill, args=(main, signal.SIGINT))
    leads(strike.start)
    with pytest.raises(KeyboardInterrupt):
        channel.read(1)
    strike.join(PATIENCE)
    channel.write(b"x")
    assert channel.read(1) == b"x"


def test_closing_waits_for_who_leads(module: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    """The descriptor may belong to another file a moment later."""
    from cmux.line.physical import DescriptorLine

    mux = cmux.open(module.path, drain_timeout=0.0, settle=0.0)
    channel = channel_of(mux)
    waits = threading.Event()
    order: list[str] = []
    plain, plain_close = SharedRead.lead, DescriptorLine.close

    def lead(shared: SharedRead, timeout: float | None, *others: Any) -> dict[int, int]:
        if threading.current_thread() is reading:
            waits.set()
        try:
            return plain(shared, timeout, *others)
        finally:
            if threading.current_thread() is reading:
                order.append("left")

    monkeypatch.setattr(SharedRead, "lead", lead)
    monkeypatch.setattr(DescriptorLine, "close", lambda line: (order.append("closed"), plain_close(line))[1])

    def read() -> None:
        with pytest.raises((cmux.CmuxError, OSError)):
            channel.read(1)

    reading = threading.Thread(target=read)
    reading.start()
    assert waits.wait(PATIENCE)
    mux.close()
    reading.join(PATIENCE)
    assert order.index("closed") == len(order) - 1


def test_a_read_of_a_terminal_asks_for_what_it_can_give(
    mux: cmux.Mux, module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux returns no more than 4096 octets of one at a time; memory for more stays in use with fifty modems."""
    channel = channel_of(mux)
    asked: set[int] = set()
    plain = os.read

    def read(fd: int, size: int) -> bytes:
        if threading.current_thread().name != "fake module" and fd == mux._line.fileno():  # type: ignore[attr-defined]
            asked.add(size)
        return plain(fd, size)

    monkeypatch.setattr(os, "read", read)
    for _ in range(20):
        sends(module, b"x")
        assert channel.read(1) == b"x"
    assert asked == {4096}


@pytest.mark.parametrize("who", ["the reader thread", "a caller"])
def test_a_peer_that_is_asked_to_stop_hears_that_before_more_is_read(
    mux: cmux.Mux, module: Module, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However late the writer gets its turn in a busy program, nothing is dropped meanwhile."""
    channel, other = channel_of(mux, 1), channel_of(mux, 2)
    handle, engine = channel._handle, mux._engine
    assert handle is not None
    plain = engine._writer.work.wait

    def wait(timeout: float | None) -> None:
        plain(timeout)
        engine._lock.release()
        threading.Event().wait(0.2)
        engine._lock.acquire()

    monkeypatch.setattr(engine._writer.work, "wait", wait)
    assert mux.test()
    data = bytes(range(256)) * 12_000
    sends(module, data)
    if who == "a caller":
        other.timeout = 0.5
        assert other.read(1) == b""
    with engine._lock:
        assert engine.progress.wait_for(lambda: handle.buffer.paused, PATIENCE)
    assert mux.test()
    assert channel.read(len(data)) == data
    assert mux.stats()["received_discarded"] == 0
