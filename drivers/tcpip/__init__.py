"""The TCP/IP driver for Quectel's internal stack: contexts, sessions, servers."""

from __future__ import annotations

from ..errors import ContextBusy, ContextLost
from .core.ownership import ContextTable, Lease
from .quectel_gsm.keepalive import KeepAlive
from .quectel_gsm.settings import Csd, Gprs, Transparent
from .quectel_gsm.transfer import Acknowledged
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
    "Gprs",
    "KeepAlive",
    "Lease",
    "Listener",
    "Session",
    "TcpipDriver",
    "Transparent",
    "Watch",
]
