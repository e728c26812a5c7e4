"""The states of a voice call, what happens to it, and what is done then: one table."""

from __future__ import annotations

import enum


class CallState(enum.Enum):
    """The states of the one call of a module; the values are those of AT+CLCC (27.007 §7.18)."""

    IDLE = None
    ACTIVE = 0
    DIALLING = 2
    ALERTING = 3
    INCOMING = 4


class CallInput(enum.Enum):
    """What happens to a call; the values are what an error says of it."""

    DIAL = "be made"
    OFFERED = "come in"
    ANSWER = "be answered here"
    HANG_UP = "be hung up here"
    RINGS = "ring there"
    ACCEPTED = "be answered there"
    BUSY = "meet a busy line"
    UNANSWERED = "stay unanswered"
    RELEASED = "be hung up there"
    EXPIRED = "take too long"
    LOST = "be lost"


class CallAction(enum.Enum):
    """What is done about it."""

    SET_UP = "look for the other side and tell it"
    RING = "start to ring, and tell the other side so"
    ACCEPT = "tell the other side that the call is answered"
    REFUSE = "tell the other side that this one is busy"
    RELEASE = "tell the other side that the call is over"
    TELL_CONNECTED = "end a command that waits by OK"
    TELL_BUSY = "BUSY"
    TELL_NO_ANSWER = "NO ANSWER"
    TELL_NO_CARRIER = "NO CARRIER"


_S, _I, _A = CallState, CallInput, CallAction

CALL_TRANSITIONS: dict[tuple[CallState, CallInput], tuple[CallState, tuple[CallAction, ...]]] = {
    (_S.IDLE, _I.DIAL): (_S.DIALLING, (_A.SET_UP,)),
    (_S.IDLE, _I.OFFERED): (_S.INCOMING, (_A.RING,)),
    #
    (_S.DIALLING, _I.RINGS): (_S.ALERTING, ()),
    (_S.DIALLING, _I.ACCEPTED): (_S.ACTIVE, (_A.TELL_CONNECTED,)),
    (_S.DIALLING, _I.BUSY): (_S.IDLE, (_A.TELL_BUSY,)),
    (_S.DIALLING, _I.UNANSWERED): (_S.IDLE, (_A.TELL_NO_ANSWER,)),
    (_S.DIALLING, _I.RELEASED): (_S.IDLE, (_A.TELL_NO_CARRIER,)),
    (_S.DIALLING, _I.EXPIRED): (_S.IDLE, (_A.RELEASE, _A.TELL_NO_ANSWER)),
    (_S.DIALLING, _I.HANG_UP): (_S.IDLE, (_A.RELEASE,)),
    (_S.DIALLING, _I.LOST): (_S.IDLE, (_A.RELEASE, _A.TELL_NO_CARRIER)),
    #
    (_S.ALERTING, _I.ACCEPTED): (_S.ACTIVE, (_A.TELL_CONNECTED,)),
    (_S.ALERTING, _I.BUSY): (_S.IDLE, (_A.TELL_BUSY,)),
    (_S.ALERTING, _I.UNANSWERED): (_S.IDLE, (_A.TELL_NO_ANSWER,)),
    (_S.ALERTING, _I.RELEASED): (_S.IDLE, (_A.TELL_NO_CARRIER,)),
    (_S.ALERTING, _I.EXPIRED): (_S.IDLE, (_A.RELEASE, _A.TELL_NO_ANSWER)),
    (_S.ALERTING, _I.HANG_UP): (_S.IDLE, (_A.RELEASE,)),
    (_S.ALERTING, _I.LOST): (_S.IDLE, (_A.RELEASE, _A.TELL_NO_CARRIER)),
    #
    (_S.INCOMING, _I.ANSWER): (_S.ACTIVE, (_A.ACCEPT,)),
    (_S.INCOMING, _I.HANG_UP): (_S.IDLE, (_A.REFUSE,)),
    (_S.INCOMING, _I.RELEASED): (_S.IDLE, (_A.TELL_NO_CARRIER,)),
    (_S.INCOMING, _I.LOST): (_S.IDLE, (_A.RELEASE, _A.TELL_NO_CARRIER)),
    #
    (_S.ACTIVE, _I.HANG_UP): (_S.IDLE, (_A.RELEASE,)),
    (_S.ACTIVE, _I.RELEASED): (_S.IDLE, (_A.TELL_NO_CARRIER,)),
    (_S.ACTIVE, _I.LOST): (_S.IDLE, (_A.RELEASE, _A.TELL_NO_CARRIER)),
}
"""The next state, and what is done, for each input that a call takes in a state; it takes no other."""
