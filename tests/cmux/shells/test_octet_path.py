"""Which files octets pass on their way: from the line to whoever reads, and from `write()` to the system.

Every file in which a function gets the octets, or returns them, is noted. One *passes them on* if it returns them, or
calls another file with them: the octets would not arrive without it. Whatever else gets them only looks at them: those
files are named below, each with its reason, and one that is not named fails.
"""

import asyncio
import os
import sys
import threading
from collections import deque
from pathlib import Path
from types import FrameType

import pytest

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from mux_module import Module

import cmux
import cmux.aio

pytestmark = pytest.mark.pure("it follows octets from call to call, and compiled code tells of none")

PACKAGE = str(Path(cmux.__file__).parent) + os.sep
MARK = b"where does it go"
LOOKING = {
    "protocol/reset_watch.py": "is this the text of a module that has restarted? only then are octets held back there",
    "logs.py": "the event is logged at DEBUG, if anybody wants that",
}
"""The files that octets come by on their way in and that pass nothing on, and what they look for."""
LOOKING_OUTWARDS = {"protocol/headers.py": "how long is it? the header that comes back has no octet of it"}
"""The same on the way out."""

CORE = ["protocol/link.py", "protocol/multiplexer.py", "protocol/frame_dispatcher.py", "protocol/frames.py"]
WAYS = {
    "threads": [
        "line/shared_read.py",
        "threads/engine.py",
        *CORE,
        "threads/receive_buffer.py",
        "threads/channel_stream.py",
    ],
    "aio": [
        "aio/fd_transport.py",
        "aio/protocol.py",
        *CORE,
        "aio/mux.py",
        "aio/channels.py",
        "aio/channel_transport.py",
    ],
}
"""What passes them on, in order: eight files to `read()`, nine to the protocol of a channel in asyncio."""


def carries(value: object) -> bool:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return MARK in bytes(value)
    if isinstance(value, (list, tuple, deque)):
        return any(carries(one) for one in value)
    return carries(getattr(value, "data", b"")) or carries(getattr(value, "info", b""))


class Note:
    """Notes the files of the package that the marked octets come to, and those that pass them on, in order."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self.giving: list[str] = []

    def __call__(self, frame: FrameType, event: str, value: object) -> None:
        name = self._name(frame)
        if name is None or event not in ("call", "return"):
            return
        # Not before: asked for in the last steps of a thread, current_thread() makes a dummy that stays.
        if threading.current_thread().name == "fake module":
            return
        values = list(frame.f_locals.values())
        if event == "return":  # what it returns, or has put where the caller takes it from
            values = [value, *(one for one in values if isinstance(one, (list, deque)))]
        if not carries(values):
            return
        giver, caller = name, frame.f_back
        if event == "call":  # a caller that has them itself gives them; one that runs a closure does not
            giver = self._name(caller) if caller is not None and carries(list(caller.f_locals.values())) else None
        if giver is not None and (event == "return" or giver != name) and giver not in self.giving:
            self.giving.append(giver)
        if name not in self.reached:
            self.reached.append(name)

    @staticmethod
    def _name(frame: FrameType | None) -> str | None:
        path = "" if frame is None else frame.f_code.co_filename
        return path.removeprefix(PACKAGE) if path.startswith(PACKAGE) else None

    def passing(self) -> list[str]:
        """What passes them on: the last file that they reach does so to the user, or to the system."""
        return [*self.giving, *(name for name in self.reached[-1:] if name not in self.giving)]

    def looking(self) -> set[str]:
        """What only looks at them."""
        return {*self.reached} - {*self.passing()}


def followed(*, inwards: bool) -> Note:
    """Follow octets on threads."""
    note = Note()
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
    return note


async def followed_in_asyncio() -> Note:
    """Follow octets to the stream of a channel."""
    note = Note()
    with Module(loopback=()) as module:
        async with await cmux.aio.open(module.path) as mux, asyncio.timeout(20):
            reader, _ = await mux.channel(1)
            module.run(lambda core, now: core.send(1, MARK, now))
            sys.setprofile(note)
            try:
                assert await reader.readexactly(len(MARK)) == MARK
            finally:
                sys.setprofile(None)
    return note


@pytest.mark.parametrize("shell", WAYS)
def test_from_the_line_to_who_reads_these_files_pass_octets_on_and_no_other_gets_them(shell: str) -> None:
    note = followed(inwards=True) if shell == "threads" else asyncio.run(followed_in_asyncio())
    assert note.passing() == WAYS[shell]
    assert note.looking() == {*LOOKING}


def test_on_the_way_out_one_file_only_looks_at_them_and_that_once_for_each_header() -> None:
    assert followed(inwards=False).looking() <= {*LOOKING_OUTWARDS}
    assert followed(inwards=False).looking() == set()


def test_eight_files_at_most_pass_octets_on_from_the_line_to_read() -> None:
    assert len(WAYS["threads"]) <= 8


def test_from_write_to_the_system_no_file_stands_twice_in_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    stacks: list[list[str]] = []
    plain = os.write

    def write(fd: int, data: bytes) -> int:
        here = threading.current_thread()
        if MARK in bytes(data) and (here is threading.main_thread() or "cmux writer" in here.name):
            frame, files = sys._getframe(1), list[str]()
            while frame is not None:
                if frame.f_code.co_filename.startswith(PACKAGE):
                    files.append(frame.f_code.co_filename.removeprefix(PACKAGE))
                frame = frame.f_back  # type: ignore[assignment]
            stacks.append(files)
        return plain(fd, data)

    monkeypatch.setattr(os, "write", write)
    followed(inwards=False)
    assert stacks
    for files in stacks:
        assert len({*files}) == len(files), files
