"""Power saving of a session: what comes from the line is fed to its table, what the table says is carried out.

27.010 §5.1.5, §5.4.7.
"""

from __future__ import annotations

from typing import Protocol

from .commands import PSC
from .config import Config, Wakeup
from .control import ControlChannel
from .dlc import Dlc
from .events import Cause, Event, PowerChanged
from .keepalive import Watch
from .power import Power, PowerAction, PowerInput, PowerSaving
from .transmitter import Transmitter


class StandbyOwner(Protocol):
    """What power saving needs of the session that it belongs to."""

    config: Config
    now: float
    control: ControlChannel
    transmitter: Transmitter
    watch: Watch
    dlcs: dict[int, Dlc]

    def emit(self, event: Event) -> None:
        """Report something to the owner of the multiplexer."""

    def end(self, cause: Cause, detail: str) -> None:
        """End the session."""


class Standby:
    """Whether the two stations of a session are awake (27.010 §5.1.5).

    Args:
        session: what it belongs to.
    """

    def __init__(self, session: StandbyOwner) -> None:
        self._session = session
        self._config = session.config
        self.power: PowerSaving = PowerSaving(session.config)
        self._told_to_wake = False
        """Octets have just woken us, and the peer is to know that."""

    def forget(self) -> None:
        """Be awake: nothing was agreed with the session, or the peer, that begins."""
        self.power = PowerSaving(self._config)
        transmitter = self._session.transmitter
        transmitter.asleep = transmitter.quiet = self._told_to_wake = False

    def wake(self) -> None:
        """Wake the peer, or do not let it sleep (27.010 §5.4.7)."""
        self.apply(PowerInput.WANTED)
        if self.power.asleep and self._config.wakeup is not Wakeup.HANDSHAKE:
            self.apply(PowerInput.HEARD)

    def heard(self) -> None:
        """Octets came, whatever they are: a sleeping peer is awake."""
        if self.power.asleep:
            self._told_to_wake = self.power.state is Power.ASLEEP and self._config.wakeup is not Wakeup.NONE
            self.apply(PowerInput.HEARD)

    def understood(self, data: bytes, *, partial: bool) -> None:
        """Answer flags, where PSC was said: the peer may wait for ours (27.010 §5.4.7).

        Args:
            data: what was passed to the decoder.
            partial: it holds a frame that is not whole.
        """
        if not self.power.agreed:
            return
        woken, self._told_to_wake = self._told_to_wake, False
        if self.power.hears_flags(data, partial=partial) or (woken and self.power.awake):
            self.apply(PowerInput.FLAGS)

    def before_sending(self) -> None:
        """Go on towards sleep, or wake the peer for what is due."""
        self._rest()
        if self.power.state is Power.ASLEEP and (self._session.transmitter.due or self.power.wake_wanted):
            self.wake()

    def after_sending(self) -> None:
        """Note that octets, flags or frames, have left."""
        self.power.flags_sent(self._session.now)
        self._rest()

    def handle_timeout(self) -> None:
        """Do what is due."""
        if (what := self.power.due(self._session.now)) is not None:
            self.apply(what)

    def apply(self, what: PowerInput) -> None:
        """Drive the table of power saving and carry out its actions.

        Args:
            what: what happened.
        """
        session = self._session
        for action in self.power.apply(what, session.now):
            if action is PowerAction.SEND_PSC:
                session.control.submit(PSC())
            elif action is PowerAction.SEND_FLAGS:
                if self._config.wakeup is not Wakeup.NONE:
                    session.transmitter.send_flags()
            elif action is PowerAction.ANSWER:
                session.transmitter.send_flags()
            elif action is PowerAction.GIVE_UP:
                session.end(Cause.TIMEOUT, f"the peer did not wake up within T3 ({self._config.t3:g} s)")
            elif action is PowerAction.FALL_ASLEEP:
                session.emit(PowerChanged(Power.ASLEEP))
            else:
                session.watch.heard(session.now)  # who sleeps is not asked: its silence begins anew
                session.emit(PowerChanged(Power.AWAKE))
        session.transmitter.asleep, session.transmitter.quiet = self.power.asleep, self.power.agreeing

    def _rest(self) -> None:
        """Go on towards sleep, if it is wanted, nothing more is to be said, and no answer is under way."""
        session = self._session
        if self.power.state not in (Power.DRAINING, Power.DOZING) or session.transmitter.due:
            return
        # An answer that came to one who has begun to wake the peer would be taken for its flags (27.010 5.4.7).
        if session.control.next_timeout() is None and all(one.deadline is None for one in session.dlcs.values()):
            self.apply(PowerInput.IDLE)
