"""Both shells when the line dies, in whatever way, when the module is reset, and when the line comes back."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from line_deaths import DEATHS, one_hang_up
from mux_module import Module
from plugged import plugged
from shells import PATIENCE, Shell

import cmux
from cmux import opening
from cmux.protocol.commands import Signals
from cmux.protocol.events import Outcome, ParametersChanged
from cmux.reconnector import stable_name


@pytest.mark.parametrize("death", DEATHS)
def test_every_call_that_waits_is_woken_with_the_cause_which_is_logged_once(
    shell: Shell, death: str, caplog: pytest.LogCaptureFixture, quick_at: None, quick_doubt: None
) -> None:
    die, settings, words, cause = DEATHS[death]
    with Module(loopback=()) as module:
        mux = shell.open(module.path, **settings)
        first, second, third = (mux.channel(dlci) for dlci in (1, 2, 3))
        module.run(lambda core, now: core.pause_reading(3, now))
        mux.until(lambda core: core.signals(3) == Signals(fc=True))
        calls = [
            shell.start(first.read, 1),
            shell.start(second.read, 1000),
            shell.start(third.read, 1),
            shell.start(third.write, bytes(100_000)),
            shell.start(mux.accept),
        ]
        with caplog.at_level(logging.INFO, "cmux"):
            die(module)
            for call in calls:
                with pytest.raises(cmux.SessionEnded) as caught:
                    call.result(PATIENCE)
                assert (one_hang_up(caught.value), caught.value.cause) == (f"{module.path}: {words}", cause)
            assert mux.error.cause is cause
            with pytest.raises(cmux.SessionEnded):
                mux.wait_attached()
            mux.close()  # and does not raise
        assert one_hang_up(mux.error) == f"{module.path}: {words}"  # the first cause stays
        told = [record.levelno for record in caplog.records if words in one_hang_up(record.getMessage())]
        assert told == [logging.INFO]


def test_a_tcp_line_that_is_cut(shell: Shell) -> None:
    with Module(tcp=True) as module, shell.open(module.path) as mux:
        channel = mux.channel(1)
        module.stop()
        with pytest.raises(cmux.SessionEnded, match="hung up"):
            channel.read(1)


# --- A reset, and what looks like one ---


@pytest.mark.parametrize("echo", [True, False])
def test_a_reset_module_is_back_in_at_mode_for_the_next_session(shell: Shell, echo: bool, quick_doubt: None) -> None:
    with Module(echo=echo) as module:
        mux = shell.open(module.path)
        channel = mux.channel(1)
        module.restart()
        with pytest.raises(cmux.SessionEnded, match="reset"):
            channel.read(1)
        mux.close()
        assert mux.back_in_at_mode
        with shell.open(module.path) as mux:
            assert mux.channel(1).echoes(b"anew")


def test_a_module_that_goes_on_answering_was_not_reset(shell: Shell) -> None:
    with Module() as module, shell.open(module.path) as mux:
        channel = mux.channel(1)
        module.send_raw(b"\r\nRDY\r\n\xf9\xf9")
        assert channel.echoes(b"lives")
        assert mux.test() is Outcome.ANSWERED
        assert mux.link._watch.deadline is None  # the doubt is over, and will not end anything
        assert mux.error is None


def test_the_same_text_as_data_on_a_channel_is_data(shell: Shell) -> None:
    with Module(loopback=()) as module, shell.open(module.path) as mux:
        channel = mux.channel(1)
        module.run(lambda core, now: core.send(1, b"\r\nRDY\r\n", now))
        assert channel.read(7) == b"\r\nRDY\r\n"
        channel.write(b"lives")
        module.wait(lambda: module.data.get(1) == b"lives")
        assert mux.test() is Outcome.ANSWERED
        assert mux.stats()["dlcs"][0]["frames_sent"] == 4  # SABM, MSC, answer to MSC, this Test


# --- Coming back ---


def test_a_line_that_comes_back_is_opened_anew_with_the_channels_that_were_open(
    shell: Shell, soon: None, link: Path
) -> None:
    with Module() as first, plugged(link, first.path):
        mux = shell.open(link, reattach=True)
        kept, settled, closed = mux.channel(1), mux.channel(2, n1=20), mux.channel(3)
        closed.close()
        kept.set_signals(rtc=False)
    for lost in (kept, settled):
        with pytest.raises(cmux.SessionEnded):
            lost.read(1)
    assert mux.reattaching
    with pytest.raises(cmux.SessionEnded):
        mux.channel(4)
    with Module() as second, plugged(link, second.path):
        assert mux.wait_attached() is not False
        assert mux.error is None
        assert mux.stats()["reattached"] == mux.reattached == 1
        assert not mux.reattaching
        assert [second.opened(dlci) for dlci in (1, 2, 3, 4)] == [1, 1, 0, 0]
        assert mux.channel(1).echoes(b"back")
        assert second.opened(1) == 1
        assert second.signals[1] == Signals(rtc=False)
        assert [event.parameters.n1 for event in second.events if isinstance(event, ParametersChanged)] == [20]
        mux.close()
        assert not second.in_mux
        assert second.commands[-1] == "AT"


def test_a_channel_that_is_refused_afterwards_leaves_the_others(
    shell: Shell, soon: None, link: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Module() as first, plugged(link, first.path):
        mux = shell.open(link, reattach=True, channels=[1, 2])
        channel = mux.channel(2)
    with pytest.raises(cmux.SessionEnded):
        channel.read(1)
    with Module(refuses=(1,)) as second, plugged(link, second.path):
        mux.wait_attached()
        assert mux.channel(2).echoes()
        mux.close()
    assert "DLCI 1: the peer refused it (DM)" in [record.getMessage() for record in caplog.records]


def test_a_device_that_comes_back_under_another_number_is_found_by_its_id(
    shell: Shell, soon: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    monkeypatch.setattr(opening, "stable_name", lambda path: stable_name(path, str(by_id)))
    with Module() as first, plugged(tmp_path / "ttyUSB0", first.path):
        (by_id / "usb-modem").symlink_to("../ttyUSB0")
        mux = shell.open(tmp_path / "ttyUSB0", reattach=True)
        channel = mux.channel(1)
    with pytest.raises(cmux.SessionEnded):
        channel.read(1)
    with Module() as second, plugged(tmp_path / "ttyUSB1", second.path):  # and there is no ttyUSB0
        os.symlink("../ttyUSB1", by_id / "new")
        os.replace(by_id / "new", by_id / "usb-modem")
        mux.wait_attached()
        assert mux.channel(1).echoes()
        mux.close()


def test_a_module_that_was_reset_is_attached_again_on_the_line_that_stayed(
    shell: Shell, soon: None, caplog: pytest.LogCaptureFixture, quick_doubt: None
) -> None:
    with Module() as module, shell.open(module.path, reattach=True, other_rates=()) as mux:
        channel = mux.channel(1)
        module.restart()
        with pytest.raises(cmux.SessionEnded, match="the module was reset: it said 'RDY'"):
            channel.read(1)
        mux.wait_attached()
        assert mux.channel(1).echoes()
        assert mux.stats()["reattached"] == 1
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == ["the module was reset: it said 'RDY' and then sent no frame", "attached again"]


def test_closing_ends_the_attempts_and_whoever_waits_for_them(shell: Shell, link: Path) -> None:
    with Module() as module, plugged(link, module.path):
        mux = shell.open(link, reattach=True)
        assert mux.wait_attached() is not False
        channel = mux.channel(1)
    with pytest.raises(cmux.SessionEnded):
        channel.read(1)
    assert mux.reattaching
    waiting = [shell.start(call) for call in (mux.wait_attached, mux.accept)]
    mux.close()
    assert not mux.reattaching
    for call in waiting:
        with pytest.raises(cmux.SessionEnded, match="hung up"):
            call.result(PATIENCE)


@pytest.mark.parametrize("habits", [{"silent": True}, {"answers_sabm": False}], ids=["AT", "SABM"])
def test_closing_cuts_an_attempt_short_that_a_module_keeps_waiting(
    shell: Shell, soon: None, link: Path, habits: dict[str, bool]
) -> None:
    with Module() as module, plugged(link, module.path):
        mux = shell.open(link, reattach=True, other_rates=())
    with Module(**habits) as silent, plugged(link, silent.path):
        silent.wait(lambda: silent.raw if "silent" in habits else silent.in_mux)
        mux.close()
        silent.wait(lambda: not silent.in_mux)
