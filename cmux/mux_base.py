"""What a `Mux` of either shell is and answers at once; whatever waits is in the shells."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, TypeVar

from .errors import SessionEnded, StartupError
from .logs import port_logger
from .opening import check_dlci
from .protocol.commands import Signals
from .protocol.config import Config, Parameters, Role
from .protocol.events import Cause, SessionClosed
from .protocol.hand_over import Entered
from .protocol.leaving import WayBack
from .protocol.link import Link
from .protocol.multiplexer import Multiplexer
from .protocol.power import Power
from .resetting import Resetter
from .serving import Refuse, apply_refusals, refused

if TYPE_CHECKING:
    from .capture import Capture

T = TypeVar("T")


class MuxBase(ABC):
    """A multiplexed line: its state, and what can be asked of its session without waiting.

    Args:
        name: the name of the line.
        make_link: creates the session and the rules of its line; called again when the line is opened again.
        entered: how the module came into multiplexer mode; None: not by AT+CMUX.
        capture: gets every octet; the Mux closes it.
        names: names of channels, with their DLCI.
        can_reopen: a line that died is opened again.
        refuse: the DLCIs that the peer may not open.
        resetter: resets a module that does not answer; None: nobody does.
        attempts: how often multiplexer mode is entered where SABM is not answered.
    """

    _kind: ClassVar[str] = "Mux"
    _reconnector: object | None

    def __init__(
        self,
        name: str,
        make_link: Callable[[], Link],
        *,
        entered: Entered | None,
        capture: Capture | None,
        names: Mapping[str, int],
        can_reopen: bool,
        refuse: Refuse,
        resetter: Resetter | None,
        attempts: int,
    ) -> None:
        self.name: str = name
        """The name of the port: a path, a URL, or the name of the object."""
        self.back_in_at_mode: bool | None = None
        """Whether the module answered AT after closing; None if it was not asked."""
        self.reattached: int = 0
        """How often a line that died was opened again."""
        self._log = port_logger(name)
        self._make_link = make_link
        self._entered = entered
        self._capture = capture
        self._names = names
        self._can_reopen = can_reopen
        self._refuse = refuse
        self._resetter = resetter or Resetter(name)
        self._refused: frozenset[int] | None = None
        self._session_end: SessionClosed | None = None
        self._opened = False
        self._told_before: StartupError | None = None
        self._followed_to: int | None = None
        self._attempts = attempts

    @abstractmethod
    def _call(self, action: Callable[[Multiplexer, float], T], /) -> T:
        """Make a call to the core, and have written what is due after it."""

    @property
    @abstractmethod
    def _link(self) -> Link:
        """The session and the rules of its line."""

    @abstractmethod
    def _cause(self) -> SessionEnded | None:
        """Return why the line is not in use any more."""

    @abstractmethod
    def _is_closed(self, *, wholly: bool) -> bool:
        """Say whether `close` has been called or, wholly, whether it has done its work."""

    # --- State ---

    @property
    def config(self) -> Config:
        """The parameters of the session; of a responder in AT mode, those of the previous session."""
        return self._link.multiplexer.config

    @property
    def role(self) -> Role:
        """Which station this is."""
        return self._link.multiplexer.role

    @property
    def error(self) -> SessionEnded | None:
        """Why the session is over: the first cause; None while it is alive."""
        return self._cause()

    @property
    def serving(self) -> bool:
        """Whether a peer can begin a session: this is a responder whose line is alive."""
        return self.role is Role.RESPONDER and self.error is None and not self._is_closed(wholly=False)

    @property
    def reattaches(self) -> bool:
        """Whether the line is opened again when it dies."""
        return self._can_reopen and not self._is_closed(wholly=False)

    @property
    def reattaching(self) -> bool:
        """Whether a line that died is being opened again."""
        return self._reconnector is not None or self._is_to_reattach()

    def __repr__(self) -> str:
        state = "closed" if self._is_closed(wholly=True) else f"dead: {self.error}" if self.error else "open"
        return f"<{self._kind} {self.name} {self.role.value} {state}>"

    # --- Channels ---

    def parameters(self, dlci: int) -> Parameters:
        """Return the parameters in force on a channel: N1, frame type, convergence layer, priority.

        Args:
            dlci: 1 to 61.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
        """
        return self._call(lambda core, now: core.parameters(dlci))

    def signals(self, dlci: int) -> Signals | None:
        """Return the peer's V.24 signals for a channel; None before its first MSC (27.010 §5.4.6.3.7).

        Args:
            dlci: 1 to 61.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
        """
        return self._call(lambda core, now: core.signals(dlci))

    def own_signals(self, dlci: int) -> Signals:
        """Return the V.24 signals that this side sends for a channel.

        Args:
            dlci: 1 to 61.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
        """
        return self._call(lambda core, now: core.own_signals(dlci))

    def send_break(self, dlci: int, duration: float) -> None:
        """Send a break on an open channel, with its MSC (27.010 §5.4.6.3.7).

        Args:
            dlci: 1 to 61.
            duration: seconds, 0 to 3.0; rounded to steps of 0.2.

        Raises:
            InvalidDlci: the DLCI cannot carry data.
            FrameError: the duration is out of range.
            StateError: the channel is not open.
        """
        self._call(lambda core, now: core.send_break(dlci, duration, now))

    # --- Power saving ---

    @property
    def asleep(self) -> bool:
        """Whether both sides sleep (27.010 §5.4.7)."""
        return self._call(lambda core, now: core.power) is Power.ASLEEP

    def wake(self) -> None:
        """Wake a sleeping peer without sending anything (27.010 §5.4.7)."""
        self._call(lambda core, now: core.wake(now))

    # --- For the shells ---

    @property
    def _leave_by_at(self) -> bool:
        """Whether to ask with AT, after closing, if the module is back in AT mode."""
        return self._entered is not None and not self._entered.adopted

    @property
    def _first(self) -> bytes:
        """The octets that were read from the line before the session."""
        return self._entered.unread if self._entered is not None else b""

    @property
    def _way_back(self) -> WayBack | None:
        """How the line comes back to the rate of AT mode."""
        return self._entered.way if self._entered is not None else None

    @property
    def _leave_pause(self) -> float:
        """How long nothing is sent after the session, before AT is asked."""
        return self._entered.leave_pause if self._entered is not None else 0.0

    def _rates_to_follow(self, has_baudrate: bool) -> tuple[int, ...]:
        """Return the rates to which the module may have changed unasked after AT+CMUX."""
        return self._entered.rates if self._entered is not None and has_baudrate else ()

    def _may_follow(self) -> bool:
        """Say whether SABM may be sent again at another rate: nobody has answered it, and the line is alive."""
        unanswered = self.error is not None and self.error.cause is Cause.TIMEOUT
        return unanswered and not self._opened and not self._is_closed(wholly=False)

    def _followed(self, rate: int, heard: bytes) -> None:
        """Note that the line was set to another rate; what was heard at that before says more than silence at this."""
        if self._told_before is None and self._link.first_octets:
            self._told_before = self._link.not_opened(self.name, self._entered)
        if self._entered is not None:
            self._entered = replace(self._entered.follow(rate), unread=heard)
        self._followed_to = rate
        self._log.info("SABM is not answered: it is sent again at %d baud", rate)

    def _enters_again(self, attempt: int) -> bool:
        """Say whether to begin again with AT after so many attempts, and note why: SABM was not answered."""
        if attempt >= self._attempts or not self._leave_by_at or not self._may_follow():
            return False
        if self._told_before is None:
            self._told_before = self._link.not_opened(self.name, self._entered)
        self._log.warning("SABM is not answered: attempt %d of %d", attempt + 1, self._attempts)
        return True

    def _new_link(self) -> Link:
        link = self._make_link()
        if self._refused is None:
            self._refused = refused(self._refuse, link.multiplexer.config)
        apply_refusals(link.multiplexer, self._refused)
        return link

    def _number(self, dlci: int | str) -> int:
        """Return a DLCI for itself, or for the name that the profile has for it."""
        number = self._names.get(dlci, dlci) if isinstance(dlci, str) else dlci
        return check_dlci(number, self.config, names=self._names)

    def _keep_end(self, event: SessionClosed) -> None:
        """Keep why the session ended, and log it if no call is going to raise it."""
        self._session_end = event
        if event.cause is not Cause.LOCAL and self._opened:  # a failed opening raises its reason
            self._log.log(logging.WARNING if self._can_reopen else logging.INFO, "%s", event.detail)

    def _is_to_reattach(self) -> bool:
        """Say whether the line died after it had been opened, and is to be opened again."""
        died = self.error is not None and self.error.cause is not Cause.LOCAL
        return died and self._opened and self.reattaches

    def _count_reattaching(self) -> None:
        self._resetter.succeeded()
        self.reattached += 1

    def _keep_left(self, *, answered: bool) -> None:
        self.back_in_at_mode = answered

    def _session_over(self) -> SessionEnded:
        """Create the exception that says why there is no session."""
        if self.error is not None:
            return SessionEnded(self.error.cause, str(self.error))
        end = self._session_end
        assert end is not None  # noqa: S101 - one has ended, else the caller would wait still
        return SessionEnded(end.cause, f"{self.name}: {end.detail}")
