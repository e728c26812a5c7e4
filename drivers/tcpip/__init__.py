"""The driver for the TCP/IP stacks inside modules: contexts, sessions, servers; on threads, and in `aio`.

The emulated module is not here and shares nothing with it: see ``drivers.emulator``.
"""

from __future__ import annotations

from ..errors import ContextBusy, ContextLost
from .core.keepalive import KeepAlive
from .core.options import Csd, Gprs, Transparent
from .core.ownership import ContextTable, Lease
from .core.socket_state import Acknowledged
from .core.stack import Dialect
from .threads.driver import TcpipDriver
from .threads.listener import Listener
from .threads.session import Session
from .threads.watch import Watch

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
    return sorted({*__all__, "aio", "families"})
