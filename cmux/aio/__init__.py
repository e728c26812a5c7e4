"""The shell for asyncio: `open` a line, use its channels as streams or transports, close it again.

It has the same names as the shell for threads. Rules and deadlines are not here but in `cmux.protocol`.
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
