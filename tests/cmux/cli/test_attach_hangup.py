"""``gsm0710 attach --hangup``: the module's carrier and the clients of a path end each other's calls."""

from __future__ import annotations

import os
import queue
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("needs Linux", allow_module_level=True)

from attached import Attach
from calls import PATIENCE, CallModule, PathClient
from mux_leaks import nothing_left
from plugged import plugged

import cmux
from cmux.cli import main
from cmux.cli.line_options import LineOptions
from cmux.protocol import waits
from cmux.pty import Pty
from cmux.threads.hangup_bridge import HangupBridge

pytestmark = pytest.mark.usefixtures("nothing_left")
__all__ = ["nothing_left"]

Captured = pytest.CaptureFixture[str]


class Line:
    """A module, and one of its channels under a link."""

    def __init__(self, module: CallModule, bridge: HangupBridge, turns: queue.SimpleQueue[bool]) -> None:
        self.module, self.bridge, self.path, self._turns = module, bridge, bridge.path, turns

    @property
    def terminal(self) -> str:
        """What the link leads to."""
        return os.readlink(self.path)

    def carrier(self, *, on: bool) -> None:
        """Change the carrier, and wait until the host has done what follows from it."""
        self.module.carrier(1, on=on)
        self.seen(on=on)

    def seen(self, *, on: bool) -> None:
        """Wait until the host has done what follows from a change of the carrier."""
        assert self._turns.get(timeout=PATIENCE) is on


