"""Threads and descriptors: who runs what, who waits for whom, and that nothing is left of either."""

import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest
import serial

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from mux_leaks import nothing_left
from mux_module import Module
from startup_waits import shorten_waits

import cmux
from cmux.protocol import link
from cmux.protocol.pacing import Pacer
from drivers.at import AtChannel
from drivers.emulator import EmulatedModule

pytestmark = pytest.mark.usefixtures("nothing_left")
__all__ = ["nothing_left"]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten_waits(monkeypatch, 0.05, "_CMUX_WAIT")


# --- How many, and what they run ---


def test_a_line_has_one_reader_and_one_writer_whatever_the_number_of_its_channels() -> None:
    before = set(threading.enumerate())
    with Module() as module, cmux.open(module.path, channels=[1, 2, 3, 4]):
        ours = [thread.name for thread in set(threading.enumerate()) - before if thread.name.startswith("cmux")]
        assert sorted(ours) == [f"cmux reader {module.path}", f"cmux writer {module.path}"]


def test_a_callback_that_blocks_for_ever_stalls_no_other_channel() -> None:
    blocked, free = threading.Event(), threading.Event()

    def block() -> None:
        blocked.set()
        free.wait(30)

    with EmulatedModule() as module, cmux.open(module.serve_pty()) as mux:
        channels = {dlci: AtChannel(mux.channel(dlci)) for dlci in (1, 2)}
        try:
            channels[1].command("AT")
            channels[1].call_soon(block)
            assert blocked.wait(20)
            for _ in range(10):
                assert channels[2].command("AT+CGSN").lines
        finally:
            free.set()
            for channel in channels.values():
                channel.close()


def test_a_callback_may_send_a_command_on_its_own_channel_while_others_work() -> None:
    answers: deque[object] = deque()
    done = threading.Event()

    with EmulatedModule() as module, cmux.open(module.serve_pty()) as mux:
        first, second = AtChannel(mux.channel(1)), AtChannel(mux.channel(2))

        def ask() -> None:
            answers.append(first.command("AT+CGSN").lines)
            done.set()

        try:
            first.command("AT")
            first.call_soon(ask)
            assert second.command("AT+CGSN").lines
            assert done.wait(20)
            assert len(answers) == 1
        finally:
            first.close()
            second.close()


def test_nothing_is_written_before_the_line_can_have_sent_what_is_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """When that is, is shown in test_pacing; that it is heeded, here."""
    full = threading.Event()

    class Full(Pacer):
        def next_at(self, now: float) -> float | None:
            return now + 3600 if full.is_set() else None

    monkeypatch.setattr(link, "Pacer", Full)
    with Module() as module, cmux.open(module.path, drain_timeout=0.0) as mux:
        port = mux.channel(1)
        port.timeout, port.write_timeout = 20, 0.05
        full.set()
        port.write(b"later")
        with pytest.raises(serial.SerialTimeoutException):
            port.flush()
        assert port.out_waiting == 5
        full.clear()
        port.write(b"!")  # and the writer looks again
        assert port.read(6) == b"later!"
        assert module.data[1] == b"later!"


# --- How a line is stopped ---


