"""Threads and descriptors: who runs what, who waits for whom, and that nothing is left of either."""

import subprocess
import sys
import threading
from collections import deque
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from mux_leaks import nothing_left
from mux_module import Module

import cmux
from drivers.at import AtChannel
from drivers.emulator import EmulatedModule

pytestmark = pytest.mark.usefixtures("nothing_left")
__all__ = ["nothing_left"]


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


# --- How a line is stopped ---


# --- Nothing is left, whatever failed ---


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


def test_the_end_of_a_process_that_closed_nothing_leaves_the_module_in_at_mode() -> None:
    program = "import cmux, sys; cmux.open(sys.argv[1]).channel(1).write(b'last words')"
    with Module() as module:
        subprocess.run([sys.executable, "-c", program, module.path], check=True, timeout=30)
        assert not module.in_mux
        assert module.data[1] == b"last words"


def test_what_a_program_does_at_its_end_may_use_a_line_that_it_opened_later() -> None:
    program = """
import atexit, cmux, sys
atexit.register(lambda: mux.channel(1).write(b"last words"))
mux = cmux.open(sys.argv[1])
"""
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
