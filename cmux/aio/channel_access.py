"""How a `Mux` provides its channels: by number, or as the peer opens them, as streams or with a transport."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from ..protocol.commands import Signals
from ..protocol.negotiation import wanted
from .channel_transport import ChannelTransport
from .channels import Channels, Streams
from .services import Services

P = TypeVar("P", bound=asyncio.BaseProtocol)


class ChannelAccess(Services):
    """The part of a `Mux` that is about its channels; `cmux.Mux` has the same names."""

    _channels: Channels

    async def channel(
        self,
        dlci: int | str,
        *,
        n1: int | None = None,
        priority: int | None = None,
        convergence: int | None = None,
    ) -> Streams:
        """Open a DLC and return its streams; while it stays open, always the same ones.

        Parameters are negotiated by PN before the DLC is opened (27.010 §5.4.6.3.1), also when it is opened again.
        `parameters` tells what the peer has granted.

        Args:
            dlci: 1 to 61, or a name that the profile has for one.
            n1: longest information field in either direction, in octets; None: that of the session.
            priority: 0 to 63; None: the default of the DLC.
            convergence: 1, plain octets, or 2, with the V.24 signals in every frame (27.010 §5.5); None: 1.

        Returns:
            Reader and writer of the standard library.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
            ConfigError: a parameter is out of range.
            StateError: the DLC is open with other parameters, or a responder has no session.
            DlcRefused: the peer answered DM.
            DlcTimeout: the peer did not answer.
            SessionEnded: this Mux is closed, or the line died.
        """
        number = self._number(dlci)
        self._require(number, n1, priority, convergence)
        return await self._channels.streams(number)

    async def accept(self) -> Streams:
        """Wait for a channel that the peer opens.

        A channel that is not accepted waits: its data is kept, and when there is much, the peer is asked to stop.

        Returns:
            Its reader and its writer, whose ``get_extra_info("dlci")`` tells which one it is. A channel that was closed
            and that the peer opens again is returned again.

        Raises:
            SessionEnded: this Mux is closed, or the line died.
        """
        accepted = await self._channels.accept(lambda: self.error is None or self.reattaching)
        if accepted is None:
            raise self._session_over()
        return accepted

    async def create_connection(
        self,
        factory: Callable[[], P],
        dlci: int | str,
        *,
        n1: int | None = None,
        priority: int | None = None,
        convergence: int | None = None,
    ) -> tuple[ChannelTransport, P]:
        """Open a DLC for a protocol.

        Args:
            factory: creates the protocol; called once more when the line is opened again after it died.
            dlci: 1 to 61, or a name that the profile has for one.
            n1: as for `channel`.
            priority: as for `channel`.
            convergence: as for `channel`.

        Returns:
            The transport and the protocol.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
            DlcError: it could not be opened, or is already open.
            SessionEnded: this Mux is closed, or the line died.
        """
        number = self._number(dlci)
        self._require(number, n1, priority, convergence)
        return await self._channels.connect(number, factory)

    def set_signals(self, dlci: int, signals: Signals) -> None:
        """Set our V.24 signals for an open channel (27.010 §5.4.6.3.7).

        A peer that has been asked to stop still is. `ChannelTransport.set_signals` does the same.

        Args:
            dlci: 1 to 61.
            signals: the signals.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
            StateError: the channel is not open.
            SessionEnded: this Mux is closed, or the line died.
        """
        self._check()
        self._channels.set_signals(self._number(dlci), signals)

    def _require(self, dlci: int, n1: int | None, priority: int | None, convergence: int | None) -> None:
        if (n1, priority, convergence) != (None, None, None):
            self._channels.require(dlci, wanted(self.config, n1, priority, convergence))
