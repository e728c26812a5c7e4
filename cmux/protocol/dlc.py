"""One data link connection: its state, its transmit queue and its V.24 signals (27.010 §5.4).

The tables of `dlc_table` determine its behaviour; the multiplexer carries out the actions. Other modules read its
fields and call its methods, but assign no fields.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Final

from .commands import SNC, PortSettings, Signals
from .config import Config, Parameters
from .dlc_table import (
    AGREEMENTS,
    AS_TOLD,
    AWAITED,
    DELIVERING,
    FLAGS,
    MEANT_BY_LATEST,
    MEANT_BY_NEXT,
    NO_ANSWER_COMES,
    OPEN_FOR_PEER,
    PN_INPUTS,
    TRANSITIONS,
    Action,
    Agreement,
    Fact,
    Input,
    PnInput,
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
"""The counters of each DLC."""

_MAX_STATUS_DUE = 16  # breaks that wait while the line takes nothing, on a DLC of convergence layer 2


class Dlc:
    """The state of one DLC at this station.

    Args:
        dlci: its number, 0 to 63.
        config: timers and limits.
    """

    def __init__(self, dlci: int, config: Config) -> None:
        self.dlci: int = dlci
        self._config = config
        self.counters: dict[str, int] = dict.fromkeys(COUNTERS, 0)
        # The state; `apply` sets it.
        self.state: State = State.CLOSED
        self.is_open: bool = False
        """Whether the peer may consider it open: data can flow."""
        self.delivers: bool = False
        """Whether UIH and UI are simply delivered: the state is in `DELIVERING`; updated when the state changes."""
        self.tries: int = 0
        """How often the current SABM or DISC has been queued."""
        self.deadline: float | None = None
        """When T1 runs out; None until the frame has been sent."""
        self._answers_due = 0
        # The flags of `FLAGS`; `note` sets them.
        self.confirmed: bool = False
        self.doubtful: bool = False
        self.starved: bool = False
        # The parameters that PN negotiates.
        self.agreement: Agreement = Agreement.DEFAULTS
        """What PN has agreed; `_go_on` follows `AGREEMENTS`."""
        self.parameters: Parameters = Parameters(n1=config.n1, frame_type=config.frame_type)
        """The parameters in force."""
        self._agreed = self.parameters  # by the latest PN
        self._meant = self.parameters  # by the latest SABM
        # V.24 signals.
        self.own_signals: Signals = Signals()
        """The signals that we send for it."""
        self.peer_signals: Signals | None = None
        """The latest signals of the peer; None before its first MSC."""
        self.stopped: bool = False
        """Whether these hold back our data."""
        self._early: Signals | None = None  # the signals that the peer sent before UA
        # The transmit queue.
        self.queue: bytearray = bytearray()
        self.status_due: list[float | None] = []
        """Convergence layer 2: frames to send just for their signals, each with its break length."""
        self._not_before: dict[Hashable, float] = {}
        # What RPN and SNC set.
        self.port: PortSettings = PortSettings()
        """The settings of the port behind the DLC."""
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
            self.note(Fact.DROPPED)
        if (about_pn := PN_INPUTS.get((before, what))) is not None:
            self._go_on(about_pn)
        if after is not before:
            self.state, self.is_open, self.delivers = after, after in OPEN_FOR_PEER, after in DELIVERING
            if AWAITED.get(before) != AWAITED.get(after):
                self.tries, self.deadline = 0, None
        if Action.SEND_SABM in actions or Action.SEND_DISC in actions:
            self.tries, self.deadline = self.tries + 1, None
        return actions

    @property
    def state_as_told(self) -> State:
        """The state as far as our owner has been told."""
        return AS_TOLD.get(self.state, self.state)

    def note(self, fact: Fact) -> None:
        """Set and clear flags as defined in `FLAGS`.

        Args:
            fact: what has happened.
        """
        for flag, value in FLAGS[fact].items():
            setattr(self, flag, value)

    def count(self, name: str, by: int = 1) -> None:
        """Increase a counter; no behaviour depends on it.

        Args:
            name: one of `COUNTERS`.
            by: the increment.
        """
        self.counters[name] += by

    def once_per_t1(self, what: Hashable, now: float) -> bool:
        """Tell whether an action that is limited to once per T1 may be taken now, and if so, record it as taken.

        Args:
            what: identifies the action.
            now: seconds on the caller's clock.
        """
        may = now >= self._not_before.get(what, now)
        if may:
            self._not_before[what] = now + self._config.t1
        return may

    def set_port(self, settings: PortSettings) -> None:
        """Record the settings of the port behind the DLC (27.010 §5.4.6.3.9)."""
        self.port = settings

    def set_service(self, service: int, codec: int | None) -> None:
        """Record the service and codec octets of the DLC (27.010 §5.4.6.3.11)."""
        self.service = service, codec

    # --- T1, and the answers to SABM and DISC ---------------------------------------------------------------------

    def handed_out(self, now: float) -> None:
        """Start T1: the SABM or DISC is on its way (27.010 §5.7.1)."""
        if self.state in AWAITED:
            self._answers_due += 1
            self.deadline = now + self._config.t1

    def timed_out(self, now: float) -> Input | None:
        """Return the input that a timeout causes: T1, or N2 when T1 has run out for the last time (27.010 §5.7.3)."""
        if self.deadline is None or self.deadline > now:
            return None
        return Input.N2 if self.tries > self._config.n2 else Input.T1  # N2 counts the repetitions

    def answered(self) -> bool:
        """Deduct a UA or DM from the answers that are due.

        Returns:
            Whether it answers an older SABM or DISC, after which we have sent another.
        """
        older = self._answers_due > 1 and self.state in AWAITED
        self._answers_due = max(0, self._answers_due - 1)
        return older

    # --- PN (27.010 §5.4.6.3.1) -----------------------------------------------------------------------------------

    def agree(self, parameters: Parameters) -> None:
        """Use parameters from the next SABM on: PN was answered, by either station."""
        self._agreed = parameters
        self._go_on(PnInput.ANSWERED)
        self.note(Fact.AGREED)

    def disagree(self, convergence: int) -> None:
        """Use the defaults: PN was not answered, and the peer may use what was asked for, or what it used before.

        Args:
            convergence: the layer that was asked for. Data is spoiled if only one side uses it.
        """
        before = self._for_next.convergence
        self._go_on(PnInput.UNANSWERED)
        if (before, convergence) != (1, 1):
            self.note(Fact.LAYER_UNSURE)

    def begin(self, *, opened: bool) -> None:
        """Begin a connection.

        Args:
            opened: the DLC was closed before: the parameters that PN negotiated apply, otherwise the defaults (27.010
                §5.4.1). False: the peer repeated SABM. If it has not used the connection, our UA was lost, and the
                parameters negotiated for the connection still apply.
        """
        if opened or self.confirmed or self.agreement in MEANT_BY_LATEST:
            self.parameters = self._meant
        self._go_on(PnInput.BEGUN)
        self.note(Fact.BEGUN)
        self.peer_signals, self.stopped = None, False
        self.status_due.clear()

    def end(self) -> None:
        """Reset what belongs to the connection that has ended, including our request that the peer stop sending."""
        self.own_signals = replace(self.own_signals, fc=False)
        self._early = None
        self.note(Fact.ENDED)

    def _go_on(self, what: PnInput) -> None:
        """Follow the table of agreements."""
        if what is PnInput.SABM:  # 27.010 5.4.6.3.1: a later PN is for the next one
            self._meant = self._for_next
        elif what is PnInput.GIVEN_UP and self._meant.convergence != 1:  # the peer may have accepted it
            self.note(Fact.LAYER_UNSURE)
        self.agreement = AGREEMENTS[what][self.agreement]

    @property
    def _for_next(self) -> Parameters:
        """What the next SABM means."""
        if self.agreement in MEANT_BY_NEXT:
            return self._agreed
        return Parameters(n1=self._config.n1, frame_type=self._config.frame_type)

    # --- V.24 signals (27.010 §5.4.6.3.7) -------------------------------------------------------------------------

    def set_own_signals(self, signals: Signals) -> bool:
        """Set our signals; return whether they have changed."""
        changed = signals != self.own_signals
        self.own_signals = signals
        return changed

    def queue_status(self, break_length: float | None) -> bool:
        """Queue our signals for a frame of convergence layer 2 (27.010 §5.5.2).

        Args:
            break_length: seconds of break; None: no break.

        Returns:
            Whether there was room.
        """
        if len(self.status_due) >= _MAX_STATUS_DUE:
            return False
        if break_length is not None or None not in self.status_due:
            self.status_due.append(break_length)
        return True

    def set_peer_signals(self, signals: Signals, break_length: float | None) -> bool:
        """Record the peer's signals.

        Args:
            signals: the signals.
            break_length: seconds of break; None: no break.

        Returns:
            Whether anything is new: other signals, or a break.
        """
        self.note(Fact.USED)
        if signals == self.peer_signals and break_length is None:
            return False
        was_stopped = self.stopped
        self.peer_signals, self.stopped = signals, signals.stops_data
        self.counters["flow_stalls"] += self.stopped and not was_stopped
        return True

    def keep_early(self, signals: Signals) -> None:
        """Keep the peer's signals for a connection that is not open yet."""
        self._early = signals

    def take_early(self) -> Signals | None:
        """Return the signals that `keep_early` kept, and clear them."""
        early, self._early = self._early, None
        return early

    # --- The transmit queue ---------------------------------------------------------------------------------------

    @property
    def has_data(self) -> bool:
        """Whether something waits to be sent."""
        return self.is_open and bool(self.queue or self.status_due)

    @property
    def may_send(self) -> bool:
        """Whether something waits to be sent, and the peer's signals allow it."""
        return self.is_open and bool((self.queue and not self.stopped) or self.status_due)

    @property
    def priority(self) -> int:
        """The priority for the scheduler: the negotiated one, otherwise 7, that of DLCI 1 to 7."""
        return 7 if self.parameters.priority is None else self.parameters.priority

    def put(self, data: bytes) -> int:
        """Queue octets to be sent.

        Args:
            data: any number of octets.

        Returns:
            How many were queued: fewer than offered when the queue is full; `Writable` follows then.
        """
        room = self._config.queue_high - len(self.queue)
        if len(data) > room:
            data = data[: max(0, room)]
            self.note(Fact.TOOK_LESS)
        self.queue += data
        if len(self.queue) > self.counters["queue_peak"]:
            self.counters["queue_peak"] = len(self.queue)
        return len(data)

    def next_info(self, longest: int) -> bytes:
        """Return the next information field, as its convergence layer formats it (27.010 §5.5); `sent` removes it.

        Args:
            longest: the most octets that it may have; N1 applies as well.
        """
        size = min(self.parameters.n1, longest)
        if self.parameters.convergence == 1:  # 27.010 5.5.1: the octets as they are
            return bytes(self.queue if len(self.queue) <= size else self.queue[:size])
        status = self._status()
        return status + bytes(self.queue[: 0 if self.stopped else max(0, size - len(status))])

    def sent(self, size: int) -> None:
        """Remove from the queue the field that `next_info` returned: it has been sent.

        Args:
            size: its length in octets.
        """
        if self.parameters.convergence == 2:
            size -= len(self._status())
            del self.status_due[:1]
        del self.queue[:size]
        self.count_sent(size)

    def take(self, count: int, size: int) -> bytes:
        """Remove several fields from the queue at once, on convergence layer 1: they have been sent.

        Args:
            count: how many.
            size: the length of each in octets.

        Returns:
            Their octets.
        """
        octets = bytes(self.queue[: count * size])
        del self.queue[: count * size]
        self.counters["frames_sent"] += count
        self.counters["octets_sent"] += len(octets)
        return octets

    def count_sent(self, size: int) -> None:
        """Count a frame that has been sent, and the octets of its information field."""
        self.counters["frames_sent"] += 1
        self.counters["octets_sent"] += size

    def count_delivered(self, frames: int, octets: int) -> None:
        """Count frames that have been received and delivered, and the octets of their information fields."""
        self.counters["frames_received"] += frames
        self.counters["octets_received"] += octets

    def _status(self) -> bytes:
        return build_status(self.own_signals, self.status_due[0] if self.status_due else None)

    def discard(self) -> int:
        """Discard the queue and count its octets; return how many there were."""
        count = len(self.queue)
        self.queue.clear()
        self.counters["octets_discarded"] += count
        return count
