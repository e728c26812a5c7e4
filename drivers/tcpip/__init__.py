"""The TCP/IP driver for Quectel's internal stack: contexts, sessions, servers."""

from __future__ import annotations

from ..errors import ContextBusy, ContextLost
from .context import ContextTable, Lease
from .driver import TcpipDriver
from .keepalive import KeepAlive
from .listener import Listener
from .session import Session
from .settings import Csd, Gprs, Transparent
from .transfer import Acknowledged
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
