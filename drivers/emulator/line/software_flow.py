"""XON and XOFF on the plain UART, where AT+IFC asks for them, and how data that looks like them is told apart."""

from __future__ import annotations

XON = 0x11
XOFF = 0x13
_ESCAPE = 0x77
_BOTH = bytes((XON, XOFF))
_ESCAPED = {octet: bytes((_ESCAPE, octet ^ 0xFF)) for octet in (XON, XOFF, _ESCAPE)}
_PLAIN = {pair[1]: octet for octet, pair in _ESCAPED.items()}


class SoftwareFlow:
    """What the host has said about sending, and data on its way past XON and XOFF.

    Args:
        escape: whether XON, XOFF and 0x77 as data travel as 0x77 and their complement.
    """

    def __init__(self, *, escape: bool) -> None:
        self.stopped: bool = False  # the host takes nothing now
        self._escape = escape
        self._pending = False

    def filter(self, data: bytes) -> bytes:
        """Take XON and XOFF out of what the host sends, the last one counts; and give escaped data back as it was."""
        rest = data.translate(None, _BOTH)
        if len(rest) != len(data):
            self.stopped = data.rfind(XOFF) > data.rfind(XON)
        return self._unescape(rest) if self._escape else rest

    @property
    def pending(self) -> bool:
        """Whether the last octet was 0x77, and the next one decides what it means."""
        return self._pending

    def settle(self) -> bytes:
        """Return the 0x77 that nothing followed: this host does not escape."""
        pending, self._pending = self._pending, False
        return bytes((_ESCAPE,)) if pending else b""

    def escape(self, data: bytes) -> bytes:
        """Make data for the host free of XON and XOFF."""
        if not self._escape or not any(octet in data for octet in _ESCAPED):
            return data
        return b"".join(_ESCAPED.get(octet, bytes((octet,))) for octet in data)

    def _unescape(self, data: bytes) -> bytes:
        if not self._pending and _ESCAPE not in data:
            return data
        plain = bytearray()
        for octet in data:
            if self._pending:
                self._pending = False
                if octet in _PLAIN:
                    plain.append(_PLAIN[octet])
                    continue
                plain.append(_ESCAPE)  # a host that does not escape
            if octet == _ESCAPE:
                self._pending = True
            else:
                plain.append(octet)
        return bytes(plain)
