"""The AT engine without I/O: octets and the time in, octets and tokens out; dialogues, and what carries them on."""

from __future__ import annotations

from .dialogue import Dialogue, Response, command, expect, pause, payload
from .engine import Sink
from .lexer import Framing
from .patterns import Header, LinePattern

__all__ = [
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
