"""The AT engine: a lexer, dialogues, and a channel that runs them over a port."""

from __future__ import annotations

from .channel import AtChannel
from .dialogue import Dialogue, Response, command, expect, pause, payload
from .engine import Sink
from .lexer import Framing
from .patterns import Header, LinePattern
from .port import Port
from .registry import channel_for, in_use, shared_channel

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
    "shared_channel",
]
