"""The TCP/IP driver for Quectel's internal stack: contexts, sessions, servers."""

from __future__ import annotations

from ..errors import ContextBusy, ContextLost
from .context import ContextTable
from .driver import TcpipDriver
from .session import Listener, Session

__all__ = ["ContextBusy", "ContextLost", "ContextTable", "Listener", "Session", "TcpipDriver"]
