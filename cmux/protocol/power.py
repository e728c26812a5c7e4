"""Power saving: its transition table, its timers, and when flags are answered (27.010 §5.1.5, §5.4.7, §5.7.6).

A message may be lost and two PSC may cross, so one station may consider both asleep while the other does not know. No
such order ends a session whose line works: after a PSC in the session, a station that is awake answers flags, and any
octet wakes a station. From our PSC to its answer, and from the peer's to ours, only answers are sent, so that nothing
reaches a peer that has just fallen asleep.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import product
from typing import Final

from .config import Config, Option
from .wire import ADVANCED_FLAG, BASIC_FLAG


class Power(StrEnum):
    """Whether the two stations are awake."""

    AWAKE = "AWAKE"
    """Frames flow."""
    DRAINING = "DRAINING"
    """Sleep is wanted; PSC follows when nothing is due and no answer awaited. Frames flow."""
    ASKING = "ASKING"
    """Our PSC has been sent; data and commands wait for its answer."""
    CROSSED = "CROSSED"
    """Our PSC has been sent, and the peer's has come."""
    DOZING = "DOZING"
    """Sleep is agreed; asleep as soon as our answers have left and the peer's have come."""
    ASLEEP = "ASLEEP"
    """Only flags may come; they wake both."""
    WAKING = "WAKING"
    """Our flags have been sent; the peer's are awaited."""


class PowerInput(StrEnum):
    """What happens to the power state."""

    SLEEP = "sleep"
    PERMITTED = "PSC answered"
    DENIED = "PSC not answered"
    PEER_PSC = "PSC"
    IDLE = "nothing is due"
    WANTED = "the peer is wanted"
    OCTETS = "octets came"
    FLAGS = "flags came"
    T3 = "T3"


class PowerAction(StrEnum):
    """What is done in response."""

    SEND_PSC = "send PSC"
    SEND_FLAGS = "send flags"
    ANSWER = "answer with flags"
    FALL_ASLEEP = "emit: asleep"
    WAKE_UP = "emit: awake"
    GIVE_UP = "end the session"


_P, _I, _A = Power, PowerInput, PowerAction

POWER_TRANSITIONS: Final[dict[tuple[Power, PowerInput], tuple[Power, tuple[PowerAction, ...]]]] = {
    # 27.010 5.4.6.3.2: PSC asks, the answer permits.
    (_P.AWAKE, _I.SLEEP): (_P.DRAINING, ()),
    (_P.AWAKE, _I.PEER_PSC): (_P.DOZING, ()),
    (_P.DRAINING, _I.IDLE): (_P.ASKING, (_A.SEND_PSC,)),
    (_P.DRAINING, _I.PEER_PSC): (_P.DOZING, ()),
    (_P.DRAINING, _I.WANTED): (_P.AWAKE, ()),
    (_P.ASKING, _I.PERMITTED): (_P.DOZING, ()),
    (_P.ASKING, _I.DENIED): (_P.AWAKE, ()),
    (_P.ASKING, _I.PEER_PSC): (_P.CROSSED, ()),
    (_P.CROSSED, _I.PERMITTED): (_P.DOZING, ()),
    (_P.CROSSED, _I.DENIED): (_P.DOZING, ()),  # the peer has our answer nevertheless, and sleeps
    (_P.DOZING, _I.IDLE): (_P.ASLEEP, (_A.FALL_ASLEEP,)),
    # 27.010 5.4.7: the station with something to send sends flags, the other answers with flags when it is awake.
    (_P.ASLEEP, _I.WANTED): (_P.WAKING, (_A.SEND_FLAGS,)),
    (_P.WAKING, _I.WANTED): (_P.WAKING, (_A.SEND_FLAGS,)),
    (_P.WAKING, _I.T3): (_P.AWAKE, (_A.GIVE_UP,)),
    (_P.ASLEEP, _I.OCTETS): (_P.AWAKE, (_A.WAKE_UP,)),
    (_P.WAKING, _I.OCTETS): (_P.AWAKE, (_A.WAKE_UP,)),
    (_P.DOZING, _I.FLAGS): (_P.AWAKE, (_A.ANSWER, _A.WAKE_UP)),
    **{(power, _I.FLAGS): (power, (_A.ANSWER,)) for power in (_P.AWAKE, _P.DRAINING, _P.ASKING, _P.CROSSED)},
}

_NO_PSC: Final = "no PSC of ours is unanswered (27.010 §5.4.6.3.2)"

POWER_IGNORED: Final[dict[tuple[Power, PowerInput], str]] = {
    **dict.fromkeys(product((_P.DRAINING, _P.ASKING, _P.CROSSED), (_I.SLEEP,)), "already wanted"),
    **dict.fromkeys(product((_P.DOZING, _P.ASLEEP), (_I.SLEEP,)), "already agreed"),
    (_P.WAKING, _I.SLEEP): "the peer is being woken for something that is due",
    **dict.fromkeys(product((_P.AWAKE, _P.DRAINING, _P.DOZING), (_I.PERMITTED, _I.DENIED)), _NO_PSC),
    **dict.fromkeys(product((_P.ASLEEP, _P.WAKING), (_I.PERMITTED, _I.DENIED)), _NO_PSC),
    **dict.fromkeys(product((_P.CROSSED, _P.DOZING), (_I.PEER_PSC,)), "the peer repeats it: our answer was lost"),
    **dict.fromkeys(product((_P.ASLEEP, _P.WAKING), (_I.PEER_PSC,)), "the octets that brought it have woken us"),
    (_P.AWAKE, _I.IDLE): "sleep is not wanted",
    **dict.fromkeys(product((_P.ASKING, _P.CROSSED), (_I.IDLE,)), "the answer to PSC is awaited"),
    **dict.fromkeys(product((_P.ASLEEP, _P.WAKING), (_I.IDLE,)), "already asleep"),
    (_P.AWAKE, _I.WANTED): "already awake",
    **dict.fromkeys(product((_P.ASKING, _P.CROSSED, _P.DOZING), (_I.WANTED,)), "the peer is woken once it sleeps"),
    **dict.fromkeys(product((_P.AWAKE, _P.DRAINING), (_I.OCTETS,)), "octets are normal while awake"),
    **dict.fromkeys(product((_P.ASKING, _P.CROSSED, _P.DOZING), (_I.OCTETS,)), "octets under way still arrive"),
    **dict.fromkeys(product((_P.ASLEEP, _P.WAKING), (_I.FLAGS,)), "the flags themselves have already woken us"),
    **dict.fromkeys(
        product((_P.AWAKE, _P.DRAINING, _P.ASKING, _P.CROSSED, _P.DOZING, _P.ASLEEP), (_I.T3,)),
        "no flags of ours are unanswered (27.010 §5.7.6)",
    ),
}
"""What changes nothing, and why."""

