"""The fault campaign in short: every fault in both shells and with both options, with fixed seeds.

`make soak` runs all cells, and long.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import fault_rig
import pytest
from damage import Edit
from fault_cells import Outcome
from fault_table import FAULTS
from mux_leaks import nothing_left as nothing_left
from shells import SHELLS, Shell
from soak import CELLS, run
from uncounted import uncounted
from wire_oracle import judge

from cmux import reconnector
from cmux.protocol import Frame, FrameType, Option, encode, reset_watch
from cmux.protocol.dlc import Dlc
from cmux.protocol.frame_dispatcher import FrameDispatcher
from cmux.threads.virtual_uart import VirtualUart

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the lines of the campaign are ptys"),
    pytest.mark.timeout(300),
]


@pytest.fixture(autouse=True)
def soon_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that died is opened again at once, and a module that was reset not waited for as long as it should be."""
    monkeypatch.setattr(reconnector, "FIRST_DELAY", 0.02)
    monkeypatch.setattr(reset_watch, "DOUBT", 0.2)


@pytest.fixture
def shell(request: pytest.FixtureRequest) -> Iterator[Shell]:
    """A shell, by its name."""
    made = SHELLS[request.param]()
    yield made
    made.close()


def short(cell: tuple[str, str, str], folder: Path, shell: Shell) -> Outcome:
    """Run a cell in short: until eight faults, or 6,000 octets in one direction, however long the computer takes."""
    return run(cell, folder, "short", shell, times=8, octets=6000, seconds=fault_rig.PATIENCE, pause=0.002)


HERE = [("basic", "threads"), ("advanced", "aio")]
"""What each fault meets here; the other two pairs of option and shell it meets in `make soak`."""


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_costs_no_more_than_the_page_on_reliability_says(fault: str, tmp_path: Path) -> None:
    cells = [cell for cell in CELLS if cell[2] == fault and cell[:2] in HERE]
    assert cells
    for cell in cells:
        shell = SHELLS[cell[1]]()
        outcome = short(cell, tmp_path, shell)
        shell.close()
        assert not outcome.wrong, f"{'/'.join(cell)}: " + "\n".join(outcome.wrong)
        assert outcome.undocumented == 0
        assert outcome.times > 0, cell
        assert outcome.octets > 10_000, (
            cell
        )  # what is to cross, in both directions, and on the same line without faults


ALONE = """
import logging, sys
from pathlib import Path
from left_over import census
from shells import SHELLS
from soak import run

logging.disable()
shell, folder = SHELLS[sys.argv[1]](), Path(sys.argv[2])

def play(times):
    for fault in ["cld", "noise"] * times:
        cell = ("advanced", shell.name, fault)
        outcome = run(cell, folder, "short", shell, times=8, octets=6000, seconds=60, pause=0.002)
        assert not outcome.wrong, outcome.wrong

try:
    play(1)
    before = census()
    play(2)
    print(*census().grown(before))
finally:
    shell.close()
"""


@pytest.mark.parametrize("shell", SHELLS)
def test_no_memory_is_left_of_a_session(shell: str, tmp_path: Path) -> None:
    """In a program of its own: pytest keeps what is logged, and coverage each branch that is new."""
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", ALONE, shell, str(tmp_path)],
        env={**uncounted(), "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == ("\n", "")


# --- The campaign notices what is wrong -------------------------------------------------------------------------------


PLANTED: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "lost": lambda run: run[1:],
    "doubled": lambda run: [run[0], *run],
    "reordered": lambda run: run[::-1] if len(run) > 1 else [run[0][::-1]],
}


@pytest.mark.pure("it changes a method of the core")
@pytest.mark.parametrize("shell", SHELLS, indirect=True)
@pytest.mark.parametrize("kind", PLANTED)
def test_octets_that_are_delivered_otherwise_are_noticed(
    kind: str, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver, calls = FrameDispatcher._deliver_run, itertools.count(1)

    def changed(self: FrameDispatcher, dlc: Dlc, run: list[bytes]) -> None:
        deliver(self, dlc, PLANTED[kind](run) if dlc.dlci == 3 and next(calls) % 5 == 0 else run)

    monkeypatch.setattr(FrameDispatcher, "_deliver_run", changed)
    monkeypatch.setattr(fault_rig, "PATIENCE", 1.0)
    outcome = short(("basic", shell.name, "none"), tmp_path, shell)
    assert outcome.count(kind), outcome.wrong


@pytest.mark.parametrize("shell", ["threads"], indirect=True)
def test_exceptions_of_another_tree_are_noticed(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = VirtualUart.read

    def broken(self: VirtualUart, size: int = 1) -> bytes:
        octets = read(self, size)
        if self.dlci == 3 and len(octets) > 1:
            raise KeyError("no such octet")
        return octets

    monkeypatch.setattr(VirtualUart, "read", broken)
    monkeypatch.setattr(fault_rig, "PATIENCE", 1.0)
    outcome = short(("advanced", "threads", "none"), tmp_path, shell)
    assert outcome.undocumented
    assert any("KeyError" in text for text in outcome.wrong)


@pytest.mark.parametrize("shell", ["threads"], indirect=True)
def test_calls_that_do_not_return_are_noticed(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, go_on = VirtualUart.read, threading.Event()

    def hangs(self: VirtualUart, size: int = 1) -> bytes:
        octets = read(self, size)
        if self.dlci == 4 and len(octets) > 1:
            go_on.wait(60)
        return octets

    monkeypatch.setattr(VirtualUart, "read", hangs)
    monkeypatch.setattr(fault_rig, "PATIENCE", 1.0)
    outcome = short(("advanced", "threads", "none"), tmp_path, shell)
    go_on.set()
    assert any("channel 4" in text and "not returned" in text for text in outcome.wrong)


def test_a_frame_that_nobody_touched_and_that_is_not_there_is_noticed() -> None:
    frames = [encode(Frame(3, False, FrameType.UIH, False, bytes([number]) * 9)) for number in range(3)]
    sent = b"".join(frames)
    touched = Edit(len(frames[0]) + 5, 1, b"?")
    arrived = sent[: touched.at] + b"?" + sent[touched.at + 1 :]
    verdict = judge(sent, arrived, [touched], Option.BASIC, 100)
    assert (verdict.sent, verdict.damaged, verdict.passed, verdict.missing) == (3, 1, 1, [])  # the FCS ends before it
    assert judge(sent, arrived[: -len(frames[2])], [touched], Option.BASIC, 100).missing == [2 * len(frames[0])]


def test_every_fault_has_a_sentence_and_a_shell() -> None:
    assert all(fault.what and set(fault.shells) <= set(SHELLS) for fault in FAULTS.values())
