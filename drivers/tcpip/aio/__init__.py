"""The TCP/IP driver for asyncio: the names of `drivers.tcpip`, awaitable, from the same procedures."""

from __future__ import annotations

from ...errors import ContextBusy, ContextLost
from ..core.ownership import ContextTable, Lease
from ..quectel_gsm.keepalive import KeepAlive
from ..quectel_gsm.settings import Csd, Gprs, Transparent
from ..quectel_gsm.transfer import Acknowledged
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
    "Gprs",
    "KeepAlive",
    "Lease",
    "Listener",
    "Session",
    "TcpipDriver",
    "Transparent",
    "Watch",
]
