"""What a UART writes besides the answers to its commands: unsolicited lines and received data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .bytestream import Online


@dataclass(frozen=True, slots=True)
class Urc:
    """An unsolicited line.

    Args:
        text: without its line ends.
        online: returns what the UART is joined to in data mode, which begins behind the line, or None when that is
            over already; None for a line that brings no data mode.
    """

    text: str
    online: Callable[[], Online | None] | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """Received data on its way to a UART.

    Args:
        header: what stands before it, line ends included.
        payload: the data.
    """

    header: bytes
    payload: bytes
