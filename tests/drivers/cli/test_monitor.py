"""``gsm0710 monitor``: what it shows of a line, its channels and its module, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import serial

if sys.platform == "win32":
    pytest.skip("needs POSIX", allow_module_level=True)

from forked_programs import Forked
from mux_module import Module
from plugged import plugged

from drivers.cli import main
from drivers.cli.monitor import LineMonitor
from drivers.cli.readings import ChannelReading, ModuleReading, Reading
from drivers.emulator import EmulatedModule


@contextmanager
def monitoring(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "drivers", "monitor", *arguments]
    with Forked(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def next_reading(process: subprocess.Popen[str]) -> dict[str, object]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()
    reading: dict[str, object] = json.loads(line)
    return reading


def test_once_shows_line_channels_and_module(capsys: pytest.CaptureFixture[str]) -> None:
    with EmulatedModule() as module:
        path = module.serve_pty()
        assert main(["monitor", path, "--once", "--channels", "1-2"]) == 0
        shown = capsys.readouterr().out
    assert f"{path}  open  basic option, N1 127" in shown
    assert "Quectel_M10" in shown
    assert "dBm" in shown
    assert [line.split()[:2] for line in shown.splitlines() if line[:4].strip().isdecimal()] == [
        ["1", "open"], ["2", "open"]
    ]  # fmt: skip


def test_as_json_every_key_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    with EmulatedModule() as module:
        assert main(["monitor", module.serve_pty(), "--once", "--json", "--channels", "3"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    reading = json.loads(line)
    assert set(reading) == set(Reading.__dataclass_fields__)
    assert set(reading["module"]) == set(ModuleReading.__dataclass_fields__)
    (channel,) = reading["channels"]
    assert set(channel) == set(ChannelReading.__dataclass_fields__)
    assert (reading["state"], reading["cause"], reading["dropped"]) == ("open", None, {})
    assert (channel["dlci"], channel["state"], channel["path"]) == (3, "open", None)
    assert channel["octets_sent"] > 0  # it has asked the module there
    assert reading["module"]["model"] == "Quectel_M10"
    assert reading["module"]["sim"] == "READY"


def test_a_module_that_does_not_answer_at_on_the_channel_is_said_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.cli.monitor.Inquiry.ask", lambda self: ModuleReading())
    with Module() as module:
        assert main(["monitor", module.path, "--once"]) == 0
    assert "does not answer AT" in capsys.readouterr().out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_with_links_the_other_channels_are_paths_until_a_signal_ends_it(tmp_path: Path, number: int) -> None:
    with EmulatedModule(loopback=[2]) as module, monitoring(
        module.serve_pty(), "--channels", "1-3", "--link", f"{tmp_path}/m", "--json"
    ) as process:  # fmt: skip
        first = next_reading(process)
        assert [one["path"] for one in first["channels"]] == [f"{tmp_path}/m1", f"{tmp_path}/m2", None]
        with serial.Serial(f"{tmp_path}/m2", timeout=20) as port:
            port.write(b"through")
            assert port.read(7) == b"through"
        second = next_reading(process)
        assert second["channels"][1]["octets_sent"] == second["channels"][1]["octets_received"] == 7
        process.send_signal(number)
        assert process.wait(20) == 130
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert os.listdir(tmp_path) == []


def test_the_line_dying_is_shown_and_ends_it_with_1() -> None:
    with EmulatedModule() as module:
        process_of = monitoring(module.serve_pty(), "--json", "-q", "--channels", "1")
        process = process_of.__enter__()
        assert next_reading(process)["state"] == "open"
    try:
        assert process.wait(30) == 1
        assert process.stdout is not None
        assert process.stderr is not None
        last = json.loads(process.stdout.read().splitlines()[-1])
        assert last["state"] == "dead"
        assert last["cause"]
        (error,) = process.stderr.read().splitlines()
        assert "the line died" in error
    finally:
        process_of.__exit__(None, None, None)


def test_with_reattach_it_goes_on_when_the_line_is_back(tmp_path: Path) -> None:
    link = tmp_path / "device"
    with EmulatedModule() as first, plugged(link, first.serve_pty()):
        process_of = monitoring(str(link), "--json", "-q", "--channels", "1", "--reattach")
        process = process_of.__enter__()
        assert next_reading(process)["module"]["model"] == "Quectel_M10"
    try:
        while (reading := next_reading(process))["state"] == "open":
            pass
        assert reading["state"] == "reattaching"
        assert reading["module"]["model"] is None
        with EmulatedModule() as second, plugged(link, second.serve_pty()):
            while (reading := next_reading(process))["state"] == "reattaching":
                pass
            assert (reading["state"], reading["reattached"]) == ("open", 1)
            while reading["module"]["model"] is None:  # the channel may not have been open again yet
                reading = next_reading(process)
            assert reading["module"]["model"] == "Quectel_M10"
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 130
    finally:
        process_of.__exit__(None, None, None)


def test_rates_are_what_passed_since_the_reading_before() -> None:
    def reading(seconds: float, received: int) -> Reading:
        channel = ChannelReading(
            dlci=1,
            path=None,
            state="open",
            octets_received=received,
            octets_sent=0,
            waiting=5,
            stalls=6,
            signals=["cts"],
        )
        return Reading(
            time=int(seconds * 1e9), line="x", state="open", cause=None, option="basic", n1=31, reattached=0,
            octets_received=0, octets_sent=0, frames_received=0, frames_sent=0, dropped={"fcs": 2}, channels=[channel],
            module=ModuleReading(),
        )  # fmt: skip

    watch = LineMonitor(None, None, {}, None)  # type: ignore[arg-type]  # readings are given here
    row = next(line for line in watch.table(reading(10, 1000)).splitlines() if line.startswith("   1"))
    assert row.split() == ["1", "open", "1000", "-", "0", "-", "5", "6", "cts", "-"]
    later = watch.table(reading(12, 1500))
    row = next(line for line in later.splitlines() if line.startswith("   1"))
    assert row.split() == ["1", "open", "1500", "250", "0", "0", "5", "6", "cts", "-"]
    assert "damaged: 2 fcs" in later


@pytest.mark.parametrize("arguments", [[], ["/dev/x", "--channels", "0"], ["/dev/x", "--link", "/dev/"]])
def test_wrong_usage_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", *arguments]) == 2
    assert "usage:" in capsys.readouterr().err
