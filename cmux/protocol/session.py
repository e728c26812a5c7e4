"""The session behind a `Multiplexer`: frames in, the transition tables, events out (27.010 §5.3, §5.4, §5.8)."""

from __future__ import annotations

from collections import Counter

from .actions import ACTIONS, forget
from .cause import CLOSED_HERE
from .commands import CLD, MSC, PN, PSC, FCon, Signals
from .config import Config, KeepAlive, Role
from .control import ControlChannel, Outstanding
from .dlc import Dlc
from .dlc_table import Action, Fact, Input, State
from .events import (
    Cause,
    Closed,
    CommandDone,
    Event,
    FrameDropped,
    KeepAliveChosen,
    Outcome,
    SessionClosed,
    SessionOpened,
    SignalsChanged,
    Writable,
)
from .frame_dispatcher import EventQueue
from .keepalive import PeerWatch
from .negotiator import Negotiator
from .pending_resync import PendingResync
from .power import PowerInput
from .standby import Standby
from .transmitter import Transmitter
from .waits import NEVER
from .wire import MessageType


class ControlSession:
    """All DLCs of one line and what they have in common.

    Args:
        role: which station this is.
        config: its parameters.
    """

    def __init__(self, role: Role, config: Config) -> None:
        self.config = config
        self.now: float = 0.0
        """The time of the current call."""
        self.dlcs: dict[int, Dlc] = {}
        self.refused: set[int] = set()
        """DLCIs whose SABM is answered with DM."""
        self.shutting_down: bool = False
        self.adm: bool = False
        """The peer has no control channel, but still serves data channels (`Config.adm`)."""
        self.pending_resync: PendingResync = PendingResync()
        self.ended: int = 0
        """How many sessions have ended on this line."""
        self.counters: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.events: EventQueue = EventQueue()
        self.control: ControlChannel = ControlChannel(self)
        self.watch: PeerWatch = PeerWatch(config)
        command_cr = role is Role.INITIATOR  # 27.010 5.2.1.2, table 1
        self.transmitter: Transmitter = Transmitter(config, command_cr, self.dlcs, self._data_sent)
        self.standby: Standby = Standby(self)
        self.negotiator: Negotiator = Negotiator(self)
        self._zero = self.dlc(0)
        self._start_again = False
        """The owner wants a new session as soon as this one is shut down."""
        self._over = False
        """`SessionClosed` has been emitted, and nothing has begun since."""
        self.settled: bool = False
        """Nothing but data has come and gone since the timers were looked up: no other call, no other frame."""
        self._timer_at: float = NEVER  # the first T1 or T2 to run out
        self._asks = False  # the peer, once it is silent

    # --- State ----------------------------------------------------------------------------------------------------

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

    # --- Calls of the owner ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Send SABM on DLCI 0, as soon as a shutdown that is under way is complete (27.010 §5.8.1)."""
        if self.shutting_down:
            self._start_again = True
            return
        self._over = False
        self.apply(self._zero, Input.OPEN)

    def close(self, dlc: Dlc, *, drain: bool) -> None:
        """Close a DLC.

        Args:
            dlc: which one.
            drain: send what is queued first.
        """
        if drain and dlc.has_data:
            self.apply(dlc, Input.DRAIN)
        else:
            self.apply(dlc, Input.PARK if self.config.keep_open else Input.CLOSE)

    def shutdown(self) -> None:
        """Close every DLC, then the multiplexer (27.010 §5.8.2)."""
        if self.shutting_down or self._zero.state is State.CLOSED:
            return
        for dlc in self.user_dlcs():
            self.discard(dlc)
            self.apply(dlc, Input.CLOSE)
        self.shutting_down = True
        self.close_when_idle()

    def discard(self, dlc: Dlc) -> int:
        """Discard what waits to be sent on a DLC, and count it; return the number of octets."""
        count = dlc.discard()
        self._emptied(dlc)
        self._room_made(dlc)
        return count

    def send_signals(self, dlc: Dlc, break_length: float | None = None) -> None:
        """Send the peer our signals for an open DLC: by MSC, or in a frame of convergence layer 2."""
        if not dlc.is_open or (self.adm and dlc.parameters.convergence == 1):
            self.counters["signals_unsaid"] += break_length is not None or dlc.is_open
            return
        if dlc.parameters.convergence == 2:
            waits = dlc.may_send
            self.counters["control_overflow"] += not dlc.queue_status(break_length)
            self.transmitter.activate(dlc, waits=waits)
        else:
            self.control.submit(MSC(dlc.dlci, dlc.own_signals, break_length, self.config.break_octet))

    # --- What comes from the line ---------------------------------------------------------------------------------

    def frame_dropped(self, item: FrameDropped) -> None:
        """Count and report octets that are not a frame."""
        self.dropped[item.reason.value] += 1
        self.emit(item)

    def stalled(self, *, stalled: bool) -> None:
        """Note that the line takes no octets, or does again."""
        self.watch.stalled(stalled=stalled)

    def frame_taken(self) -> None:
        """Repeat what the peer may have missed: it is sending again."""
        if not self.pending_resync:
            return
        self.settled = False
        for dlci in self.pending_resync.take():
            if dlci:
                self.apply(self.dlcs[dlci], Input.MISSED)
            else:
                self.control.submit(FCon())

    # --- The transition table of a DLC ----------------------------------------------------------------------------

    def apply(self, dlc: Dlc, what: Input, *, final: bool = True) -> None:
        """Apply an input to the transition table of a DLC, and carry out the actions.

        Args:
            dlc: which one.
            what: what happened.
            final: the P/F bit of the frame that caused it, for the answer.
        """
        self.settled = False
        for action in dlc.apply(what):
            ACTIONS[action](self, dlc, final)

    def opened(self, *, by_peer: bool) -> None:
        """Start a session: DLCI 0 is open."""
        self._over = False
        self.transmitter.held = False
        self.emit(SessionOpened(by_peer))
        self._watch_peer()

    def restarted(self) -> None:
        """Restart the session: the peer begins from nothing, and what it had open is gone."""
        self._zero.note(Fact.BEGUN)
        self.control.clear()
        self.pending_resync = PendingResync()
        self.standby.forget()
        self.transmitter.held = False
        self._watch_peer()
        for dlc in self.user_dlcs():
            self._drop(dlc, Cause.PEER, "the peer restarted the session")

    def _watch_peer(self) -> None:
        trial = self.watch.start(self.now)
        if trial is not None and self.adm:  # without a control channel nothing can be asked
            self.emit(KeepAliveChosen(KeepAlive.NONE))
        elif trial is not None:
            self.control.submit(trial)

    def _drop(self, dlc: Dlc, cause: Cause, detail: str) -> None:
        """End a DLC without sending anything."""
        for action in dlc.apply(Input.DROPPED):
            count = forget(self, dlc)
            if action is Action.DROPPED:
                self.emit(Closed(dlc.dlci, cause, detail, count))

    def close_when_idle(self) -> None:
        """In a shutdown, send CLD as soon as no other DLC is left."""
        if not self.shutting_down or any(dlc.state is not State.CLOSED for dlc in self.user_dlcs()):
            return
        if self.adm:
            self.end(Cause.LOCAL, CLOSED_HERE)
        elif self._zero.is_open:
            self.control.submit(CLD())
        else:
            self.apply(self._zero, Input.CLOSE)

    def end(self, cause: Cause, detail: str) -> None:
        """End the session: every DLC gets its `Closed`, then `SessionClosed` follows.

        Args:
            cause: why.
            detail: the reason, as a sentence.
        """
        was_closed = self._zero.state is State.CLOSED
        self._zero.apply(Input.DROPPED)
        self.shutting_down = self.adm = False
        self.control.clear()
        self.pending_resync = PendingResync()
        self.standby.forget()
        if cause is not Cause.PEER:  # otherwise our answer to the peer's CLD or DISC is still to be sent
            self.transmitter.clear()
        for dlc in self.user_dlcs():
            self._drop(dlc, cause if cause is Cause.LINE_LOST else Cause.SESSION, detail)
        again, self._start_again = self._start_again and cause is not Cause.LINE_LOST, False
        if not (was_closed and cause is Cause.LINE_LOST):
            self.ended += 1
            if not self._over:
                self.emit(SessionClosed(cause, detail))
            self._over = True
        if again:
            self.start()

    # --- The control channel (see `control.ControlOwner`) ---------------------------------------------------------

    def send_control(self, info: bytes, timed: Outstanding | None) -> None:
        """Queue an information field for DLCI 0."""
        hold = timed is not None and not isinstance(timed.command, PSC)
        self.transmitter.queue(0, self.config.frame_type, pf=False, info=info, timed=timed, hold=hold)

    def hold(self, *, held: bool) -> None:
        """Stop all channels, or release them (FCoff, FCon)."""
        self.counters["holds"] += held and not self.transmitter.held
        self.transmitter.held = held

    def take_signals(self, dlc: Dlc, signals: Signals, break_length: float | None) -> None:
        """Record the signals that the peer sent for a DLC; Linux sends them also for DLCs that are not open."""
        for action in dlc.apply(Input.SIGNALS) if dlc.dlci else ():
            if action is Action.KEEP_SIGNALS:
                dlc.keep_early(signals)
                continue
            waits = dlc.may_send
            if dlc.set_peer_signals(signals, break_length):
                if dlc.may_send:
                    self.transmitter.activate(dlc, waits=waits)
                if action is Action.TELL_SIGNALS:
                    self.emit(SignalsChanged(dlc.dlci, signals, break_length))

    def closed_down_by_peer(self) -> None:
        """End the session: the peer sent CLD."""
        self.end(Cause.PEER, "the peer closed the multiplexer down (CLD)")

    def peer_sleeps(self) -> None:
        """Fall asleep as soon as our answer has been sent."""
        self.standby.apply(PowerInput.PEER_PSC)

    def resync(self, dlci: int, said: MessageType) -> None:
        """Repeat what the peer got wrong, at most once per T1, in case it answers in its own way."""
        if self.dlc(dlci).once_per_t1(said, self.now):
            self.pending_resync.unanswered(dlci, said)

    def command_done(self, done: CommandDone) -> None:
        """Act on the result of one of our commands, and report it."""
        if isinstance(done.command, CLD):  # some never answer CLD: considered closed anyway
            self.end(Cause.LOCAL, CLOSED_HERE)
            return
        self.emit(done)
        if isinstance(done.command, PSC):
            denied = done.outcome is not Outcome.ANSWERED or done.answer == PSC(b"\x00")
            self.standby.apply(PowerInput.DENIED if denied else PowerInput.PERMITTED)
        elif isinstance(done.command, PN):
            self.negotiator.done(done.command, done)
        elif isinstance(done.command, MSC | FCon):
            if done.outcome is Outcome.ANSWERED:
                if getattr(done.answer, "signals", None) == getattr(done.command, "signals", None):
                    self.pending_resync.answered(done.command.type)
            elif done.outcome is Outcome.TIMEOUT:  # a peer that missed FC = 0 or FCon would stay silent for ever
                self.pending_resync.unanswered(getattr(done.command, "dlci", 0), done.command.type)
        if (kind := self.watch.learn(done, self.user_dlcs())) is not None:
            self.emit(KeepAliveChosen(kind))
        if (reason := self.watch.verdict(done)) is not None:
            self.end(Cause.TIMEOUT, reason)

    # --- The line and the time ------------------------------------------------------------------------------------

    def hand_out(self, limit: int | None) -> bytes:
        """Return octets for the line from the queues."""
        transmitter, standby = self.transmitter, self.standby
        if not standby.idle:
            self.settled = False
            standby.before_sending()
        if transmitter.has_control:  # timers start
            self.settled = False
        octets = transmitter.hand_out(self.now, limit)
        if octets:
            if not standby.idle:
                standby.after_sending()
            if self.watch.question is not None:
                self.watch.sent(octets)
        return octets

    def _data_sent(self, dlc: Dlc) -> None:
        if dlc.state is State.DRAINING:
            self._emptied(dlc)
        if dlc.starved:
            self._room_made(dlc)

    def _emptied(self, dlc: Dlc) -> None:
        """Continue a closing that waits for the queue, if the queue is empty."""
        if dlc.state is State.DRAINING and not dlc.has_data:
            self.apply(dlc, Input.PARK if self.config.keep_open else Input.DRAINED)

    def _room_made(self, dlc: Dlc) -> None:
        if dlc.starved and dlc.is_open and len(dlc.queue) <= self.config.queue_low:
            dlc.note(Fact.ROOM_MADE)
            self.emit(Writable(dlc.dlci))

    def due_at(self) -> float:
        """Return when `handle_timeout` is due next; `NEVER` if not at any time."""
        if not self.settled:
            self._look_up_timers()
        due = self._timer_at  # no min(): it would take longer than all the rest
        if self.events.since < due:
            due = self.events.since
        if self._asks and (ask_at := self.watch.ask_at) < due:
            due = ask_at
        if not self.standby.idle and (wake_at := self.standby.due_at()) < due:
            due = wake_at
        return due

    def handle_timeout(self) -> None:
        """Do what is due."""
        if not self.settled:
            self._look_up_timers()
        if self._timer_at <= self.now or not self.standby.idle:
            for dlc in list(self.dlcs.values()):
                if (what := dlc.timed_out(self.now)) is not None:
                    self.apply(dlc, what)
            self.control.handle_timeout(self.now)
            self.standby.handle_timeout()
            self._look_up_timers()
        if self._asks and self.watch.ask_at <= self.now:
            self.settled = False
            self.control.submit(self.watch.ask(self.now, self.dlcs.values()))

    def _look_up_timers(self) -> None:
        t1 = [dlc.deadline for dlc in self.dlcs.values() if dlc.deadline is not None]
        t2 = self.control.next_timeout()
        self._timer_at = min(*t1, NEVER if t2 is None else t2, NEVER)
        self._asks = self._can_ask()
        self.settled = True

    def _can_ask(self) -> bool:
        """Tell whether to ask a silent peer whether it is there."""
        can_answer = self.is_open and not self.shutting_down and not self.adm and self.standby.power.awake
        can_answer = can_answer and not self.transmitter.held  # FCoff: it wants to be left alone
        asked = self.watch.question is not None and self.control.holds(self.watch.question)
        return can_answer and not asked and self.watch.asks(self.dlcs.values())

    def emit(self, event: Event) -> None:
        """Report something to the owner, after the data that came before it."""
        self.events.put(event, self.now)