class RecordingPort:
    """An object of the user's that notes the order of what happens to it; the peer is never there."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.timeout: float | None = None
        self.reading = False
        self._changed = threading.Condition()
        self._cancelled = False

    def read(self, size: int = 1) -> bytes:
        with self._changed:
            self.reading = True
            self._changed.wait_for(lambda: self._cancelled, self.timeout)
            self._cancelled = self.reading = False
        return b""

    def write(self, data: bytes) -> int:
        return len(data)

    def cancel_read(self) -> None:
        with self._changed:
            self.calls.append("cancel")
            self._cancelled = True
            self._changed.notify_all()

    def close(self) -> None:
        self.calls.append("close while reading" if self.reading else "close")


def test_a_port_is_cancelled_and_closed_only_when_nobody_reads_it_any_more() -> None:
    port = RecordingPort()
    with pytest.raises(cmux.NoMultiplexer):
        cmux.open(port, startup="none", t1=0.02, t2=0.05, n2=0)
    assert port.calls[0] == "cancel"
    assert port.calls[-1] == "close"
    assert "close while reading" not in port.calls


# --- Nothing is left, whatever failed ---

FAILURES: dict[str, tuple[dict[str, object], dict[str, object], type[Exception]]] = {
    "the capture": ({}, {"capture": "/nowhere/x.pcapng"}, OSError),
    "AT": ({"silent": True}, {"other_rates": ()}, cmux.ModuleSilent),
    "AT at any baud rate": ({"silent": True}, {"other_rates": (9600,)}, cmux.ModuleSilent),
    "no answer to AT+CMUX": ({"cmux_answer": b""}, {}, cmux.ModuleSilent),
    "AT+CMUX": ({"cmux_answer": b"\r\nERROR\r\n"}, {}, cmux.CmuxRefused),
    "DLCI 0": ({"answers_sabm": False}, {"t1": 0.02, "t2": 0.05, "n2": 1}, cmux.NoMultiplexer),
    "a channel": ({"refuses": (2,)}, {"channels": [1, 2]}, cmux.DlcRefused),
}


@pytest.mark.parametrize("step", FAILURES)
def test_a_failure_at_any_step_leaves_nothing_behind_and_the_next_attempt_finds_the_port_free(
    step: str, quick: None
) -> None:
    manners, settings, error = FAILURES[step]
    with Module(**manners) as module:
        with pytest.raises(error):
            cmux.open(module.path, **settings)  # type: ignore[arg-type]
        module.manners = type(module.manners)()
        with cmux.open(module.path) as mux:
            assert mux.error is None


def test_a_channel_that_is_open_when_its_mux_closes_leaves_no_descriptor() -> None:
    with Module() as module:
        mux = cmux.open(module.path)
        port = mux.channel(1)
        assert port.fileno() >= 0
        mux.close()
        with pytest.raises(cmux.SessionEnded):
            port.read()
        with pytest.raises(cmux.SessionEnded):
            port.fileno()
        port.close()


def test_many_sessions_in_a_row_leave_nothing(quick: None) -> None:
    with Module() as module:
        for _ in range(20):
            with cmux.open(module.path, channels=[1, 2]) as mux:
                assert mux.channel(1).write(b"x") == 1


def test_the_end_of_a_process_that_closed_nothing_leaves_the_module_in_at_mode() -> None:
    program = "import cmux, sys; cmux.open(sys.argv[1]).channel(1).write(b'last words')"
    with Module() as module:
        subprocess.run([sys.executable, "-c", program, module.path], check=True, timeout=30)
        assert not module.in_mux
        assert module.data[1] == b"last words"


@pytest.mark.parametrize(
    ("statement", "unwanted"),
    [
        ("import cmux", {"asyncio", "pty", "tty", "drivers", "cmux.cli", "cmux.pty", "cmux.aio"}),
        ("import drivers", {"pty", "tty"}),
    ],
)
def test_importing_brings_no_more_along_than_it_needs(statement: str, unwanted: set[str], tmp_path: Path) -> None:
    program = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert not unwanted & set(done.stdout.split())


def test_a_close_while_every_kind_of_call_waits_ends_them_all() -> None:
    """Readers, writers, openers and flushers of all channels, and the Mux itself, at once."""
    with Module(loopback=()) as module:
        mux = cmux.open(module.path, drain_timeout=0.01)
        ports = [mux.channel(dlci) for dlci in (1, 2)]
        for port in ports:
            module.run(lambda core, now, dlci=port.dlci: core.pause_reading(dlci, now))
        calls: list[Callable[[], object]] = []
        for port in ports:
            port.timeout = None
            calls += [
                port.read,
                lambda port=port: port.write(bytes(100_000)),
                port.flush,
                lambda port=port: port.read_until(b"x"),
            ]
        ended: list[Exception | None] = []

        def call(it: Callable[[], object]) -> None:
            try:
                it()
                ended.append(None)
            except OSError as error:
                ended.append(error)

        threads = [threading.Thread(target=call, args=(it,)) for it in calls]
        for thread in threads:
            thread.start()
        mux.close()
        for thread in threads:
            thread.join(20)
        assert not any(thread.is_alive() for thread in threads)
        assert len(ended) == len(calls)
