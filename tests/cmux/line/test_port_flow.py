"""What stty has set on a port: RTS/CTS stays where nobody says otherwise, XON/XOFF does not; both are said, once."""

import json
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

if sys.platform == "win32":
    pytest.skip("needs POSIX", allow_module_level=True)

import termios

from mux_leaks import nothing_left
from mux_module import Module
from plugged import plugged
from shells import AioShell, Shell, ThreadShell
from startup_waits import shorten_waits

from cmux import reconnector
from cmux.cli import main
from cmux.line.port_flow import CLEARED, KEPT

__all__ = ["nothing_left"]
pytestmark = pytest.mark.usefixtures("nothing_left")

CRTSCTS, IXON, IXOFF = ("cflag", termios.CRTSCTS), ("iflag", termios.IXON), ("iflag", termios.IXOFF)
QUICK: dict[str, Any] = {"settle": 0, "ask": False}


@pytest.fixture(params=[ThreadShell, AioShell], ids=["threads", "aio"])
def shell(request: pytest.FixtureRequest) -> Iterator[Shell]:
    shell = request.param()
    yield shell
    shell.close()


def flags(module: Module) -> dict[str, int]:
    iflag, _, cflag, *_ = termios.tcgetattr(module._fd)
    return {"iflag": iflag, "cflag": cflag}


def stty(module: Module, *what: tuple[str, int]) -> None:
    """Set flags on the pty of a module, as stty does."""
    attributes = termios.tcgetattr(module._fd)
    for name, flag in what:
        attributes[{"iflag": 0, "cflag": 2}[name]] |= flag
    termios.tcsetattr(module._fd, termios.TCSANOW, attributes)


def is_set(module: Module, what: tuple[str, int]) -> bool:
    return bool(flags(module)[what[0]] & what[1])


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


CASES: list[tuple[list[tuple[str, int]], bool | None, bool, list[str]]] = [
    ([], None, False, []),
    ([CRTSCTS], None, True, [KEPT]),
    ([CRTSCTS], False, False, []),
    ([CRTSCTS], True, True, []),
    ([], True, True, []),
    ([IXON], None, False, []),  # the system sets it on every port
    ([IXON, IXOFF], None, False, [CLEARED]),
    ([CRTSCTS, IXOFF], None, True, [KEPT, CLEARED]),
    ([IXOFF], True, True, [CLEARED]),  # who speaks of RTS/CTS has said nothing of XON/XOFF
    ([CRTSCTS, IXOFF], False, False, [CLEARED]),
]


@pytest.mark.parametrize(("before", "rtscts", "after", "said"), CASES)
@pytest.mark.parametrize("way", ["open", "serve"])
def test_rts_cts_stays_where_nobody_says_otherwise_and_that_is_said(
    before: list[tuple[str, int]],
    rtscts: bool | None,
    after: bool,
    said: list[str],
    way: str,
    shell: Shell,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Module() as module:
        stty(module, *before)
        opened: Callable[..., Any] = shell.open if way == "open" else shell.serve
        with opened(module.path, rtscts=rtscts, **QUICK):
            assert is_set(module, CRTSCTS) is after
            assert not is_set(module, IXON)
            assert not is_set(module, IXOFF)
    assert warnings(caplog) == said


def test_a_device_that_is_plugged_in_anew_gets_it_back_and_it_is_said_once(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(reconnector, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(reconnector, "LONGEST_DELAY", 0.05)
    shorten_waits(monkeypatch, 0.1)
    link = tmp_path / "device"
    with Module() as first, plugged(link, first.path):
        stty(first, CRTSCTS)
        mux = shell.open(link, reattach=True, other_rates=(), **QUICK)
    with Module() as second, plugged(link, second.path):
        mux.until(lambda core: not core.session_open)
        mux.wait_attached()
        assert is_set(second, CRTSCTS)
        mux.close()
    assert warnings(caplog).count(KEPT) == 1


def test_doctor_says_it_at_the_port_and_nowhere_else(capsys: pytest.CaptureFixture[str]) -> None:
    with Module() as module:
        stty(module, CRTSCTS)
        assert main(["doctor", module.path, "--channels", "1", "--settle", "0", "--no-ask", "--json"]) == 0
    out, error = capsys.readouterr()
    (port,) = [one for one in map(json.loads, out.splitlines()) if one["step"] == "port"]
    assert port == {"step": "port", "ok": True, "id": None, "text": f"{module.path} is open; {KEPT}"}
    assert error == ""


def test_what_is_no_terminal_is_opened_as_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["doctor", str(tmp_path / "file"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out.splitlines()[0])["step"] == "port"
