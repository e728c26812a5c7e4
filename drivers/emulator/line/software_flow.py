"""XON and XOFF on the plain UART, where AT+IFC asks for them, and the escaping of data that looks like them."""

from __future__ import annotations

XON = 0x11
XOFF = 0x13
_ESCAPE = 0x77
_BOTH = bytes((XON, XOFF))
_ESCAPED = {octet: bytes((_ESCAPE, octet ^ 0xFF)) for octet in (XON, XOFF, _ESCAPE)}
_PLAIN = {pair[1]: octet for octet, pair in _ESCAPED.items()}


class SoftwareFlow:
    """Keeps what the host asks for with XON and XOFF, and escapes data that looks like them.

    Args:
        escape: whether XON, XOFF and 0x77 as data travel as 0x77 and their complement.
    """

    def __init__(self, *, escape: bool) -> None:
        self.stopped: bool = False  # the host takes nothing now
        self._escape = escape
        self._pending = False

    def filter(self, data: bytes) -> bytes:
        """Return the data in what the host sends, without XON and XOFF, the last of which counts, and unescaped."""
        rest = data.translate(None, _BOTH)
        if len(rest) != len(data):
            self.stopped = data.rfind(XOFF) > data.rfind(XON)
        return self._unescape(rest) if self._escape else rest

    @property
    def pending(self) -> bool:
        """Whether the last octet was 0x77, and the next one decides what it means."""
        return self._pending

    def settle(self) -> bytes:
        """Return the pending 0x77 as data, as nothing followed it: this host does not escape."""
        pending, self._pending = self._pending, False
        return bytes((_ESCAPE,)) if pending else b""

    def escape(self, data: bytes) -> bytes:
        """Return data for the host without XON and XOFF in it."""
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
