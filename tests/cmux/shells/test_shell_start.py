"""Both shells and a module that changes its baud rate, wants commands first, or has an N1 of its own."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from mux_module import Module
from plugged import plugged
from rate_module import RateModule
from shells import Mux, Shell
from startup_waits import shorten_waits

import cmux
from cmux.cli import main
from cmux.protocol import Config

SHORTLY: dict[str, Any] = {"t1": 0.1, "t2": 0.2, "n2": 1}
OK = b"\r\nOK\r\n"
OWN_N1 = b"\r\n+CMUX: 0,0,5,127,10,3,30,10,2\r\n\r\nOK\r\n"


def rate_of(mux: Mux) -> int:
    line = mux.mux._line
    return getattr(line, "_line", line)._port.baudrate  # type: ignore[no-any-return]


# --- Baud rates ---


def test_a_module_that_changes_to_115200_unasked_is_followed(shell: Shell) -> None:
    with RateModule(9600, 115200) as module:
        with shell.open(module.path, baudrate=9600, **SHORTLY) as mux:
            assert rate_of(mux) == 115200
            assert mux.channel(1).echoes()
        assert mux.back_in_at_mode
        assert module.habits.baudrate == 9600
        with shell.open(module.path, baudrate=9600, **SHORTLY) as mux:  # and the next one finds it
            assert mux.channel(1).echoes()


def test_a_module_that_changes_to_the_rate_that_it_was_told_is_followed(shell: Shell) -> None:
    with RateModule(9600, 57600) as module:
        command = "AT+CMUX=0,0,4"
        with shell.open(module.path, baudrate=9600, start_command=command, **SHORTLY) as mux:
            assert rate_of(mux) == 57600
            assert mux.channel(1).echoes()
        assert module.commands[1] == command


def test_the_rate_of_multiplexer_mode_can_be_chosen(shell: Shell) -> None:
    with RateModule(115200, 57600) as module:
        with shell.open(module.path, mux_baudrate=57600, **SHORTLY) as mux:
            assert rate_of(mux) == 57600
            assert mux.channel(1).echoes()
        assert "AT+CMUX=0,0,4,31" in module.commands
        assert mux.back_in_at_mode
        assert module.habits.baudrate == 115200


def test_a_module_that_keeps_the_rate_is_told_to_go_back(shell: Shell, quick_at: None) -> None:
    with RateModule(115200, 57600, stays=True, answers={"AT+IPR=115200": OK}) as module:
        with shell.open(module.path, mux_baudrate=57600, **SHORTLY) as mux:
            assert mux.channel(1).echoes()
        assert mux.back_in_at_mode
        assert module.commands[-2:] == ["AT+IPR=115200", "AT"]


def test_a_module_that_ignores_the_rate_is_found_where_it_was(shell: Shell) -> None:
    with RateModule(9600) as module, shell.open(module.path, baudrate=9600, mux_baudrate=57600, **SHORTLY) as mux:
        assert rate_of(mux) == 9600
        assert mux.channel(1).echoes()


def test_where_nobody_answers_at_any_rate_the_error_is_that_of_the_last(shell: Shell) -> None:
    with RateModule(9600, answers_sabm=False) as module:
        with pytest.raises(cmux.NoMultiplexer, match="OK received, no UA"):
            shell.open(module.path, baudrate=9600, **SHORTLY)
        module.wait(lambda: not module.in_mux)


def test_a_line_without_a_baud_rate_stays_as_it_is(shell: Shell) -> None:
    with Module(tcp=True) as module:
        with shell.open(module.path, mux_baudrate=57600, init=["AT+IPR=9600"], **SHORTLY) as mux:
            assert mux.channel(1).echoes()
        assert mux.back_in_at_mode


# --- Commands ---


def test_a_command_that_is_refused_is_warned_of(shell: Shell, caplog: pytest.LogCaptureFixture) -> None:
    with Module(answers={"ATE0": OK}) as module, shell.open(module.path, init=["AT+FOO", "ATE0"]) as mux:
        assert mux.channel(1).echoes()
        assert module.commands[:3] == ["AT", "AT+FOO", "ATE0"]
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert said == ["AT+FOO is answered with ERROR"]


def test_commands_go_out_again_when_the_line_is_opened_again_and_what_was_found_out_is_not_asked(
    shell: Shell, link: Path, soon: None
) -> None:
    """Commands of the user's, the answer to AT+CMUX?, and the rate of multiplexer mode."""

    def module() -> RateModule:
        answers = {"ATE0": OK, "AT+CMUX?": OWN_N1}
        return RateModule(115200, 57600, answers=answers, config=Config(n1=127))

    settings: dict[str, Any] = {"init": "ATE0", "mux_baudrate": 57600, **SHORTLY}
    with ExitStack() as stack, module() as second:
        first = stack.enter_context(module())
        link.symlink_to(first.path)
        with shell.open(str(link), reattach=True, **settings) as mux:
            assert first.commands == ["AT", "ATE0", "AT+CMUX?", "AT+CMUX=0,0,4,127"]
            link.unlink()
            with plugged(link, second.path):
                stack.close()
                mux.until(lambda core: not core.session_open)
                mux.wait_attached()
                assert second.commands == ["AT", "ATE0", "AT+CMUX=0,0,4,127"]
                assert mux.channel(1).echoes(bytes(500))
                assert mux.config.n1 == 127


