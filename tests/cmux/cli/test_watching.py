"""``attach --metrics``: what a running line tells to Prometheus and on ``/status``; prometheus_client is the oracle."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import serial

if sys.platform == "win32":
    pytest.skip("needs POSIX", allow_module_level=True)

from attached import Attach
from mux_leaks import nothing_left
from mux_module import Module
from plugged import plugged
from prometheus_client.parser import text_string_to_metric_families

from cmux.cli import main
from cmux.cli.metrics import ROWS, exposition
from cmux.cli.status import status
from cmux.errors import PortNotFound
from cmux.protocol.events import DropReason

__all__ = ["nothing_left"]

ROOT = Path(__file__).parents[3]
LABELS = {"line", "dlci", "direction", "reason"}


class Watched(Attach):
    """The process, which says on stderr where it can be watched."""

    def __init__(self, *arguments: str) -> None:
        super().__init__("--metrics", ":0", *arguments)
        assert self.process.stderr is not None
        said = self.process.stderr.readline()
        match = re.fullmatch(r"metrics: http://(127\.0\.0\.1):([0-9]+)/metrics\n", said)
        assert match, said
        self.address = match[1], int(match[2])

    def page(self, path: str) -> tuple[str, bytes]:
        connection = http.client.HTTPConnection(*self.address, timeout=20)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            assert answer.status == 200
            return answer.headers["Content-Type"], answer.read()
        finally:
            connection.close()

    def status(self) -> dict[str, Any]:
        kind, page = self.page("/status")
        assert kind == "application/json"
        told: dict[str, Any] = json.loads(page)
        return told

    def line(self, name: str) -> dict[str, Any]:
        (line,) = [one for one in self.status()["lines"] if one["line"] == name]
        return line

    def metrics(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        kind, page = self.page("/metrics")
        assert kind.startswith("text/plain; version=")
        return parsed(page)


def parsed(page: bytes) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """The samples as prometheus_client's own parser reads them, by name and labels."""
    samples = {}
    for family in text_string_to_metric_families(page.decode()):
        assert family.documentation
        assert family.type in ("counter", "gauge")
        for sample in family.samples:
            assert sample.name.endswith("_total") == (family.type == "counter")
            assert set(sample.labels) <= LABELS
            key = sample.name, frozenset(sample.labels.items())
            assert key not in samples
            samples[key] = sample.value
    return samples


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return f"gsm0710_{name}", frozenset(labels.items())


def echoed(path: str, octets: bytes) -> None:
    with serial.Serial(path, timeout=20) as port:
        port.write(octets)
        assert port.read(len(octets)) == octets


def test_frames_octets_queues_and_signals_are_told() -> None:
    with Module() as module, Watched(module.path, "--channels", "1-2").ready() as attach:
        echoed(attach.paths[1], b"x" * 100)
        name = module.path
        line, metrics = attach.line(name), attach.metrics()
        one, two = line["channels"]
        assert (line["state"], line["cause"], line["option"], line["reattached"]) == ("open", None, "basic", 0)
        assert (one["dlci"], one["path"], one["state"]) == (1, attach.paths[1], "open")
        assert (one["octets_sent"], one["octets_received"], two["octets_sent"]) == (100, 100, 0)
        assert (one["unsent"], one["waiting"]) == (0, 0)
        assert one["own"] == {"fc": False, "rtc": True, "rtr": True, "ic": False, "dv": True}
        assert line["dropped"] == {reason.value: 0 for reason in DropReason}
        assert attach.status()["process"] == attach.process.pid
        for way in ("sent", "received"):
            assert metrics[key("octets_total", line=name, dlci="1", direction=way)] == 100
            assert metrics[key("octets_total", line=name, dlci="2", direction=way)] == 0
            assert metrics[key("frames_total", line=name, dlci="1", direction=way)] >= 4
            assert metrics[key("frames_total", line=name, dlci="0", direction=way)] >= 1
            assert metrics[key("line_octets_total", line=name, direction=way)] > 100
            assert metrics[key("queue_octets", line=name, dlci="1", direction=way)] == 0
        assert metrics[key("line_up", line=name)] == 1
        assert metrics[key("channel_open", line=name, dlci="2")] == 1
        assert metrics[key("queue_peak_octets", line=name, dlci="1")] >= 100
        assert metrics[key("signal_rtc", line=name, dlci="1", direction="sent")] == 1
        assert metrics[key("signal_fc", line=name, dlci="1", direction="sent")] == 0
        assert metrics[key("reconnects_total", line=name)] == 0
        assert attach.end() == (0, "")


def test_each_class_of_bad_frame_is_there_from_the_start_and_counts() -> None:
    with Module() as module, Watched(module.path, "--channels", "1").ready() as attach:
        for reason in DropReason:
            assert attach.metrics()[key("bad_frames_total", line=module.path, reason=reason.value)] == 0
        module.send_raw(bytes.fromhex("f9 07 ef 03 41 00 f9"))  # UIH on DLCI 1 with a wrong FCS
        echoed(attach.paths[1], b"behind it")
        assert attach.metrics()[key("bad_frames_total", line=module.path, reason="fcs")] == 1
        assert attach.line(module.path)["dropped"]["fcs"] == 1


