"""``gsm0710 monitor http://HOST:PORT``: the lines of a running ``attach``, and what is no such page."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

if sys.platform == "win32":
    pytest.skip("needs POSIX", allow_module_level=True)

from attached import Attach
from mux_module import Module

from cmux.cli.page_server import Page, PageServer
from cmux.threads.tcp_bridge import listen, shown
from drivers.cli import main
from drivers.cli.readings import ChannelReading, ModuleReading, Reading


@contextmanager
def page(content: bytes, path: str = "/status") -> Iterator[str]:
    listener = listen("127.0.0.1", 0)
    server = PageServer(listener, {path: Page("application/json", lambda: content)})
    server.start()
    try:
        yield f"http://{shown(listener)}"
    finally:
        server.close()


def test_the_lines_of_a_running_attach_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with Module() as module, Attach("--metrics", ":0", module.path, "--channels", "1-2").ready() as attach:
        assert attach.process.stderr is not None
        url = attach.process.stderr.readline().split()[1].removesuffix("/metrics")
        assert main(["monitor", url, "--once"]) == 0
        shown = capsys.readouterr().out
        assert f"{module.path}  open  basic option, N1 " in shown
        assert [line.split()[:2] for line in shown.splitlines() if line[:4].strip().isdecimal()] == [
            ["1", "open"], ["2", "open"]
        ]  # fmt: skip
        assert attach.paths[1] in shown
        assert "module" not in shown
        assert main(["monitor", url, "--once", "--json"]) == 0
        (line,) = capsys.readouterr().out.splitlines()
        reading = json.loads(line)
        assert set(reading) == set(Reading.__dataclass_fields__)
        assert set(reading["module"]) == set(ModuleReading.__dataclass_fields__)
        assert set(reading["channels"][0]) == set(ChannelReading.__dataclass_fields__)
        assert set(reading["module"].values()) == {None}
        # And who wants the port itself is told who has it, and what shows it.
        assert main(["monitor", module.path, "--once"]) == 1
        assert f"(process {attach.process.pid})" in (error := capsys.readouterr().err)
        assert "gsm0710 monitor http://HOST:PORT" in error


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"lines": 1}',
        b'{"lines": [1]}',
        b'{"lines": [{"line": "x"}]}',
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"lines": [' + b" " * 5_000_000 + b"]}",
    ],
)
def test_what_is_no_page_of_attach_is_one_line(content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    with page(content) as url:
        assert main(["monitor", url, "--once"]) == 1
        (error,) = capsys.readouterr().err.splitlines()
    assert error.startswith(f"gsm0710 monitor: {url}/status: that is no page of gsm0710 attach: ")


def test_what_a_page_says_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    line = {
        "time": 1, "line": "\x1b[2Jx\n", "state": "open", "cause": "\x07", "option": None, "n1": None, "reattached": 0,
        "octets_received": 0, "octets_sent": 0, "frames_received": 0, "frames_sent": 0, "dropped": {"\x1b": 1},
        "channels": [],
    }  # fmt: skip
    with page(json.dumps({"lines": [line]}).encode()) as url:
        assert main(["monitor", url, "--once"]) == 0
    shown = capsys.readouterr().out
    assert "?[2Jx?" in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown


def test_another_page_and_nobody_at_all_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with page(b"", "/elsewhere") as url:
        assert main(["monitor", url, "--once"]) == 1
        assert "404 instead of a page of gsm0710 attach" in capsys.readouterr().err
    assert main(["monitor", url, "--once"]) == 1
    assert "Connection refused (is attach running, with --metrics?)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["http://127.0.0.1"],
        ["https://127.0.0.1:1"],
        ["http://127.0.0.1:1/other"],
        ["http://127.0.0.1:99999"],
        ["http://[::1:1"],
        ["http://127.0.0.1:1", "--channels", "1"],
        ["http://127.0.0.1:1", "--baudrate", "9600"],
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", *arguments]) == 2
    assert "usage:" in capsys.readouterr().err
