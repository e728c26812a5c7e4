"""The AT engine without I/O: octets and the time go in, octets and tokens come out; dialogues and their execution.

Nothing here waits or reads a clock: that is done in ``drivers.at.threads`` and ``drivers.at.aio``.
"""

from __future__ import annotations

from .dialogue import Dialogue, Response, command, expect, pause, payload
from .lexer import Framing
from .module_news import POWER_DOWN, VOLTAGE_WARNING
from .patterns import Header, LinePattern
from .sink import Sink

__all__ = [
    "POWER_DOWN",
    "VOLTAGE_WARNING",
    "Dialogue",
    "Framing",
    "Header",
    "LinePattern",
    "Response",
    "Sink",
    "command",
    "expect",
    "pause",
    "payload",
]


def __dir__() -> list[str]:
    return sorted(__all__)
