"""Power saving of a session: feeds its transition table from the line, and carries out the actions.

27.010 §5.1.5, §5.4.7.
"""

from __future__ import annotations

from typing import Protocol

from .commands import PSC
from .config import Config, Wakeup
from .control import ControlChannel
from .dlc import Dlc
from .events import Cause, Event, PowerChanged
from .keepalive import PeerWatch
from .power import Power, PowerAction, PowerInput, PowerSaving
from .self_sleep import SelfSleep
from .transmitter import Transmitter
from .waits import NEVER


class StandbyOwner(Protocol):
    """What power saving needs from the session that it belongs to."""

    config: Config
    now: float
    control: ControlChannel
    transmitter: Transmitter
    watch: PeerWatch
    dlcs: dict[int, Dlc]

    def emit(self, event: Event) -> None:
        """Report something to the owner of the multiplexer."""

    def end(self, cause: Cause, detail: str) -> None:
        """End the session."""


class Standby:
    """Knows whether the two stations of a session are awake (27.010 §5.1.5).

    Args:
        session: the session that it belongs to.
    """

    def __init__(self, session: StandbyOwner) -> None:
        self._session = session
        self._config = session.config
        self.power: PowerSaving = PowerSaving(session.config)
        self._self_sleep = SelfSleep(session.config)
        self._told_to_wake = False
        """Octets have just woken us, and the peer has to know that."""
        self.idle: bool = session.config.sleeps_after is None
        """Both stations are awake and want to stay so: neither octets nor the time make a difference here."""

    def _look_idle(self) -> None:
        self.idle = self.power.state is Power.AWAKE and self._config.sleeps_after is None

    def forget(self) -> None:
        """Return to being awake: a new session, or a peer that restarts, has agreed on nothing."""
        self.power = PowerSaving(self._config)
        self._look_idle()
        transmitter = self._session.transmitter
        transmitter.asleep = transmitter.quiet = self._told_to_wake = False

    def wake(self) -> None:
        """Wake the peer, or keep it awake (27.010 §5.4.7)."""
        self.apply(PowerInput.WANTED)
        if self.power.asleep and self._config.wakeup is not Wakeup.HANDSHAKE:
            self.apply(PowerInput.OCTETS)

    def octets_received(self) -> None:
        """Note that octets came: whatever they are, a sleeping peer is awake."""
        self._self_sleep.passed(self._session.now)
        if self.power.asleep:
            self._told_to_wake = self.power.state is Power.ASLEEP and self._config.wakeup is not Wakeup.NONE
            self.apply(PowerInput.OCTETS)

    def understood(self, data: bytes, *, partial: bool) -> None:
        """Answer flags if PSC was sent in this session: the peer may wait for ours (27.010 §5.4.7).

        Args:
            data: what was passed to the decoder.
            partial: the decoder has a frame that is incomplete.
        """
        if not self.power.agreed:
            return
        woken, self._told_to_wake = self._told_to_wake, False
        if self.power.hears_flags(data, partial=partial) or (woken and self.power.awake):
            self.apply(PowerInput.FLAGS)

    @property
    def rests(self) -> bool:
        """Whether both stations are awake, and no step towards sleep is due."""
        return self.power.state is Power.AWAKE

    def before_sending(self) -> None:
        """Continue towards sleep, or wake the peer for what is due."""
        self._rest()
        if self.power.state is Power.ASLEEP and (self._session.transmitter.due or self.power.wake_wanted):
            self.wake()
        if self._config.sleeps_after is not None:
            self._before_frames()

    def _before_frames(self) -> None:
        """Send flags to a peer that may sleep by itself, and keep the frames back until it loses nothing any more."""
        own, session = self._self_sleep, self._session
        own.expire(session.now)
        first = own.may_sleep(session.now) and not self.power.asleep and session.transmitter.due
        if first:
            session.transmitter.send_flags()
            self.power.flags_wanted(session.now)
        session.transmitter.waking = own.ready_at is not None or (first and own.pauses)

    def after_sending(self) -> None:
        """Note that octets, flags or frames, have been sent."""
        self._self_sleep.passed(self._session.now)
        self.power.flags_sent(self._session.now)
        self._rest()

    def flags_left(self) -> None:
        """Begin the pause anew: the line has taken the flags that wake the peer only now."""
        self._self_sleep.woken(self._session.now)
        self._session.transmitter.waking = self._self_sleep.ready_at is not None

    def due_at(self) -> float:
        """Return when there is something to do: for the power saving, or a frame that waits for the peer to wake up."""
        frame_at, power_at = self._self_sleep.ready_at, self.power.next_timeout()
        if frame_at is None or not self._session.transmitter.due:
            frame_at = NEVER
        return frame_at if power_at is None else min(frame_at, power_at)

    def handle_timeout(self) -> None:
        """Do what is due; frames that have waited for the peer to wake up are due then."""
        self._self_sleep.expire(self._session.now)
        if (what := self.power.due(self._session.now)) is not None:
            self.apply(what)

    def apply(self, what: PowerInput) -> None:
        """Apply an input to the table of power saving, and carry out the actions.

        Args:
            what: what happened.
        """
        session = self._session
        actions = self.power.apply(what, session.now)
        self._look_idle()
        for action in actions:
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
                self._self_sleep.agreed()
                session.emit(PowerChanged(Power.ASLEEP))
            else:
                session.watch.heard(session.now)  # a sleeping peer is not asked: its silence counts from now
                session.emit(PowerChanged(Power.AWAKE))
        session.transmitter.asleep, session.transmitter.quiet = self.power.asleep, self.power.agreeing

    def _rest(self) -> None:
        """Continue towards sleep if it is wanted, nothing more is due, and no answer is under way."""
        session = self._session
        if self.power.state not in (Power.DRAINING, Power.DOZING) or session.transmitter.due:
            return
        # An answer that reached a station which has begun to wake its peer would be taken for flags (27.010 5.4.7).
        if session.control.next_timeout() is None and all(one.deadline is None for one in session.dlcs.values()):
            self.apply(PowerInput.IDLE)
