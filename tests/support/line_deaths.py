"""The ways in which a session ends that nobody here wants to end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mux_module import Module

from cmux.protocol.config import KeepAlive
from cmux.protocol.events import Cause

DEATHS: dict[str, tuple[Callable[[Module], None], dict[str, Any], str, Cause]] = {
    "unplugged": (Module.stop, {}, "hung up: end of file", Cause.LINE_LOST),
    "reset": (Module.restart, {}, "the module was reset: it said 'RDY' and then sent no frame", Cause.PEER),
    "keep-alive lost": (
        Module.mute,
        {"keep_alive": KeepAlive.TEST, "keep_alive_interval": 0.2, "t1": 0.1, "t2": 0.25, "n2": 1},
        "the peer did not answer 2 keep-alive questions",
        Cause.TIMEOUT,
    ),
}
"""What the module does, settings of the host, the sentence that it says, and the cause."""

HUNG_UP = ("hung up: end of file", "hung up: Input/output error")
"""Who reads sees the one; who still had an answer to write at that moment sees the other first."""


def one_hang_up(text: object) -> str:
    """Return a text in which it is all the same how a hang-up has shown."""
    return str(text).replace(HUNG_UP[1], HUNG_UP[0])
