"""``gsm0710 terminal``: somebody types on a real terminal, which is a pty here."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

if sys.platform == "win32":
    pytest.skip("needs POSIX", allow_module_level=True)

from forked_programs import Forked
from mux_module import Module

from cmux.cli import main
from cmux.cli.running import _write_out


@pytest.fixture(autouse=True)
def hang_ups_count() -> Iterator[None]:
    """Also where the tests themselves run under nohup, which processes inherit."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


class Typist:
    """The command, with a pty for a terminal."""

    def __init__(self, *arguments: str) -> None:
        self.master, slave = os.openpty()
        self.process = Forked(
            [sys.executable, "-m", "cmux", "terminal", *arguments], stdin=slave, stdout=slave, stderr=slave
        )
        os.close(slave)
        self.seen = b""

    def wait_for(self, text: bytes) -> None:
        while text not in self.seen:
            assert select.select([self.master], [], [], 20)[0], self.seen
            try:
                self.seen += os.read(self.master, 4096)
            except OSError as error:  # it has ended
                raise AssertionError(self.seen) from error

    def type(self, text: bytes) -> None:
        os.write(self.master, text)

    def end(self) -> int:
        try:
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.process.wait()
            os.close(self.master)
        return code


def test_what_is_typed_comes_back_and_ctrl_bracket_leaves() -> None:
    with Module() as module:
        typist = Typist(module.path, "--dlci", "2")
        typist.wait_for(b"leaves")
        typist.type(b"hello")
        typist.wait_for(b"hello")
        typist.type(b"\x1d")
        assert typist.end() == 0
        assert module.data[2] == b"hello"
        assert not module.in_mux


def test_with_links_the_other_channels_are_paths_meanwhile(tmp_path: Path) -> None:
    with Module() as module:
        typist = Typist(module.path, "--dlci", "1", "--channels", "1-2", "--link", f"{tmp_path}/m")
        typist.wait_for(b"leaves")
        assert os.listdir(tmp_path) == ["m2"]
        with serial.Serial(f"{tmp_path}/m2", timeout=20) as port:
            port.write(b"path")
            assert port.read(4) == b"path"
        typist.type(b"typed")
        typist.wait_for(b"typed")
        typist.type(b"\x1d")
        assert typist.end() == 0
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_in_order(number: int) -> None:
    with Module() as module:
        typist = Typist(module.path, "--dlci", "1")
        typist.wait_for(b"leaves")
        typist.process.send_signal(number)
        assert typist.end() == 130
        assert not module.in_mux


def test_a_terminal_that_goes_away_ends_it() -> None:
    with Module() as module:
        typist = Typist(module.path, "--dlci", "1")
        typist.wait_for(b"leaves")
        os.close(typist.master)  # nobody is told by a signal: it is not the terminal of a session
        assert typist.process.wait(20) == 0
        assert not module.in_mux


def test_what_a_terminal_that_is_gone_was_to_show_does_not_fail_the_end_of_the_program() -> None:
    master, slave = os.openpty()
    with os.fdopen(slave, "w") as stream:
        stream.write("closing the line")
        os.close(master)
        _write_out(stream)
        stream.flush()  # as the interpreter does at its end


def test_the_line_dying_ends_it_with_a_line_that_says_so() -> None:
    with Module() as module:
        typist = Typist(module.path, "--dlci", "1")
        typist.wait_for(b"leaves")
        module.stop()
        typist.wait_for(b"the line died")
        assert b"Traceback" not in typist.seen
        assert typist.end() == 1


def test_without_a_terminal_it_says_what_to_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["terminal", "/dev/x", "--dlci", "1"]) == 1
    assert "not a terminal" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["/dev/x"], ["/dev/x", "--dlci", "0"], ["--dlci", "1"]])
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    assert main(["terminal", *arguments]) == 2
