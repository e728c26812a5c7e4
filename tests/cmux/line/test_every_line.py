"""What every kind of line does, whatever carries its octets: one set of checks over the rows of `LINES`."""

from __future__ import annotations

import inspect
import os
import pkgutil
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("the far ends of these tests are ptys", allow_module_level=True)

from mux_leaks import nothing_left
from rfc2217_server import Rfc2217Server

from cmux import urlhandler
from cmux.line import physical
from cmux.line.base import HungUp, Line
from cmux.line.physical import open_line
from cmux.pty import Pty

pytestmark = [
    pytest.mark.usefixtures("nothing_left"),
    pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning"),  # pyserial 3.5 uses it
]
__all__ = ["nothing_left"]

ROOT = Path(__file__).parents[3]
PATIENCE = 20
OCTETS = bytes(range(256))


@dataclass(frozen=True)
class Opened:
    """A line, and the descriptor at its far end."""

    line: Line
    far: int
    hang_up: Callable[[], object]


class Bare:
    """The least that a port may be: `read`, `write` and `close`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        connection.setblocking(False)

    def read(self, size: int, /) -> bytes | None:
        try:
            data = self._connection.recv(size)
        except BlockingIOError:
            return None
        if not data:
            raise OSError("the other end is closed")
        return data

    def write(self, data: bytes, /) -> int | None:
        return self._connection.send(data)

    def close(self) -> None:
        self._connection.close()


def _path(stack: ExitStack) -> Opened:
    pty = stack.enter_context(Pty())
    return Opened(open_line(pty.path, 115200), pty.master, pty.close)


def _socket(stack: ExitStack) -> Opened:
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = open_line(f"socket://127.0.0.1:{server.getsockname()[1]}", 115200)
        far = stack.enter_context(server.accept()[0])
    return Opened(line, far.fileno(), far.close)


def _rfc2217(stack: ExitStack) -> Opened:
    pty = stack.enter_context(Pty())
    served = stack.enter_context(ExitStack())
    server = served.enter_context(Rfc2217Server(pty.path))
    return Opened(open_line(server.url, 115200), pty.master, served.close)


def _object(stack: ExitStack) -> Opened:
    near, far = socket.socketpair()
    stack.enter_context(far)
    return Opened(open_line(Bare(near), 115200), far.fileno(), far.close)


LINES: dict[str, Callable[[ExitStack], Opened]] = {
    "path": _path,
    "socket": _socket,
    "rfc2217": _rfc2217,
    "object": _object,
}


@pytest.fixture(params=LINES)
def opened(request: pytest.FixtureRequest) -> Iterator[Opened]:
    with ExitStack() as stack:
        made = LINES[request.param](stack)
        stack.callback(made.line.close)
        os.set_blocking(made.far, True)
        yield made


def exactly(read: Callable[[int], bytes], size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += read(size - len(data))
    return data


def test_octets_pass_both_ways(opened: Opened) -> None:
    left = OCTETS
    while left:
        left = left[opened.line.write(left, PATIENCE) :]
    assert exactly(lambda size: os.read(opened.far, size), len(OCTETS)) == OCTETS
    os.write(opened.far, OCTETS)
    assert exactly(lambda size: opened.line.read(PATIENCE), len(OCTETS)) == OCTETS


def test_a_read_that_waits_is_ended_by_cancel_and_so_is_the_next_one_until_rearmed(opened: Opened) -> None:
    answers: list[bytes] = []
    reader = threading.Thread(target=lambda: answers.append(opened.line.read(None)))
    reader.start()
    opened.line.cancel()
    reader.join(PATIENCE)
    assert answers == [b""]
    assert opened.line.read(None) == b""
    opened.line.rearm()
    os.write(opened.far, b"x")
    assert opened.line.read(PATIENCE) == b"x"


def test_a_far_end_that_goes_away_is_a_hang_up(opened: Opened) -> None:
    opened.hang_up()
    with pytest.raises(HungUp, match="hung up"):
        opened.line.read(PATIENCE)


def test_it_can_be_closed_twice(opened: Opened) -> None:
    opened.line.close()
    opened.line.close()


@pytest.mark.parametrize("name", sorted({one.name for one in pkgutil.iter_modules(urlhandler.__path__)}))
def test_a_page_has_every_scheme_that_comes_with_the_package(name: str) -> None:
    scheme = name.removeprefix("protocol_")
    pages = [(ROOT / "docs" / page).read_text(encoding="utf-8") for page in ("command-line.md", "ports.md")]
    assert any(f"{scheme}://" in page for page in pages), f"missing: docs/command-line.md does not have {scheme}://"


def _classes(of: type[Line]) -> Iterator[type[Line]]:
    for derived in of.__subclasses__():
        yield from _classes(derived)
        if not inspect.isabstract(derived) and derived.__module__.startswith("cmux."):
            yield derived


CHANNELS = {"cmux.urlhandler.protocol_cmux"}
"""Schemes that carry a line inside another one."""


def test_every_kind_of_line_has_its_row() -> None:
    """Where a new class, a scheme of ours, or a module of pyserial's with a treatment of its own is forgotten here."""
    lines, modules = set[type[Line]](), set[str]()
    with ExitStack() as stack:
        for make in LINES.values():
            line = make(stack).line
            stack.callback(line.close)
            lines.add(type(line))
            modules.add(type(getattr(line, "_port", None)).__module__)
    special = physical._DESCRIPTOR_MODULES | physical._REMOTE_MODULES
    special |= {f"cmux.urlhandler.{one.name}" for one in pkgutil.iter_modules(urlhandler.__path__)} - CHANNELS
    assert set(_classes(Line)) - lines == set(), "LINES in tests/cmux/line/test_every_line.py has no row for these"
    assert special - modules == set(), "LINES in tests/cmux/line/test_every_line.py has no row for ports of these"
