"""A DLC of the multiplexer as the outlet of a UART, or as a loopback."""

from __future__ import annotations

import logging
from dataclasses import replace

from cmux.aio import MuxProtocol

_LIMIT = 1 << 20

log: logging.Logger = logging.getLogger(__name__)


class Channel:
    """Gives a UART one DLC as its outlet.

    Args:
        mux: the multiplexer.
        dlci: which.
    """

    def __init__(self, mux: MuxProtocol, dlci: int) -> None:
        self._mux = mux
        self._dlci = dlci

    def send(self, data: bytes) -> int:
        """See `Outlet.send`."""
        if not self._mux.multiplexer.is_open(self._dlci):
            return 0
        return self._mux.write(self._dlci, data)

    def pause_input(self) -> None:
        """See `Outlet.pause_input`."""
        if self._mux.multiplexer.is_open(self._dlci):
            self._mux.multiplexer.pause_reading(self._dlci, self._mux.now())
            self._mux.flush()

    def resume_input(self) -> None:
        """See `Outlet.resume_input`."""
        if self._mux.multiplexer.is_open(self._dlci):
            self._mux.multiplexer.resume_reading(self._dlci, self._mux.now())
            self._mux.flush()

    def carrier(self, on: bool) -> None:
        """See `Outlet.carrier`: the bit DV of MSC, which stands in the line before the octets that follow."""
        core = self._mux.multiplexer
        if core.is_open(self._dlci):
            core.set_signals(self._dlci, replace(core.own_signals(self._dlci), dv=on), self._mux.now())
            self._mux.flush()


class Loopback:
    """Sends back what a DLC receives.

    Args:
        channel: the DLC.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._data = bytearray()
        self.paused: bool = False
        """The host was asked to stop."""
        self.lost: int = 0  # octets from a host that did not stop when it was asked to

    def feed(self, data: bytes) -> None:
        """Take octets."""
        if len(self._data) > _LIMIT:
            if not self.lost:
                log.warning("a looped-back channel loses octets: the host does not stop when it is asked to")
            self.lost += len(data)
            return
        self._data += data
        self.pump()

    def pump(self) -> None:
        """Send back what waits, as far as there is room."""
        while self._data:
            taken = self._channel.send(bytes(self._data[:4096]))
            if not taken:
                break
            del self._data[:taken]
        if bool(self._data) != self.paused:
            self.paused = bool(self._data)
            if self.paused:
                self._channel.pause_input()
            else:
                self._channel.resume_input()
