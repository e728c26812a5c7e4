"""``decode --follow``: a file that grows, is truncated, is replaced; and how it ends."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from forked_programs import Forked

from cmux.capture.recorder import Capture
from cmux.cli import main
from cmux.cli.app import CommandError
from cmux.cli.decode_follow import GrowingFile, followed
from cmux.cli.stopping import Stop
from cmux.protocol import Config, Frame, FrameType, encode

SABM = encode(Frame(0, True, FrameType.SABM, True))
DATA = encode(Frame(1, True, FrameType.UIH, False, b"AT\r"))
posix = pytest.mark.skipif(os.name != "posix", reason="a file that is open cannot be replaced, signals are other ones")


class Script(Stop):
    """Each wait is the next step of the other program; behind the last one comes the signal to stop."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        super().__init__()
        self.interrupts = False
        self.waits: list[float | None] = []
        self._steps: Iterator[Callable[[], object]] = iter(steps)

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        step = next(self._steps, None)
        if step is None:
            self.handle(signal.SIGINT, None)
        else:
            step()
        return self.asked


def append(path: Path, octets: bytes) -> Callable[[], object]:
    def step() -> None:
        with path.open("ab") as file:
            file.write(octets)

    return step


def replace(path: Path, octets: bytes) -> Callable[[], object]:
    def step() -> None:
        new = path.with_suffix(".new")
        new.write_bytes(octets)
        new.replace(path)

    return step


