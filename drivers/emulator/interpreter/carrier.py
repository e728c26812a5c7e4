"""The carrier of one UART: what its DCD shows, as AT&C wants it."""

from __future__ import annotations

from typing import Protocol

from ..behaviour import Behaviour
from .transmitter import Outlet
from .uart_settings import UartSettings


class CarrierHost(Protocol):
    """The UART of a carrier."""

    settings: UartSettings

    @property
    def outlet(self) -> Outlet | None:
        """Where the UART transmits, None for nowhere."""


class Carrier:
    """Shows on one UART whether it has a data call (27.010 §5.4.6.3.7: DV; V.250 §6.2.8).

    Args:
        behaviour: the readings where sources disagree.
        uart: whose.
    """

    def __init__(self, behaviour: Behaviour, uart: CarrierHost) -> None:
        self._behaviour = behaviour
        self._uart = uart
        self._call: bool | None = None  # None before the first call

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'on' if self.on else 'off'}>"

    @property
    def on(self) -> bool:
        """Whether DCD is on: always with AT&C0; before the first call it is as `Behaviour.idle_carrier` says."""
        if not self._uart.settings.dcd:
            return True
        return self._behaviour.idle_carrier if self._call is None else self._call

    def found(self) -> None:
        """Show that a call has begun."""
        self._call = True
        self.show()

    def lost(self) -> None:
        """Show that it has ended."""
        self._call = False
        self.show()

    def forget(self) -> None:
        """Be as before the first call, for the next host."""
        self._call = None

    def show(self) -> None:
        """Tell the line, as when AT&C has changed."""
        if self._uart.outlet is not None:
            self._uart.outlet.carrier(self.on)
