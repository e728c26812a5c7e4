"""Where the library tells things: under ``cmux.<port>``, and never on a stream."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from attached import Attach
from mux_module import Module

import cmux
import cmux.aio

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


HUNG_UP = ("hung up: end of file", "hung up: Input/output error")
"""Who reads sees the one; who still had an answer to write at that moment sees the other first."""


def test_nothing_is_printed_where_nobody_has_set_up_logging() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", A_LINE_DIES],
        env=os.environ | {"PYTHONPATH": str(SUPPORT)},
        capture_output=True,
        check=True,
        timeout=50,
    )
    assert (answer.stdout, answer.stderr) == (b"", b"")


def test_each_line_has_a_logger_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "cmux")
    with Module() as first, Module() as second:
        cmux.open(first.path).close()
        assert {record.name for record in caplog.records} == {f"cmux.{first.path}"}
        caplog.clear()
        mux = cmux.open(second.path)
        port = mux.channel(1)
        second.stop()
        with pytest.raises(cmux.SessionEnded):
            port.read(1)
        mux.close()
    assert {record.name for record in caplog.records} == {f"cmux.{second.path}"}
    told = [(record.levelno, record.getMessage()) for record in caplog.records if record.levelno > logging.DEBUG]
    assert told in [[(logging.INFO, words)] for words in HUNG_UP]  # no warning: it was raised


async def test_so_it_is_in_asyncio(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "cmux")
    with Module() as module:
        async with await cmux.aio.open(module.path) as mux:
            await mux.channel(1)
        assert {record.name for record in caplog.records} == {f"cmux.{module.path}"}
        assert any("Opened(dlci=1" in record.getMessage() for record in caplog.records)


def test_a_command_that_ends_with_its_line_says_so_in_one_line() -> None:
    with Module() as module, Attach(module.path, "--channels", "1").ready() as attach:
        module.stop()
        code, stderr = attach.end(None)
    assert code == 1
    (line,) = stderr.splitlines()
    assert line.endswith(HUNG_UP)