def test_one_that_multiplexed_already_is_asked_when_it_answers_at_again(
    shell: Shell, link: Path, soon: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten_waits(monkeypatch, 0.05)
    with ExitStack() as stack, Module(answers={"AT+CMUX?": OWN_N1}, config=Config(n1=127)) as second:
        first = stack.enter_context(Module(starts_in_mux=True, knows_at=False))
        link.symlink_to(first.path)
        with shell.open(str(link), reattach=True, other_rates=(), **SHORTLY) as mux:
            assert mux.config.n1 == 31
            link.unlink()
            with plugged(link, second.path):
                stack.close()
                mux.until(lambda core: not core.session_open)
                mux.wait_attached()
                assert [one for one in second.commands if one != "AT"] == ["AT+CMUX?", "AT+CMUX=0"]
                assert mux.config.n1 == 127
                assert mux.channel(1).echoes(bytes(500))


def test_another_command_goes_out_again_too(shell: Shell, link: Path, soon: None) -> None:
    class Nrf(Module):
        def _command(self, command: str) -> None:
            super()._command("AT+CMUX=0" if command == "AT#XCMUX=1" else command)

    with ExitStack() as stack, Nrf() as second:
        first = stack.enter_context(Nrf())
        link.symlink_to(first.path)
        with shell.open(str(link), reattach=True, start_command="AT#XCMUX=1", **SHORTLY) as mux:
            link.unlink()
            with plugged(link, second.path):
                stack.close()
                mux.until(lambda core: not core.session_open)
                mux.wait_attached()
                assert mux.channel(1).echoes()
        assert first.commands == ["AT", "AT+CMUX=0"] == second.commands[:2]


# --- The module's own N1 ---


def test_frames_are_as_long_as_the_module_says(shell: Shell) -> None:
    with Module(answers={"AT+CMUX?": OWN_N1}, config=Config(n1=127)) as module, shell.open(module.path) as mux:
        assert mux.config.n1 == 127
        assert mux.channel(1).echoes(bytes(1000))
    with Module(answers={"AT+CMUX?": OWN_N1}) as module, shell.open(module.path, ask=False) as mux:
        assert mux.config.n1 == 31
        assert module.commands[:2] == ["AT", "AT+CMUX=0"]


LINES: tuple[list[str], ...] = (
    [],
    ["--no-ask"],
    ["--n1", "100"],
    ["--profile", "m10"],
    ["--profile", "sara-r4"],
    ["--init", "ATE0", "--init", "AT+FOO"],
    ["--start-command", "AT+CMUX=0,0"],
    ["--mux-baudrate", "57600"],
    ["--option", "advanced"],
)


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_doctor_walks_the_very_steps_of_a_start(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    settings: dict[str, Any] = {}
    for name, value in zip(line[::2], line[1::2], strict=False):
        settings.setdefault(name[2:].replace("-", "_"), []).append(int(value) if value.isdigit() else value)
    given = {name: values if name == "init" else values[0] for name, values in settings.items()}
    if line == ["--no-ask"]:
        given = {"ask": False}
    option = cmux.protocol.Option.ADVANCED if "advanced" in line else cmux.protocol.Option.BASIC
    said = []
    for how in ("open", "doctor"):
        with Module(answers={"AT+CMUX?": OWN_N1, "ATE0": OK}, config=Config(option=option)) as module:
            if how == "open":
                cmux.open(module.path, **given).close()
            else:
                assert main(["doctor", module.path, "--channels", "1", *line]) == 0
            said.append(module.commands)
    assert said[0] == said[1]
    if "AT+FOO" in line:
        assert "AT+FOO is answered with ERROR" in capsys.readouterr().out


def test_what_is_not_allowed_is_named_as_it_was_written(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong, expected in (
        (["--init", ""], "--init: '' is not a command"),
        (["--init", "AT\rATZ"], "--init: 'AT\\rATZ' is not a command"),
        (["--start-command", "é"], "--start-command: 'é' is not one line"),
        (["--mux-baudrate", "0"], "--mux-baudrate: '0' is not bits per second from 1 to 20000000"),
    ):
        assert main(["attach", "/nowhere", *wrong]) == 2
        assert expected in capsys.readouterr().err
