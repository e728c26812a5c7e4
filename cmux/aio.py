"""The asyncio shell: `open` a line, get channels as streams or transports, close it again."""

from __future__ import annotations

from .aio_channel import ChannelTransport
from .aio_fd import FdTransport
from .aio_mux import Mux
from .aio_opening import open
from .aio_protocol import MuxProtocol

__all__ = ["ChannelTransport", "FdTransport", "Mux", "MuxProtocol", "open"]
