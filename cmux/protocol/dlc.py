"""One data link connection: its transition table, its transmit queue and its V.24 signals (27.010 §5.4).

`TRANSITIONS` and `IGNORED` together have every pair of state and input; they do not know which role this station has.
The multiplexer carries out the actions.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Final

from .commands import SNC, PortSettings, Signals, build_status
from .config import Config, Parameters
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
    CLOSE_AGAIN = "close, which the peer may have missed"
    DRAIN = "close when drained"
    DRAINED = "queue empty"
    SABM = "SABM"
    UNWANTED_SABM = "SABM, refused by policy"
    UA = "UA"
    DM = "DM"
    DM_IN_ADM = "DM on DLCI 0, data channels served all the same"
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

COUNTERS: Final = (
    "frames_sent",
    "frames_received",
    "octets_sent",
    "octets_received",
    "octets_discarded",
    "retransmissions",
    "flow_stalls",
    "queue_peak",
)
"""What is counted for each DLC."""

_S, _I, _A = State, Input, Action

TRANSITIONS: Final[dict[tuple[State, Input], tuple[State, tuple[Action, ...]]]] = {
    # 27.010 5.3.3: a closed DLC accepts SABM only; DISC is answered with DM. So, seldom, are stray data, as others do.
    (_S.CLOSED, _I.OPEN): (_S.OPENING, (_A.SEND_SABM,)),
    (_S.CLOSED, _I.SABM): (_S.OPEN, (_A.SEND_UA, _A.OPENED_BY_PEER)),
    (_S.CLOSED, _I.UNWANTED_SABM): (_S.CLOSED, (_A.SEND_DM,)),
    (_S.CLOSED, _I.DISC): (_S.CLOSED, (_A.SEND_DM,)),
    (_S.CLOSED, _I.DATA): (_S.CLOSED, (_A.DISCARD, _A.SEND_DM_SELDOM)),
    (_S.CLOSED, _I.CLOSE_AGAIN): (_S.CLOSING, (_A.SEND_DISC,)),
    # 27.010 5.4.1: UA or DM within T1, else SABM again, N2 times. A SABM that meets ours opens the DLC as well.
    (_S.OPENING, _I.CLOSE): (_S.CLOSING, (_A.SEND_DISC,)),
    (_S.OPENING, _I.DRAIN): (_S.CLOSING, (_A.SEND_DISC,)),
    (_S.OPENING, _I.SABM): (_S.OPEN, (_A.SEND_UA, _A.OPENED)),
    (_S.OPENING, _I.UNWANTED_SABM): (_S.OPENING, (_A.SEND_DM,)),
    (_S.OPENING, _I.UA): (_S.OPEN, (_A.OPENED,)),
    (_S.OPENING, _I.DM): (_S.CLOSED, (_A.REFUSED,)),
    (_S.OPENING, _I.DM_IN_ADM): (_S.OPEN, (_A.OPENED,)),
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
    (_S.CLOSING, _I.DM_IN_ADM): (_S.CLOSED, (_A.CLOSED,)),
    (_S.CLOSING, _I.DISC): (_S.CLOSED, (_A.SEND_UA, _A.CLOSED)),
    (_S.CLOSING, _I.DATA): (_S.CLOSING, (_A.DISCARD,)),
    (_S.CLOSING, _I.T1): (_S.CLOSING, (_A.SEND_DISC,)),
    (_S.CLOSING, _I.N2): (_S.CLOSED, (_A.UNANSWERED,)),
}

_SABM: Final = (Input.SABM, Input.UNWANTED_SABM)
_NO_TIMER: Final = "no acknowledgement is awaited (27.010 §5.4.1, §5.4.2)"
_ALREADY: Final = "it is so already"

IGNORED: Final[dict[tuple[State, Input], str]] = {
    (_S.CLOSED, _I.CLOSE): _ALREADY,
    (_S.CLOSED, _I.DRAIN): _ALREADY,
    (_S.CLOSED, _I.DRAINED): "nothing is sent on a closed DLC",
    (_S.CLOSED, _I.UA): "DM and UA are never answered (27.010 §5.3.3)",
    (_S.CLOSED, _I.DM): "DM and UA are never answered (27.010 §5.3.3)",
    (_S.CLOSED, _I.DM_IN_ADM): "DM and UA are never answered (27.010 §5.3.3)",
    (_S.CLOSED, _I.T1): _NO_TIMER,
    (_S.CLOSED, _I.N2): _NO_TIMER,
    (_S.OPENING, _I.OPEN): _ALREADY,
    (_S.OPENING, _I.DRAINED): "nothing is sent before UA",
    (_S.OPEN, _I.OPEN): _ALREADY,
    (_S.OPEN, _I.DRAINED): "an empty queue means something only when draining",
    (_S.OPEN, _I.UA): "a late or repeated UA changes nothing",
    (_S.OPEN, _I.DM_IN_ADM): "the peer says again that it has no control channel",
    (_S.OPEN, _I.T1): _NO_TIMER,
    (_S.OPEN, _I.N2): _NO_TIMER,
    (_S.DRAINING, _I.DRAIN): _ALREADY,
    (_S.DRAINING, _I.UA): "a late or repeated UA changes nothing",
    (_S.DRAINING, _I.DM_IN_ADM): "DLCI 0 never drains",
    (_S.DRAINING, _I.T1): _NO_TIMER,
    (_S.DRAINING, _I.N2): _NO_TIMER,
    (_S.CLOSING, _I.CLOSE): _ALREADY,
    **{(state, _I.CLOSE_AGAIN): "it is not closed" for state in _S if state is not _S.CLOSED},
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
        self.state: State = State.CLOSED
        self.tries: int = 0
        """How often SABM or DISC was queued since it was first due."""
        self.deadline: float | None = None
        """When T1 runs out; None while the frame has not left."""
        self.answers_due: int = 0
        """How many answers may be under way to SABM and DISC that left within T1."""
        self.open_again = False
        """Open it as soon as it is closed, or PN is answered."""
        self.parked = False
        """Closed for our owner: open for the peer (`Config.keep_open`), or asked once more to close."""
        self.confirmed: bool = False
        """The peer has used this connection: it knows that it is open."""
        self.doubtful: bool = False
        """PN, or the SABM that it was for, stayed unanswered: the peer may go by what was asked, or not."""
        self.dm_not_before: float = float("-inf")
        """When stray data may be answered with DM again."""
        self.again_not_before: float = float("-inf")
        """When the peer may be told once more what it got wrong about it."""
        self.own_signals: Signals = Signals()
        """What we say about it."""
        self.peer_signals: Signals | None = None
        """What the peer said last; None before its first MSC."""
        self.early: Signals | None = None
        """What it said before UA."""
        self.parameters: Parameters = Parameters(n1=config.n1, frame_type=config.frame_type)
        """What holds on it now."""
        self.negotiated: Parameters | None = None
        """What PN settled for its next SABM."""
        self.settled: Parameters | None = None
        """What PN had settled when its latest SABM was sent or came."""
        self.port: PortSettings = PortSettings()
        """The settings of the port behind it, as RPN tells them."""
        self.service: tuple[int, int | None] = (SNC.DATA, None)
        """Service and codec octets, as SNC tells them."""
        self.queue: bytearray = bytearray()
        self.status_due: list[float | None] = []
        """Convergence layer 2: frames to send for the signals' sake, each with its break length."""
        self.starved: bool = False
        """The owner was told that less was taken than it offered."""
        self.counters: dict[str, int] = dict.fromkeys(COUNTERS, 0)
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
        if what in _SABM or Action.SEND_SABM in step[1]:  # 27.010 5.4.6.3.1: PN behind it is for the next
            self.settled = self.negotiated
        elif self.state is State.OPENING and step[0] in (State.CLOSING, State.CLOSED):  # the peer may have taken it
            self._take_settled()
            self.doubtful |= self.settled is not None and self.settled.convergence != 1
        if step[0] is not self.state:
            self.state = step[0]
            self.tries = 0
            self.deadline = None
        return step[1]

    def handed_out(self, now: float) -> None:
        """Start T1: the SABM or DISC is on its way (27.010 §5.7.1)."""
        if self.state in (State.OPENING, State.CLOSING):
            self.answers_due += 1
            self.deadline = now + self._config.t1

    @property
    def is_open(self) -> bool:
        """Whether data can flow."""
        return self.state in (State.OPEN, State.DRAINING)

    @property
    def stopped(self) -> bool:
        """Whether the peer's signals hold our data."""
        return self.peer_signals is not None and self.peer_signals.stops_data

    @property
    def has_data(self) -> bool:
        """Whether something waits to be sent."""
        return self.is_open and bool(self.queue or self.status_due)

    @property
    def may_send(self) -> bool:
        """Whether something waits to be sent, and the peer's signals let it go."""
        return self.is_open and (bool(self.status_due) or (bool(self.queue) and not self.stopped))

    @property
    def priority(self) -> int:
        """What the scheduler goes by: as negotiated, else that of DLCI 1 to 7 for all."""
        return 7 if self.parameters.priority is None else self.parameters.priority

    def put(self, data: bytes) -> int:
        """Queue octets to be sent.

        Args:
            data: any number of them.

        Returns:
            How many were taken: fewer than offered when the queue is full.
        """
        taken = data[: max(0, self._config.queue_high - len(self.queue))]
        self.queue += taken
        self.starved |= len(taken) < len(data)  # until `Writable` has been told
        self.counters["queue_peak"] = max(self.counters["queue_peak"], len(self.queue))
        return len(taken)

    def next_info(self, longest: int) -> bytes:
        """Return the next information field in the form of its convergence layer (27.010 §5.5); `sent` takes it off.

        Args:
            longest: how many octets it may have; N1 holds as well.
        """
        size = min(self.parameters.n1, longest)
        if self.parameters.convergence == 1:  # 27.010 5.5.1: the octets as they are
            return bytes(self.queue[:size])
        status = self._status()
        return status + bytes(self.queue[: 0 if self.stopped else max(0, size - len(status))])

    def sent(self, size: int) -> None:
        """Take off the queue what has left: the field that `next_info` returned.

        Args:
            size: its octets.
        """
        if self.parameters.convergence == 2:
            size -= len(self._status())
            del self.status_due[:1]
        del self.queue[:size]
        self.counters["frames_sent"] += 1
        self.counters["octets_sent"] += size

    def _status(self) -> bytes:
        return build_status(self.own_signals, self.status_due[0] if self.status_due else None)

    def discard(self) -> int:
        """Throw the queue away and count it; return how many octets that were."""
        count = len(self.queue)
        self.queue.clear()
        self.counters["octets_discarded"] += count
        return count

    def start_anew(self, *, opened: bool) -> None:
        """Begin a connection.

        Args:
            opened: the DLC was closed before: what PN settled holds, else the defaults (27.010 §5.4.1). Without it the
                peer sent SABM again. Where it has not used the connection our UA was lost, and what was settled for it
                still holds.
        """
        if self.settled is not None:
            self.parameters = self.settled
        elif opened or self.confirmed:
            self.parameters = Parameters(n1=self._config.n1, frame_type=self._config.frame_type)
        self._take_settled()
        self.confirmed = self.doubtful = False
        self.peer_signals = None
        self.status_due.clear()

    def _take_settled(self) -> None:
        """The SABM that it was settled for has been: only what came behind it is left for the next."""
        if self.negotiated is self.settled:
            self.negotiated = None

    def forget_connection(self) -> None:
        """Forget what belongs to the connection that has ended; our wish to stop the peer is part of it."""
        self.own_signals = replace(self.own_signals, fc=False)
        self.early = None
        self.starved = False
