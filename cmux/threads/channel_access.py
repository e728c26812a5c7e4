"""How a `Mux` provides its channels: by number, as the peer opens them, or without opening them."""

from __future__ import annotations

from ..protocol.commands import Signals
from ..protocol.negotiation import wanted
from .channels import Channels
from .dlc_handle import DlcHandle
from .services import Services
from .virtual_uart import VirtualUart


class ChannelAccess(Services):
    """The part of a `Mux` that is about its channels; `cmux.aio.Mux` has the same names."""

    _channels: Channels

    def channel(
        self,
        dlci: int | str,
        *,
        n1: int | None = None,
        priority: int | None = None,
        convergence: int | None = None,
    ) -> VirtualUart:
        """Open a DLC and return its port; for the same DLCI it is always the same object.

        Parameters are negotiated by PN before the DLC is opened (27.010 §5.4.6.3.1), also when it is opened again.
        `parameters` tells what the peer has granted.

        Args:
            dlci: 1 to 61, or a name that the profile has for one.
            n1: longest information field in either direction, in octets; None: that of the session.
            priority: 0 to 63; None: the default of the DLC.
            convergence: 1, plain octets, or 2, with the V.24 signals in every frame (27.010 §5.5); None: 1.

        Returns:
            The port.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
            ConfigError: a parameter is out of range.
            StateError: the DLC is open with other parameters, or a responder has no session.
            DlcRefused: the peer answered DM.
            DlcTimeout: the peer did not answer.
            PortBusy: a ``cmux:`` URL has the DLC open.
            SessionEnded: this Mux is closed, or the line died.
        """
        number = self._number(dlci)
        if (n1, priority, convergence) != (None, None, None):
            self._handle(number).require(wanted(self.config, n1, priority, convergence))
        return self._channels.take(number)

    def accept(self, timeout: float | None = None) -> VirtualUart:
        """Wait for a channel that the peer opens.

        A channel that is not accepted waits: its data is kept, and when there is much, the peer is asked to stop.

        Args:
            timeout: seconds; None: as long as it takes.

        Returns:
            Its port, open. A channel that was closed and that the peer opens again is returned again.

        Raises:
            AcceptTimeout: the peer did not open one in time.
            SessionEnded: this Mux is closed, or the line died.
        """
        uart = self._channels.accept(timeout, lambda: self.error is None or self.reattaching)
        if uart is None:
            raise self._session_over()
        return uart

    def port(self, dlci: int) -> VirtualUart:
        """Return the port of a DLC as it is, open or not; for the same DLCI it is always the same object.

        Args:
            dlci: 1 to 61.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
        """
        return self._channels.port(dlci)

    def set_signals(self, dlci: int, signals: Signals) -> None:
        """Set our V.24 signals for an open channel (27.010 §5.4.6.3.7).

        RTC and RTR hold until ``dtr`` or ``rts`` of its port is set; a peer that has been asked to stop still is.

        Args:
            dlci: 1 to 61.
            signals: the signals.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
            StateError: the channel is not open.
            SessionEnded: this Mux is closed, or the line died.
        """
        self._handle(self._number(dlci)).change_signals(signals)

    def _handle(self, dlci: int) -> DlcHandle:
        """Return the near end of a DLC, for the ports on it."""
        return self._channels.handle(dlci)
