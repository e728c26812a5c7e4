"""What both shells say of a line that cannot be opened, takes nothing, or carries no more than was asked of it."""

from __future__ import annotations

import asyncio
import errno
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import serial
from mux_module import Module
from shells import PATIENCE, SHORT, AioShell, Shell, ThreadShell
from startup_waits import NOBODY, shorten_waits
from told import Told

import cmux
from cmux.errors import StateError
from cmux.protocol import Multiplexer, startup_steps, waits
from cmux.protocol.events import Cause

# --- A port that the system does not give ---

NOT_GIVEN: dict[int, Told] = {
    errno.EACCES: Told(cmux.PortError, "{path}: permission denied (often: the user is not in the group dialout)"),
    errno.ENODEV: Told(
        cmux.PortNotFound,
        "{path}: there is no such port (is the device plugged in? gsm0710 ports lists what is there)",
    ),
    errno.EIO: Told(cmux.PortError, "{path}: the system knows the port, but there is no hardware behind it"),
}


@pytest.mark.parametrize("number", NOT_GIVEN, ids=errno.errorcode.get)
@pytest.mark.parametrize("way", ["open", "serve"])
def test_a_port_that_the_system_does_not_give(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, way: str, number: int
) -> None:
    def fail(port: serial.Serial) -> None:
        raise serial.SerialException(number, "could not open it")

    monkeypatch.setattr(serial.Serial, "open", fail)
    with NOT_GIVEN[number].raised("/dev/ttyS0"):
        getattr(shell, way)("/dev/ttyS0")


# --- A line that takes nothing, or little ---


class Stuck:
    """A port that takes no octet."""

    name = "stuck"
    timeout: float | None = None

    def __init__(self) -> None:
        self._closed = threading.Event()

    def read(self, size: int, /) -> bytes:
        self._closed.wait(self.timeout)
        return b""

    def write(self, data: bytes, /) -> int:
        self._closed.wait(0.01)
        return 0

    def cancel_read(self) -> None:
        self._closed.set()

    def close(self) -> None:
        self._closed.set()


def test_a_line_that_takes_nothing(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup_steps, "STALL", 0.05)
    shorten_waits(monkeypatch, 2 * PATIENCE)  # it is noticed while an answer is waited for
    told = Told(cmux.SessionEnded, "{path}: the line has taken no octet for 0.05 s (flow control?)", Cause.LINE_LOST)
    with told.raised("stuck"):
        shell.open(Stuck(), other_rates=())


class Slow(serial.Serial):
    """A line without a descriptor to wait for, which takes one octet of a command at a time."""

    fileno = None

    def write(self, data: bytes, /) -> int | None:
        if b"\xf9" in data:
            return super().write(data)
        time.sleep(0.06)
        return super().write(data[:1])


