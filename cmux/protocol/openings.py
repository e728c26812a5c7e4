"""How a DLC is opened for a user of this side: with which parameters, for how long, and which end is not that of it."""

from __future__ import annotations

from . import waits
from .config import Config, Parameters
from .errors import StateError
from .events import Cause, Closed
from .multiplexer import Multiplexer
from .signals import Signals


class Opening:
    """How one DLC is opened, the first time and each time after that.

    A shell calls `begin`, waits for at most `patience` until the DLC is open or closed, and then calls `over`.

    Args:
        dlci: the DLC.
    """

    def __init__(self, dlci: int) -> None:
        self.under_way: bool = False
        """Between `begin` and `over`: what ends now is the DLC that was there before."""
        self._dlci = dlci
        self._parameters: Parameters | None = None

    def require(self, parameters: Parameters, in_force: Parameters | None) -> None:
        """Have parameters negotiated by PN before the DLC is opened, the next time and each time after that.

        Args:
            parameters: what to ask for.
            in_force: those of the DLC, if it is open.

        Raises:
            StateError: it is open with others, that were not granted for these either.
        """
        if in_force is not None and parameters not in (in_force, self._parameters):
            raise StateError(f"DLCI {self._dlci} is open with {in_force}, not with {parameters}: close it first")
        self._parameters = parameters

    def begin(self, core: Multiplexer, now: float, signals: Signals | None) -> bool:
        """Open the DLC, unless the peer has opened it.

        Args:
            core: the multiplexer.
            now: the time.
            signals: our V.24 signals; None: those that it has.

        Returns:
            Whether it is open; else `Opened` or `Closed` will tell.

        Raises:
            StateError: the session is not open.
        """
        self.under_way = True
        if signals is not None:
            core.set_signals(self._dlci, signals, now)
        if not core.is_open(self._dlci):
            if self._parameters is not None:
                core.negotiate(self._dlci, self._parameters, now)
            core.open(self._dlci, now)
        self.under_way = not core.is_open(self._dlci)
        return not self.under_way

    def over(self) -> None:
        """Note that the DLC has opened, or that nobody waits for it any more, whatever has come of it."""
        self.under_way = False

    def patience(self, config: Config) -> float:
        """Return how many seconds to wait for the answer of the peer; it takes two when there is PN first."""
        asked = 0.0 if self._parameters is None else waits.answer(config)
        return asked + waits.opening(config)

    def not_sent(self, config: Config) -> Closed:
        """Return what has become of it when `patience` was not enough: the peer cannot have been asked."""
        return Closed(self._dlci, Cause.TIMEOUT, f"SABM was not sent within {self.patience(config):g} s")

    def is_of_previous(self, event: Closed) -> bool:
        """Tell whether this is the end of the DLC that was there before, which is told while it is opened again."""
        return self.under_way and event.cause in (Cause.LOCAL, Cause.PEER)
