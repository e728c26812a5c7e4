"""``--hangup`` where one program follows another at once: the first one's call ends all the same."""

from __future__ import annotations

import select
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("needs Linux", allow_module_level=True)

from calls import PATIENCE, CallModule, PathClient
from mux_leaks import nothing_left

import cmux
from cmux.inotify import OpenWatch
from cmux.protocol import waits
from cmux.threads.hangup_bridge import HangupBridge

pytestmark = pytest.mark.usefixtures("nothing_left")
__all__ = ["nothing_left"]


@pytest.fixture
def module(nothing_left: None) -> Iterator[CallModule]:
    with CallModule() as module:
        module.habits.loopback = ()
        yield module


@pytest.fixture
def mux(module: CallModule) -> Iterator[cmux.Mux]:
    with cmux.open(module.path) as mux:
        yield mux


@pytest.fixture
def bridge(mux: cmux.Mux, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HangupBridge]:
    """A channel under a link; RTC is off for a moment only."""
    monkeypatch.setattr(waits, "HANG_UP", 0.01)
    bridge = HangupBridge(mux.channel(1), tmp_path / "m1")
    bridge.start()
    try:
        yield bridge
    finally:
        bridge.close()


@pytest.fixture
def path(bridge: HangupBridge) -> str:
    return bridge.path


def taken_from_module(mux: cmux.Mux, count: int) -> None:
    """Wait until so many octets of the channel have reached the host, and its bridge waits for more."""
    assert mux._engine.wait(lambda core: core.stats()["dlcs"][1]["octets_received"] >= count, PATIENCE)  # type: ignore[index]
    uart, ends = mux.channel(1), time.monotonic() + PATIENCE
    while mux._engine.events or uart.in_waiting or uart._handle is None or not uart._handle.buffer.wanted:
        assert time.monotonic() < ends
        time.sleep(0.001)


def test_who_has_come_together_with_another_keeps_the_call_when_that_one_goes(
    module: CallModule, bridge: HangupBridge
) -> None:
    """Linux tells two openings in a row as one."""
    with PathClient(bridge.path) as staying:
        with PathClient(bridge.path) as leaving:
            leaving.write(b"call")
            module.until(1, b"call")
            with bridge._lock:
                bridge._watch.look()
                bridge._watch.clients = 1
        staying.write(b"on")
        module.until(1, b"call", b"on")
        assert "RTC off" not in module.heard(1)
    module.until(1, b"on", "RTC off", "RTC on")


@pytest.mark.parametrize("_", range(10))
def test_a_program_that_follows_another_at_once_begins_after_its_call(module: CallModule, path: str, _: int) -> None:
    """A script closes a port and opens it again: whoever looks later finds a client there, as before."""
    first = PathClient(path)
    first.write(b"call")
    module.until(1, b"call")
    first.close()
    with PathClient(path) as following:
        following.write(b"dial")
        module.until(1, b"call", "RTC off", "RTC on", b"dial")


def test_it_reads_nothing_of_that_call(
    module: CallModule, mux: cmux.Mux, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the module says about the end comes while the next program is there already."""
    off, over, plain = threading.Event(), threading.Event(), HangupBridge._pause

    def paused(bridge: HangupBridge, seconds: float) -> None:
        if seconds != waits.HANG_UP:
            plain(bridge, seconds)
            return
        off.set()
        assert over.wait(PATIENCE)

    monkeypatch.setattr(HangupBridge, "_pause", paused)
    first = PathClient(path)
    module.say(1, b"what nobody has read")
    assert select.select([first.fd], [], [], PATIENCE)[0]
    first.close()
    with PathClient(path) as following:
        assert off.wait(PATIENCE)
        module.say(1, b"NO CARRIER")
        taken_from_module(mux, len(b"what nobody has read" + b"NO CARRIER"))
        over.set()
        module.until(1, "RTC off", "RTC on")
        module.say(1, b"RING")
        assert following.read(4) == b"RING"


def seen(watch: OpenWatch) -> set[str]:
    return {name for name, value in watch.look()._asdict().items() if value}


class TestOpenWatch:
    """Who comes and leaves between two looks."""

    @pytest.fixture
    def file(self, tmp_path: Path) -> str:
        (tmp_path / "file").touch()
        return str(tmp_path / "file")

    @pytest.fixture
    def watch(self, file: str) -> Iterator[OpenWatch]:
        watch = OpenWatch(file)
        yield watch
        watch.close()

    def test_who_comes_and_leaves_is_told_once(self, file: str, watch: OpenWatch) -> None:
        assert seen(watch) == set()
        with PathClient(file):
            assert seen(watch) == {"came"}
            assert seen(watch) == set()
        assert seen(watch) == {"emptied", "left"}
        assert seen(watch) == set()

    def test_who_comes_when_all_have_left_has_replaced_them(self, file: str, watch: OpenWatch) -> None:
        with PathClient(file):
            assert seen(watch) == {"came"}
        with PathClient(file):
            assert seen(watch) == {"came", "replaced"}

    def test_who_has_been_there_all_the_time_is_not_replaced(self, file: str, watch: OpenWatch) -> None:
        with PathClient(file):
            assert seen(watch) == {"came"}
            with PathClient(file):
                assert seen(watch) == {"came"}
            assert seen(watch) == {"left"}
            with PathClient(file):
                assert seen(watch) == {"came"}
