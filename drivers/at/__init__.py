"""The AT engine: a lexer, dialogues, and channels that run them over a port (on threads) or over streams (`aio`).

What the commands of a module mean is not here: see ``drivers.modem`` and ``drivers.tcpip``.
"""

from __future__ import annotations

from .core import Dialogue, Framing, Header, LinePattern, Response, Sink, command, expect, pause, payload
from .threads.channel import AtChannel
from .threads.living import in_use
from .threads.port import Port
from .threads.registry import channel_for

__all__ = [
    "AtChannel",
    "Dialogue",
    "Framing",
    "Header",
    "LinePattern",
    "Port",
    "Response",
    "Sink",
    "channel_for",
    "command",
    "expect",
    "in_use",
    "pause",
    "payload",
]


def __dir__() -> list[str]:
    return sorted({*__all__, "aio"})
