"""What is typed at a prompt: data until Ctrl-Z, by count, or until a timer expires; and a message until Ctrl-Z."""

from __future__ import annotations

CTRL_Z = 0x1A
ESC = 0x1B


class Entry:
    """Collects the data typed at one prompt.

    Args:
        length: octets to wait for; None for the form that ends with Ctrl-Z.
        most: octets that the form with Ctrl-Z sends; what is typed beyond is dropped.
        esc_cancels: whether ESC ends it without sending.
    """

    def __init__(self, length: int | None, *, most: int, esc_cancels: bool) -> None:
        self.length: int | None = length
        self.finished: bool = False
        self.cancelled: bool = False
        self.dropped: int = 0  # octets beyond the most that one prompt takes
        self._data = bytearray()
        self._most = most
        self._esc_cancels = esc_cancels

    @property
    def data(self) -> bytes:
        """The data to send."""
        return bytes(self._data)

    def feed(self, octets: bytes) -> tuple[int, int]:
        """Take typed octets.

        Args:
            octets: the input.

        Returns:
            How many of them belong to the entry, and how many of those are data (not Ctrl-Z, not ESC).
        """
        stop = self._stop(octets)
        data = octets if stop is None else octets[:stop]
        room = (self._most if self.length is None else self.length) - len(self._data)
        if self.length is None:
            self._data += data[:room]
            self.dropped += max(0, len(data) - room)
        else:
            data = data[:room]
            self._data += data
            if len(self._data) == self.length:
                self.finished = True
                return len(data), len(data)
        if stop is None:
            return len(octets), len(octets)
        self.finished = True
        self.cancelled = octets[stop] == ESC
        return stop + 1, stop

    def expire(self) -> None:
        """End it because its timer expired."""
        self.finished = True

    def shown(self, octets: bytes, *, echo: bool) -> bytes:
        """Return what is written while data is typed.

        Args:
            octets: the data.
            echo: whether it is echoed.
        """
        return octets if echo else b""

    def _stop(self, octets: bytes) -> int | None:
        """Return the position of the Ctrl-Z or ESC that ends it, or None."""
        ends = [CTRL_Z] if self.length is None else []
        if self._esc_cancels:
            ends.append(ESC)
        found = [at for at in (octets.find(end) for end in ends) if at >= 0]
        return min(found, default=None)


class MessageEntry(Entry):
    """Collects a message, which ends with Ctrl-Z and is cancelled by ESC (27.005 §3.5.1).

    Args:
        most: octets that are kept; what is typed beyond is counted.
        continued: whether the prompt is repeated after each carriage return, as in text mode.
    """

    PROMPT = b"\r\n> "
    """Always these four octets."""

    def __init__(self, most: int, *, continued: bool) -> None:
        super().__init__(None, most=most, esc_cancels=True)
        self._continued = continued

    def shown(self, octets: bytes, *, echo: bool) -> bytes:
        """See `Entry.shown`."""
        if not self._continued:
            return super().shown(octets, echo=echo)
        return octets.replace(b"\r", b"\r" + self.PROMPT) if echo else self.PROMPT * octets.count(b"\r")
