"""Both shells and a module that boots, is in data mode, or is dead until something resets it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest
from mux_module import Module
from plugged import plugged
from shells import Shell

import cmux
from cmux.cli import main

SHORTLY: dict[str, Any] = {"t1": 0.1, "t2": 0.2, "n2": 1, "other_rates": ()}


def test_a_module_that_boots_is_opened(shell: Shell, quick_at: None) -> None:
    class Boots(Module):
        def _receive(self, data: bytes) -> None:
            self.heard_at_last = getattr(self, "heard_at_last", 0) + data.count(b"AT\r")
            if self.heard_at_last > 12:  # more than are sent in one go
                super()._receive(data)

    with Boots() as module, shell.open(module.path, open_timeout=30, **SHORTLY) as mux:
        assert mux.channel(1).echoes()


def test_a_dead_module_is_called_dead_in_time(shell: Shell) -> None:
    with Module(silent=True) as module, pytest.raises(cmux.ModuleSilent, match="asked for 1 s"):
        shell.open(module.path, open_timeout=1, **SHORTLY)


def test_a_module_in_ppp_is_taken_out_of_it(shell: Shell, quick_at: None) -> None:
    class Ppp(Module):
        """In data mode until +++ comes alone."""

        data_mode = True

        def _receive(self, data: bytes) -> None:
            if not self.data_mode:
                super()._receive(data)
            elif data == b"+++":
                self.data_mode = False
                self._emit(b"\r\nOK\r\n")
            else:
                self._emit(bytes.fromhex("7E FF 7D 23 C0 21 7D 21 7D 21 7D 20 7D 34 7E"))

    with Ppp(answers={"ATH": b"\r\nOK\r\n"}) as module, shell.open(module.path, **SHORTLY) as mux:
        assert mux.channel(1).echoes()
        assert b"\xf9" not in bytes(module.raw).partition(b"+++")[0]


class Dead(Module):
    """Dead until a file is there."""

    def __init__(self, cure: Path, **habits: object) -> None:
        super().__init__(**habits)
        self.cure = cure

    def _receive(self, data: bytes) -> None:
        if self.cure.exists():
            super()._receive(data)


def curing(file: Path) -> str:
    """A command that notes for which port it was run."""
    program = f"import os; open({str(file)!r}, 'a').write(os.environ['GSM0710_PORT'] + chr(10))"
    return f'{sys.executable} -c "{program}"'


def test_a_dead_module_is_reset_before_the_third_attempt(shell: Shell, quick_at: None, tmp_path: Path) -> None:
    cure = tmp_path / "cure"
    with Dead(cure) as module, shell.open(module.path, reset_command=curing(cure), **SHORTLY) as mux:
        assert mux.channel(1).echoes()
        assert cure.read_text() == f"{module.path}\n"


def test_one_that_the_command_does_not_help_is_given_up_after_that(
    shell: Shell, quick_at: None, tmp_path: Path
) -> None:
    with Dead(tmp_path / "never") as module:
        with pytest.raises(cmux.ModuleSilent):
            shell.open(module.path, reset_command=curing(tmp_path / "ran"), **SHORTLY)
        assert (tmp_path / "ran").read_text() == f"{module.path}\n"


def test_a_port_that_is_not_there_is_not_tried_again(shell: Shell, tmp_path: Path) -> None:
    with pytest.raises(cmux.PortNotFound):
        shell.open("/dev/nowhere", reset_command=curing(tmp_path / "ran"))
    assert not (tmp_path / "ran").exists()


def test_one_that_dies_later_is_reset_before_the_third_attempt_to_open_it_again(
    shell: Shell, quick_at: None, soon: None, link: Path, tmp_path: Path
) -> None:
    cure = tmp_path / "cure"
    with Module() as first, Dead(cure) as second:
        link.symlink_to(first.path)
        with shell.open(str(link), reattach=True, reset_command=curing(cure), **SHORTLY) as mux:
            link.unlink()
            with plugged(link, second.path):
                first.stop()
                mux.until(lambda core: not core.session_open)
                mux.wait_attached()
                assert mux.channel(1).echoes()
                assert cure.read_text() == f"{link}\n"


def test_closing_does_not_wait_for_the_command(
    shell: Shell, quick_at: None, soon: None, link: Path, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    command = f"""{sys.executable} -c "import time; open({str(begun)!r}, 'w'); time.sleep(1000)" """
    with Module() as first:
        link.symlink_to(first.path)
        mux = shell.open(str(link), reattach=True, reset_command=command, **SHORTLY)
        link.unlink()
        first.stop()
        ends = time.monotonic() + 30
        while not begun.exists():
            assert time.monotonic() < ends
            time.sleep(0.01)
        mux.close()
        assert time.monotonic() < ends


def test_an_object_cannot_be_opened_again(shell: Shell) -> None:
    with pytest.raises(cmux.ConfigError, match="leave reset_command out"):
        shell.open(object(), reset_command="true")


def test_what_is_no_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attach", "/nowhere", "--reset-command", "'"]) == 2
    assert '--reset-command: "\'" is not a program and its arguments' in capsys.readouterr().err
    assert main(["attach", "/nowhere", "--open-timeout", "0"]) == 2
    assert "--open-timeout: '0' is not seconds from 1 to 3600" in capsys.readouterr().err
