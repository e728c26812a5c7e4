"""`sleeps_after` in both shells, on an emulated module that sleeps by itself and loses what wakes it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from shells import Shell

from cmux.cli import main
from drivers.emulator import Behaviour, EmulatedModule

SETTINGS: dict[str, Any] = {"t1": 1.0, "t2": 2.0, "sleeps_after": 0.15, "wake_pause": 0.05}
"""What is lost is missing for a second: no repetition hides it."""


def sleeper() -> EmulatedModule:
    return EmulatedModule(loopback=[2, 3], behaviour=Behaviour(cmux_sleeps_after=0.2, cmux_wake_pause=0.03))


def until_it_sleeps() -> None:
    time.sleep(0.25)  # the silence itself is what is tested


def test_a_module_that_sleeps_by_itself_loses_nothing(shell: Shell) -> None:
    with sleeper() as module, shell.open(module.serve_pty(), **SETTINGS) as mux:
        channel = mux.channel(2)
        until_it_sleeps()
        for data in (b"AT\r", b"more"):  # while it wakes up, and at once
            channel.write(data)
        assert channel.read(7) == b"AT\rmore"
        until_it_sleeps()
        assert mux.channel(3).echoes()
        until_it_sleeps()
        channel.close()
        until_it_sleeps()
        stats = mux.stats()
        assert (stats["retransmissions"], stats["command_retransmissions"]) == (0, 0)
        mux.close()
        assert mux.mux.error is not None and mux.mux.error.cause.value == "local"


def test_what_is_written_last_leaves_before_the_end(shell: Shell) -> None:
    """The drain time-out is the time of a module that is awake."""
    heard: list[bytes] = []
    with sleeper() as module:
        module.on_octets(lambda dlci, way, data: heard.append(data) if (dlci, way) == (1, "received") else None)
        with shell.open(module.serve_pty(), drain_timeout=0.02, **SETTINGS) as mux:
            channel = mux.channel(1)
            until_it_sleeps()
            channel.write(b"AT+QPOWD\r")
        assert b"".join(heard) == b"AT+QPOWD\r"


@pytest.mark.parametrize("sleeps_after", ["0", "x"])
def test_a_wrong_time_is_named_as_it_was_written(sleeps_after: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attach", "/nowhere", "--sleeps-after", sleeps_after]) == 2
    assert f"--sleeps-after: '{sleeps_after}' is not seconds from 0.05 to 86400" in capsys.readouterr().err


def test_a_pause_that_is_too_long_is_named_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attach", "/nowhere", "--sleeps-after", "1", "--wake-pause", "2"]) == 2
    assert "--wake-pause 2.0 must be less than --sleeps-after 1.0" in capsys.readouterr().err
