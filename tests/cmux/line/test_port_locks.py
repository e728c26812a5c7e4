"""Who else has the port: lock files of other programs are heeded, and the system refuses the port to everybody else."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("needs POSIX, /proc and TIOCGEXCL", allow_module_level=True)

import fcntl

from lock_files import FORMS, NAMES, OtherProgram
from mux_leaks import nothing_left
from mux_module import Module
from shells import Shell

import cmux
from cmux.cli import main
from cmux.line import locks
from cmux.line.physical import open_line
from cmux.pty import Pty
from drivers.emulator import EmulatedModule

__all__ = ["nothing_left"]

TIOCGEXCL = 0x80045440


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where lock files are looked for."""
    monkeypatch.setattr(locks, "DIRECTORY", tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def other() -> Iterator[OtherProgram]:
    with OtherProgram() as program:
        yield program


def exclusive(path: str) -> bool:
    """Tell whether the system refuses a port to others."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        return error.errno == errno.EBUSY
    try:
        return fcntl.ioctl(fd, TIOCGEXCL, bytes(4)) != bytes(4)  # root is let in
    finally:
        os.close(fd)


def lock_of(path: str) -> str:
    return f"LCK..{path.removeprefix('/dev/').replace('/', '_')}"


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_process_of_a_live_lock_file_is_named(
    folder: Path, other: OtherProgram, form: Callable[[int], bytes]
) -> None:
    file = folder / "LCK..ttyUSB0"
    file.write_bytes(form(other.process))
    assert locks.holder("/dev/ttyUSB0") == f"{named(other.process)} (process {other.process}), as {file} says"
    assert locks.holder("/dev/ttyUSB1") is None


def named(process: int) -> str:
    return Path(f"/proc/{process}/comm").read_text().strip()


@pytest.mark.parametrize(("port", "name"), NAMES.values(), ids=NAMES)
def test_a_lock_file_is_found_whatever_the_program_calls_the_port(
    folder: Path, other: OtherProgram, port: str, name: str
) -> None:
    (folder / name).write_bytes(FORMS["pppd"](other.process))
    assert str(other.process) in str(locks.holder(f"/dev/{port}"))


def test_a_lock_file_is_found_under_the_name_of_the_device_that_a_link_leads_to(
    folder: Path, other: OtherProgram, tmp_path: Path
) -> None:
    link = tmp_path / "modem"
    link.symlink_to("/dev/ttyUSB0")
    (folder / "LCK..ttyUSB0").write_bytes(FORMS["pppd"](other.process))
    assert str(other.process) in str(locks.holder(str(link)))


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-1\n", b"0\n", b"\0\0\0\0", b"\xff" * 4, b"9" * 30, b"\xe9 1"])
def test_a_lock_file_that_names_no_process_locks_nothing(folder: Path, content: bytes) -> None:
    (folder / "LCK..ttyUSB0").write_bytes(content)
    assert locks.holder("/dev/ttyUSB0") is None


@pytest.mark.parametrize(
    ("content", "process"), [(b"1\0\0\0", 49), (b"0\n\0\0", 2608), (b"7 \0\0", 8247), (b"123\n", 123), (b"4321", 4321)]
)
def test_the_binary_form_is_told_from_digits(
    folder: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, process: int
) -> None:
    monkeypatch.setattr(locks, "_lives", lambda _: True)
    (folder / "LCK..ttyUSB0").write_bytes(content)
    assert f"process {process})" in str(locks.holder("/dev/ttyUSB0"))


def test_what_is_no_file_locks_nothing_and_holds_nobody_up(folder: Path) -> None:
    (folder / "LCK..ttyUSB0").mkdir()
    os.mkfifo(folder / "LCK..ttyUSB1")
    assert locks.holder("/dev/ttyUSB0") is locks.holder("/dev/ttyUSB1") is None


def test_the_lock_of_a_process_that_is_gone_or_of_this_one_does_not_count(folder: Path) -> None:
    with OtherProgram() as gone:
        (folder / "LCK..ttyUSB0").write_bytes(FORMS["pppd"](gone.process))
    assert locks.holder("/dev/ttyUSB0") is None
    (folder / "LCK..ttyUSB0").write_bytes(FORMS["pppd"](os.getpid()))
    assert locks.holder("/dev/ttyUSB0") is None


@pytest.mark.parametrize("way", ["open", "serve"])
def test_a_port_with_a_live_lock_file_is_busy_and_free_when_the_program_has_ended(
    shell: Shell, folder: Path, way: str
) -> None:
    with Module() as module, OtherProgram() as other:
        file = folder / lock_of(module.path)
        file.write_bytes(FORMS["minicom"](other.process))
        with pytest.raises(cmux.PortBusy) as caught:
            getattr(shell, way)(module.path)
        assert caught.value.port == module.path
        assert f"in use by {named(other.process)} (process {other.process}), as {file} says" in str(caught.value)
        assert module.commands == []
        other.end()
        getattr(shell, way)(module.path).close()


def test_the_commands_name_the_program(folder: Path, other: OtherProgram, capsys: pytest.CaptureFixture[str]) -> None:
    with Pty() as pty:
        (folder / lock_of(pty.path)).write_bytes(FORMS["pppd"](other.process))
        for command in ("attach", "doctor"):
            assert main([command, pty.path]) == 1
            output = capsys.readouterr()
            assert f"(process {other.process})" in output.out + output.err, command


def test_the_emulated_module_at_a_serial_line_heeds_and_sets_the_locks(folder: Path, other: OtherProgram) -> None:
    with Pty() as pty:
        file = folder / lock_of(pty.path)
        with EmulatedModule() as module:
            file.write_bytes(FORMS["pppd"](other.process))
            with pytest.raises(cmux.PortBusy, match=str(other.process)):
                module.serve_serial(pty.path)
            file.unlink()
            module.serve_serial(pty.path)
            assert exclusive(pty.path)
            with pytest.raises(cmux.PortBusy):
                open_line(pty.path, 115200)
        assert not exclusive(pty.path)


KILLED = """
import fcntl, os, sys, termios
fd = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
fcntl.ioctl(fd, termios.TIOCEXCL)
print(flush=True)
sys.stdin.read()
"""


def test_a_client_that_was_killed_does_not_keep_the_emulated_module_to_itself() -> None:
    """The other side of a pty keeps it open, so that the system would refuse it for ever to all but root."""
    with EmulatedModule() as module:
        path = module.serve_pty()
        command = [sys.executable, "-S", "-E", "-c", KILLED, path]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
            assert client.stdout is not None
            assert client.stdout.readline()
            os.close(os.open(path, os.O_RDWR | os.O_NOCTTY))  # somebody else comes and goes
            with pytest.raises(cmux.PortBusy):
                open_line(path, 115200)
            assert exclusive(path)
            client.kill()
        deadline = time.monotonic() + 10
        while exclusive(path) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not exclusive(path)


def test_the_system_refuses_an_open_port_to_others_until_it_is_closed(shell: Shell) -> None:
    """The other side of a pty keeps it open, so that closing alone would leave it refused for ever."""
    with Module() as module:
        assert not exclusive(module.path)
        mux = shell.open(module.path)
        assert exclusive(module.path)
        mux.close()
        assert not exclusive(module.path)


def test_a_port_that_the_system_refuses_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a port that minicom or pppd has opened so is to everybody but root, whom the system lets in."""
    with Pty() as pty:
        opened = os.open

        def refused(path: str, flags: int, *more: int) -> int:
            if path == pty.path:
                raise OSError(errno.EBUSY, "Device or resource busy")
            return opened(path, flags, *more)

        monkeypatch.setattr(os, "open", refused)
        with pytest.raises(cmux.PortBusy, match="in use by another program"):
            open_line(pty.path, 115200)
