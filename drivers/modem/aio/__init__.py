"""The general commands for asyncio: the names of `drivers.modem`, with coroutines, over the same dialogues."""

from __future__ import annotations

from ..core.answers import Identity, Registered, Signal
from ..core.general import NetworkTimeout
from .modem import Modem

__all__ = ["Identity", "Modem", "NetworkTimeout", "Registered", "Signal"]


def __dir__() -> list[str]:
    return sorted(__all__)
