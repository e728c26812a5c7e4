"""The calls of a `Multiplexer` about V.24 signals, breaks and flow control of channels: MSC (27.010 §5.4.6.3.7)."""

from __future__ import annotations

from dataclasses import replace

from .dlc_table import State
from .errors import StateError
from .signals import Signals, build_status
from .station import Station
from .wire import MessageType


class ChannelSignals(Station):
    """What the two stations say about the lines of each channel."""

    def signals(self, dlci: int) -> Signals | None:
        """Return the peer's latest V.24 signals for a DLC; None before its first MSC.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
        """
        return self._look_at_user_dlc(dlci).peer_signals

    def own_signals(self, dlci: int) -> Signals:
        """Return the V.24 signals that this station sends for a DLC.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
        """
        return self._look_at_user_dlc(dlci).own_signals

    def signals_told(self, dlci: int) -> bool:
        """Tell whether the peer has answered what this station has said about its signals for a DLC.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
        """
        return not self._session.control.awaits(MessageType.MSC, self._look_at_user_dlc(dlci).dlci)

    def set_signals(self, dlci: int, signals: Signals, now: float) -> None:
        """Set our V.24 signals for a DLC; a change is sent as MSC (27.010 §5.4.6.3.7).

        Args:
            dlci: 1 to 61.
            signals: the signals; before the DLC is open, they are sent after UA.
            now: seconds on the caller's clock.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
        """
        dlc = self._user_dlc(dlci)
        if dlc.set_own_signals(signals):
            self._at(now).send_signals(dlc)

    def send_break(self, dlci: int, duration: float, now: float) -> None:
        """Send a break on an open DLC (27.010 §5.4.6.3.7).

        Args:
            dlci: 1 to 61.
            duration: seconds, 0 to 3.0; rounded to steps of 0.2.
            now: seconds on the caller's clock.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
            FrameError: the duration is out of range.
            StateError: the DLC is not open, or too many commands wait for answers.
        """
        dlc = self._user_dlc(dlci)
        build_status(dlc.own_signals, duration)  # raises now, not when it is sent
        if not dlc.is_open or dlc.state is State.PARKED:
            raise StateError(f"DLCI {dlci} cannot send a break: it is {dlc.state_as_told}")
        self._require_room("a break")
        self._at(now).send_signals(dlc, break_length=duration)

    def pause_reading(self, dlci: int, now: float) -> None:
        """Ask the peer to stop sending on a DLC: FC = 1 (27.010 §5.4.8). Octets already under way still arrive."""
        self.set_signals(dlci, replace(self.own_signals(dlci), fc=True), now)

    def resume_reading(self, dlci: int, now: float) -> None:
        """Let the peer send again on a DLC: FC = 0 (27.010 §5.4.8)."""
        self.set_signals(dlci, replace(self.own_signals(dlci), fc=False), now)
