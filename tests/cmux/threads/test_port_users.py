"""Programs and libraries that know serial ports, on a channel."""

import asyncio
import io
import select
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import serial
import serial_asyncio_fast
from serial.tools import miniterm

if sys.platform == "win32":
    pytest.skip("the module of these tests runs on a pty", allow_module_level=True)

from mux_leaks import nothing_left
from mux_module import Module

import cmux

pytestmark = pytest.mark.usefixtures("nothing_left")
__all__ = ["nothing_left"]


@pytest.fixture
def module(nothing_left: None) -> Iterator[Module]:
    with Module() as module:
        yield module


@pytest.fixture
def url(module: Module) -> str:
    return f"cmux://{module.path}?dlci=1"


async def test_serial_asyncio_fast_streams_work(url: str) -> None:
    reader, writer = await serial_asyncio_fast.open_serial_connection(url=url)
    sent = bytes(range(256)) * 400
    writer.write(sent)
    assert await asyncio.wait_for(reader.readexactly(len(sent)), 30) == sent
    writer.close()
    await writer.wait_closed()


class Console:
    """What miniterm takes for the terminal."""

    def __init__(self, *_: object) -> None:
        self.keys: list[str] = list("hello")
        self.shown = ""
        self.changed = threading.Condition()
        self.finished = False

    def getkey(self) -> str:
        with self.changed:
            if self.keys:
                return self.keys.pop(0)
            self.changed.wait_for(lambda: self.shown == "hello" or self.finished, 20)
            return "\x1d"  # Ctrl-]

    def write(self, text: str) -> None:
        with self.changed:
            self.shown += text
            self.changed.notify_all()

    def cancel(self) -> None:
        with self.changed:
            self.finished = True
            self.changed.notify_all()

    def setup(self) -> None: ...
    def cleanup(self) -> None: ...


def test_pyserials_miniterm_works(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(miniterm, "Console", Console)
    with serial.serial_for_url(url) as port:
        terminal: Any = miniterm.Miniterm(port, filters=["default"])
        terminal.exit_character = "\x1d"
        terminal.menu_character = "\x14"
        terminal.set_rx_encoding("utf-8")
        terminal.set_tx_encoding("utf-8")
        terminal.start()
        terminal.join(True)
        terminal.join()
        terminal.close()
        assert terminal.console.shown == "hello"


def test_a_text_wrapper_reads_and_writes_lines(url: str) -> None:
    with serial.serial_for_url(url, timeout=0.2) as port:
        text = io.TextIOWrapper(io.BufferedRWPair(port, port, 1), newline="\r\n")  # type: ignore[type-var]
        for line in ("one", "two"):
            text.write(f"{line}\n")
            text.flush()
            assert text.readline() == f"{line}\r\n"
        text.detach()


def stop_it(module: Module, port: cmux.VirtualUart) -> None:
    """Let the peer take no more data, and wait until the host knows."""
    module.run(lambda core, now: core.pause_reading(1, now))
    assert port._handle is not None
    assert port._handle.engine.wait(lambda core: bool(core.signals(1) and core.signals(1).fc), 20)


def test_select_finds_it_writable_only_while_it_takes_octets(url: str, module: Module) -> None:
    module.habits.loopback = ()
    with serial.serial_for_url(url, write_timeout=0) as port:
        fd = port.fileno()
        assert select.select([], [fd], [], 0)[1] == [fd]
        stop_it(module, port)
        while select.select([], [fd], [], 0)[1]:
            port.write(bytes(4096))
        assert port.write(b"x") == 0
        module.run(lambda core, now: core.resume_reading(1, now))
        assert select.select([], [fd], [], 20)[1] == [fd]
        assert port.write(b"x") == 1


def test_select_lets_a_stopped_writer_see_that_the_line_died(url: str, module: Module) -> None:
    module.habits.loopback = ()
    with serial.serial_for_url(url, write_timeout=0) as port:
        fd = port.fileno()
        stop_it(module, port)
        while select.select([], [fd], [], 0)[1]:
            port.write(bytes(4096))
        module.stop()
        assert select.select([], [fd], [], 20)[1] == [fd]
        with pytest.raises(cmux.SessionEnded):
            port.write(b"x")
