"""Which files octets pass on their way: from the line to `read()`, and from `write()` to the system."""

import os
import sys
import threading
from pathlib import Path
from types import FrameType

import pytest

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from mux_module import Module

import cmux

PACKAGE = str(Path(cmux.__file__).parent) + os.sep
MARK = b"where does it go"
LOOKING = {"protocol/reset_watch.py", "protocol/standby.py", "logs.py"}
"""What is shown the octets, for a reset, for wake-up flags and for the log, and passes nothing on."""


def carries(value: object) -> bool:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return MARK in bytes(value)
    if isinstance(value, (list, tuple)):
        return any(carries(one) for one in value)
    return carries(getattr(value, "data", b"")) or carries(getattr(value, "info", b""))


class Passed:
    """Notes the files of the package in which a function gets or returns the marked octets, in order."""

    def __init__(self) -> None:
        self.files: list[str] = []

    def __call__(self, frame: FrameType, event: str, value: object) -> None:
        path = frame.f_code.co_filename
        if not path.startswith(PACKAGE) or event not in ("call", "return"):
            return
        # Not before: asked for in the last steps of a thread, current_thread() makes a dummy that stays.
        if threading.current_thread().name == "fake module":
            return
        seen = value if event == "return" else list(frame.f_locals.values())
        name = path.removeprefix(PACKAGE)
        if carries(seen) and name not in LOOKING and name not in self.files:
            self.files.append(name)


def passed(monkeypatch: pytest.MonkeyPatch, *, inwards: bool) -> list[str]:
    note = Passed()
    threading.setprofile(note)
    try:
        with Module(loopback=()) as module, cmux.open(module.path) as mux:
            port = mux.channel(1)
            port.timeout = 20
            if inwards:
                module.run(lambda core, now: core.send(1, MARK, now))
                sys.setprofile(note)
                assert port.read(len(MARK)) == MARK
            else:
                sys.setprofile(note)
                port.write(MARK)
                module.wait(lambda: module.data.get(1) == MARK)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return note.files


def test_from_the_line_to_read_octets_pass_eight_files_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    files = passed(monkeypatch, inwards=True)
    assert files[-1] == "threads/channel_stream.py"
    assert len(files) <= 8, " ".join(files)
    assert len({*files}) == len(files)


def test_from_write_to_the_system_no_file_stands_twice_in_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    stacks: list[list[str]] = []
    plain = os.write

    def write(fd: int, data: bytes) -> int:
        if MARK in bytes(data) and "cmux writer" in threading.current_thread().name:
            frame, files = sys._getframe(1), list[str]()
            while frame is not None:
                if frame.f_code.co_filename.startswith(PACKAGE):
                    files.append(frame.f_code.co_filename.removeprefix(PACKAGE))
                frame = frame.f_back  # type: ignore[assignment]
            stacks.append(files)
        return plain(fd, data)

    monkeypatch.setattr(os, "write", write)
    passed(monkeypatch, inwards=False)
    assert stacks
    for files in stacks:
        assert len({*files}) == len(files), files
