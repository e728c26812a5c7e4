"""Power saving: its transition table and the two timers of waking (27.010 §5.4.7, §5.7.6)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Power(StrEnum):
    """Whether the two stations are awake."""

    AWAKE = "AWAKE"
    """Frames flow."""
    ASKING = "ASKING"
    """Our PSC is out."""
    DOZING = "DOZING"
    """The peer's PSC came; asleep as soon as what is due has left."""
    ASLEEP = "ASLEEP"
    """Only flags may come, and wake."""
    WAKING = "WAKING"
    """Our flags are out; the peer's are awaited."""


class PowerInput(StrEnum):
    """What happens to it."""

    SLEEP = "sleep"
    PERMITTED = "PSC answered"
    DENIED = "PSC not answered"
    PEER_PSC = "PSC"
    IDLE = "nothing is due"
    WANTED = "something is due"
    HEARD = "octets came"
    T3 = "T3"


class PowerAction(StrEnum):
    """What is done about it."""

    SEND_PSC = "send PSC"
    SEND_FLAGS = "send flags"
    FALL_ASLEEP = "tell: asleep"
    WAKE_UP = "tell: awake"
    GIVE_UP = "end the session"


_P, _I, _A = Power, PowerInput, PowerAction

POWER_TRANSITIONS: Final[dict[tuple[Power, PowerInput], tuple[Power, tuple[PowerAction, ...]]]] = {
    # 27.010 5.4.6.3.2: PSC asks, the answer permits.
    (_P.AWAKE, _I.SLEEP): (_P.ASKING, (_A.SEND_PSC,)),
    (_P.AWAKE, _I.PEER_PSC): (_P.DOZING, ()),
    (_P.ASKING, _I.PERMITTED): (_P.DOZING, ()),
    (_P.ASKING, _I.DENIED): (_P.AWAKE, ()),
    (_P.ASKING, _I.PEER_PSC): (_P.ASKING, ()),
    (_P.DOZING, _I.IDLE): (_P.ASLEEP, (_A.FALL_ASLEEP,)),
    # 27.010 5.4.7: the station with something to send sends flags, the other answers with flags when it is awake.
    (_P.ASLEEP, _I.WANTED): (_P.WAKING, (_A.SEND_FLAGS,)),
    (_P.ASLEEP, _I.HEARD): (_P.AWAKE, (_A.SEND_FLAGS, _A.WAKE_UP)),
    (_P.WAKING, _I.WANTED): (_P.WAKING, (_A.SEND_FLAGS,)),
    (_P.WAKING, _I.HEARD): (_P.AWAKE, (_A.WAKE_UP,)),
    (_P.WAKING, _I.T3): (_P.AWAKE, (_A.GIVE_UP,)),
}

POWER_IGNORED: Final = frozenset((power, what) for power in Power for what in PowerInput) - set(POWER_TRANSITIONS)
"""Every other pair changes nothing: a station that is awake hears and sends all the time."""


class PowerSaving:
    """The state of power saving of one session, and when it has to do something by itself.

    Args:
        t1: seconds between two bursts of flags while the peer wakes up.
        t3: seconds that it has to answer them (27.010 §5.7.6).
    """

    def __init__(self, t1: float, t3: float) -> None:
        self.state = Power.AWAKE
        self._t1, self._t3 = t1, t3
        self._give_up_at: float | None = None
        self._flags_at: float | None = None

    @property
    def asleep(self) -> bool:
        """Whether nothing but flags may leave."""
        return self.state in (Power.ASLEEP, Power.WAKING)

    def apply(self, what: PowerInput) -> tuple[PowerAction, ...]:
        """Follow the transition table.

        Args:
            what: what happened.

        Returns:
            The actions, in order.
        """
        self.state, actions = POWER_TRANSITIONS.get((self.state, what), (self.state, ()))
        if self.state is not Power.WAKING:
            self._give_up_at = self._flags_at = None
        return actions

    def flags_sent(self, now: float) -> None:
        """Start T3, once, and the time to the next flags."""
        if self.state is Power.WAKING:
            self._give_up_at = self._give_up_at or now + self._t3
            self._flags_at = now + self._t1

    def next_timeout(self) -> float | None:
        """Return when `due` has something to say."""
        return min((at for at in (self._give_up_at, self._flags_at) if at is not None), default=None)

    def due(self, now: float) -> PowerInput | None:
        """Return what has come of waiting: T3 has run out, or it is time for flags again.

        Args:
            now: seconds on the caller's clock.

        Returns:
            T3, WANTED for more flags, or None.
        """
        if self._give_up_at is not None and self._give_up_at <= now:
            return PowerInput.T3
        if self._flags_at is not None and self._flags_at <= now:
            self._flags_at = None
            return PowerInput.WANTED
        return None
