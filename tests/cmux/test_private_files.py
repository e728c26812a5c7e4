"""Captures have all that passes on a line, passwords too: they are their owner's, and no link leads them elsewhere."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from cmux.capture import Capture
from cmux.private_files import create
from cmux.protocol import Config
from drivers.clock import SystemClock
from drivers.emulator.line.tap import Tap

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("name", ["x.pcapng", "x.jsonl", "x.log"])
def test_a_capture_is_its_owners_alone(tmp_path: Path, name: str) -> None:
    Capture(tmp_path / name, Config()).close()
    assert mode(tmp_path / name) == 0o600


def test_a_capture_of_the_emulated_module_is_its_owners_alone(tmp_path: Path) -> None:
    Tap(tmp_path / "x.pcapng", SystemClock()).close()
    assert mode(tmp_path / "x.pcapng") == 0o600


def test_a_file_that_all_could_read_becomes_its_owners_alone(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text("before")
    (tmp_path / "x.log").chmod(0o644)
    Capture(tmp_path / "x.log", Config()).close()
    assert mode(tmp_path / "x.log") == 0o600
    assert "before" not in (tmp_path / "x.log").read_text()


@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_not_followed(tmp_path: Path, there: bool) -> None:
    victim = tmp_path / "victim"
    if there:
        victim.write_text("precious")
    (tmp_path / "x.log").symlink_to(victim)
    with pytest.raises(OSError, match="it is a symbolic link, which may lead anywhere"):
        Capture(tmp_path / "x.log", Config())
    assert victim.exists() == there
    assert not there or victim.read_text() == "precious"


def test_a_pipe_can_be_written_to_and_keeps_its_rights(tmp_path: Path) -> None:
    """Wireshark reads a capture that is still going on from one."""
    os.mkfifo(tmp_path / "pipe", 0o640)
    (tmp_path / "pipe").chmod(0o640)
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with create(tmp_path / "pipe") as file:
            file.write(b"x")
            assert os.read(reader, 10) == b"x"
    finally:
        os.close(reader)
    assert mode(tmp_path / "pipe") == 0o640
