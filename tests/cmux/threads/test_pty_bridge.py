"""A pty for a channel: one thread carries both ways, and reads the line itself while nobody else does."""

from __future__ import annotations

import os
import select
import sys
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

if sys.platform == "win32":
    pytest.skip("ptys are POSIX only", allow_module_level=True)

from mux_leaks import nothing_left
from mux_module import Module
from mux_of_module import PATIENCE, module, mux

import cmux
from cmux.bridge import PtyBridge
from cmux.line.physical import DescriptorLine
from cmux.line.shared_read import SharedRead
from cmux.protocol import Config

pytestmark = pytest.mark.usefixtures("nothing_left")
__all__ = ["module", "mux", "nothing_left"]


@contextmanager
def bridged(mux: cmux.Mux, dlci: int = 1) -> Iterator[tuple[PtyBridge, int]]:
    """A bridge, and its pty as a client has it."""
    bridge = PtyBridge(mux.channel(dlci), None)
    bridge.start()
    try:
        client = os.open(bridge.path, os.O_RDWR | os.O_NOCTTY)
        try:
            tty.setraw(client)
            yield bridge, client
        finally:
            os.close(client)
    finally:
        bridge.close()


def got(client: int, size: int) -> bytes:
    """Read so many octets."""
    data = b""
    while len(data) < size:
        assert select.select([client], [], [], PATIENCE)[0], f"{len(data)} of {size}"
        data += os.read(client, size - len(data))
    return data


def test_one_thread_carries_a_keystroke_both_ways(mux: cmux.Mux, monkeypatch: pytest.MonkeyPatch) -> None:
    with bridged(mux) as (_, client):
        os.write(client, b"!")
        assert got(client, 1) == b"!"
        assert mux.test()
        engine = mux._engine
        with engine._lock:  # the bridge has said its signals, and the line has them
            assert engine.progress.wait_for(lambda: not engine.link.unwritten and engine._writer._who is None, PATIENCE)
        who: set[str] = set()
        for what, name in ((SharedRead, "read"), (DescriptorLine, "write_at_once"), (DescriptorLine, "write")):
            plain = getattr(what, name)

            def noted(one: Any, *arguments: Any, _plain: Any = plain) -> Any:
                who.add(threading.current_thread().name)
                return _plain(one, *arguments)

            monkeypatch.setattr(what, name, noted)
        for _ in range(20):
            os.write(client, b"x")
            assert got(client, 1) == b"x"
        names = {thread.name for thread in threading.enumerate() if thread.name.startswith("cmux carry")}
        assert who <= names | {f"cmux reader {mux.name}"}  # who reads while the bridge writes is not of its choosing
        assert who & names
        assert len(names) == 1


def test_both_ways_at_once_with_full_buffers() -> None:
    """The module sends everything back, and the client reads nothing until it has written all it can.

    The line is full in the middle of a frame, and who writes the rest may get no turn for a while on a busy computer:
    after T2 that frame would be given up.
    """
    data = bytes(range(256)) * 2000
    with (
        Module(config=Config(n1=31, t2=2.5)) as module,
        cmux.open(module.path, drain_timeout=0.0, settle=0.0, t2=2.5) as mux,
        bridged(mux, 1) as (_, one),
        bridged(mux, 2) as (_, two),
    ):
        clients = (one, two)
        writers = [threading.Thread(target=_write_all, args=(client, data)) for client in clients]
        for writer in writers:
            writer.start()
        assert [got(client, len(data)) for client in clients] == [data, data]
        for writer in writers:
            writer.join(PATIENCE)


def _write_all(client: int, data: bytes) -> None:
    while data:
        data = data[os.write(client, data) :]


def test_what_comes_while_another_bridge_reads_the_line_is_delivered(mux: cmux.Mux, module: Module) -> None:
    with bridged(mux, 1) as (_, one), bridged(mux, 2) as (_, two), bridged(mux, 3) as (_, three):
        for number in range(30):
            token = b"<%d>" % number
            for dlci in (3, 1, 2):
                module.run(lambda core, now, dlci=dlci, token=token: module.feed(dlci, token))
            for client in (two, three, one):
                assert got(client, len(token)) == token


def test_the_channel_stops_the_client_and_goes_on(mux: cmux.Mux, module: Module) -> None:
    with bridged(mux) as (bridge, client):
        module.run(lambda core, now: core.pause_reading(1, now))
        handle = bridge.uart._handle
        assert handle is not None
        assert handle.engine.wait(lambda core: bool(core.signals(1) and core.signals(1).fc), PATIENCE)
        data = bytes(range(256)) * 1000
        writer = threading.Thread(target=_write_all, args=(client, data))
        writer.start()
        while not handle.engine.wait(lambda core: core.unsent(1) > 0, 0.01):
            pass  # queueing tells nobody
        module.run(lambda core, now: core.resume_reading(1, now))
        assert got(client, len(data)) == data
        writer.join(PATIENCE)
