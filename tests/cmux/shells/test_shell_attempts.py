"""`start_attempts` in both shells: a module that does not answer SABM is entered anew, from AT on."""

from __future__ import annotations

import logging

import pytest
from shells import Shell
from stubborn_module import StubbornModule

import cmux

QUITE_SHORT = {"t1": 0.05, "t2": 0.1, "n2": 1}
pytestmark = pytest.mark.usefixtures("quick_at")


@pytest.mark.requirement("L9.7")
def test_one_that_answers_the_third_time_is_opened(shell: Shell, caplog: pytest.LogCaptureFixture) -> None:
    with StubbornModule(2) as module, caplog.at_level(logging.WARNING):
        with shell.open(module.path, start_attempts=3, **QUITE_SHORT) as mux:
            assert module.entered == 3
            assert mux.channel(2).echoes()
        assert not module.in_mux
    told = [record.getMessage() for record in caplog.records if "attempt" in record.getMessage()]
    assert told == [f"SABM is not answered: attempt {attempt} of 3" for attempt in (2, 3)]


@pytest.mark.requirement("L9.7")
def test_one_that_never_does_is_given_up_after_that_and_left_in_at_mode(shell: Shell) -> None:
    with StubbornModule(9) as module:
        with pytest.raises(cmux.NoMultiplexer, match="OK received, no UA"):
            shell.open(module.path, start_attempts=3, **QUITE_SHORT)
        assert module.entered == 3
        assert not module.in_mux


def test_by_default_it_is_entered_once(shell: Shell) -> None:
    with StubbornModule(1) as module, pytest.raises(cmux.NoMultiplexer):
        shell.open(module.path, **QUITE_SHORT)
    assert module.entered == 1


def test_one_that_hears_nothing_any_more_is_named_as_what_it_was_at_first(shell: Shell) -> None:
    class DiesAtOnce(StubbornModule):
        def _receive(self, data: bytes) -> None:
            if self.in_mux:
                self.mute()
            else:
                super()._receive(data)

    with DiesAtOnce(9) as module, pytest.raises(cmux.NoMultiplexer, match="OK received, no UA"):
        shell.open(module.path, start_attempts=3, other_rates=(), open_timeout=1, **QUITE_SHORT)
    assert module.entered == 1


def test_one_that_refuses_the_control_channel_is_not_asked_again(shell: Shell) -> None:
    class Refuses(StubbornModule):
        def _receive(self, data: bytes) -> None:
            if self.in_mux:
                self._emit(bytes.fromhex("F9 03 1F 01 36 F9"))  # DM on DLCI 0
            else:
                super()._receive(data)

    with Refuses(0) as module, pytest.raises(cmux.CmuxRefused):
        shell.open(module.path, start_attempts=3, **QUITE_SHORT)
    assert module.entered == 1
