"""The shell of asyncio: `open` a line, get channels as streams or transports, close it again.

It waits, reads and writes; it has the names of the shell of threads.
"""

from __future__ import annotations

from .channel_transport import ChannelTransport
from .fd_transport import FdTransport
from .mux import Mux
from .opener import open
from .protocol import MuxProtocol
from .server import serve

__all__ = ["ChannelTransport", "FdTransport", "Mux", "MuxProtocol", "open", "serve"]


def __dir__() -> list[str]:
    return list(__all__)
