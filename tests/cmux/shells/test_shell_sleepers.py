"""`sleeps_after` in both shells, on an emulated module that sleeps by itself and loses what wakes it."""

from __future__ import annotations

from typing import Any

import pytest
from shells import Mux, Shell

from cmux.cli import main
from drivers.clock import SystemClock
from drivers.emulator import Behaviour, EmulatedModule

SETTINGS: dict[str, Any] = {"t1": 2.0, "t2": 2.5, "sleeps_after": 60.0, "wake_pause": 0.3, "drain_timeout": 0.02}
"""What is lost is missing for seconds: no repetition hides it. The drain time-out is that of a module that is awake."""

SILENCE = 100.0


class _Clock(SystemClock):
    """The module's clock, on which a silence can be put before that of the host."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        return super().now() + self._ahead

    def falls_silent(self, mux: Mux) -> None:
        """Let both sides believe that nothing has passed for a long time."""
        mux.until(_believes_in_silence)
        self._ahead += SILENCE


def _believes_in_silence(core: Any) -> bool:
    core._session.standby._self_sleep.agreed()
    return True


def test_a_module_that_sleeps_by_itself_loses_nothing(shell: Shell) -> None:
    clock, heard = _Clock(), bytearray()
    behaviour = Behaviour(cmux_sleeps_after=SILENCE, cmux_wake_pause=0.02)
    with EmulatedModule(loopback=[2], behaviour=behaviour, clock=clock) as module:
        module.on_octets(lambda dlci, way, data: heard.extend(data if (dlci, way) == (1, "received") else b""))
        with shell.open(module.serve_pty(), **SETTINGS) as mux:
            looped, plain = mux.channel(2), mux.channel(1)
            plain.write(b"AT\r")
            assert plain.read(9) == b"AT\r\r\nOK\r\n"
            assert looped.echoes()
            clock.falls_silent(mux)
            looped.write(b"while it wakes up, ")
            looped.write(b"and more")
            assert looped.read(27) == b"while it wakes up, and more"
            stats = mux.stats()
            assert (stats["retransmissions"], stats["command_retransmissions"]) == (0, 0)
            clock.falls_silent(mux)
            plain.write(b"AT+LAST\r")
        assert heard == b"AT\rAT+LAST\r"  # what is written last leaves before the end
        assert mux.error is not None
        assert "closed by this side, with all of its channels: open the line again" in str(mux.error)


@pytest.mark.parametrize("sleeps_after", ["0", "x"])
def test_a_wrong_time_is_named_as_it_was_written(sleeps_after: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attach", "/nowhere", "--sleeps-after", sleeps_after]) == 2
    assert f"--sleeps-after: '{sleeps_after}' is not seconds from 0.05 to 86400" in capsys.readouterr().err


def test_a_pause_that_is_too_long_is_named_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attach", "/nowhere", "--sleeps-after", "1", "--wake-pause", "2"]) == 2
    assert "--wake-pause 2.0 must be less than --sleeps-after 1.0" in capsys.readouterr().err
