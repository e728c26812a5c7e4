"""The calls of channels to the core, each with its effect on the line."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from ..protocol.signals import Signals
from .protocol import MuxProtocol


class ProtocolOwner(Protocol):
    """The owner of the protocol that runs the session: another protocol after the line was opened again."""

    @property
    def protocol(self) -> MuxProtocol:
        """The protocol that runs the session now."""


class CoreCalls:
    """The core of one `Mux`, for its channels.

    Args:
        owner: the owner of the protocol.
    """

    def __init__(self, owner: ProtocolOwner) -> None:
        self.ours: dict[int, Signals] = {}
        """The V.24 signals that were set, for channels that are opened again."""
        self._owner = owner

    def send(self, dlci: int, data: bytes) -> int:
        """Queue octets; return how many were taken."""
        return self._owner.protocol.write(dlci, data)

    def unsent(self, dlci: int) -> int:
        """Return how many octets of a DLC wait to be sent."""
        return self._owner.protocol.multiplexer.unsent(dlci)

    def signals(self, dlci: int) -> Signals | None:
        """Return the peer's V.24 signals."""
        return self._owner.protocol.multiplexer.signals(dlci)

    def set_signals(self, dlci: int, signals: Signals, *, paused: bool = False) -> None:
        """Set our V.24 signals; if the peer has been asked to stop, it still is."""
        self.ours[dlci] = signals
        said = replace(signals, fc=True) if paused else signals
        protocol = self._owner.protocol
        protocol.multiplexer.set_signals(dlci, said, protocol.now())
        protocol.flush()

    def pause(self, dlci: int) -> None:
        """Ask the peer to stop on a DLC."""
        protocol = self._owner.protocol
        protocol.multiplexer.pause_reading(dlci, protocol.now())
        protocol.flush()

    def resume(self, dlci: int) -> None:
        """Let the peer continue."""
        protocol = self._owner.protocol
        protocol.multiplexer.resume_reading(dlci, protocol.now())
        protocol.flush()

    def close(self, dlci: int, *, drain: bool) -> None:
        """Close a DLC."""
        protocol = self._owner.protocol
        protocol.multiplexer.close(dlci, protocol.now(), drain)
        protocol.flush()