_AGREEING: Final = frozenset((Power.ASKING, Power.CROSSED, Power.DOZING))

# How many flags in a row wake a station: two stand between any two frames, and a few more may be the contents of one. A
# damaged flag can begin such a frame, and it must not swallow all flags that the peer sends while it waits for ours.
_MANY_FLAGS, _MANY_FLAGS_INSIDE = 3, 6


class PowerSaving:
    """The power saving state of one session, and its timers.

    Args:
        config: T1, the time between two bursts of flags while the peer wakes up; T3, the time that the peer has to
            answer them (27.010 §5.7.6); the flag of the option.
    """

    def __init__(self, config: Config) -> None:
        self.state: Power = Power.AWAKE
        self.agreed: bool = False
        """PSC was sent in this session, by either station: the peer may consider us asleep."""
        self._config = config
        self._flag = bytes((BASIC_FLAG if config.option is Option.BASIC else ADVANCED_FLAG,))
        self._flags_in_a_row = 0
        self._give_up_at: float | None = None
        self._flags_at: float | None = None
        self._wake_wanted = False
        self._answer_pause = config.t1
        self._no_answer_before = 0.0

    @property
    def awake(self) -> bool:
        """Whether frames flow."""
        return self.state in (Power.AWAKE, Power.DRAINING)

    @property
    def agreeing(self) -> bool:
        """Whether only answers may leave, and PSC."""
        return self.state in _AGREEING

    @property
    def asleep(self) -> bool:
        """Whether nothing but flags may leave."""
        return self.state in (Power.ASLEEP, Power.WAKING)

    @property
    def wake_wanted(self) -> bool:
        """Whether the owner wanted to wake the peer before it was asleep."""
        return self.state is Power.ASLEEP and self._wake_wanted

    def apply(self, what: PowerInput, now: float) -> list[PowerAction]:
        """Follow the transition table.

        Args:
            what: what happened.
            now: seconds on the caller's clock.

        Returns:
            The actions, in order; without ANSWER shortly after we sent flags, as the peer's may be the answer to ours.
        """
        before = self.state
        self.state, actions = POWER_TRANSITIONS.get((before, what), (before, ()))
        if self.state is not Power.WAKING:
            self._give_up_at = self._flags_at = None
        if what is PowerInput.WANTED and before in _AGREEING:
            self._wake_wanted = True
        elif not self.asleep and self.state not in _AGREEING:
            self._wake_wanted = False
        if what is PowerInput.PEER_PSC or PowerAction.SEND_PSC in actions:
            self.agreed, self._answer_pause = True, self._config.t1
        if PowerAction.FALL_ASLEEP in actions:
            self._no_answer_before = now  # a station that is woken always answers
        if PowerAction.SEND_FLAGS in actions:
            self.flags_wanted(now)
        return [one for one in actions if one is not PowerAction.ANSWER or self._may_answer(now)]

    def flags_wanted(self, now: float) -> None:
        """Note that flags go out unasked: those that the peer sends soon may be the answer, and get none."""
        self._no_answer_before = now + self._answer_pause

    def _may_answer(self, now: float) -> bool:
        """Tell whether flags may be answered. Pauses grow, so that two awake stations do not go on for ever."""
        if now < self._no_answer_before:
            return False
        self._no_answer_before = now + self._answer_pause
        self._answer_pause = max(self._config.t1, min(2 * self._answer_pause, self._config.t3 / 4))
        return True

    def hears_flags(self, data: bytes, *, partial: bool) -> bool:
        """Look for wake-up flags.

        Args:
            data: octets that came.
            partial: a frame has begun and is incomplete, so the octets may be its contents.

        Returns:
            Whether they end in more flags than stand between frames; if so, the count restarts.
        """
        flags = len(data) - len(data.rstrip(self._flag))
        self._flags_in_a_row = flags + (self._flags_in_a_row if flags == len(data) else 0)
        if self._flags_in_a_row < (_MANY_FLAGS_INSIDE if partial else _MANY_FLAGS):
            return False
        self._flags_in_a_row = 0
        return True

    def flags_sent(self, now: float) -> None:
        """Start T3, once, and the time to the next flags."""
        if self.state is Power.WAKING:
            self._give_up_at = self._give_up_at or now + self._config.t3
            self._flags_at = now + self._config.t1

    def next_timeout(self) -> float | None:
        """Return when `due` will return something."""
        return min((at for at in (self._give_up_at, self._flags_at) if at is not None), default=None)

    def due(self, now: float) -> PowerInput | None:
        """Return the input that the time causes: T3 has run out, or flags are to be sent again.

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