@pytest.fixture
def line(nothing_left: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    turns: queue.SimpleQueue[bool] = queue.SimpleQueue()
    plain = HangupBridge._carrier

    def carrier(bridge: HangupBridge) -> None:
        plain(bridge)
        turns.put(bridge._has_carrier)

    monkeypatch.setattr(HangupBridge, "_carrier", carrier)
    with CallModule() as module, cmux.open(module.path) as mux:
        bridge = HangupBridge(mux.channel(1), tmp_path / "m1")
        bridge.start()
        try:
            line = Line(module, bridge, turns)
            line.seen(on=True)
            line.carrier(on=False)
            yield line
        finally:
            bridge.close()
    assert os.listdir(tmp_path) == []


@pytest.fixture
def pause(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """RTC is off until this is set."""
    over = threading.Event()
    plain = HangupBridge._pause

    def paused(bridge: HangupBridge, seconds: float) -> None:
        if seconds == waits.HANG_UP:
            assert over.wait(PATIENCE)
        else:
            plain(bridge, seconds)

    monkeypatch.setattr(HangupBridge, "_pause", paused)
    yield over
    over.set()


def test_octets_pass_unchanged_in_both_directions(line: Line) -> None:
    sent = bytes(range(256)) * 40
    with PathClient(line.path) as client:
        for piece in range(0, len(sent), 2048):
            client.write(sent[piece : piece + 2048])
            assert client.read(2048) == sent[piece : piece + 2048]


def test_a_client_is_hung_up_when_the_carrier_drops_and_the_next_finds_a_new_path_under_the_link(line: Line) -> None:
    line.carrier(on=True)
    before = line.terminal
    with PathClient(line.path) as client:
        client.write(b"call")
        assert client.read(4) == b"call"
        line.carrier(on=False)
        assert client.hung_up()
    assert line.terminal != before
    for _ in range(2):  # the next call ends in the same way
        line.carrier(on=True)
        with PathClient(line.path) as following:
            following.write(b"next")
            assert following.read(4) == b"next"
            line.carrier(on=False)
            assert following.hung_up()
    assert "RTC off" not in line.module.heard(1)  # the calls had ended


def test_where_nobody_is_nobody_is_hung_up(line: Line) -> None:
    before = line.terminal
    line.carrier(on=True)
    line.carrier(on=False)
    line.module.say(1, b"RING")
    with PathClient(line.path) as client:
        assert client.read(4) == b"RING"
        assert line.terminal == before


def test_a_carrier_that_comes_hangs_up_on_nobody(line: Line) -> None:
    with PathClient(line.path) as client:
        client.write(b"dial")
        assert client.read(4) == b"dial"
        line.carrier(on=True)
        line.module.say(1, b"CONNECT")
        assert client.read(7) == b"CONNECT"


def test_when_the_last_client_leaves_rtc_drops_and_the_octets_of_the_next_wait_until_it_is_up(
    line: Line, pause: threading.Event
) -> None:
    line.module.habits.loopback = ()
    with PathClient(line.path) as client:
        client.write(b"call")
    line.module.until(1, b"call", "RTC off")  # what it wrote before it left has gone out
    with PathClient(line.path) as following:
        following.write(b"dial")
        pause.set()
        line.module.until(1, "RTC off", "RTC on", b"dial")
        line.module.say(1, b"CONNECT")
        assert following.read(7) == b"CONNECT"


def test_a_client_that_only_looked_in_ends_the_call_as_well(line: Line, pause: threading.Event) -> None:
    pause.set()
    PathClient(line.path).close()
    line.module.until(1, "RTC off", "RTC on")


def test_while_another_client_is_there_the_call_goes_on(line: Line, pause: threading.Event) -> None:
    pause.set()
    with PathClient(line.path) as staying:
        with PathClient(line.path) as leaving:
            leaving.write(b"one")
            line.module.until(1, b"one")
            assert staying.read(3) == b"one"
        staying.write(b"two")
        line.module.until(1, b"two")
        assert "RTC off" not in line.module.heard(1)
    line.module.until(1, "RTC off", "RTC on")


def test_a_carrier_that_drops_because_rtc_did_is_not_that_of_the_next_client(
    line: Line, pause: threading.Event
) -> None:
    line.carrier(on=True)
    with PathClient(line.path) as client:
        client.write(b"call")
        assert client.read(4) == b"call"
    line.module.until(1, b"call", "RTC off")
    with PathClient(line.path) as following:
        following.write(b"dial")
        line.carrier(on=False)
        pause.set()
        line.module.until(1, "RTC off", "RTC on", b"dial")
        assert following.read(4) == b"dial"


def test_a_path_that_takes_the_place_of_another_has_its_mode(tmp_path: Path) -> None:
    with Pty(tmp_path / "link", mode=0o660, held=False) as pty:
        before = pty.slave_name
        pty.renew()
        assert pty.slave_name != before
        assert os.readlink(tmp_path / "link") == pty.slave_name
        assert stat.S_IMODE(os.stat(tmp_path / "link").st_mode) == 0o660


def test_a_link_whose_path_another_program_serves_is_refused_and_free_when_that_has_ended(tmp_path: Path) -> None:
    link = tmp_path / "link"
    with Pty(link, held=False), pytest.raises(FileExistsError, match="another program serves"):
        Pty(link)
    with Pty(link), pytest.raises(FileExistsError, match="another program serves"):
        Pty(link, held=False)
    with Pty(link, held=False) as pty:
        assert pty.path == str(link)


def test_a_killed_program_ends_its_call(tmp_path: Path) -> None:
    with CallModule() as module, Attach(module.path, "--channels", "1", "--link", f"{tmp_path}/m", "--hangup").ready():
        program = subprocess.Popen(["sh", "-c", 'exec 3<>"$0"; printf call >&3; exec sleep 60', f"{tmp_path}/m1"])
        module.until(1, b"call")
        program.kill()
        program.wait()
        module.until(1, "RTC off", "RTC on")


def test_with_reattach_a_client_is_hung_up_when_the_line_is_lost(tmp_path: Path) -> None:
    device, link = tmp_path / "device", f"{tmp_path}/m1"
    with CallModule() as first, plugged(device, first.path):
        attach = Attach(str(device), "--channels", "1", "--link", f"{tmp_path}/m", "--hangup", "--reattach").ready()
        client = PathClient(link)
        client.write(b"one")
        assert client.read(3) == b"one"
    with attach, client:
        assert client.hung_up()
        following = PathClient(link)
        following.write(b"two")  # waits until the line is back
        with CallModule() as second, plugged(device, second.path):
            assert following.read(3) == b"two"
            following.close()
            assert attach.end()[0] == 0


# --- What is not possible ---

WRONG = {
    "without a link": ["--hangup"],
    "with TCP ports": ["--hangup", "--tcp", ":0"],
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG)
def test_without_links_it_is_wrong_usage(capsys: Captured, arguments: list[str]) -> None:
    assert main(["attach", "/dev/x", *arguments]) == 2
    assert "--hangup needs a link" in capsys.readouterr().err.splitlines()[-1]


def test_in_a_file_it_is_the_key_hangup(tmp_path: Path, capsys: Captured) -> None:
    file = tmp_path / "lines.toml"
    file.write_text('[a]\nport = "/dev/x"\nhangup = true\n')
    assert main(["attach", "--config", str(file)]) == 1
    assert f"{file}: [a]: hangup needs a link" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_it_is_true_or_false(value: object) -> None:
    with pytest.raises(ValueError, match=r"hangup = .* is not True or False"):
        LineOptions(port="/dev/x", link="m", hangup=value)  # type: ignore[arg-type]
