"""The names of this shell that programs use, connected: ports learn here how the line of a URL is opened."""

from __future__ import annotations

from .mux import Mux
from .opener import open
from .server import serve
from .sharing import acquire
from .virtual_uart import VirtualUart

__all__ = ["Mux", "VirtualUart", "open", "serve"]

VirtualUart.open_url = staticmethod(acquire)