def test_a_line_that_takes_little_at_a_time_is_not_lost_while_it_takes_any(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(startup_steps, "STALL", 0.5)
    with Module() as module, shell.open(Slow(module.path, timeout=0.01), ask=False) as mux:  # 0.6 s
        assert module.commands == ["AT", "AT+CMUX=0"]
        assert mux.error is None


class OneRate(serial.Serial):
    """A port that has but one baud rate."""

    def _reconfigure_port(self, *arguments: Any, **named: Any) -> None:
        if self.baudrate != 9600:
            raise ValueError(f"no such rate: {self.baudrate}")
        super()._reconfigure_port(*arguments, **named)  # type: ignore[misc]  # missing in the stubs


def test_a_baud_rate_that_the_port_does_not_have(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shorten_waits(monkeypatch, NOBODY)
    told = Told(cmux.SessionEnded, "{path}: 19200 baud cannot be set: no such rate: 19200", Cause.LINE_LOST)
    with Module(silent=True) as module, told.raised(module.path):
        shell.open(OneRate(module.path, 9600), other_rates=(19200,))


class Jammed(serial.Serial):
    """A line without a descriptor to wait for, which takes nothing while it is jammed."""

    fileno = None
    how: Callable[[], int] | None = None

    def __init__(self, path: str) -> None:
        super().__init__(path, timeout=0.01)
        self.refused = threading.Event()

    def write(self, data: bytes, /) -> int | None:
        if self.how is None:
            return super().write(data)
        self.refused.set()
        return self.how()


def gives_up() -> int:
    raise serial.SerialTimeoutException("Write timeout")


def takes_none() -> int:
    time.sleep(0.01)
    return 0


def test_a_port_that_gives_up_writing_while_at_is_said(shell: Shell) -> None:
    told = Told(cmux.SessionEnded, "{path}: the line takes no octets: Write timeout", Cause.LINE_LOST)
    with Module() as module, told.raised(module.path):
        port = Jammed(module.path)
        port.how = gives_up
        shell.open(port)


def test_a_port_that_gives_up_writing_in_a_session(shell: Shell) -> None:
    told = Told(cmux.SessionEnded, "{path}: the line takes no octets: Write timeout", Cause.LINE_LOST)
    with Module() as module:
        port = Jammed(module.path)
        with shell.open(port) as mux:
            channel = mux.channel(1)
            reading = shell.start(channel.read, 1)
            port.how = gives_up
            channel.write(b"x")
            with told.raised(module.path):
                reading.result(PATIENCE)


@pytest.mark.parametrize(("parameters", "seconds"), [({}, "0.5"), ({"n1": 20}, "1.1")], ids=["SABM", "PN"])
def test_a_channel_whose_sabm_finds_no_room_on_the_line(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, parameters: dict[str, int], seconds: str
) -> None:
    monkeypatch.setattr(waits, "PATIENCE", 0.3)
    told = Told(cmux.DlcTimeout, f"DLCI 2: SABM was not sent within {seconds} s", Cause.TIMEOUT)
    with Module(loopback=()) as module:
        port = Jammed(module.path)
        with shell.open(port, drain_timeout=0.0, **SHORT) as mux:
            channel = mux.channel(1)
            port.how = takes_none
            writing = shell.start(channel.write, bytes(100_000))
            assert port.refused.wait(PATIENCE)
            with told.raised(module.path):
                mux.channel(2, **parameters)
            port.how = None
        writing.exception(PATIENCE)  # what had no time to leave was discarded


# --- More than a session carries ---


def test_more_commands_than_may_wait_for_an_answer(shell: Shell) -> None:
    def fill(core: Multiplexer) -> bool:
        while not core._session.control.full:
            core.test(b"x", time.monotonic())
        return True

    told = Told(StateError, "Test cannot be sent: 256 commands already wait for answers from the peer")
    with Module() as module, shell.open(module.path, t1=0.1, t2=1.0, n2=0) as mux:
        module.mute()
        mux.until(fill)
        with told.raised(module.path):
            mux.test()


# --- What only one of the shells can be asked for ---


def _connect_twice(shell: Shell, module: Module) -> None:
    assert isinstance(shell, AioShell)
    with shell.open(module.path) as mux:
        for _ in range(2):
            shell.run(mux.mux.create_connection(asyncio.Protocol, 1))


def _url_twice(shell: Shell, module: Module) -> None:
    url = f"cmux://{module.path}?dlci=1"
    with serial.serial_for_url(url), serial.serial_for_url(url):
        pass


def _write_while_it_is_closed(shell: Shell, module: Module) -> None:
    mux = shell.open(module.path, t1=0.5, t2=0.6, n2=0)
    channel = mux.channel(1)
    module.mute()
    closing = shell.start(mux.close)
    mux.until(lambda core: not core.is_open(1))
    try:
        channel.write(b"x")
    finally:
        closing.result(PATIENCE)


ALONE: dict[str, tuple[type[Shell], Callable[[Shell, Module], None], Told]] = {
    "create_connection for a channel that has a protocol": (
        AioShell,
        _connect_twice,
        Told(cmux.DlcClosed, "DLCI 1: it is already open, with another protocol", Cause.LOCAL),
    ),
    "a cmux: URL for a channel that has a port": (
        ThreadShell,
        _url_twice,
        Told(
            cmux.PortBusy,
            "cmux://{path}?dlci=1: DLCI 1 is open in this program already: close that port first",
        ),
    ),
    "a port that is written to while its Mux is being closed": (
        ThreadShell,
        _write_while_it_is_closed,
        Told(cmux.DlcClosed, "DLCI 1: closed", Cause.LOCAL),
    ),
}


@pytest.mark.parametrize("what", ALONE)
def test_what_only_one_shell_says(
    nothing_left: None, quick_at: None, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(waits, "MARGIN", 0.05)
    kind, act, told = ALONE[what]
    shell = kind()
    with Module() as module, told.raised(module.path):
        act(shell, module)
    shell.close()
