"""``gsm0710 doctor``: what it finds, in words, and what it says to do about it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from mux_leaks import nothing_left
from mux_module import Module
from rate_module import RateModule
from startup_waits import NOBODY, shorten_waits

from cmux.cli import main
from drivers.emulator import EmulatedModule

pytestmark = pytest.mark.usefixtures("nothing_left", "quick")
__all__ = ["nothing_left"]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten_waits(monkeypatch, 0.1)


def steps(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, dict[str, object]]]:
    code = main(["doctor", *arguments, "--json"])
    return code, {entry["step"]: entry for entry in map(json.loads, capsys.readouterr().out.splitlines())}


def test_a_module_in_order_passes_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    with EmulatedModule() as module:
        path = module.serve_pty()
        code, found = steps(capsys, path)
        assert code == 0
        assert list(found) == ["port", "AT", "AT+CMUX?", "AT+CMUX", "DLCI 0", "Test",
                               "DLCI 1", "DLCI 2", "DLCI 3", "DLCI 4", "frames", "leaving", "verdict"]  # fmt: skip
        assert all(entry["ok"] for entry in found.values())
        assert main(["doctor", path]) == 0
        assert "The line can be multiplexed." in capsys.readouterr().out


def test_what_it_says_to_the_module_can_be_captured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Module() as module:
        assert main(["doctor", module.path, "--channels", "1", "--capture", str(tmp_path / "x.log")]) == 0
    assert "host   DLCI 0  SABM" in (tmp_path / "x.log").read_text()
    with Module() as module:
        assert main(["doctor", module.path, "--channels", "1", "--capture", str(tmp_path / "no" / "x.log")]) == 1
        assert not module.commands
    assert "No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("habits", "step", "words"),
    [
        ({"silent": True}, "AT", "not one octet was heard"),
        ({"cmux_answer": b"\r\nERROR\r\n"}, "AT+CMUX", "AT+CMUX=0 -> ERROR"),
        ({"answers_sabm": False}, "DLCI 0", "OK received, no UA"),
    ],
)
def test_what_is_in_the_way_is_named_with_a_hint(
    habits: dict[str, object],
    step: str,
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if "silent" in habits:
        shorten_waits(monkeypatch, NOBODY)
    with Module(**habits) as module:
        code, found = steps(capsys, module.path)
        assert code == 1
        assert not found[step]["ok"]
        assert words in str(found[step]["text"])
        assert not found["verdict"]["ok"]
        assert main(["doctor", module.path]) == 1
        error = capsys.readouterr().err
    assert f"fails at {step}" in error
    assert "Traceback" not in error


def test_a_port_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = steps(capsys, "/dev/nowhere")
    assert code == 1
    assert "no such port" in str(found["port"]["text"])


def test_a_module_that_multiplexes_already_or_refuses_a_channel_is_no_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Module(knows_at=False, refuses=(2,)) as module:
        code, found = steps(capsys, module.path, "--channels", "1-2")
    assert code == 0
    assert "frames of the basic option" in str(found["note"]["text"])
    assert not found["DLCI 2"]["ok"]
    assert "DM" in str(found["DLCI 2"]["text"])


def test_a_module_that_changes_its_rate_after_ok_is_no_failure_and_its_rate_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    quick = ("--baudrate", "9600", "--channels", "1", "--t1", "0.02", "--n2", "1")
    with RateModule(9600, 115200) as module:
        code, found = steps(capsys, module.path, *quick)
    assert code == 0
    assert found["rate"]["text"] == "SABM is answered at 115200 baud only: --mux-baudrate 115200 saves time"


def test_without_at_only_frames_are_tried(capsys: pytest.CaptureFixture[str]) -> None:
    with Module(starts_in_mux=True) as module:
        code, found = steps(capsys, module.path, "--startup", "none")
        assert code == 0
        assert "AT" not in found
        assert module.commands == []


def test_sigterm_ends_it_as_an_interrupt_does() -> None:
    """A command without an end of its own for signals puts everything back in order, too."""
    master, slave = os.openpty()
    line = [sys.executable, "-m", "drivers", "doctor", os.ttyname(slave)]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        heard = b""
        while b"AT\r" not in heard:  # it is at work
            heard += os.read(master, 100)
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 130
    os.close(master)
    os.close(slave)
