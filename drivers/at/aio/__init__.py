"""AT channels in asyncio: the same dialogues over a pair of streams."""

from __future__ import annotations

from .channel import AtChannel, Streams, channel_on

__all__ = ["AtChannel", "Streams", "channel_on"]


def __dir__() -> list[str]:
    return sorted(__all__)
