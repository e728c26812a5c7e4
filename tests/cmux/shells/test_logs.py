"""Where the library tells things: under ``cmux.<port>``, and never on a stream."""

import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from attached import Attach
from line_deaths import HUNG_UP, one_hang_up
from mux_module import Module
from shells import QUICK, SHORT, Shell
from startup_waits import NOBODY, shorten_waits

import cmux

SUPPORT = Path(__file__).parents[2] / "support"

A_LINE_DIES = """
import cmux
from mux_module import Module
with Module() as module:
    mux = cmux.open(module.path)
    port = mux.channel(1)
    module.stop()
    try:
        port.read(1)
    except cmux.SessionEnded:
        mux.close()
"""


def test_nothing_is_printed_where_nobody_has_set_up_logging() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", A_LINE_DIES],
        env=os.environ | {"PYTHONPATH": str(SUPPORT)},
        capture_output=True,
        check=True,
        timeout=50,
    )
    assert (answer.stdout, answer.stderr) == (b"", b"")


def test_each_line_has_a_logger_of_its_own(shell: Shell, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "cmux")
    with Module() as first, Module() as second:
        shell.open(first.path, channels=[1]).close()
        assert {record.name for record in caplog.records} == {f"cmux.{first.path}"}
        assert any("Opened(dlci=1" in record.getMessage() for record in caplog.records)
        caplog.clear()
        mux = shell.open(second.path)
        channel = mux.channel(1)
        second.stop()
        with pytest.raises(cmux.SessionEnded):
            channel.read(1)
        mux.close()
    assert {record.name for record in caplog.records} == {f"cmux.{second.path}"}
    assert one_told(caplog) == [(logging.INFO, HUNG_UP[0])]  # no warning: it was raised


USUAL = re.compile(r"AT: |AT\+CMUX\??: |the session is (open|closed)$|DLCI \d is (open|closed)")


def one_told(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    """What was told at more than DEBUG, with its level, besides the usual steps."""
    records = [record for record in caplog.records if record.levelno > logging.DEBUG]
    records = [record for record in records if not USUAL.match(record.getMessage())]
    return [(record.levelno, one_hang_up(record.getMessage())) for record in records]


def test_what_is_said_and_heard_before_a_session_is_told(shell: Shell, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "cmux")
    with Module(echo=False) as module:
        shell.open(module.path).close()
    told = [record.getMessage() for record in caplog.records if record.getMessage().startswith("sent")]
    assert told == [
        r"sent b'AT\r', received b'\r\nOK\r\n'",
        r"sent b'AT+CMUX?\r', received b'\r\nERROR\r\n'",
        r"sent b'AT+CMUX=0\r', received b'\r\nOK\r\n'",
        r"sent b'AT\r', received b'\r\nOK\r\n'",
    ]
    assert one_told(caplog) == []


def test_the_steps_of_an_opening_and_of_an_end_are_told_at_info(shell: Shell, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "cmux")
    with Module() as module:
        shell.open(module.path, channels=[1]).close()
    assert [record.getMessage() for record in caplog.records] == [
        "AT: the module answers; echo is on",
        "AT+CMUX?: the module tells no N1 of its own: it stays 31",
        "AT+CMUX: AT+CMUX=0 is answered with OK",
        "the session is open",
        "DLCI 1 is open",
        "DLCI 1 is closed",
        "the session is closed",
    ]


def test_each_rate_at_which_a_module_is_looked_for_is_told_at_info(
    shell: Shell, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten_waits(monkeypatch, 0.1)
    caplog.set_level(logging.INFO, "cmux")
    with Module(baudrate=57600) as module, shell.open(module.path, other_rates=(9600, 57600), **SHORT):
        told = [record.getMessage() for record in caplog.records if record.getMessage().startswith("at ")]
    assert told == ["at 9600 baud", "at 57600 baud"]


def test_what_is_odd_about_a_module_is_told(
    shell: Shell, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten_waits(monkeypatch, 0.1)
    with Module(baudrate=57600) as module:
        mux = shell.open(module.path, other_rates=(57600,), **SHORT)
        module.mute()
        mux.close()
    assert one_told(caplog) == [
        (logging.WARNING, "the module is set to 57600 baud, and so is the line now"),
        (logging.WARNING, "the module does not answer AT after the end of the session"),
    ]


def test_a_failed_opening_is_raised_and_no_warning(
    shell: Shell, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten_waits(monkeypatch, NOBODY)
    caplog.set_level(logging.INFO, "cmux")
    with Module(starts_in_mux=True, answers_sabm=False) as module, pytest.raises(cmux.NoMultiplexer):
        shell.open(module.path, startup="none", **QUICK)
    assert one_told(caplog) == []


def test_a_command_that_ends_with_its_line_says_so_in_one_line() -> None:
    with Module() as module, Attach(module.path, "--channels", "1").ready() as attach:
        module.stop()
        code, stderr = attach.end(None)
    assert code == 1
    (line,) = stderr.splitlines()
    assert line.endswith(HUNG_UP)