def read_all(path: Path, stop: Stop) -> list[bytes]:
    with path.open("rb") as file:
        return [b"".join(iter(lambda one=one: one.read1(100), b"")) for one in followed(file, str(path), stop)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "line.bin"
    path.write_bytes(b"")
    return path


def test_what_is_appended_comes_and_between_looks_there_is_a_pause(path: Path) -> None:
    stop = Script(append(path, b"abc"), lambda: None, append(path, b"def"))
    assert read_all(path, stop) == [b"abcdef"]
    assert stop.waits == [0.2] * 4


def test_read_waits_for_so_many_octets_and_has_fewer_at_the_end(path: Path) -> None:
    with path.open("rb") as file:
        growing = GrowingFile(file, str(path), Script(append(path, b"abc"), append(path, b"defgh")))
        assert (growing.read(5), growing.read(5), growing.read(5)) == (b"abcde", b"fgh", b"")
        assert growing.readable()


def test_a_file_that_is_truncated_begins_again(path: Path) -> None:
    stop = Script(append(path, b"abcdef"), lambda: path.write_bytes(b"xy"), append(path, b"z"))
    assert read_all(path, stop) == [b"abcdef", b"xyz"]


@posix
def test_a_file_that_is_replaced_is_read_to_its_end_and_then_the_new_one(path: Path) -> None:
    def both() -> None:
        append(path, b"last words")()
        replace(path, b"new")()

    stop = Script(append(path, b"abc "), both, append(path, b"er"), replace(path, b"newest"))
    assert read_all(path, stop) == [b"abc last words", b"newer", b"newest"]


@posix
def test_a_file_that_is_gone_may_still_be_written_and_a_new_one_may_come(path: Path) -> None:
    moved = path.with_suffix(".1")
    stop = Script(lambda: path.rename(moved), append(moved, b"old"), append(path, b"new"))
    assert read_all(path, stop) == [b"old", b"new"]


@posix
def test_a_new_file_that_cannot_be_read_is_an_error_and_one_that_is_gone_again_is_waited_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[OSError] = [PermissionError(13, "Permission denied"), FileNotFoundError(2, "gone")]

    def failing(*_: object) -> io.BytesIO:
        raise errors.pop()

    stop = Script(replace(path, b"new"), lambda: monkeypatch.setattr("builtins.open", failing), lambda: None)
    with path.open("rb") as file:
        inputs = followed(file, str(path), stop)
        assert next(inputs).read1(10) == b""
        stop.wait()
        with pytest.raises(CommandError, match="cannot be read: Permission denied"):
            next(inputs)
    assert not errors


@posix
def test_the_signal_ends_the_wait_for_a_new_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> io.BytesIO:
        raise FileNotFoundError(2, "gone")

    stop = Script(replace(path, b"new"))
    with path.open("rb") as file:
        inputs = followed(file, str(path), stop)
        assert next(inputs).read1(10) == b""
        monkeypatch.setattr("builtins.open", failing)
        assert list(inputs) == []


def test_what_does_not_grow_has_its_own_end() -> None:
    stop = Script()
    growing = GrowingFile(io.BytesIO(b"abc"), None, stop)
    assert (growing.read(), growing.read()) == (b"abc", b"")
    assert stop.waits == []


def test_the_signal_ends_the_wait_for_a_pipe() -> None:
    stop = Script()

    class Pipe(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            stop.handle(signal.SIGINT, None)
            raise AssertionError

    growing = GrowingFile(Pipe(), None, stop)
    assert growing.read1(10) == b""
    assert stop.asked
    assert not stop.interrupts


# --- The command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def follow(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def run(path: Path, stop: Stop, *arguments: str) -> tuple[int, str, str]:
        from contextlib import nullcontext

        monkeypatch.setattr("cmux.cli.decode.stop_by_signal", lambda: nullcontext(stop))
        code = main(["decode", "--follow", str(path), *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def in_parts(path: Path, octets: bytes, size: int) -> list[Callable[[], object]]:
    return [append(path, octets[at : at + size]) for at in range(0, len(octets), size)]


def captured(tmp_path: Path, name: str) -> bytes:
    capture = Capture(tmp_path / name, Config())
    for octets, from_host in ((SABM, True), (encode(Frame(0, True, FrameType.UA, True)), False), (DATA, True)):
        capture.feed(octets, from_host=from_host, timestamp=1_782_993_600_000_000_000)
    capture.close()
    return (tmp_path / name).read_bytes()


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize("kind", ["raw", "hex", "pcapng", "jsonl", "log", "foreign log"])
def test_each_kind_is_found_out_and_read_in_whatever_parts_it_comes(
    follow, tmp_path: Path, kind: str, size: int
) -> None:
    octets = {
        "raw": SABM + DATA,
        "hex": b"# SABM\n" + SABM.hex(" ").encode() + b"\n" + DATA.hex().encode() + b"\n",
        "foreign log": b"hello\nTX: " + SABM.hex(" ").encode() + b"\nTX: " + DATA.hex(" ").encode() + b"\n",
    }.get(kind) or captured(tmp_path, f"whole.{kind}")
    path = tmp_path / "grows"
    path.write_bytes(b"")
    code, out, err = follow(path, Script(*in_parts(path, octets, size)), "--format", "json")
    assert (code, err) == (0, "")
    found = [json.loads(line) for line in out.splitlines()]
    assert main(["decode", "--format", "json", str(path), "-o", str(tmp_path / "whole")]) == 0
    assert found == [json.loads(line) for line in (tmp_path / "whole").read_text().splitlines()]
    assert [entry["type"] for entry in found if entry["type"] != "UA"] == ["SABM", "UIH"]


@pytest.mark.parametrize("kind", ["pcapng", "jsonl", "log"])
def test_a_capture_that_begins_again_is_read_again_and_stderr_says_so(follow, tmp_path: Path, kind: str) -> None:
    octets = captured(tmp_path, f"line.{kind}")
    path = tmp_path / f"line.{kind}"
    code, out, err = follow(path, Script(lambda: path.write_bytes(octets[:60]), append(path, octets[60:])))
    assert code == 0
    assert [row.split()[-1] for row in out.splitlines() if "UIH" in row] == ["AT", "AT"]
    assert err.splitlines() == [
        f"cmux.decode: {path} was truncated: what follows is from its beginning",
        "6 frames, 0 dropped, 0 octets in no frame",
    ]


def test_no_line_goes_on_in_a_file_that_begins_again(follow, path: Path) -> None:
    part = encode(Frame(1, True, FrameType.UIH, False, b"AT+C"))
    append(path, SABM + part)()
    stop = Script(lambda: path.write_bytes(DATA[:3]), append(path, DATA[3:]))
    _, out, _ = follow(path, stop, "--input", "raw")
    assert out.splitlines()[-1].split()[-1] == "AT"


def test_the_rest_of_a_partial_frame_is_told_at_the_end(follow, path: Path) -> None:
    append(path, SABM + DATA[:-1])()
    code, out, err = follow(path, Script())
    assert code == 0
    assert "truncated" in out
    assert err == f"1 frame, 1 dropped, {len(DATA) - 2} octets in no frame\n"


def test_nothing_at_all_is_told_as_of_any_input(follow, path: Path) -> None:
    code, out, err = follow(path, Script())
    assert (code, out) == (1, "")
    assert "holds no frame" in err


def test_a_hex_dump_cannot_be_followed(follow, path: Path) -> None:
    append(path, b"00000000: f903 3f01 1cf9                           ..?...\n")()
    code, _, err = follow(path, Script())
    assert code == 1
    assert "--follow reads no hex dump" in err


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_the_summary_and_exit_code_0(path: Path, number: signal.Signals) -> None:
    append(path, SABM)()
    with Forked(
        [sys.executable, "-m", "cmux", "decode", "--follow", "--input", "raw", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().split()[0] == "offset"
        assert "SABM" in process.stdout.readline()
        append(path, DATA)()
        assert process.stdout.readline().split()[-1] == "AT"
        process.send_signal(number)
        assert process.stderr.read() == "2 frames, 0 dropped, 0 octets in no frame\n"
        assert process.wait() == 0


@posix
def test_a_signal_ends_the_wait_for_a_pipe_too(tmp_path: Path) -> None:
    read, write = os.pipe()
    with Forked(
        [sys.executable, "-m", "cmux", "decode", "--follow", "--input", "raw"],
        stdin=read,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(read)
        os.write(write, SABM)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        assert "SABM" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == "1 frame, 0 dropped, 0 octets in no frame\n"
        assert process.wait() == 0
    os.close(write)
