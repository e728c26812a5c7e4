"""What all calls of a `Multiplexer` stand on: the session, the time of a call, and the DLC that it is about."""

from __future__ import annotations

from .config import Config
from .control import MAX_WAITING
from .dlc import Dlc
from .errors import InvalidDlci, StateError
from .session import ControlSession


class Station:
    """One station of a multiplexer session, without its calls."""

    config: Config
    _session: ControlSession

    def _at(self, now: float) -> ControlSession:
        self._session.now, self._session.settled = now, False
        return self._session

    def _user_dlc(self, dlci: int) -> Dlc:
        if not self.config.carries_data(dlci):
            raise InvalidDlci(dlci)
        return self._session.dlc(dlci)

    def _look_at_user_dlc(self, dlci: int) -> Dlc:
        self._check_dlci(dlci)
        return self._look(dlci)

    def _look(self, dlci: int) -> Dlc:
        """Return a DLC for reading only; no record is made of a DLC that was not known."""
        return self._session.dlcs.get(dlci) or Dlc(dlci, self.config)

    def _check_dlci(self, dlci: object) -> None:
        if not self.config.carries_data(dlci):
            raise InvalidDlci(dlci)

    def _require_room(self, what: str) -> None:
        if self._session.control.full:
            raise StateError(f"{what} cannot be sent: {MAX_WAITING} commands already wait for answers from the peer")
