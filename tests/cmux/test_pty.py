"""A pty under a stable name: rights, raw line, clients that come and go."""

import contextlib
import fcntl
import os
import stat
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("needs POSIX", allow_module_level=True)

import termios

import serial

from cmux.pty import Pty


def test_only_the_owner_may_open_it_and_the_line_is_raw_without_echo(tmp_path: Path) -> None:
    with Pty(tmp_path / "modem") as pty:
        assert stat.S_IMODE(os.stat(pty.path).st_mode) == 0o600
        with serial.Serial(pty.path) as port:
            _, output, control, local, *_ = termios.tcgetattr(port.fileno())
        assert not local & (termios.ECHO | termios.ICANON | termios.ISIG)
        assert not output & termios.OPOST
        assert not control & termios.HUPCL


def test_by_the_time_that_the_link_appears_everything_is_as_it_should_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the system makes ptys that everybody may open, and that hang up when they are closed."""
    seen: list[tuple[int, int, int]] = []
    appear, plain = os.replace, os.openpty

    def openpty() -> tuple[int, int]:
        master, slave = plain()
        os.fchmod(slave, 0o666)
        attributes = termios.tcgetattr(slave)
        attributes[2] |= termios.HUPCL
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        return master, slave

    def look(source: str, target: str) -> None:
        slave = os.open(os.readlink(source), os.O_RDWR | os.O_NOCTTY)
        _, _, control, local, *_ = termios.tcgetattr(slave)
        seen.append((stat.S_IMODE(os.fstat(slave).st_mode), control & termios.HUPCL, local & termios.ECHO))
        os.close(slave)
        appear(source, target)

    monkeypatch.setattr(os, "replace", look)
    monkeypatch.setattr(os, "openpty", openpty)
    with Pty(tmp_path / "modem"):
        assert seen == [(0o600, 0, 0)]


def test_a_client_that_leaves_is_no_hang_up_and_the_next_one_is_served(tmp_path: Path) -> None:
    with Pty(tmp_path / "modem") as pty:
        for text in (b"one", b"two"):
            with serial.Serial(pty.path, timeout=5) as port:
                port.write(text)
                port.flush()
                os.set_blocking(pty.master, True)
                assert os.read(pty.master, 100) == text
                os.write(pty.master, text.upper())
                assert port.read(len(text)) == text.upper()
        os.set_blocking(pty.master, False)
        with pytest.raises(BlockingIOError):  # and not EIO
            os.read(pty.master, 1)


def test_a_stale_link_is_replaced_and_the_link_goes_with_the_pty(tmp_path: Path) -> None:
    link = tmp_path / "modem"
    link.symlink_to("/dev/pts/nowhere")
    pty = Pty(link)
    assert os.readlink(link) == pty.slave_name
    pty.close()
    pty.close()
    assert not os.path.lexists(link)
    assert os.listdir(tmp_path) == []


def test_a_link_that_somebody_else_has_taken_over_is_left_alone(tmp_path: Path) -> None:
    first = Pty(tmp_path / "modem")
    (tmp_path / "modem").unlink()
    second = Pty(tmp_path / "modem")
    first.close()
    assert os.readlink(tmp_path / "modem") == second.slave_name
    second.close()


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells")
def test_a_link_to_the_pty_of_another_that_lives_is_refused_also_while_a_client_has_it_exclusively(
    tmp_path: Path,
) -> None:
    before = len(os.listdir("/dev/fd"))
    with Pty(tmp_path / "modem") as living:
        with serial.Serial(living.path, exclusive=True), pytest.raises(FileExistsError, match="another program serves"):
            Pty(tmp_path / "modem")
        assert os.readlink(tmp_path / "modem") == living.slave_name
    assert len(os.listdir("/dev/fd")) == before


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells")
def test_a_link_to_a_pty_whose_number_went_to_a_terminal_is_replaced(tmp_path: Path) -> None:
    master, terminal = os.openpty()
    try:
        (tmp_path / "modem").symlink_to(os.ttyname(terminal))
        with Pty(tmp_path / "modem") as pty:
            assert os.readlink(tmp_path / "modem") == pty.slave_name
    finally:
        os.close(master)
        os.close(terminal)


def test_a_stale_link_to_the_number_that_this_pty_has_got_is_no_other_pty(tmp_path: Path) -> None:
    with Pty() as pty:
        (tmp_path / "modem").symlink_to(pty.slave_name)
        pty._make_link(os.fspath(tmp_path / "modem"))
        assert pty.path == os.fspath(tmp_path / "modem")


def test_a_file_in_the_way_is_not_overwritten_and_nothing_stays_open(tmp_path: Path) -> None:
    (tmp_path / "modem").write_text("precious")
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(FileExistsError, match="modem"):
        Pty(tmp_path / "modem")
    assert (tmp_path / "modem").read_text() == "precious"
    assert len(os.listdir("/dev/fd")) == before


@pytest.mark.parametrize("to", ["a file", "a folder", "a device"])
def test_a_link_of_somebody_else_is_neither_replaced_nor_removed(tmp_path: Path, to: str) -> None:
    (tmp_path / "a file").write_text("precious")
    (tmp_path / "a folder").mkdir()
    target = "/dev/null" if to == "a device" else os.fspath(tmp_path / to)
    (tmp_path / "modem").symlink_to(target)
    with pytest.raises(FileExistsError, match=f"modem exists and leads to {target}: choose another name"):
        Pty(tmp_path / "modem")
    assert os.readlink(tmp_path / "modem") == target
    assert (tmp_path / "a file").read_text() == "precious"


def test_nobody_can_be_in_the_way_of_the_link_that_is_made_first(tmp_path: Path) -> None:
    """A link is put in place as a whole, so it has another name for a moment: one that nobody knows beforehand."""
    for number in (os.getpid(), 0, 1):
        (tmp_path / f"modem.{number}~").mkdir()
    with Pty(tmp_path / "modem") as pty:
        assert os.readlink(tmp_path / "modem") == pty.slave_name
    assert len(os.listdir(tmp_path)) == 3


def test_a_link_that_cannot_be_made_is_told_by_its_own_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error:
        Pty(tmp_path / "nowhere" / "m")
    assert error.value.filename == f"{tmp_path}/nowhere/m"


def test_without_a_link_the_path_is_the_slave_itself() -> None:
    with Pty() as pty:
        assert pty.path == pty.slave_name
        assert os.path.exists(pty.path)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells whether a pty is somebody's")
def test_a_stale_link_whose_number_went_to_another_living_pty_is_replaced(tmp_path: Path) -> None:
    with Pty(tmp_path / "other") as other:
        (tmp_path / "modem").symlink_to(other.slave_name)  # as a process that was killed left it
        with Pty(tmp_path / "modem") as pty:
            assert os.readlink(tmp_path / "modem") == pty.slave_name != other.slave_name
        (tmp_path / "alias").symlink_to(tmp_path, target_is_directory=True)
        with pytest.raises(FileExistsError, match="another program serves"):
            Pty(tmp_path / "alias" / "other")  # the same link by another name


@pytest.mark.skipif(sys.platform != "linux", reason="TIOCEXCL can be asked for on Linux only")
def test_letting_others_in_takes_the_lock_from_nobody_who_comes_at_that_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only who is root can see it here: others cannot open the slave at all before."""
    tried: list[int] = []
    monkeypatch.setattr(fcntl, "flock", lambda descriptor, how: tried.append(how))
    with contextlib.closing(Pty()) as pty:
        fcntl.ioctl(pty._slave, termios.TIOCEXCL)
        pty.let_others_in()
        assert not any(fcntl.ioctl(pty._slave, 0x80045440, bytes(4)))  # TIOCGEXCL
    assert tried == []


@pytest.mark.skipif(sys.platform != "linux", reason="TIOCEXCL can be asked for on Linux only")
def test_a_client_that_lives_keeps_the_slave_to_itself() -> None:
    with contextlib.closing(Pty()) as pty:
        client = os.open(pty.slave_name, os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(client, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.ioctl(client, termios.TIOCEXCL)
        pty.let_others_in()
        assert any(fcntl.ioctl(client, 0x80045440, bytes(4)))
        fcntl.flock(client, fcntl.LOCK_UN)
        pty.let_others_in()
        assert not any(fcntl.ioctl(client, 0x80045440, bytes(4)))
        os.close(client)
