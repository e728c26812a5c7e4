"""One data link connection: where it stands, its transmit queue and its V.24 signals (27.010 §5.4).

What it goes by are the tables of `dlc_table`; the multiplexer carries out the actions. Others look at its fields and
call its methods: they assign none.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Final

from .commands import SNC, PortSettings, Signals
from .config import Config, Parameters
from .dlc_table import (
    AS_TOLD,
    AWAITED,
    DELIVERING,
    FLAGS,
    NO_ANSWER_COMES,
    OPEN_FOR_PEER,
    TRANSITIONS,
    Action,
    Fact,
    Input,
    State,
)
from .signals import build_status

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

_MAX_STATUS_DUE = 16  # breaks that wait for a line that takes nothing, on a DLC of convergence layer 2

_SABM: Final = (Input.SABM, Input.UNWANTED_SABM)


class Dlc:
    """The state of one DLC at this station.

    Args:
        dlci: its number, 0 to 63.
        config: timers, limits.
    """

    def __init__(self, dlci: int, config: Config) -> None:
        self.dlci: int = dlci
        self._config = config
        self.counters: dict[str, int] = dict.fromkeys(COUNTERS, 0)
        # Where it stands; `apply` sets it.
        self.state: State = State.CLOSED
        self.is_open: bool = False
        """Whether the peer may take it for open: data can flow."""
        self.delivers: bool = False
        """Whether UIH and UI are delivered and nothing else is done: `DELIVERING`, looked up when the state changes."""
        self.tries: int = 0
        """How often SABM or DISC was queued since it was first due."""
        self.deadline: float | None = None
        """When T1 runs out; None while the frame has not left."""
        self._answers_due = 0
        # The flags of `FLAGS`; `note` sets them.
        self.confirmed: bool = False
        self.doubtful: bool = False
        self.starved: bool = False
        # What PN settles.
        self.parameters: Parameters = Parameters(n1=config.n1, frame_type=config.frame_type)
        """What holds on it now."""
        self._negotiated: Parameters | None = None  # settled for its next SABM
        self._settled: Parameters | None = None  # had been settled when its latest SABM was sent or came
        # V.24 signals.
        self.own_signals: Signals = Signals()
        """What we say about it."""
        self.peer_signals: Signals | None = None
        """What the peer said last; None before its first MSC."""
        self._early: Signals | None = None  # what it said before UA
        # What waits to be sent.
        self.queue: bytearray = bytearray()
        self.status_due: list[float | None] = []
        """Convergence layer 2: frames to send for the signals' sake, each with its break length."""
        self._not_before: dict[Hashable, float] = {}
        # What RPN and SNC tell about it.
        self.port: PortSettings = PortSettings()
        """The settings of the port behind it."""
        self.service: tuple[int, int | None] = (SNC.DATA, None)
        """Service and codec octets."""

    # --- The tables -----------------------------------------------------------------------------------------------

    def apply(self, what: Input) -> tuple[Action, ...]:
        """Follow the transition table.

        Args:
            what: what happened.

        Returns:
            The actions, in order; none for a pair in `IGNORED`.
        """
        before = self.state
        step = TRANSITIONS.get((before, what))
        if step is None:
            return ()
        after, actions = step
        if what in NO_ANSWER_COMES:
            self._answers_due = 0
        self.counters["retransmissions"] += what is Input.T1
        if what is Input.DROPPED:
            self._negotiated = None
            self.note(Fact.DROPPED)
        elif what in _SABM or Action.SEND_SABM in actions:  # 27.010 5.4.6.3.1: PN behind it is for the next
            self._settled = self._negotiated
        elif before is State.OPENING and after in (State.CLOSING, State.CLOSED):  # the peer may have taken it
            self._take_settled()
            if self._settled is not None and self._settled.convergence != 1:
                self.note(Fact.LAYER_UNSURE)
        if after is not before:
            self.state, self.is_open, self.delivers = after, after in OPEN_FOR_PEER, after in DELIVERING
            if AWAITED.get(before) != AWAITED.get(after):
                self.tries, self.deadline = 0, None
        if Action.SEND_SABM in actions or Action.SEND_DISC in actions:
            self.tries, self.deadline = self.tries + 1, None
        return actions

    @property
    def state_as_told(self) -> State:
        """Where it stands by what our owner was told."""
        return AS_TOLD.get(self.state, self.state)

    def note(self, fact: Fact) -> None:
        """Raise and lower flags, as `FLAGS` says.

        Args:
            fact: what has come about.
        """
        for flag, value in FLAGS[fact].items():
            setattr(self, flag, value)

    def count(self, name: str, by: int = 1) -> None:
        """Count something; nothing goes by it.

        Args:
            name: one of `COUNTERS`.
            by: how many.
        """
        self.counters[name] += by

    def seldom(self, what: Hashable, now: float) -> bool:
        """Tell whether something may be done that is done at most once per T1, and take it as done.

        Args:
            what: what it is.
            now: seconds on the caller's clock.
        """
        may = now >= self._not_before.get(what, now)
        if may:
            self._not_before[what] = now + self._config.t1
        return may

    def set_port(self, settings: PortSettings) -> None:
        """Take the settings of the port behind it (27.010 §5.4.6.3.9)."""
        self.port = settings

    def set_service(self, service: int, codec: int | None) -> None:
        """Take its service and codec octets (27.010 §5.4.6.3.11)."""
        self.service = service, codec

    # --- T1, and the answers to SABM and DISC ---------------------------------------------------------------------

    def handed_out(self, now: float) -> None:
        """Start T1: the SABM or DISC is on its way (27.010 §5.7.1)."""
        if self.state in AWAITED:
            self._answers_due += 1
            self.deadline = now + self._config.t1

    def timed_out(self, now: float) -> Input | None:
        """Tell what has come of waiting: T1, or N2 when it has run out for the last time (27.010 §5.7.3)."""
        if self.deadline is None or self.deadline > now:
            return None
        return Input.N2 if self.tries > self._config.n2 else Input.T1  # N2 counts the repetitions

    def answered(self) -> bool:
        """Take UA or DM off the answers that are due.

        Returns:
            Whether it answers a SABM or DISC that another one of ours has followed since.
        """
        older = self._answers_due > 1 and self.state in AWAITED
        self._answers_due = max(0, self._answers_due - 1)
        return older

    # --- What PN settles (27.010 §5.4.6.3.1) ----------------------------------------------------------------------

    def agree(self, parameters: Parameters) -> None:
        """Let parameters hold from the next SABM on: PN was answered, by either station."""
        self._negotiated = parameters
        self.note(Fact.AGREED)

    def disagree(self, convergence: int) -> None:
        """Let the defaults hold: PN had no answer, and the peer may go by what was asked for, or by what was before.

        Args:
            convergence: the layer that was asked for. One that only one side has would spoil data.
        """
        before = 1 if self._negotiated is None else self._negotiated.convergence
        self._negotiated = None
        if (before, convergence) != (1, 1):
            self.note(Fact.LAYER_UNSURE)

    def begin(self, *, opened: bool) -> None:
        """Begin a connection.

        Args:
            opened: the DLC was closed before: what PN settled holds, else the defaults (27.010 §5.4.1). Without it the
                peer sent SABM again. Where it has not used the connection our UA was lost, and what was settled for it
                still holds.
        """
        if self._settled is not None:
            self.parameters = self._settled
        elif opened or self.confirmed:
            self.parameters = Parameters(n1=self._config.n1, frame_type=self._config.frame_type)
        self._take_settled()
        self.note(Fact.BEGUN)
        self.peer_signals = None
        self.status_due.clear()

    def end(self) -> None:
        """Forget what belongs to the connection that has ended; our wish to stop the peer is part of it."""
        self.own_signals = replace(self.own_signals, fc=False)
        self._early = None
        self.note(Fact.ENDED)

    def _take_settled(self) -> None:
        """The SABM that it was settled for has been: only what came behind it is left for the next."""
        if self._negotiated is self._settled:
            self._negotiated = None

    # --- V.24 signals (27.010 §5.4.6.3.7) -------------------------------------------------------------------------

    @property
    def stopped(self) -> bool:
        """Whether the peer's signals hold our data."""
        return self.peer_signals is not None and self.peer_signals.stops_data

    def say(self, signals: Signals) -> bool:
        """Take our signals; return whether they are others than before."""
        changed = signals != self.own_signals
        self.own_signals = signals
        return changed

    def say_by_status(self, break_length: float | None) -> bool:
        """Let a frame of convergence layer 2 say our signals (27.010 §5.5.2).

        Args:
            break_length: seconds of break; None: no break.

        Returns:
            Whether there was room for it.
        """
        if len(self.status_due) >= _MAX_STATUS_DUE:
            return False
        if break_length is not None or None not in self.status_due:
            self.status_due.append(break_length)
        return True

    def hear(self, signals: Signals, break_length: float | None) -> bool:
        """Take the peer's signals.

        Args:
            signals: what it says.
            break_length: seconds of break; None: no break.

        Returns:
            Whether that is anything new.
        """
        self.note(Fact.USED)
        if signals == self.peer_signals and break_length is None:
            return False
        was_stopped = self.stopped
        self.peer_signals = signals
        self.counters["flow_stalls"] += self.stopped and not was_stopped
        return True

    def keep_early(self, signals: Signals) -> None:
        """Keep what the peer says about a connection that is not there yet."""
        self._early = signals

    def take_early(self) -> Signals | None:
        """Return what it said before the connection was there, once."""
        early, self._early = self._early, None
        return early

    # --- What waits to be sent ------------------------------------------------------------------------------------

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
            How many were taken: fewer than offered when the queue is full; `Writable` is due then.
        """
        taken = data[: max(0, self._config.queue_high - len(self.queue))]
        self.queue += taken
        if len(taken) < len(data):
            self.note(Fact.TOOK_LESS)
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
        self.count_sent(size)

    def count_sent(self, size: int) -> None:
        """Count a frame that has left.

        Args:
            size: octets of its information field.
        """
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
