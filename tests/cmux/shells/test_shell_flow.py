"""Flow in both shells: who reads nothing stops its peer and nobody else, pacing, a line that takes nothing."""

from __future__ import annotations

import os
import threading

import pytest
import serial
from mux_module import Module
from shells import PATIENCE, Shell

import cmux
from cmux.protocol import Frame, FrameType, Multiplexer, bounds, encode, link
from cmux.protocol.commands import Signals
from cmux.protocol.events import Cause, DataReceived, Outcome, SignalsChanged
from cmux.protocol.link import Link
from cmux.protocol.pacing import Pacer


def stopped(module: Module) -> bool:
    return any(isinstance(event, SignalsChanged) and event.signals.fc for event in module.events)


# --- Who reads nothing, and who takes nothing ---


def test_what_nobody_reads_stops_the_peer_and_goes_on_when_it_is_read(shell: Shell) -> None:
    with Module() as module, shell.open(module.path) as mux:
        channel = mux.channel(1)
        sent = bytes(range(256)) * 2000
        module.run(lambda core, now: module.feed(1, sent))
        module.wait(lambda: stopped(module))
        assert channel.waiting() < len(sent)
        assert channel.read(len(sent)) == sent
        assert mux.stats()["received_discarded"] == 0


def test_a_channel_that_nobody_reads_stalls_no_other(shell: Shell) -> None:
    with Module() as module, shell.open(module.path) as mux:
        lazy, busy = mux.channel(1), mux.channel(2)
        writing = shell.start(lazy.write, bytes(200_000))
        for _ in range(20):
            assert busy.echoes(b"ping")
        assert len(lazy.read(200_000)) == 200_000
        writing.result(PATIENCE)
        assert mux.stats()["received_discarded"] == 0


def test_new_signals_do_not_let_a_stopped_peer_go(shell: Shell) -> None:
    with Module() as module, shell.open(module.path) as mux:
        channel = mux.channel(1)
        sent = bytes(200_000)
        module.run(lambda core, now: module.feed(1, sent))
        module.wait(lambda: module.signals.get(1) == Signals(fc=True))
        channel.set_signals(rtc=False)
        module.wait(lambda: module.signals.get(1) == Signals(fc=True, rtc=False))
        assert channel.read(len(sent)) == sent
        module.wait(lambda: module.signals.get(1) == Signals(rtc=False))


def test_a_write_waits_while_the_peer_takes_nothing_and_then_goes_on(shell: Shell) -> None:
    with Module(loopback=()) as module, shell.open(module.path, drain_timeout=0.05) as mux:
        channel = mux.channel(1)
        module.run(lambda core, now: core.pause_reading(1, now))
        mux.until(lambda core: core.signals(1) == Signals(fc=True))
        sent = bytes(range(256)) * 400
        writing = shell.start(channel.write, sent)
        mux.until(lambda core: core.unsent(1) > 0)
        assert mux.test() is Outcome.ANSWERED  # the line is free
        assert 1 not in module.data
        assert not writing.done()
        module.run(lambda core, now: core.resume_reading(1, now))
        writing.result(PATIENCE)
        module.wait(lambda: module.data.get(1) == sent)


def test_what_comes_before_anybody_asks_is_kept_and_then_the_peer_is_stopped(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "RECEIVE_HIGH", 100)
    sent = bytes(range(256)) * 100
    with Module(loopback=()) as module, shell.open(module.path) as mux:
        module.run(lambda core, now: core.open(1, now))
        module.wait(lambda: module.opened(1))
        module.run(lambda core, now: module.feed(1, sent))
        module.wait(lambda: stopped(module))
        module.run(lambda core, now: module.feed(1, sent))  # which waits there
        assert mux.channel(1).read(2 * len(sent)) == sent * 2
        assert mux.stats()["received_discarded"] == 0


