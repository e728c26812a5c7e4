"""Shorter waits for a module that stays silent: how long they really are is shown in cmux/protocol, without a line."""

import pytest

from cmux.protocol import startup_steps

ASKING = ("AT_WAIT", "LATE_WAIT", "RESCUE_WAIT", "OTHER_WAIT", "N1_WAIT", "GUARD")
NOBODY = 0.01
"""Enough seconds where nobody is going to answer."""


def shorten_waits(monkeypatch: pytest.MonkeyPatch, seconds: float, *more: str) -> None:
    """Shorten the waits for an answer to AT and to the frames that take a module out of multiplexer mode.

    Args:
        monkeypatch: undoes it.
        seconds: how long each is; NOBODY where no answer is going to come, else what a busy computer needs.
        more: further waits, by their names in `startup_steps`.
    """
    for name in (*ASKING, *more):
        monkeypatch.setattr(startup_steps, name, seconds)
