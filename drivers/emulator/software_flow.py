"""XON and XOFF on the plain UART, where AT+IFC asks for them."""

from __future__ import annotations

XON = 0x11
XOFF = 0x13
_BOTH = bytes((XON, XOFF))


class SoftwareFlow:
    """What the host has said about sending."""

    def __init__(self) -> None:
        self.stopped = False  # the host takes nothing now

    def filter(self, data: bytes) -> bytes:
        """Take XON and XOFF out of what the host sends; the last one counts."""
        rest = data.translate(None, _BOTH)
        if len(rest) != len(data):
            self.stopped = data.rfind(XOFF) > data.rfind(XON)
        return rest
