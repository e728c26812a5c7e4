"""An interrupt at any moment of opening and closing leaves the module in AT mode."""

import itertools
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from delicate_module import DelicateModule
from interrupts import Interrupt
from mux_leaks import nothing_left
from mux_module import Module

import cmux
from cmux.threads import startup_runner

CLD = bytes.fromhex("F9 03 EF 05 C3 01 F2 F9")

pytestmark = pytest.mark.usefixtures("nothing_left")
__all__ = ["nothing_left"]


def at_mode(module: Module) -> bool:
    return not module.in_mux and module.commands[-1] == "AT"


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """SIGINT, once the module multiplexes."""
    with ExitStack() as stack:
        stack.callback(signal.signal, signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        yield


def open_and_wait(path: str) -> None:
    """Open, and when the signal comes too late for that, let the end of the context close it."""
    with cmux.open(path, channels=[1]):
        while True:
            time.sleep(10)


@pytest.mark.parametrize("stage", ["AT", "AT+CMUX", "half an OK", "SABM", "channel"])
def test_sigint_at_any_stage_of_opening_leaves_the_module_out_of_multiplexer_mode(
    stage: str, interrupted: None
) -> None:
    habits: dict[str, dict[str, object]] = {
        "AT": {"ignores_at": 100},
        "AT+CMUX": {"cmux_answer": b""},
        "half an OK": {"cmux_answer": b"\r\nOK"},  # it multiplexes, and the host does not know yet
        "SABM": {"answers_sabm": False},
        "channel": {},
    }
    reached = {
        "AT": lambda: module.commands,
        "AT+CMUX": lambda: any("CMUX" in command for command in module.commands),
        "half an OK": lambda: module.in_mux,
        "SABM": lambda: module.in_mux,
        "channel": lambda: module.opened(1),
    }

    def kill() -> None:
        module.wait(reached[stage])
        module.habits.ignores_at = 0
        os.kill(os.getpid(), signal.SIGINT)

    with Module(**habits[stage]) as module:
        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(KeyboardInterrupt):
            open_and_wait(module.path)
        killer.join()
        assert not module.in_mux


@pytest.mark.parametrize("answer", [b"\r\nOK\r\n", b"\r\nOK"])
def test_sigint_in_the_silence_after_ok_sends_nothing_before_its_end(
    answer: bytes, interrupted: None, quick_at: None
) -> None:
    """zephyr #63410: a module that hears a frame too soon is dead until its power is cut."""

    def kill() -> None:
        module.wait(lambda: module.in_mux)
        os.kill(os.getpid(), signal.SIGINT)

    with DelicateModule(0.1, cmux_answer=answer) as module:
        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(KeyboardInterrupt):
            cmux.open(module.path, settle=0.12)
        killer.join()
        assert not module.dead
        assert not module.in_mux


def test_an_interrupt_in_the_middle_of_opening_leaves_the_module_in_at_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: cmux.Mux, first: bytes = b"") -> None:
        raise KeyboardInterrupt

    with Module() as module:
        monkeypatch.setattr(cmux.Mux, "_start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            cmux.open(module.path)
        assert CLD in bytes(module.raw)
        assert at_mode(module)


def test_an_interrupt_in_the_middle_of_closing_leaves_the_module_in_at_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: cmux.Mux) -> None:
        raise KeyboardInterrupt

    with Module() as module:
        mux = cmux.open(module.path, channels=[1])
        monkeypatch.setattr(cmux.Mux, "_end_session", interrupted)
        with pytest.raises(KeyboardInterrupt):
            mux.close()
        assert at_mode(module)
        assert mux.back_in_at_mode


def closed_with_an_interrupt(at: int) -> str:
    """Close a multiplexer, with an interrupt at a line of the code; tell where it came."""
    interrupt = Interrupt(at)
    with Module() as module:
        mux = cmux.open(module.path, channels=[1], settle=0.0)
        with interrupt.in_force():
            mux.close()
        if not mux._closed.is_set():
            mux._close()  # it had not begun, or its last steps were cut off
    return interrupt.where


def test_an_interrupt_at_any_line_of_closing_leaves_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup_runner, "leave", lambda *_, **__: True)  # 1.5 s for each session that was interrupted
    before = set(threading.enumerate())
    for at in itertools.count(1):
        where = closed_with_an_interrupt(at)
        assert set(threading.enumerate()) <= before, where
        if not where:
            break
    assert at > 100  # the lines that it takes
