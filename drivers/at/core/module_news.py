"""What modules say about their power, unasked and in one place: each maker has its own spelling."""

from __future__ import annotations

from typing import Final

from .patterns import LinePattern

_VOLTAGE: Final = tuple(f"{limit}{joint}VOLTAGE" for limit in ("UNDER", "OVER") for joint in "_- ")

POWER_DOWN: Final = (
    *(LinePattern(f"{cause} POWER DOWN") for cause in ("NORMAL", *_VOLTAGE)),
    LinePattern("POWERED DOWN"),  # Quectel's LTE modules
    LinePattern("^SHUTDOWN"),  # Cinterion
)
"""The last words of a module: it was told to switch off, or its supply was too low or too high."""

VOLTAGE_WARNING: Final = tuple(
    LinePattern(f"{cause} {word}")
    for cause in _VOLTAGE
    for word in ("WARNING", "WARNNING")  # SIM800's spelling
)
"""The supply is about to be too low or too high; the module goes on."""
