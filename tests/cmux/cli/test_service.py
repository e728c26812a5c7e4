"""What a service manager is told (sd_notify), and that a line whose threads hang is not called alive."""

from __future__ import annotations

import os
import socket
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import serial

if sys.platform == "win32":
    pytest.skip("needs POSIX", allow_module_level=True)

from attached import Attach
from mux_leaks import nothing_left
from mux_module import Module

import cmux
from cmux.cli.service import ServiceManager

__all__ = ["nothing_left"]


class Manager:
    """A service manager, which hears what the process says."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(name.replace("@", "\0", 1) if name.startswith("@") else name)
        self._socket.settimeout(20)

    def hear(self) -> bytes:
        return self._socket.recv(100)

    def heard(self) -> list[bytes]:
        """What has been said and not heard yet."""
        messages = []
        self._socket.setblocking(False)
        try:
            while True:
                messages.append(self._socket.recv(100))
        except BlockingIOError:
            return messages
        finally:
            self._socket.settimeout(20)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    if request.param == "abstract" and sys.platform != "linux":
        pytest.skip("abstract names are Linux's")
    manager = Manager(f"@gsm0710-{uuid.uuid4().hex}" if request.param == "abstract" else str(tmp_path / "notify"))
    yield manager
    manager.close()


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_ready_alive_and_stopping_are_told(manager: Manager) -> None:
    clock = Clock()
    service = ServiceManager({"NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "6000000"}, clock)
    assert service.left() is None  # nothing is to be told before it is ready
    service.ready()
    assert manager.heard() == [b"READY=1"]
    service.look(lambda: True)
    assert manager.heard() == [b"WATCHDOG=1"]
    assert service.left() == 2.0  # well within six seconds
    service.look(lambda: pytest.fail("it is not time"))
    clock.now += 2.0
    assert service.left() == 0.0
    service.look(lambda: True)
    service.stopping()
    assert manager.heard() == [b"WATCHDOG=1", b"STOPPING=1"]
    assert service.left() is None
    clock.now += 2.0
    service.look(lambda: pytest.fail("it is stopping"))


def test_lines_that_have_not_turned_are_not_called_alive_until_they_turn_again(manager: Manager) -> None:
    clock = Clock()
    service = ServiceManager({"NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "3000000"}, clock)
    service.ready()
    for turned in (False, False, True):
        service.look(lambda turned=turned: turned)  # type: ignore[misc]
        clock.now += 1.0
    assert manager.heard() == [b"READY=1", b"WATCHDOG=1"]


@pytest.mark.parametrize(
    "told", [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}]
)
def test_a_manager_that_does_not_ask_this_process_hears_nothing_of_threads(
    told: dict[str, str], tmp_path: Path
) -> None:
    manager = Manager(str(tmp_path / "notify"))
    service = ServiceManager({"NOTIFY_SOCKET": manager.name, **told})
    service.ready()
    service.look(lambda: pytest.fail("nobody asks"))
    assert (service.left(), manager.heard()) == (None, [b"READY=1"])
    manager.close()


def test_the_process_that_is_meant_is_asked(tmp_path: Path) -> None:
    manager = Manager(str(tmp_path / "notify"))
    told = {"NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}
    service = ServiceManager(told)
    service.ready()
    assert service.left() is not None
    manager.close()


@pytest.mark.parametrize("address", [None, "", "notify", "vsock:2:1", "/nowhere/at/all"])
def test_without_a_manager_nothing_happens(address: str | None) -> None:
    told = {"WATCHDOG_USEC": "3000000", **({} if address is None else {"NOTIFY_SOCKET": address})}
    service = ServiceManager(told)
    service.ready()
    service.look(lambda: True)
    service.stopping()


# --- The threads of a line ---


def turns(mux: cmux.Mux) -> None:
    """Wait until the threads have turned: they are asked each time, and do so within moments."""
    deadline = threading.Event()
    for _ in range(2000):
        if mux.turned():
            return
        deadline.wait(0.01)
    raise AssertionError("a thread of the line does not turn")


class Bare:
    """What every port has, and a time-out."""

    def __init__(self, path: str) -> None:
        self._port = serial.Serial(path)
        self.read, self.write, self.close = self._port.read, self._port.write, self._port.close

    @property
    def timeout(self) -> float | None:
        return self._port.timeout

    @timeout.setter
    def timeout(self, seconds: float | None) -> None:
        self._port.timeout = seconds


@pytest.mark.parametrize("lead", [False, True], ids=["its own reader", "a caller who reads in its place"])
def test_threads_of_a_line_on_which_nothing_passes_turn(lead: bool) -> None:
    with Module() as module, cmux.open(module.path, settle=0) as mux:
        port = mux.channel(1)
        reader = threading.Thread(target=port.read, args=(1,))
        if lead:
            reader.start()
        for _ in range(3):
            turns(mux)
        port.cancel_read()
        if lead:
            reader.join(20)


def test_a_port_of_which_nothing_but_its_methods_is_known_has_a_reader_that_turns() -> None:
    with Module() as module, cmux.open(Bare(module.path), settle=0) as mux:
        for _ in range(3):
            turns(mux)


def hold(mux: cmux.Mux, what: object, name: str, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Let a thread hang in a method of an object of the line, until the event is set."""
    hangs, go_on = threading.Event(), threading.Event()
    plain = getattr(what, name)

    def hanging(*arguments: Any) -> Any:
        hangs.set()
        assert go_on.wait(50)
        return plain(*arguments)

    monkeypatch.setattr(what, name, hanging)
    for _ in range(2000):
        mux.turned()
        if hangs.wait(0.01):
            return go_on
    raise AssertionError("it does not hang")


@pytest.mark.parametrize("who", ["reader", "writer"])
def test_a_thread_that_hangs_is_noticed_and_noticed_to_go_on(who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Module() as module, cmux.open(module.path, settle=0) as mux:
        engine = mux._engine
        what, name = (engine.reader, "_claim") if who == "reader" else (engine._writer, "_take_due")
        go_on = hold(mux, what, name, monkeypatch)
        mux.turned()  # asks them
        assert not mux.turned()
        assert not mux.turned()
        go_on.set()
        turns(mux)


def test_who_keeps_the_lock_of_the_line_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cmux.threads.engine._LOCKED", 0.01)
    with Module() as module, cmux.open(module.path, settle=0) as mux:
        with mux._engine._lock:
            assert not mux.turned()
        turns(mux)


def test_a_line_that_died_and_one_that_is_being_opened_again_are_not_called_dead_threads(tmp_path: Path) -> None:
    with Module() as module, cmux.open(module.path, settle=0) as mux:
        turns(mux)
        module.stop()
        for _ in range(2000):
            if mux.error is not None:
                break
            threading.Event().wait(0.01)
        assert mux.turned()


# --- The command ---


def test_the_command_tells_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = Manager(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", manager.name)
    monkeypatch.setenv("WATCHDOG_USEC", "300000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    with Module() as module, Attach(module.path, "--channels", "1,2").ready() as attach:
        assert manager.hear() == b"READY=1"
        assert [manager.hear() for _ in range(3)] == [b"WATCHDOG=1"] * 3
        assert attach.end() == (0, "")
        assert manager.heard()[-1] == b"STOPPING=1"
    manager.close()
