"""`settle` in both shells, on the emulated module: when a line is opened, opened again, and where it does not apply."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from delicate_module import DelicateModule
from mux_module import Module
from plugged import plugged
from shells import QUICK, Shell

import cmux
from cmux.cli import main
from cmux.protocol import profiles
from cmux.settings import SETTINGS
from drivers.emulator import Behaviour, EmulatedModule

QUITE_SHORT = {"t1": 0.05, "t2": 0.1, "n2": 2}
"""SABM is not repeated until a module that loses frames has settled."""


def module_that_wants(seconds: float, *, deadlock: bool = False) -> EmulatedModule:
    return EmulatedModule(loopback=[2], behaviour=Behaviour(cmux_settle=seconds, cmux_deadlock=deadlock))


@pytest.mark.parametrize("deadlock", [False, True])
def test_a_module_that_wants_silence_is_opened_with_it_and_not_without(shell: Shell, deadlock: bool) -> None:
    with module_that_wants(0.3, deadlock=deadlock) as module:
        path = module.serve_pty()
        with shell.open(path, settle=0.4, **QUITE_SHORT) as mux:
            assert mux.channel(2).echoes()
    with module_that_wants(3, deadlock=deadlock) as module, pytest.raises(cmux.NoMultiplexer, match="settle"):
        shell.open(module.serve_pty(), settle=0, **QUITE_SHORT)


def test_what_is_dead_stays_dead_until_its_power_is_cut(shell: Shell, quick_at: None) -> None:
    with module_that_wants(0.3, deadlock=True) as module:
        path = module.serve_pty()
        with pytest.raises(cmux.NoMultiplexer):
            shell.open(path, settle=0, **QUITE_SHORT)
        with pytest.raises(cmux.ModuleSilent):
            shell.open(path, settle=0.4, other_rates=())
        module.trigger("reset")
        with shell.open(path, settle=0.4, **QUITE_SHORT) as mux:
            assert mux.channel(2).echoes()


def test_the_default_is_half_a_second_on_every_line(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, no_settling: None
) -> None:
    monkeypatch.setattr(profiles, "HOST_DEFAULTS", {**profiles.HOST_DEFAULTS, "settle": 0.5})
    assert SETTINGS["settle"].default == 0.5
    with Module(tcp=True) as module, shell.open(module.path) as mux:
        assert mux.mux._entered.settle == 0.5


def test_it_applies_when_a_line_is_opened_again(shell: Shell, link: Path, soon: None) -> None:
    with ExitStack() as stack, module_that_wants(0.3, deadlock=True) as second:
        first = stack.enter_context(module_that_wants(0.3, deadlock=True))
        link.symlink_to(first.serve_pty())
        with shell.open(str(link), settle=0.4, reattach=True, **QUITE_SHORT) as mux:
            link.unlink()
            with plugged(link, second.serve_pty()):
                stack.close()  # the first one hangs up
                mux.until(lambda core: not core.session_open)
                mux.wait_attached()
                assert mux.reattached == 1
                assert mux.channel(2).echoes()


def test_closing_in_the_silence_of_another_opening_sends_nothing_before_its_end(
    shell: Shell, link: Path, soon: None, quick_at: None
) -> None:
    with ExitStack() as stack, DelicateModule(0.1) as second:
        first = stack.enter_context(Module())
        link.symlink_to(first.path)
        mux = shell.open(str(link), settle=0.12, reattach=True, **QUITE_SHORT)
        link.unlink()
        with plugged(link, second.path):
            stack.close()  # the first one hangs up
            second.wait(lambda: second.in_mux)
            mux.close()
            second.wait(lambda: second.dead or not second.in_mux)
            assert not second.dead


def test_without_at_there_is_nothing_to_wait_for(shell: Shell) -> None:
    with Module(starts_in_mux=True) as module, shell.open(module.path, startup="none", settle=4.5, **QUICK) as mux:
        assert mux.mux._entered is None


@pytest.mark.parametrize("settle", ["0.4", "0"])
def test_doctor_obeys_it_and_names_it(settle: str, capsys: pytest.CaptureFixture[str]) -> None:
    line: list[Any] = ["--settle", settle, "--channels", "2", "--t1", "0.05", "--t2", "0.1", "--n2", "2"]
    with module_that_wants(0.3 if float(settle) else 3.0) as module:
        code = main(["doctor", module.serve_pty(), *line])
    shown = capsys.readouterr()
    if float(settle):
        assert code == 0
        assert "nothing was sent for 0.4 s after OK" in shown.out
    else:
        assert code == 1
        assert "--settle" in shown.err


def test_more_than_a_module_waits_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(cmux.ConfigError, match=r"settle = 5 is out of range: 0 to 4.5"):
        cmux.open("/nowhere", settle=5)
    assert main(["attach", "/nowhere", "--settle", "5"]) == 2
    assert "--settle: '5' is not seconds from 0 to 4.5" in capsys.readouterr().err