@pytest.mark.parametrize("taken", [False, True], ids=["not taken", "taken"])
def test_of_a_peer_that_does_not_stop_as_much_is_kept_in_either_shell_and_the_rest_is_counted(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    frames = encode(Frame(2, False, FrameType.UIH, False, bytes(1000))) * 300

    def ignore_fc(core: Multiplexer, now: float) -> None:
        module._emit(frames)

    with Module() as module, shell.open(module.path) as mux:
        module.run(lambda core, now: core.open(2, now))
        mux.until(lambda core: core.is_open(2))
        channel = mux.channel(2) if taken else None
        module.run(ignore_fc)
        mux.until(lambda core: core.stats()["dlcs"][2]["octets_received"] == 300_000)
        mux.dispatched()
        assert mux.stats()["received_discarded"] == 0
        monkeypatch.setattr(bounds, "RECEIVE_LIMIT", 400_000)
        module.run(ignore_fc)
        mux.until(lambda core: core.stats()["dlcs"][2]["octets_received"] == 600_000)
        mux.dispatched()
        if channel is None:
            channel = mux.channel(2)
        kept = 600_000 - mux.stats()["received_discarded"]
        assert len(channel.read(kept)) == kept
        # What a StreamReader takes before it says stop, and what one read of the line brings then.
        beyond = 2**17 + 2**16 if taken and shell.name == "aio" else 0
        assert 400_000 <= kept <= 400_000 + beyond


# --- Pacing, and a line that takes nothing ---


def test_a_paced_line_carries_every_octet(shell: Shell) -> None:
    with Module() as module, shell.open(module.path, line_rate=2_000_000) as mux:
        assert mux.channel(1).echoes(os.urandom(20_000))


def test_a_keystroke_does_not_queue_behind_a_file_on_a_paced_line(shell: Shell) -> None:
    with Module(loopback=()) as module, shell.open(module.path, line_rate=19200, drain_timeout=0.0) as mux:
        file, keys = mux.channel(1), mux.channel(2)
        writing = shell.start(file.write, bytes(16000))
        mux.until(lambda core: core.unsent(1) > 0)
        keys.write(b"k")
        module.wait(lambda: module.data.get(2) == b"k")
        assert len(module.data.get(1, b"")) < 8000
    writing.exception(PATIENCE)  # what had no time to leave was discarded


def test_nothing_is_written_before_the_line_can_have_sent_what_is_ahead(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When that is, is shown in test_pacing; that it is heeded, here."""
    full = threading.Event()

    class Full(Pacer):
        def next_at(self, now: float) -> float | None:
            return now + 3600 if full.is_set() else None

    monkeypatch.setattr(link, "Pacer", Full)
    with Module() as module, shell.open(module.path, drain_timeout=0.0) as mux:
        channel = mux.channel(1)
        assert mux.test() is Outcome.ANSWERED  # what was said at the start has left
        full.set()
        channel.write(b"later")
        mux.until(lambda core: core.unsent(1) == 5 and mux.link.unwritten == 0)
        full.clear()
        channel.write(b"!")  # and it is looked at again
        assert channel.read(6) == b"later!"
        assert module.data[1] == b"later!"


def test_the_multiplexer_holds_what_the_line_does_not_take_so_that_channels_take_turns(shell: Shell) -> None:
    reads_nothing, goes_on = threading.Event(), threading.Event()
    with Module(loopback=()) as module, shell.open(module.path) as mux:
        file, keys = mux.channel(1), mux.channel(2)
        module.run(lambda core, now: (reads_nothing.set(), goes_on.wait(PATIENCE)))
        assert reads_nothing.wait(PATIENCE)
        writing = shell.start(file.write, bytes(200_000))  # more than the pty holds
        mux.until(lambda core: core.unsent(1) > 0)
        keys.write(b"k")
        goes_on.set()
        module.wait(lambda: module.data.get(2) == b"k" and len(module.data.get(1, b"")) == 200_000)
        writing.result(PATIENCE)
        order = [event for event in module.events if isinstance(event, DataReceived)]
        before = order[: next(at for at, event in enumerate(order) if event.dlci == 2)]
        assert sum(len(event.data) for event in before) < 100_000


class Held(serial.Serial):
    """A line without a descriptor to wait for, which takes nothing while it is held, and keeps what it took."""

    fileno = None

    def __init__(self, path: str) -> None:
        super().__init__(path, timeout=0.01)
        self.free, self.refused = threading.Event(), threading.Event()
        self.free.set()
        self.taken = bytearray()

    def write(self, data: bytes, /) -> int | None:
        if not self.free.wait(0.01):
            self.refused.set()
            return 0
        self.taken += data
        return super().write(data)


def test_as_little_is_ahead_of_a_keystroke_on_a_line_without_a_descriptor(shell: Shell) -> None:
    with Module(loopback=()) as module:
        port = Held(module.path)
        with shell.open(port) as mux:
            file, keys = mux.channel(1), mux.channel(2)
            assert mux.test() is Outcome.ANSWERED  # what was said at the start has left
            port.free.clear()
            port.taken.clear()
            writing = shell.start(file.write, bytes(200_000))
            assert port.refused.wait(PATIENCE)
            keys.write(b"KEY")
            port.free.set()
            module.wait(lambda: module.data.get(2) == b"KEY")
            assert port.taken.find(b"KEY") < bounds.AHEAD + 4096  # a write of the core, and what it may come behind
            module.wait(lambda: len(module.data.get(1, b"")) == 200_000)
            writing.result(PATIENCE)


STALLED = "{path}: the line has taken no octet for 0.3 s (flow control?)"


class Stuck(serial.Serial):
    """A line without a descriptor to wait for, which takes nothing once it is stuck."""

    stuck = False
    fileno = None

    def write(self, data: bytes, /) -> int | None:
        return 0 if self.stuck else super().write(data)


@pytest.mark.parametrize("size", [1, 100, 10_000])
def test_a_line_that_takes_not_even_a_little_is_lost(shell: Shell, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setitem(Link.__init__.__kwdefaults__, "stall", 0.3)
    with Module() as module:
        port = Stuck(module.path, timeout=0.01)
        mux = shell.open(port)
        channel = mux.channel(1)
        reading = shell.start(channel.read, 1)
        port.stuck = True
        channel.write(bytes(size))
        with pytest.raises(cmux.SessionEnded) as caught:
            reading.result(PATIENCE)
        assert str(caught.value) == STALLED.format(path=module.path)
        assert caught.value.cause is Cause.LINE_LOST
        mux.close()


def test_a_line_that_takes_nothing_any_more_is_lost(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Link.__init__.__kwdefaults__, "stall", 0.3)
    reads_nothing, goes_on = threading.Event(), threading.Event()
    with Module() as module:
        mux = shell.open(module.path)
        channel = mux.channel(1)
        module.run(lambda core, now: (reads_nothing.set(), goes_on.wait(PATIENCE)))
        assert reads_nothing.wait(PATIENCE)
        with pytest.raises(cmux.SessionEnded) as caught:
            channel.write(bytes(1 << 20))
        assert str(caught.value) == STALLED.format(path=module.path)
        assert caught.value.cause is Cause.LINE_LOST
        goes_on.set()
        mux.close()
