"""Ports of a line that dies and comes back: nobody who waits looks now and then, and a port stays the same port."""

import logging
import os
import select
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import serial

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from line_deaths import DEATHS, one_hang_up
from mux_leaks import nothing_left
from mux_module import Module
from plugged import plugged

import cmux
from cmux.line import physical as line
from cmux.protocol.reset_watch import DOUBT

pytestmark = pytest.mark.usefixtures("nothing_left")
__all__ = ["nothing_left"]


class Waits:
    """Notes how threads wait: what has no time-out and ends was ended by somebody, at once, and did not look again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.conditions: dict[threading.Thread, list[float | None]] = {}
        self.polls: dict[str, list[float | None]] = {}
        plain_wait, plain_poll = threading.Condition.wait, select.poll
        noted = self

        def wait(condition: threading.Condition, timeout: float | None = None) -> bool:
            noted.conditions.setdefault(threading.current_thread(), []).append(timeout)
            return plain_wait(condition, timeout)

        class Poll:
            def __init__(self) -> None:
                self._poll = plain_poll()
                self.register, self.unregister = self._poll.register, self._poll.unregister

            def poll(self, timeout: float | None = None) -> object:
                noted.polls.setdefault(threading.current_thread().name, []).append(timeout)
                return self._poll.poll(timeout)

        monkeypatch.setattr(threading.Condition, "wait", wait)
        monkeypatch.setattr(select, "poll", Poll)
        if hasattr(select, "epoll"):
            plain_epoll = select.epoll

            class Epoll:
                def __init__(self) -> None:
                    self._epoll = plain_epoll()
                    self.register, self.modify, self.close = (
                        self._epoll.register,
                        self._epoll.modify,
                        self._epoll.close,
                    )

                def poll(self, timeout: float | None = None, maxevents: int = -1) -> object:
                    noted.polls.setdefault(threading.current_thread().name, []).append(timeout)
                    return self._epoll.poll(timeout, maxevents)

            monkeypatch.setattr(select, "epoll", Epoll)


@pytest.mark.parametrize("death", DEATHS)
def test_every_blocked_call_on_every_channel_is_woken_with_the_cause_which_is_logged_once(
    death: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, quick_at: None, quick_doubt: None
) -> None:
    """That they raise within 1 s is shown without a watch: no call looks now and then, each waits to be woken."""
    die, settings, words, _ = DEATHS[death]
    waits = Waits(monkeypatch)
    with Module(loopback=()) as module:
        mux = cmux.open(module.path, **settings)
        first, second = mux.channel(1), mux.channel(2)
        first.timeout = second.timeout = None
        module.run(lambda core, now: core.pause_reading(2, now))
        assert second._handle is not None
        assert second._handle.engine.wait(lambda core: bool(core.signals(2) and core.signals(2).fc), 20)
        second.write(b"held back")  # there is something to flush, whichever thread comes first
        errors: dict[threading.Thread, Exception] = {}

        def call(work: Callable[[], object]) -> None:
            try:
                work()
            except serial.SerialException as error:
                errors[threading.current_thread()] = error

        works: list[Callable[[], object]] = [
            first.read,
            first.readline,
            first.read_until,
            second.read,
            lambda: second.write(bytes(100_000)),
            second.flush,
        ]
        threads = [threading.Thread(target=call, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        with caplog.at_level(logging.INFO, "cmux"):
            die(module)
            for thread in threads:
                thread.join(20)
            mux.close()  # waits for the thread that tells the news
        assert [type(errors[thread]) for thread in threads] == [cmux.SessionEnded] * len(works)
        assert all(words in one_hang_up(error) for error in errors.values())
        assert {timeout for thread in threads for timeout in waits.conditions.get(thread, ())} <= {None}
        assert {timeout for thread in threads for timeout in waits.polls.get(thread.name, ())} <= {None}
        assert set(waits.polls[f"cmux reader {module.path}"]) - {0.0} == {None}  # 0: after it was woken
        assert len([record for record in caplog.records if words in one_hang_up(record.getMessage())]) == 1


def test_what_cannot_be_waited_for_is_looked_at_several_times_a_second() -> None:
    assert line._POLL_READ <= 0.2  # a port that has neither descriptor nor cancel_read
    assert DOUBT <= 0.7  # a module that may have been reset


# --- Coming back ---


def test_a_port_that_was_open_when_the_line_died_can_be_used_again_when_it_is_back(soon: None, link: Path) -> None:
    with Module() as first, plugged(link, first.path):
        mux = cmux.open(link, reattach=True)
        kept = mux.channel(1)
        kept.timeout = 20
        kept.dtr = False
    with pytest.raises(cmux.SessionEnded):
        kept.read()
    with Module() as second, plugged(link, second.path):
        assert mux.wait_attached(30)
        assert kept.is_open
        assert mux.channel(1) is kept
        kept.write(b"back")
        assert kept.read(4) == b"back"
        assert not kept.dtr
        mux.close()


def test_whoever_waits_for_a_channel_that_is_refused_afterwards_is_told(soon: None, link: Path) -> None:
    with Module() as first, plugged(link, first.path):
        mux = cmux.open(link, reattach=True)
        kept, refused = mux.channel(1), mux.channel(2)
        refused.timeout = 20
    with pytest.raises(cmux.SessionEnded):
        refused.read()
    answers: dict[int, bool] = {}

    def wait(port: cmux.VirtualUart) -> None:
        answers[port.dlci] = port.wait_up(lambda: False)

    waiting = [threading.Thread(target=wait, args=(port,)) for port in (kept, refused)]
    for thread in waiting:
        thread.start()
    with Module(refuses=(2,)) as second, plugged(link, second.path):
        for thread in waiting:
            thread.join(30)
        assert answers == {1: True, 2: False}
        mux.close()


def test_whoever_waits_for_a_channel_to_come_up_looks_again_after_cancel_read() -> None:
    one, other = os.openpty()
    with cmux.serve(os.ttyname(other), startup="none") as mux:
        port = mux.port(1)  # the peer has not come
        asked = threading.Semaphore(0)
        stopped = threading.Event()

        def stop() -> bool:
            asked.release()
            return stopped.is_set()

        waiting = threading.Thread(target=port.wait_up, args=(stop,), daemon=True)
        waiting.start()
        assert asked.acquire(timeout=20)
        stopped.set()
        with port._handle.condition:  # type: ignore[union-attr]  # it waits now
            pass
        port.cancel_read()
        waiting.join(20)
        assert not waiting.is_alive()
    os.close(one)
    os.close(other)


def test_waiting_for_a_line_ends_with_its_time_and_with_the_mux(link: Path) -> None:
    with Module() as module, plugged(link, module.path):
        mux = cmux.open(link, reattach=True)
        assert mux.wait_attached(0)
        port = mux.channel(1)
        port.timeout = 20
    with pytest.raises(cmux.SessionEnded):
        port.read()
    assert not mux.wait_attached(0)
    ended: list[Exception] = []

    def wait() -> None:
        try:
            mux.wait_attached()
        except cmux.SessionEnded as error:
            ended.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    mux.close()
    waiting.join(20)
    assert len(ended) == 1
