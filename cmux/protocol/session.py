"""The session behind a `Multiplexer`: frames in, the transition tables, events out (27.010 §5.3, §5.4, §5.8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from . import negotiation
from .commands import CLD, MSC, PN, PSC, FCon, Signals, split_status
from .config import Config, Parameters, Role, Wakeup
from .control import ControlChannel, Outstanding
from .dlc import CLOSING_CAUSE, Action, Dlc, Input, State
from .event_queue import EventQueue
from .events import (
    Cause,
    Closed,
    CommandDone,
    Event,
    FrameDropped,
    Opened,
    Outcome,
    ParametersChanged,
    PowerChanged,
    Reestablished,
    SessionClosed,
    SessionOpened,
    SignalsChanged,
    Writable,
)
from .headers import Frame
from .keepalive import Watch
from .messages import Message, parse_messages
from .power import Power, PowerAction, PowerInput, PowerSaving
from .transmitter import Transmitter
from .wire import FrameType, MessageType

_INPUTS = {
    FrameType.SABM: Input.SABM,  # 27.010 5.3.1
    FrameType.UA: Input.UA,  # 27.010 5.3.2
    FrameType.DM: Input.DM,  # 27.010 5.3.3
    FrameType.DISC: Input.DISC,  # 27.010 5.3.4
    FrameType.UIH: Input.DATA,  # 27.010 5.3.5
    FrameType.UI: Input.DATA,  # 27.010 5.3.6
}

_ANSWERS = (Input.UA, Input.DM)
_SECOND_TRY = 2
_MAX_STATUS_DUE = 16  # breaks that wait for a line that takes nothing, on a DLC of convergence layer 2


class Session:
    """All DLCs of one line and what is between them.

    Args:
        role: which station this is.
        config: its parameters.
    """

    def __init__(self, role: Role, config: Config) -> None:
        self.config = config
        self.now = 0.0
        """The time of the call that is being served."""
        self.dlcs: dict[int, Dlc] = {}
        self.refused: set[int] = set()
        """DLCIs whose SABM is answered with DM."""
        self.shutting_down = False
        self.unsettled: set[int] = set()
        """DLCIs about which the peer may be wrong, because it left our last word unanswered."""
        self.ended = 0
        """How many sessions have ended on this line."""
        self.counters = Counter[str]()
        self.dropped = Counter[str]()
        self.events = EventQueue()
        self.control = ControlChannel(self)
        self.power = PowerSaving(config)
        self._watch = Watch(config)
        self._command_cr = role is Role.INITIATOR  # 27.010 5.2.1.2, table 1
        self.transmitter = Transmitter(config, self._command_cr, self.dlcs, self._data_sent)
        self._zero = self.dlc(0)
        self._adm = False
        self._told_to_wake = False
        """Octets have just woken us, and the peer is to know that."""
        self._over = False
        """`SessionClosed` has been told, and nothing has begun since."""
        self._answers: set[MessageType | FrameType] = set()
        """What the peer has answered in this session."""
        self._said_again: set[tuple[int, MessageType | FrameType]] = set()
        """What was said once more because it stayed unanswered."""

    # --- Looking at it --------------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether DLCI 0 is up."""
        return self._zero.is_open

    def dlc(self, dlci: int) -> Dlc:
        """Return a DLC, open or not."""
        found = self.dlcs.get(dlci)
        if found is None:
            found = self.dlcs[dlci] = Dlc(dlci, self.config)
        return found

    def user_dlcs(self) -> list[Dlc]:
        """Return all DLCs but the control channel."""
        return [dlc for dlc in self.dlcs.values() if dlc.dlci]

    # --- What the owner asks for ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Send SABM on DLCI 0, as soon as a shut-down that is under way is done (27.010 §5.8.1)."""
        if self.shutting_down:
            self._zero.open_again = True
            return
        self._over = False
        self.apply(self._zero, Input.OPEN)

    def open(self, dlc: Dlc) -> None:
        """Open a DLC: at once, or as soon as PN for it is answered."""
        if dlc.parked and dlc.is_open:
            dlc.parked = False
            self.tell(Opened(dlc.dlci, by_peer=False))
            if dlc.peer_signals is not None:
                self.tell(SignalsChanged(dlc.dlci, dlc.peer_signals, None))
            return
        if dlc.doubtful and dlc.state is State.CLOSED:  # ask for the defaults: what was asked for may hold over there
            dlc.doubtful = False
            defaults = Parameters(n1=self.config.n1, frame_type=self.config.frame_type)
            self.control.submit(negotiation.request(dlc.dlci, defaults, self.config))
        if self.control.awaits(MessageType.PN, dlc.dlci):
            dlc.open_again = True
        else:
            self.apply(dlc, Input.OPEN)

    def forget_opening(self, dlc: Dlc, cause: Cause, detail: str) -> None:
        """Give up an opening that waits; where it waits for PN nothing else would tell that it came to nothing."""
        if dlc.open_again and dlc.state is State.CLOSED:
            self._tell_closed(dlc, cause, detail, 0)
        dlc.open_again = False

    def park(self, dlc: Dlc) -> None:
        """Close a DLC for our owner and leave it open for the peer, which could not open it again."""
        dlc.parked = True
        self.tell(Closed(dlc.dlci, Cause.LOCAL, "closed; the peer keeps it open", self.discard(dlc)))

    def shutdown(self) -> None:
        """Close every DLC, then the multiplexer (27.010 §5.8.2)."""
        if self.shutting_down or self._zero.state is State.CLOSED:
            return
        self.shutting_down = True
        for dlc in self.user_dlcs():
            self.forget_opening(dlc, Cause.LOCAL, "closed")
            self.discard(dlc)
            self.apply(dlc, Input.CLOSE)
        self._close_when_idle()

    def discard(self, dlc: Dlc) -> int:
        """Throw away what waits to be sent on a DLC, and count it; return how many octets that were."""
        count = dlc.discard()
        self._emptied(dlc)
        self._room_made(dlc)
        return count

    def send_signals(self, dlc: Dlc, break_length: float | None = None) -> None:
        """Tell the peer our signals of an open DLC: by MSC, or in a frame of convergence layer 2."""
        if not dlc.is_open or (self._adm and dlc.parameters.convergence == 1):
            self.counters["signals_unsaid"] += break_length is not None or dlc.is_open
            return
        if dlc.parameters.convergence == 2:
            if len(dlc.status_due) >= _MAX_STATUS_DUE:
                self.counters["control_overflow"] += 1
            elif break_length is not None or None not in dlc.status_due:
                dlc.status_due.append(break_length)
            self.transmitter.activate(dlc)
        else:
            self.control.submit(MSC(dlc.dlci, dlc.own_signals, break_length, self.config.break_octet))

    def sleep(self) -> None:
        """Ask the peer for power saving (27.010 §5.4.6.3.2)."""
        self._power(PowerInput.SLEEP)

    def wake(self) -> None:
        """Wake the peer, or do not let it sleep (27.010 §5.4.7)."""
        self._power(PowerInput.WANTED)
        if self.power.asleep and self.config.wakeup is not Wakeup.HANDSHAKE:
            self._power(PowerInput.HEARD)

    # --- What comes from the line ---------------------------------------------------------------------------------

    def heard(self) -> None:
        """Octets came, whatever they are: a sleeping peer is awake."""
        if self.power.asleep:
            self._told_to_wake = self.power.state is Power.ASLEEP and self.config.wakeup is not Wakeup.NONE
            self._power(PowerInput.HEARD)

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
            self._power(PowerInput.FLAGS)

    def receive(self, item: Frame | FrameDropped) -> None:
        """Take what the decoder found."""
        if isinstance(item, FrameDropped):
            self.dropped[item.reason.value] += 1
            self.tell(item)
            return
        self._watch.heard(self.now)
        self._take(item)
        if self.unsettled:
            self._settle()

    def _settle(self) -> None:
        """The peer can be heard again: say once more what it may have missed."""
        unsettled, self.unsettled = self.unsettled, set()
        for dlci in sorted(unsettled):
            dlc = self.dlcs[dlci]
            if not dlci:
                self.control.submit(FCon())
            elif dlc.state is State.CLOSED:
                dlc.parked = True  # our owner knows already
                self.apply(dlc, Input.CLOSE_AGAIN)
            elif dlc.is_open:
                self.send_signals(dlc)

    def _unanswered(self, dlci: int, kind: MessageType | FrameType) -> None:
        """Note that the peer may have missed something; one that never answers such a thing is told once more only."""
        if kind in self._answers or (dlci, kind) not in self._said_again:
            self._said_again.add((dlci, kind))
            self.unsettled.add(dlci)

    def _take(self, item: Frame) -> None:
        dlc = self.dlcs.get(item.dlci) or self.dlc(item.dlci)
        dlc.counters["frames_received"] += 1
        what = _INPUTS.get(item.type)
        if what is Input.DATA:
            dlc.confirmed = True
            if dlc.state is State.OPEN:
                self._deliver(dlc, item.info)
            else:
                self._stray(dlc, item.info)
            return
        if what is None or (what is Input.UA and not item.pf):  # 27.010 5.4.4.2: UA with F = 0 is discarded
            self.counters["frames_ignored"] += 1
            self._discarded(dlc, item.info)  # of an I frame: there is no error recovery
            return
        if what is Input.SABM:
            # Our own SABM comes back from a peer that echoes, in AT mode. Once DLCI 0 is open it is no echo: there are
            # modules that open channels with the host's C/R bit.
            if not dlc.dlci and dlc.state is State.OPENING and item.cr == self._command_cr:
                self.counters["frames_ignored"] += 1
                return
            if not dlc.dlci and self.shutting_down:  # it has closed already, and its answer to our CLD was lost
                self.end(Cause.LOCAL, "closed down by this side")
            if not dlc.dlci and dlc.is_open:  # it starts from nothing: what was due before means nothing to it
                self.transmitter.clear()
            if self._unwanted(dlc):
                what = Input.UNWANTED_SABM
        elif what in _ANSWERS and item.pf and self._answers_an_older_one(dlc):
            self.counters["frames_ignored"] += 1
            return
        elif what is Input.DM and not item.pf and dlc.state is State.OPENING and dlc.tries < _SECOND_TRY:
            self.counters["frames_ignored"] += 1  # 27.010 5.3.3: unasked, about the connection before, and no answer
            return
        elif what is Input.DM and not dlc.dlci and self.config.adm:
            self._adm = dlc.state is State.OPENING or self._adm
            what = Input.DM_IN_ADM
        self.apply(dlc, what, final=item.pf)

    def _answers_an_older_one(self, dlc: Dlc) -> bool:
        """Whether UA or DM answers a SABM or DISC that another one of ours has followed since."""
        older = dlc.answers_due > 1 and dlc.state in (State.OPENING, State.CLOSING)
        dlc.answers_due = max(0, dlc.answers_due - 1)
        return older

    def _unwanted(self, dlc: Dlc) -> bool:
        """Whether the peer may not have this DLC."""
        if not dlc.dlci:
            return False
        refused = dlc.dlci in self.refused and dlc.state is not State.OPENING  # what we open ourselves we want
        return refused or not self.config.carries_data(dlc.dlci) or not self.is_open or self.shutting_down

    def _stray(self, dlc: Dlc, info: bytes) -> None:
        """Data on a DLC that is not simply open."""
        if not dlc.dlci and dlc.state is State.CLOSED:
            messages = parse_messages(info)
            if any(_is_close_down(one) for one in messages):
                self._control(dlc, info)  # whoever finds a multiplexer without a session sends CLD to be rid of it
                return
            if not any(one.command for one in messages):  # late answers want none
                self.counters["frames_ignored"] += 1
                return
        for action in dlc.apply(Input.DATA):
            if action is Action.DELIVER:
                self._deliver(dlc, info)
            elif action is Action.DISCARD:
                self._discarded(dlc, info)
            elif self.now >= dlc.dm_not_before:
                dlc.dm_not_before = self.now + self.config.t1
                self.transmitter.queue(dlc.dlci, FrameType.DM, pf=True)

    def _control(self, dlc: Dlc, info: bytes) -> None:
        dlc.counters["octets_received"] += len(info)
        self.control.receive(info)

    def _discarded(self, dlc: Dlc, info: bytes) -> None:
        dlc.counters["octets_discarded"] += len(info)

    def _deliver(self, dlc: Dlc, info: bytes) -> None:
        if not dlc.dlci:
            self._control(dlc, info)
            return
        if dlc.parameters.convergence == 2:  # 27.010 5.5.2
            parts = split_status(info)
            if parts is None:
                self.counters["control_malformed"] += 1
                return
            signals, break_length, info = parts
            self.take_signals(dlc, signals, break_length)
        if not info:
            return
        if dlc.parked:
            self._discarded(dlc, info)
            return
        dlc.counters["octets_received"] += len(info)
        self.events.put_data(dlc.dlci, info, self.now)

    # --- The transition table of a DLC ----------------------------------------------------------------------------

    def apply(self, dlc: Dlc, what: Input, *, final: bool = True) -> None:
        """Drive the transition table of a DLC and carry out its actions.

        Args:
            dlc: which one.
            what: what happened.
            final: the P/F bit of the frame that did, for its answer.
        """
        for action in dlc.apply(what):
            if action in CLOSING_CAUSE:
                self._closed(dlc, *CLOSING_CAUSE[action])
            else:
                _ACTIONS[action](self, dlc, final)

    def _send_command(self, dlc: Dlc, final: bool) -> None:
        dlc.tries += 1
        dlc.deadline = None
        kind = FrameType.SABM if dlc.state is State.OPENING else FrameType.DISC
        self.transmitter.queue(dlc.dlci, kind, pf=True, timed=dlc)

    def _opened(self, dlc: Dlc, *, by_peer: bool) -> None:
        dlc.start_anew(opened=True)
        dlc.open_again = False
        if dlc.dlci:
            self.send_signals(dlc)
            self.tell(Opened(dlc.dlci, by_peer))
            if dlc.early is not None:
                early, dlc.early = dlc.early, None
                self.take_signals(dlc, early, None)
        else:
            self._over = False
            self.transmitter.held = False
            self._watch.start(self.now)
            self.tell(SessionOpened(by_peer))

    def _reestablished(self, dlc: Dlc) -> None:
        if not dlc.parked:
            self.tell(Reestablished(dlc.dlci))
        if dlc.dlci:
            dlc.start_anew(opened=False)
            self.send_signals(dlc)
            return
        self.control.clear()  # the peer starts from nothing: what it had open is gone
        self._stay_awake()
        self.transmitter.held = False
        self._watch.start(self.now)
        for other in self.user_dlcs():
            self._drop(other, Cause.PEER, "the peer started the session anew")

    def _closed(self, dlc: Dlc, cause: Cause, detail: str) -> None:
        if not dlc.dlci:
            self.end(cause, detail)
            return
        if cause is Cause.TIMEOUT:
            self._unanswered(dlc.dlci, FrameType.DISC)
        elif cause is Cause.LOCAL:
            self._answers.add(FrameType.DISC)
        self._tell_closed(dlc, cause, detail, self.discard(dlc))
        if dlc.open_again:
            dlc.open_again = False
            self.apply(dlc, Input.OPEN)
        self._close_when_idle()

    def _drop(self, dlc: Dlc, cause: Cause, detail: str) -> None:
        """End a DLC without a word on the line."""
        self.forget_opening(dlc, cause, detail)
        dlc.negotiated = None
        dlc.doubtful = False
        dlc.answers_due = 0
        if dlc.state is not State.CLOSED:
            dlc.state, dlc.deadline = State.CLOSED, None
            self._tell_closed(dlc, cause, detail, self.discard(dlc))

    def _tell_closed(self, dlc: Dlc, cause: Cause, detail: str, discarded: int) -> None:
        dlc.forget_connection()
        if not dlc.parked:  # our owner knows already
            self.tell(Closed(dlc.dlci, cause, detail, discarded))
        dlc.parked = False

    def _close_when_idle(self) -> None:
        """When shutting down: say CLD as soon as no other DLC is left."""
        if not self.shutting_down or any(dlc.state is not State.CLOSED for dlc in self.user_dlcs()):
            return
        if self._adm:
            self.end(Cause.LOCAL, "closed down by this side")
        elif self._zero.is_open:
            self.control.submit(CLD())
        else:
            self.apply(self._zero, Input.CLOSE)

    def end(self, cause: Cause, detail: str) -> None:
        """End the session: every DLC gets its `Closed`, then `SessionClosed` follows.

        Args:
            cause: why.
            detail: the sentence for people.
        """
        was_closed = self._zero.state is State.CLOSED
        self._zero.state, self._zero.deadline = State.CLOSED, None
        self.shutting_down = self._adm = False
        self.control.clear()
        self.unsettled.clear()
        self._stay_awake()
        self._said_again.clear()
        self._answers.clear()
        if cause is not Cause.PEER:  # nothing is multiplexed any more but our answer to the peer's CLD or DISC
            self.transmitter.clear()
        for dlc in self.user_dlcs():
            self._drop(dlc, cause if cause is Cause.LINE_LOST else Cause.SESSION, detail)
        again, self._zero.open_again = self._zero.open_again and cause is not Cause.LINE_LOST, False
        if not (was_closed and cause is Cause.LINE_LOST):
            self.ended += 1
            if not self._over:
                self.tell(SessionClosed(cause, detail))
            self._over = True
        if again:
            self.start()

    # --- The control channel (see `control.ControlOwner`) ---------------------------------------------------------

    def send_control(self, info: bytes, timed: Outstanding | None) -> None:
        """Queue an information field for DLCI 0."""
        self.transmitter.queue(0, FrameType.UIH, pf=False, info=info, timed=timed)

    def hold(self, *, held: bool) -> None:
        """Stop all channels, or let them go (FCoff, FCon)."""
        self.counters["holds"] += held and not self.transmitter.held
        self.transmitter.held = held

    def take_signals(self, dlc: Dlc, signals: Signals, break_length: float | None) -> None:
        """Note what the peer says about a DLC; Linux says it also about DLCs that are not open."""
        if dlc.state is State.OPENING and dlc.dlci:
            dlc.early = signals
        if not dlc.is_open or not dlc.dlci:
            return
        dlc.confirmed = True
        was_stopped = dlc.stopped
        if dlc.peer_signals != signals or break_length is not None:
            dlc.peer_signals = signals
            dlc.counters["flow_stalls"] += dlc.stopped and not was_stopped
            if not dlc.parked:
                self.tell(SignalsChanged(dlc.dlci, signals, break_length))

    def closed_down_by_peer(self) -> None:
        """End the session: CLD came."""
        self.end(Cause.PEER, "the peer closed the multiplexer down (CLD)")

    def peer_sleeps(self) -> None:
        """Fall asleep as soon as our answer has left."""
        self._power(PowerInput.PEER_PSC)

    def command_done(self, done: CommandDone) -> None:
        """Act on the result of a command of ours, and tell it."""
        if isinstance(done.command, CLD):  # some never answer CLD: taken as closed all the same
            self.end(Cause.LOCAL, "closed down by this side")
            return
        self.tell(done)
        if isinstance(done.command, PSC):
            denied = done.outcome is not Outcome.ANSWERED or done.answer == PSC(b"\x00")
            self._power(PowerInput.DENIED if denied else PowerInput.PERMITTED)
        elif isinstance(done.command, PN):
            self._negotiated(done.command, done)
        elif isinstance(done.command, MSC | FCon):
            if done.outcome is Outcome.ANSWERED:
                self._answers.add(done.command.type)
            elif done.outcome is Outcome.TIMEOUT:  # a peer that missed FC = 0 or FCon would be silent for ever
                self._unanswered(getattr(done.command, "dlci", 0), done.command.type)
        if not self._watch.answered(done):
            self.end(Cause.TIMEOUT, f"the peer did not answer {self.config.n2 + 1} keep-alive questions")

    def _negotiated(self, asked: PN, done: CommandDone) -> None:
        dlc = self.dlc(asked.dlci)
        if isinstance(done.answer, PN):  # NSC: the defaults hold
            dlc.negotiated = negotiation.settle(asked, done.answer)
            self.tell(ParametersChanged(dlc.dlci, dlc.negotiated))
        elif done.outcome is Outcome.TIMEOUT:  # a layer that only one side has would spoil data
            dlc.doubtful = asked.convergence != 1
        if dlc.open_again and dlc.state is State.CLOSED and not self.control.awaits(MessageType.PN, dlc.dlci):
            dlc.open_again = False
            self.open(dlc)

    # --- Power saving and keep-alive ------------------------------------------------------------------------------

    def _power(self, what: PowerInput) -> None:
        for action in self.power.apply(what, self.now):
            if action is PowerAction.SEND_PSC:
                self.control.submit(PSC())
            elif action is PowerAction.SEND_FLAGS:
                if self.config.wakeup is not Wakeup.NONE:
                    self.transmitter.send_flags()
            elif action is PowerAction.ANSWER:
                self.transmitter.send_flags()
            elif action is PowerAction.GIVE_UP:
                self.end(Cause.TIMEOUT, f"the peer did not wake up within T3 ({self.config.t3:g} s)")
            elif action is PowerAction.FALL_ASLEEP:
                self.tell(PowerChanged(Power.ASLEEP))
            else:
                self._watch.heard(self.now)  # who sleeps is not asked: its silence begins anew
                self.tell(PowerChanged(Power.AWAKE))
        self.transmitter.asleep, self.transmitter.quiet = self.power.asleep, self.power.agreeing

    def _stay_awake(self) -> None:
        """Forget power saving: nothing was agreed with the session, or the peer, that begins."""
        self.power = PowerSaving(self.config)
        self.transmitter.asleep = self.transmitter.quiet = self._told_to_wake = False

    def _rest(self) -> None:
        """Go on towards sleep, if it is wanted and all is done; data that wait for the peer to be woken hasten it."""
        if self.power.state not in (Power.DRAINING, Power.DOZING) or self.transmitter.due:
            return
        hasty = self.transmitter.quiet and not self.transmitter.held and any(dlc.may_send for dlc in self.user_dlcs())
        if hasty or not (self.control.busy or any(dlc.deadline is not None for dlc in self.dlcs.values())):
            self._power(PowerInput.IDLE)

    def hand_out(self, limit: int | None) -> bytes:
        """Take octets for the line out of the queues."""
        self._rest()
        if self.power.state is Power.ASLEEP and (self.transmitter.due or self.power.wake_wanted):
            self.wake()
        octets = self.transmitter.hand_out(self.now, limit)
        if octets:
            self.power.flags_sent(self.now)
            self._rest()
        return octets

    def _data_sent(self, dlc: Dlc) -> None:
        self._emptied(dlc)
        self._room_made(dlc)

    def _emptied(self, dlc: Dlc) -> None:
        """Go on with a closing that waits for the queue, if it is empty."""
        if dlc.state is not State.DRAINING or dlc.has_data:
            return
        if self.config.keep_open:
            dlc.state = State.OPEN
            self.park(dlc)
        else:
            self.apply(dlc, Input.DRAINED)

    def _room_made(self, dlc: Dlc) -> None:
        if dlc.starved and dlc.is_open and len(dlc.queue) <= self.config.queue_low:
            dlc.starved = False
            self.tell(Writable(dlc.dlci))

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due next."""
        due = [dlc.deadline for dlc in self.dlcs.values() if dlc.deadline is not None]
        due += [at for at in (self.control.next_timeout(), self.power.next_timeout(), self._ask_at()) if at is not None]
        if self.events.since is not None:
            due.append(self.events.since)
        return min(due, default=None)

    def handle_timeout(self) -> None:
        """Do what is due."""
        for dlc in list(self.dlcs.values()):
            if dlc.deadline is not None and dlc.deadline <= self.now:
                dlc.answers_due = 0  # what has not come within T1 does not come
                exhausted = dlc.tries > self.config.n2  # 27.010 5.7.3: N2 counts the repetitions
                dlc.counters["retransmissions"] += not exhausted
                self.apply(dlc, Input.N2 if exhausted else Input.T1)
        self.control.handle_timeout(self.now)
        if (what := self.power.due(self.now)) is not None:
            self._power(what)
        ask_at = self._ask_at()
        if ask_at is not None and ask_at <= self.now:
            self.control.submit(self._watch.ask(self.now, self.dlcs.values()))

    def _ask_at(self) -> float | None:
        """When a silent peer is to be asked whether it is there."""
        can_answer = self.is_open and not self.shutting_down and not self._adm and self.power.awake
        asked = self._watch.question is not None and self.control.holds(self._watch.question)
        return self._watch.ask_at(self.dlcs.values()) if can_answer and not asked else None

    def tell(self, event: Event) -> None:
        """Report something to the owner, after the data that came before it."""
        self.events.put(event, self.now)

    def _open_again(self, dlc: Dlc, final: bool) -> None:
        dlc.open_again = True


def _is_close_down(message: Message) -> bool:
    return message.command and isinstance(message.body, CLD)


_ACTIONS: dict[Action, Callable[[Session, Dlc, bool], None]] = {
    Action.SEND_SABM: Session._send_command,
    Action.SEND_DISC: Session._send_command,
    Action.SEND_UA: lambda session, dlc, final: session.transmitter.queue(dlc.dlci, FrameType.UA, pf=final),
    Action.SEND_DM: lambda session, dlc, final: session.transmitter.queue(dlc.dlci, FrameType.DM, pf=final),
    Action.OPENED: lambda session, dlc, final: session._opened(dlc, by_peer=False),
    Action.OPENED_BY_PEER: lambda session, dlc, final: session._opened(dlc, by_peer=True),
    Action.REESTABLISHED: lambda session, dlc, final: session._reestablished(dlc),
    Action.OPEN_AGAIN: Session._open_again,
    Action.KEEP_OPEN: lambda session, dlc, final: session.tell(Opened(dlc.dlci, by_peer=False)),
}
"""What the actions of `dlc.TRANSITIONS` do; those in `CLOSING_CAUSE` and those about data are done elsewhere."""
