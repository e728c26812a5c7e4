"""Shorter waits for a module that stays silent: how long they really are is shown in cmux/protocol, without a line."""

import pytest

from cmux.protocol import startup

ASKING = ("_AT_WAIT", "_LATE_WAIT", "_RESCUE_WAIT", "_OTHER_WAIT")
NOBODY = 0.01
"""Enough seconds where nobody is going to answer."""


def shorten_waits(monkeypatch: pytest.MonkeyPatch, seconds: float, *more: str) -> None:
    """Shorten the waits for an answer to AT and to the frames that take a module out of multiplexer mode.

    Args:
        monkeypatch: undoes it.
        seconds: how long each is; NOBODY where no answer is going to come, else what a busy computer needs.
        more: further waits, by their names in `startup`.
    """
    for name in (*ASKING, *more):
        monkeypatch.setattr(startup, name, seconds)