def test_two_lines_of_a_file_are_two_values_of_a_label(tmp_path: Path) -> None:
    with Module() as first, Module() as second:
        config = tmp_path / "lines.toml"
        config.write_text(
            f'[first]\nport = "{first.path}"\nchannels = "1"\nsettle = 0\n'
            f'[second]\nport = "{second.path}"\nchannels = [2]\nsettle = 0\n'
            f'[gone]\nport = "{tmp_path}/nowhere"\n'
        )
        with Watched("--config", str(config)).ready() as attach:
            echoed(attach.paths[2], b"two")
            metrics = attach.metrics()
            assert metrics[key("octets_total", line="second", dlci="2", direction="sent")] == 3
            assert metrics[key("octets_total", line="first", dlci="1", direction="sent")] == 0
            up = [metrics[key("line_up", line=name)] for name in ("first", "second", "gone")]
            assert up == [1, 1, 0]
            assert [one["port"] for one in attach.status()["lines"][:2]] == [first.path, second.path]
            gone = attach.line("gone")
            assert gone["state"] == "dead"
            assert "no such port" in gone["cause"]
            second.stop()
            attach.wait_for("second: the line died")
            assert attach.metrics()[key("line_up", line="second")] == 0
            assert attach.line("second")["state"] == "dead"
            assert attach.line("first")["state"] == "open"


def test_a_line_that_dies_and_comes_back_counts_a_reconnect(tmp_path: Path) -> None:
    device = tmp_path / "device"
    with Module() as first, plugged(device, first.path):
        attach = Watched(str(device), "--channels", "1", "--reattach").ready()
        assert attach.line(str(device))["reattached"] == 0
    with attach:
        attach.wait_for("hung up")
        metrics = attach.metrics()
        assert metrics[key("line_up", line=str(device))] == 0
        assert metrics[key("line_reattaching", line=str(device))] == 1
        assert attach.line(str(device))["state"] == "reattaching"
        with Module() as second, plugged(device, second.path):
            attach.wait_for("attached again")
            metrics = attach.metrics()
            assert metrics[key("reconnects_total", line=str(device))] == 1
            assert metrics[key("line_up", line=str(device))] == 1
            echoed(attach.paths[1], b"again")


# --- Before there is a line, and without one ---


class Unopened:
    """A line that is not open yet."""

    def __init__(self, cause: Exception | None) -> None:
        from cmux.cli.line_options import LineOptions

        self.options = LineOptions(port="/dev/nowhere", name='a "line"\\\n', settings={"channels": (1, 3)})
        self.bridges: list[Any] = []
        self.cause = cause
        self.mux = None


@pytest.mark.parametrize("cause", [None, PortNotFound("/dev/nowhere", "there is no such port")])
def test_a_line_that_is_not_open_has_every_key_and_every_metric(cause: Exception | None) -> None:
    (line,) = status([Unopened(cause)])["lines"]
    assert line["state"] == ("opening" if cause is None else "dead")
    assert [one["dlci"] for one in line["channels"]] == [1, 3]
    json.dumps(line)
    names = {name for name, _ in parsed(exposition([Unopened(cause)]))}
    assert names == {
        f"gsm0710_{row.name}{'_total' if row.counts else ''}" for row in ROWS if not row.name.startswith("signal_")
    }
    assert all(dict(labels)["line"] == 'a "line"\\\n' for _, labels in parsed(exposition([Unopened(cause)])))


def test_the_page_of_the_docs_has_every_metric() -> None:
    pages = list((ROOT / "docs").rglob("watching.md"))
    assert len(pages) == 1
    told = set(re.findall(r"^\| `gsm0710_([a-z0-9_]+)`", pages[0].read_text(encoding="utf-8"), re.MULTILINE))
    assert told == {f"{row.name}{'_total' if row.counts else ''}" for row in ROWS}


# --- Usage ---


def test_without_the_extra_it_is_wrong_usage_before_the_port_is_opened(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    for name in [one for one in sys.modules if one.startswith("prometheus_client.") or one == "cmux.cli.metrics"]:
        monkeypatch.delitem(sys.modules, name)
    assert main(["attach", str(tmp_path / "nowhere"), "--metrics", "127.0.0.1:0"]) == 2
    error = capsys.readouterr().err
    assert "pip install 'gsm0710[metrics]'" in error
    assert "no such port" not in error


@pytest.mark.parametrize("where", ["", "host", "127.0.0.1:", ":65536", ":-1"])
def test_what_is_no_address_is_wrong_usage(where: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attach", "/dev/nowhere", "--metrics", where]) == 2
    assert "--metrics" in capsys.readouterr().err


@pytest.mark.parametrize("where", [":0", "0", "127.0.0.1:0", "localhost:0"])
def test_without_a_host_the_loopback_is_meant(where: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["attach", str(tmp_path / "nowhere"), "--metrics", where]) == 1
    assert re.match(r"metrics: http://127\.0\.0\.1:[0-9]+/metrics\n", capsys.readouterr().err)


def test_a_port_that_is_taken_is_said_before_the_line_is_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        assert main(["attach", str(tmp_path / "nowhere"), "--metrics", where]) == 1
    assert capsys.readouterr().err == f"{program()} attach: {where}: Address already in use\n"


def program() -> str:
    return "python -m cmux"


def test_quiet_says_no_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attach", "-q", str(tmp_path / "nowhere"), "--metrics", ":0"]) == 1
    assert "metrics:" not in capsys.readouterr().err


def test_the_package_of_the_extra_is_loaded_with_the_option_only() -> None:
    program = "import sys, cmux.cli.attach\nprint('prometheus_client' in sys.modules, 'http' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={**os.environ}, timeout=50
    )
    assert done.stdout.split()[0] == "False"
