"""The line on a terminal that says what is being waited for, once that takes long."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator

import pytest
from forked_programs import Forked

from cmux.cli import progress
from cmux.cli.app import Commands, Subcommand
from cmux.cli.progress import LogBesideProgress, ProgressLine, ProgressNotes, in_sight
from cmux.cli.running import run_command
from cmux.pty import Pty

PATIENCE = 20.0
ERASED = "\r\x1b[K"


class Screen(io.StringIO):
    """A terminal of which every change can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = threading.Condition()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        with self._changed:
            self._changed.notify_all()
            return super().write(text)

    def wait_for(self, text: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: text in self.getvalue(), PATIENCE), self.getvalue()

    @property
    def last(self) -> str:
        """What stands on the line now."""
        return self.getvalue().rpartition(ERASED)[2]


class Never(ProgressLine):
    """A line whose time does not come."""

    def __init__(self, output: Screen) -> None:
        super().__init__(output, delay=PATIENCE * 10)


@pytest.fixture
def screen() -> Screen:
    return Screen()


def at_once(screen: Screen) -> ProgressLine:
    return ProgressLine(screen, delay=0.0)


def test_it_comes_when_something_takes_long_and_is_erased_at_the_end(screen: Screen) -> None:
    with at_once(screen).waiting("opening /dev/x"):
        screen.wait_for("opening /dev/x, 0 s")
    assert screen.last == ""


def test_it_does_not_come_for_what_is_done_in_time(screen: Screen) -> None:
    with Never(screen).waiting("opening /dev/x"):
        pass
    assert screen.getvalue() == ""


def test_nothing_is_shown_and_no_thread_runs_where_nobody_can_see_it() -> None:
    before = threading.active_count()
    with ProgressLine(None).waiting("opening /dev/x") as wait:
        wait.now("something else")
        assert threading.active_count() == before


def test_what_is_found_out_meanwhile_stands_behind_it(screen: Screen) -> None:
    line = at_once(screen)
    with line.waiting("opening /dev/x"):
        screen.wait_for("opening")
        line.note("AT: nothing at 115200 baud")
        line.show("opening /dev/x, 1 s")
        assert screen.last == "opening /dev/x, 1 s: AT: nothing at 115200 baud"


def test_the_subject_changes_and_the_seconds_begin_again(screen: Screen) -> None:
    times = iter(range(0, 1000, 10))
    line = ProgressLine(screen, delay=0.0, clock=lambda: float(next(times)))
    with line.waiting("one") as wait:
        screen.wait_for("one, 10 s")
        wait.now("two")
        screen.wait_for("two, 10 s")


def test_other_output_takes_its_place(screen: Screen) -> None:
    line = at_once(screen)
    with line.waiting("opening"):
        screen.wait_for("opening")
        with line.aside():
            screen.write("1 /dev/pts/3\n")
            assert screen.last == "1 /dev/pts/3\n"


def test_a_record_of_the_log_stands_above_it_and_one_that_is_not_shown_is_noted(screen: Screen) -> None:
    line = at_once(screen)
    shown = LogBesideProgress(screen, line)
    shown.setLevel(logging.WARNING)
    log = logging.Logger("x", logging.INFO)
    for handler in (shown, ProgressNotes(line)):
        log.addHandler(handler)
    with line.waiting("opening"):
        screen.wait_for("opening")
        log.warning("careful")
        screen.wait_for(f"{ERASED}careful\n")
        log.info("AT: OK")
        line.show("opening")
        assert screen.last == "opening: AT: OK"


def test_a_terminal_that_is_gone_ends_nothing(screen: Screen) -> None:
    line = at_once(screen)
    with line.waiting("opening"):
        screen.wait_for("opening")
        screen.close()


def test_it_keeps_to_the_width_of_the_terminal(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    at_once(screen).show("a line that is longer than the terminal is wide")
    assert screen.last == "a line that is long"


def test_each_item_of_an_iterator_is_waited_for(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_line", at_once(screen))

    def items() -> Iterator[int]:
        screen.wait_for("examining")
        yield 1
        screen.wait_for(f"{ERASED}examining, 0 s{ERASED}")
        yield 2

    assert [*in_sight(items(), "examining")] == [1, 2]
    assert screen.last == ""


@pytest.mark.parametrize(
    ("arguments", "terminal", "dumb", "active"),
    [([], True, False, True), (["-q"], True, False, False), ([], False, False, False), ([], True, True, False)],
)
def test_a_command_has_it_on_a_terminal_and_not_with_q(
    arguments: list[str], terminal: bool, dumb: bool, active: bool, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr", screen if terminal else io.StringIO())
    monkeypatch.setenv("TERM", "dumb" if dumb else "xterm")
    seen: list[bool] = []

    def look(_: object) -> int:
        seen.append(progress._line.active)
        return 0

    commands = Commands("x", "…")
    commands.add(Subcommand("look", "…", "", ""), look)
    assert run_command("x", commands.parser.parse_args(["look", *arguments]), ()) == 0
    assert seen == [active]
    assert not progress._line.active


def levels() -> list[int]:
    return [logging.getLogger(name).level for name in ("cmux", "drivers")]


def test_what_is_logged_for_it_is_not_shown(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    before = levels()

    def log(_: object) -> int:
        logging.getLogger("cmux.x").info("a step")
        logging.getLogger("cmux.x").warning("a warning")
        return 0

    commands = Commands("x", "…")
    commands.add(Subcommand("log", "…", "", ""), log)
    assert run_command("x", commands.parser.parse_args(["log"]), ()) == 0
    assert screen.getvalue() == "cmux.x: a warning\n"
    assert levels() == before


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")
def test_attach_shows_on_a_terminal_that_it_is_opening_a_line() -> None:
    with Pty() as silent:  # nobody answers there
        master, slave = os.openpty()
        command = [sys.executable, "-m", "cmux", "attach", silent.path]
        process = Forked(command, stdin=slave, stdout=slave, stderr=slave, env={**os.environ, "TERM": "xterm"})
        os.close(slave)
        seen = b""
        try:
            while b"opening" not in seen:
                assert select.select([master], [], [], PATIENCE)[0], seen
                seen += os.read(master, 4096)
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(OSError):  # it has ended
                while piece := os.read(master, 4096):
                    seen += piece
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
            process.wait()
            os.close(master)
    assert f"opening {silent.path}, 1 s".encode() in seen
    assert seen.endswith(ERASED.encode())
