"""One data link connection: its transition table, its transmit queue and its V.24 signals (27.010 §5.4).

`TRANSITIONS` and `IGNORED` together have every pair of state and input; they do not know which role this station has.
The multiplexer carries out the actions.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from .commands import Signals
from .config import Config
from .events import Cause


class State(StrEnum):
    """Where a DLC stands, seen from this station."""

    CLOSED = "CLOSED"
    """No command but SABM is accepted (ADM)."""
    OPENING = "OPENING"
    """SABM is out, UA or DM is awaited."""
    OPEN = "OPEN"
    """Data flows (ABM)."""
    DRAINING = "DRAINING"
    """To be closed as soon as the transmit queue is empty."""
    CLOSING = "CLOSING"
    """DISC is out, UA or DM is awaited."""


class Input(StrEnum):
    """What happens to a DLC."""

    OPEN = "open"
    CLOSE = "close"
    DRAIN = "close when drained"
    DRAINED = "queue empty"
    SABM = "SABM"
    UNWANTED_SABM = "SABM, refused by policy"
    UA = "UA"
    DM = "DM"
    DISC = "DISC"
    DATA = "UIH"
    T1 = "T1"
    N2 = "T1, N2 used up"


class Action(StrEnum):
    """What the multiplexer does about it."""

    SEND_SABM = "send SABM"
    SEND_DISC = "send DISC"
    SEND_UA = "send UA"
    SEND_DM = "send DM"
    SEND_DM_SELDOM = "send DM, once per T1"
    OPENED = "tell: opened"
    OPENED_BY_PEER = "tell: opened by the peer"
    REESTABLISHED = "tell: peer started anew"
    DELIVER = "deliver"
    DISCARD = "count and discard"
    CLOSED = "tell: closed"
    CLOSED_BY_PEER = "tell: closed by the peer"
    REFUSED = "tell: refused"
    UNANSWERED = "tell: no answer"
    OPEN_AGAIN = "open again when closed"
    KEEP_OPEN = "stay open"


CLOSING_CAUSE: Final = {
    Action.CLOSED: (Cause.LOCAL, "closed"),
    Action.CLOSED_BY_PEER: (Cause.PEER, "the peer closed it"),
    Action.REFUSED: (Cause.REFUSED, "the peer refused it (DM)"),
    Action.UNANSWERED: (Cause.TIMEOUT, "the peer did not answer"),
}
"""The actions that end a DLC, with what its owner is told."""

_S, _I, _A = State, Input, Action

TRANSITIONS: Final[dict[tuple[State, Input], tuple[State, tuple[Action, ...]]]] = {
    # 27.010 5.3.3: a closed DLC accepts SABM only; DISC is answered with DM, and so, seldom, are stray data.
    (_S.CLOSED, _I.OPEN): (_S.OPENING, (_A.SEND_SABM,)),
    (_S.CLOSED, _I.SABM): (_S.OPEN, (_A.SEND_UA, _A.OPENED_BY_PEER)),
    (_S.CLOSED, _I.UNWANTED_SABM): (_S.CLOSED, (_A.SEND_DM,)),
    (_S.CLOSED, _I.DISC): (_S.CLOSED, (_A.SEND_DM,)),
    (_S.CLOSED, _I.DATA): (_S.CLOSED, (_A.DISCARD, _A.SEND_DM_SELDOM)),
    # 27.010 5.4.1: UA or DM within T1, else SABM again, N2 times. A SABM that meets ours opens the DLC as well.
    (_S.OPENING, _I.CLOSE): (_S.CLOSING, (_A.SEND_DISC,)),
    (_S.OPENING, _I.DRAIN): (_S.CLOSING, (_A.SEND_DISC,)),
    (_S.OPENING, _I.SABM): (_S.OPEN, (_A.SEND_UA, _A.OPENED)),
    (_S.OPENING, _I.UNWANTED_SABM): (_S.OPENING, (_A.SEND_DM,)),
    (_S.OPENING, _I.UA): (_S.OPEN, (_A.OPENED,)),
    (_S.OPENING, _I.DM): (_S.CLOSED, (_A.REFUSED,)),
    (_S.OPENING, _I.DISC): (_S.OPENING, (_A.SEND_DM,)),
    (_S.OPENING, _I.DATA): (_S.OPENING, (_A.DISCARD,)),
    (_S.OPENING, _I.T1): (_S.OPENING, (_A.SEND_SABM,)),
    (_S.OPENING, _I.N2): (_S.CLOSED, (_A.UNANSWERED,)),
    # 27.010 5.3.1, 5.3.4: SABM on an open DLC is answered and starts it anew; DISC is answered, then acted on.
    (_S.OPEN, _I.CLOSE): (_S.CLOSING, (_A.SEND_DISC,)),
    (_S.OPEN, _I.DRAIN): (_S.DRAINING, ()),
    (_S.OPEN, _I.SABM): (_S.OPEN, (_A.SEND_UA, _A.REESTABLISHED)),
    (_S.OPEN, _I.UNWANTED_SABM): (_S.OPEN, (_A.SEND_UA, _A.REESTABLISHED)),
    (_S.OPEN, _I.DM): (_S.CLOSED, (_A.CLOSED_BY_PEER,)),
    (_S.OPEN, _I.DISC): (_S.CLOSED, (_A.SEND_UA, _A.CLOSED_BY_PEER)),
    (_S.OPEN, _I.DATA): (_S.OPEN, (_A.DELIVER,)),
    (_S.DRAINING, _I.OPEN): (_S.OPEN, (_A.KEEP_OPEN,)),
    (_S.DRAINING, _I.CLOSE): (_S.CLOSING, (_A.SEND_DISC,)),
    (_S.DRAINING, _I.DRAINED): (_S.CLOSING, (_A.SEND_DISC,)),
    (_S.DRAINING, _I.SABM): (_S.DRAINING, (_A.SEND_UA, _A.REESTABLISHED)),
    (_S.DRAINING, _I.UNWANTED_SABM): (_S.DRAINING, (_A.SEND_UA, _A.REESTABLISHED)),
    (_S.DRAINING, _I.DM): (_S.CLOSED, (_A.CLOSED_BY_PEER,)),
    (_S.DRAINING, _I.DISC): (_S.CLOSED, (_A.SEND_UA, _A.CLOSED_BY_PEER)),
    (_S.DRAINING, _I.DATA): (_S.DRAINING, (_A.DELIVER,)),
    # 27.010 5.4.2: UA or DM ends the closing; DISC again after T1, N2 times.
    (_S.CLOSING, _I.OPEN): (_S.CLOSING, (_A.OPEN_AGAIN,)),
    (_S.CLOSING, _I.SABM): (_S.CLOSING, (_A.SEND_DM,)),
    (_S.CLOSING, _I.UNWANTED_SABM): (_S.CLOSING, (_A.SEND_DM,)),
    (_S.CLOSING, _I.UA): (_S.CLOSED, (_A.CLOSED,)),
    (_S.CLOSING, _I.DM): (_S.CLOSED, (_A.CLOSED,)),
    (_S.CLOSING, _I.DISC): (_S.CLOSED, (_A.SEND_UA, _A.CLOSED)),
    (_S.CLOSING, _I.DATA): (_S.CLOSING, (_A.DISCARD,)),
    (_S.CLOSING, _I.T1): (_S.CLOSING, (_A.SEND_DISC,)),
    (_S.CLOSING, _I.N2): (_S.CLOSED, (_A.UNANSWERED,)),
}

_NO_TIMER: Final = "no acknowledgement is awaited (27.010 §5.4.1, §5.4.2)"
_ALREADY: Final = "it is so already"

IGNORED: Final[dict[tuple[State, Input], str]] = {
    (_S.CLOSED, _I.CLOSE): _ALREADY,
    (_S.CLOSED, _I.DRAIN): _ALREADY,
    (_S.CLOSED, _I.DRAINED): "nothing is sent on a closed DLC",
    (_S.CLOSED, _I.UA): "DM and UA are never answered (27.010 §5.3.3)",
    (_S.CLOSED, _I.DM): "DM and UA are never answered (27.010 §5.3.3)",
    (_S.CLOSED, _I.T1): _NO_TIMER,
    (_S.CLOSED, _I.N2): _NO_TIMER,
    (_S.OPENING, _I.OPEN): _ALREADY,
    (_S.OPENING, _I.DRAINED): "nothing is sent before UA",
    (_S.OPEN, _I.OPEN): _ALREADY,
    (_S.OPEN, _I.DRAINED): "an empty queue means something only when draining",
    (_S.OPEN, _I.UA): "a late or repeated UA changes nothing (27.010 §5.4.4.2)",
    (_S.OPEN, _I.T1): _NO_TIMER,
    (_S.OPEN, _I.N2): _NO_TIMER,
    (_S.DRAINING, _I.DRAIN): _ALREADY,
    (_S.DRAINING, _I.UA): "a late or repeated UA changes nothing (27.010 §5.4.4.2)",
    (_S.DRAINING, _I.T1): _NO_TIMER,
    (_S.DRAINING, _I.N2): _NO_TIMER,
    (_S.CLOSING, _I.CLOSE): _ALREADY,
    (_S.CLOSING, _I.DRAIN): _ALREADY,
    (_S.CLOSING, _I.DRAINED): "the queue was discarded with DISC",
}


class Dlc:
    """The state of one DLC at this station.

    Args:
        dlci: its number, 0 to 63.
        config: timers, limits.
    """

    def __init__(self, dlci: int, config: Config) -> None:
        self.dlci = dlci
        self.state = State.CLOSED
        self.tries = 0
        """How often SABM or DISC has gone out since it was first due."""
        self.deadline: float | None = None
        """When T1 runs out; None while the frame has not left."""
        self.open_again = False
        self.dm_not_before = float("-inf")
        self.own_signals = Signals()
        """What we say with MSC."""
        self.peer_signals: Signals | None = None
        """What the peer said last; None before its first MSC."""
        self.queue = bytearray()
        self.starved = False
        """The owner was told that less was taken than it offered."""
        self.counters = dict.fromkeys(
            ("frames_sent", "frames_received", "octets_sent", "octets_received", "octets_discarded", "queue_peak"), 0
        )
        self._config = config

    def apply(self, what: Input) -> tuple[Action, ...]:
        """Follow the transition table.

        Args:
            what: what happened.

        Returns:
            The actions, in order; none for a pair in `IGNORED`.
        """
        step = TRANSITIONS.get((self.state, what))
        if step is None:
            return ()
        if step[0] is not self.state:
            self.state = step[0]
            self.tries = 0
            self.deadline = None
        return step[1]

    def handed_out(self, now: float) -> None:
        """Start T1: the SABM or DISC is on its way (27.010 §5.7.1)."""
        if self.state in (State.OPENING, State.CLOSING):
            self.deadline = now + self._config.t1

    @property
    def is_open(self) -> bool:
        """Whether data can flow."""
        return self.state in (State.OPEN, State.DRAINING)

    @property
    def may_send(self) -> bool:
        """Whether something waits to be sent and the peer's signals let it go."""
        return (
            bool(self.queue) and self.is_open and not (self.peer_signals is not None and self.peer_signals.stops_data)
        )

    def put(self, data: bytes) -> int:
        """Queue octets to be sent.

        Args:
            data: any number of them.

        Returns:
            How many were taken: fewer than offered when the queue is full.
        """
        taken = data[: max(0, self._config.queue_high - len(self.queue))]
        self.queue += taken
        self.starved = len(taken) < len(data)
        self.counters["queue_peak"] = max(self.counters["queue_peak"], len(self.queue))
        return len(taken)

    def take(self, size: int) -> bytes:
        """Take the next information field off the queue."""
        info = bytes(self.queue[:size])
        del self.queue[:size]
        return info

    def discard(self) -> int:
        """Throw the queue away and count it; return how many octets that were."""
        count = len(self.queue)
        self.queue.clear()
        self.counters["octets_discarded"] += count
        return count

    def start_anew(self) -> None:
        """Forget what belongs to the connection before: the peer's signals and our flow control."""
        self.peer_signals = None
        self.own_signals = Signals(
            False, self.own_signals.rtc, self.own_signals.rtr, self.own_signals.ic, self.own_signals.dv
        )
