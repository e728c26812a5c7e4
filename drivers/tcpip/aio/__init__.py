"""The TCP/IP driver for asyncio: the names of `drivers.tcpip` as coroutines, over the same procedures.

Rules are in ``drivers.tcpip.core``, AT commands in the folder of each family.
"""

from __future__ import annotations

from ...errors import ContextBusy, ContextLost
from ..core.keepalive import KeepAlive
from ..core.options import Csd, Gprs, Transparent
from ..core.ownership import ContextTable, Lease
from ..core.socket_state import Acknowledged
from ..core.stack import Dialect
from .driver import TcpipDriver
from .listener import Listener
from .session import Session
from .watch import Watch

__all__ = [
    "Acknowledged",
    "ContextBusy",
    "ContextLost",
    "ContextTable",
    "Csd",
    "Dialect",
    "Gprs",
    "KeepAlive",
    "Lease",
    "Listener",
    "Session",
    "TcpipDriver",
    "Transparent",
    "Watch",
]


def __dir__() -> list[str]:
    return sorted(__all__)
