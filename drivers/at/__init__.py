"""The AT engine: a lexer, dialogues, and a channel that runs them over a port."""

from __future__ import annotations

from .core import Dialogue, Framing, Header, LinePattern, Response, Sink, command, expect, pause, payload
from .threads.channel import AtChannel, in_use
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
