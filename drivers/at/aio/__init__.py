"""AT channels in asyncio: they run the dialogues of the core over a pair of streams, and only wait and wake.

The lexer, the engine and the dialogues are in ``drivers.at.core``.
"""

from __future__ import annotations

from .channel import AtChannel, Streams, channel_on

__all__ = ["AtChannel", "Streams", "channel_on"]


def __dir__() -> list[str]:
    return sorted(__all__)
