"""Closing in both shells: what is said, what is still sent, who waits for whom, and that nothing is left."""

from __future__ import annotations

import threading
from concurrent.futures import Future

import pytest
from mux_module import Module
from shells import CLD, PATIENCE, SHORT, Shell

import cmux
from cmux.protocol import Frame, FrameType, encode
from cmux.protocol.commands import Signals


def stop_taking(module: Module, mux: object, dlci: int) -> None:
    """Let the module take no data on a channel, and the host know it."""
    module.run(lambda core, now: core.pause_reading(dlci, now))
    mux.until(lambda core: core.signals(dlci) == Signals(fc=True))  # type: ignore[attr-defined]


def test_closing_says_disc_for_each_channel_and_then_cld(shell: Shell) -> None:
    with Module() as module:
        with shell.open(module.path, channels=[1, 3]):
            pass
        raw = bytes(module.raw)
        places = [raw.index(encode(Frame(dlci, True, FrameType.DISC, True))) for dlci in (1, 3)]
        assert max(places) < raw.index(CLD)


def test_closing_is_one_closing_and_the_others_who_close_wait_for_it(shell: Shell) -> None:
    """Linux 4d9b109060f6, 0af021678d5d: closing twice at once ended in races and dead-locks."""
    with Module() as module:
        mux = shell.open(module.path)
        together = threading.Barrier(4)

        def close() -> object:
            together.wait(PATIENCE)
            mux.close()
            return mux.back_in_at_mode

        closing = [shell.start(close) for _ in range(4)]
        assert [one.result(PATIENCE) for one in closing] == [True] * 4
        mux.close()
        assert bytes(module.raw).count(CLD) == 1
        assert module.commands == ["AT", "AT+CMUX?", "AT+CMUX=0", "AT"]  # one of them talked to the module
        assert "closed" in repr(mux.mux)


def test_closing_sends_what_is_queued(shell: Shell) -> None:
    with Module(loopback=()) as module:
        mux = shell.open(module.path)
        mux.channel(1).write(bytes(40_000))
        mux.close()
        assert module.data[1] == bytes(40_000)


def test_closing_a_channel_sends_what_is_queued(shell: Shell) -> None:
    with Module(loopback=()) as module, shell.open(module.path) as mux:
        channel = mux.channel(1)
        channel.write(bytes(10_000))
        channel.close()
        module.wait(lambda: module.closed(1))
        assert module.data[1] == bytes(10_000)


def test_closing_a_channel_whose_peer_takes_nothing_ends_after_the_drain_time(shell: Shell) -> None:
    with Module(loopback=()) as module, shell.open(module.path, drain_timeout=0.05) as mux:
        channel = mux.channel(1)
        stop_taking(module, mux, 1)
        channel.write(b"never")
        channel.close()
        module.wait(lambda: module.closed(1))
        assert 1 not in module.data
        again = mux.channel(1)
        again.write(b"x")
        module.wait(lambda: module.data.get(1) == b"x")  # nothing of before is left


def test_a_module_that_never_answers_the_close_down_is_left_after_a_bound(shell: Shell, quick_at: None) -> None:
    with Module() as module:
        mux = shell.open(module.path, channels=[1], **SHORT)
        module.mute()
        mux.close()
        assert mux.back_in_at_mode is False


def test_a_close_while_every_kind_of_call_waits_ends_them_all(shell: Shell) -> None:
    """Readers and writers of all channels, and whoever waits for one, at once."""
    with Module(loopback=()) as module:
        mux = shell.open(module.path, drain_timeout=0.01)
        calls: list[Future[object]] = [shell.start(mux.accept)]
        for channel in [mux.channel(dlci) for dlci in (1, 2)]:
            stop_taking(module, mux, channel.dlci)
            calls += [shell.start(channel.read, 1), shell.start(channel.write, bytes(100_000))]
        mux.close()
        for call in calls:
            with pytest.raises((cmux.DlcClosed, cmux.SessionEnded)):
                call.result(PATIENCE)


def test_many_sessions_in_a_row_leave_nothing(shell: Shell) -> None:
    with Module() as module:
        for _ in range(10):
            with shell.open(module.path, channels=[1, 2]) as mux:
                mux.channel(1).write(b"x")
        assert module.opened(2) == 10
        assert bytes(module.raw).count(CLD) == 10


class RecordingPort:
    """An object of the user's that notes the order of what happens to it; the peer is never there."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.timeout: float | None = None
        self.reading = False
        self._changed = threading.Condition()
        self._cancelled = False

    def read(self, size: int = 1) -> bytes:
        with self._changed:
            self.reading = True
            self._changed.wait_for(lambda: self._cancelled, self.timeout)
            self._cancelled = self.reading = False
        return b""

    def write(self, data: bytes) -> int:
        return len(data)

    def cancel_read(self) -> None:
        with self._changed:
            self.calls.append("cancel")
            self._cancelled = True
            self._changed.notify_all()

    def close(self) -> None:
        self.calls.append("close while reading" if self.reading else "close")


def test_a_port_is_cancelled_and_closed_only_when_nobody_reads_it_any_more(shell: Shell) -> None:
    port = RecordingPort()
    with pytest.raises(cmux.NoMultiplexer):
        shell.open(port, startup="none", t1=0.02, t2=0.05, n2=0)
    assert port.calls[0] == "cancel"
    assert port.calls[-1] == "close"
    assert "close while reading" not in port.calls
