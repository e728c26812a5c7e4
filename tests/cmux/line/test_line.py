"""The physical line: reads that stop, hang-ups, ports that know little."""

import io
import os
import socket
import sys
import threading

import pytest
import serial

if sys.platform == "win32":
    pytest.skip("needs POSIX", allow_module_level=True)

from mux_leaks import nothing_left

from cmux.line.base import HungUp
from cmux.line.physical import DescriptorLine, PortLine, open_line
from cmux.pty import Pty

pytestmark = pytest.mark.usefixtures("nothing_left")
__all__ = ["nothing_left"]


def test_a_path_is_polled_by_its_descriptor_and_a_pty_has_no_rate() -> None:
    with Pty() as pty:
        line = open_line(pty.path, 115200)
        assert isinstance(line, DescriptorLine)
        assert line.rate is None
        os.write(pty.master, b"hello")
        assert line.read(20) == b"hello"
        assert line.read(0) == b""
        assert line.write(b"out", 1) == 3
        assert os.read(pty.master, 10) == b"out"
        line.close()
        line.close()


def test_a_real_serial_port_has_the_baud_rate_for_its_rate_and_an_object_or_a_socket_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Pty() as pty, socket.create_server(("127.0.0.1", 0)) as server:
        with monkeypatch.context() as patched:
            patched.setattr(os, "ttyname", lambda fd: "/dev/ttyS0")
            line = open_line(pty.path, 57600)
        assert line.rate == 57600
        line.set_baudrate(9600)
        assert line.rate == 9600
        line.close()
        for port in (f"socket://127.0.0.1:{server.getsockname()[1]}", serial.serial_for_url("loop://")):
            line = open_line(port, 57600)
            assert line.rate is None
            line.close()


def test_a_read_takes_memory_for_what_a_terminal_returns_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[int]()
    read = os.read

    def counted(fd: int, size: int) -> bytes:
        asked.append(size)
        return read(fd, size)

    with Pty() as pty:
        line = open_line(pty.path, 115200)
        monkeypatch.setattr(os, "read", counted)
        sent = os.write(pty.master, bytes(4096))
        received = b""
        while len(received) < sent:
            received += line.read(20)
        assert set(asked) == {4096}  # 50 modems in a process that read 64 KB at a time took twice the memory
        line.close()


@pytest.mark.parametrize("url", ["{}", "spy"])
def test_cancelling_ends_a_read_that_waits_and_holds_until_rearmed(url: str) -> None:
    with Pty() as pty:
        port = serial.Serial(pty.path)
        line = DescriptorLine(port.fileno(), port, "test", None) if url == "{}" else PortLine(port, "test", None)
        answers: list[bytes] = []
        reader = threading.Thread(target=lambda: answers.append(line.read(None)))
        reader.start()
        line.cancel()
        reader.join(20)
        assert answers == [b""]
        assert line.read(None) == b""
        line.rearm()
        os.write(pty.master, b"x")
        assert line.read(20) == b"x"
        line.close()


def test_a_line_that_takes_nothing_gives_up_and_goes_on_when_there_is_room() -> None:
    with Pty() as pty:
        line = open_line(pty.path, 115200)
        while line.write(bytes(4096), 0.05):
            pass
        while not line.write(b"x", 0.05):
            os.read(pty.master, 65536)
        line.close()


def test_a_hang_up_shows_in_reads_and_writes() -> None:
    pty = Pty()
    line = open_line(pty.path, 115200)
    pty.close()
    with pytest.raises(HungUp, match="hung up"):
        line.read(20)
    with pytest.raises(HungUp, match="hung up"):
        line.write(b"x", 1)
    line.close()


def test_a_descriptor_that_somebody_else_has_closed() -> None:
    read, write = os.pipe()
    line = DescriptorLine(read, Scripted(), "pipe", None)
    os.close(read)
    for call in (lambda: line.read(20), lambda: line.read(None)):
        with pytest.raises(HungUp, match=r"^the descriptor was closed$"):
            call()
    os.close(write)
    line.close()


class Scripted:
    """A port that returns what it is told to."""

    def __init__(self, *answers: bytes | Exception | None) -> None:
        self.answers = list(answers)
        self.sizes: list[int] = []

    def read(self, size: int, /) -> bytes | None:
        self.sizes.append(size)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def write(self, data: bytes, /) -> int | None:
        return None

    def close(self) -> None:
        raise OSError("already gone")


def test_a_bare_object_may_say_none_or_nothing_while_there_is_nothing() -> None:
    line = open_line(Scripted(None, b"", b"x"), 0)
    assert isinstance(line, PortLine)
    assert line.name == "Scripted"
    assert line.read(20) == b"x"
    assert line.write(b"abc", 1) == 3  # None means all of it
    line.close()


@pytest.mark.parametrize("error", [OSError("unplugged"), serial.SerialException("unplugged"), TypeError("closed")])
def test_whatever_a_port_raises_is_a_hang_up(error: Exception) -> None:
    with pytest.raises(HungUp, match=str(error)):
        open_line(Scripted(error), 0).read(None)


def test_an_end_of_file_of_an_io_object_is_a_hang_up() -> None:
    read, write = os.pipe()
    os.close(write)
    line = open_line(io.FileIO(read, "rb"), 0)  # type: ignore[arg-type]
    with pytest.raises(HungUp, match="end of file"):
        line.read(20)
    line.close()


class Known(Scripted):
    """A port that knows how much waits, and has a time-out."""

    timeout: float | None = None
    write_timeout: float | None = None
    in_waiting = 300


def test_a_port_that_knows_how_much_waits_is_read_at_once_and_given_time_outs() -> None:
    port = Known(b"x")
    line = open_line(port, 0)
    line.read(None)
    assert port.sizes == [300]
    assert port.timeout is not None
    assert port.write_timeout is not None
