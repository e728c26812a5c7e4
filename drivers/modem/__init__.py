"""The general commands of a module: its identity, SIM, network, signal and clock; on threads, and in `aio`.

They are those of 27.007 and V.250, and of Quectel's M66 AT manual where those have none (AT+QCCID, AT+QPOWD).
"""

from __future__ import annotations

from .core.answers import Identity, Registered, Signal
from .core.general import NetworkTimeout
from .threads.modem import Modem

__all__ = ["Identity", "Modem", "NetworkTimeout", "Registered", "Signal"]


def __dir__() -> list[str]:
    return sorted({*__all__, "aio"})
