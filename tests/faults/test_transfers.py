"""Transfers under misfortunes in short, and that what must not happen is noticed; `make soak` runs them long."""

from __future__ import annotations

import itertools
import sys

import pytest
from driver_lab import BG96, M10
from mux_leaks import nothing_left as nothing_left
from transfer_load import Stage, Tally
from transfer_scenes import Scene
from transfers import play

from drivers.emulator import EmulatedModule, Uart
from drivers.errors import ContextLost, DriverError, ModuleRestarted, SessionReset, SessionTimeout

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the lines are ptys"),
    pytest.mark.timeout(200),
]

ALL_TOLD = Scene(BG96, ("socket_urcs=all",), "mixed", "basic", 2, False, "both")
SCENES = (ALL_TOLD, Scene(M10, (), "buffered", "advanced", 1, False, "pdp_deact"))
QUIET = Scene(BG96, (), "pushed", "bare", 1, False, "")


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.kind.model)
def test_what_comes_is_what_was_sent_and_what_is_missing_is_told(scene: Scene) -> None:
    tally = Tally()
    play(scene, "short", 1.0, tally)
    assert tally.wrong == []
    assert any(what.endswith("whole") for what in tally.done), tally.done


class Losing(Uart):
    """Loses an octet of data now and then."""

    calls = itertools.count(1)

    def payload(self, data: bytes) -> None:
        super().payload(data[1:] if len(data) > 1 and next(self.calls) % 5 == 0 else data)


class Wrong(EmulatedModule):
    """A module with a defect."""

    uart_class = Losing


def test_a_module_that_loses_an_octet_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transfer_load.PATIENCE", 1.0)
    tally = Tally()
    play(QUIET, "short", 10.0, tally, Wrong)
    assert tally.wrong


RESET = SessionReset("V1: the session has ended")


@pytest.mark.parametrize(
    ("scene", "got", "end", "resets", "wrong"),
    [
        (QUIET, b"abcdef", None, 0, False),
        (QUIET, b"abc", None, 0, True),
        (QUIET, b"abcdef", RESET, 0, True),
        (ALL_TOLD, b"abcdef", RESET, 0, False),
        (ALL_TOLD, b"abc", RESET, 0, False),
        (ALL_TOLD, b"", ContextLost(1, "why", port="V1"), 0, False),
        (ALL_TOLD, b"abc", None, 0, True),
        (ALL_TOLD, b"abc", None, -1, False),
        (ALL_TOLD, b"abc", None, None, False),
        (ALL_TOLD, b"abd", RESET, -1, True),
        (ALL_TOLD, b"abcdefg", None, 0, True),
        (ALL_TOLD, b"abc", SessionTimeout("V1"), 0, True),
        (ALL_TOLD, b"abc", ModuleRestarted("V1", command="AT", line="RDY"), 0, True),
    ],
)
def test_the_judgement(scene: Scene, got: bytes, end: DriverError | None, resets: int | None, wrong: bool) -> None:
    """A connection was reset after the transfer began where `resets` is less than it is now."""
    stage = Stage(scene, Tally())
    stage.judge("a transfer", b"abcdef", got, end, resets)
    assert bool(stage.tally.wrong) == wrong
