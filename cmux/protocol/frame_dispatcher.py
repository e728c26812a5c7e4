"""The receive path: octets from the line become frames, inputs of their DLC, and events.

This module decides what is done with a frame before and besides the transition table of its DLC (27.010 §5.3, §5.4).
It also has the queue of events, in which consecutive data of one DLC form one event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from .cause import CLOSED_HERE
from .commands import CLD, Signals
from .config import Config, Option
from .control import ControlChannel
from .dlc import Dlc
from .dlc_table import AWAITED, Action, Fact, Input, State
from .events import Cause, DataReceived, Event, FrameDropped
from .frames import AdvancedDecoder, BasicDecoder, Decoder
from .headers import Frame
from .keepalive import PeerWatch
from .messages import parse_messages
from .pending_resync import PendingResync
from .signals import split_status
from .standby import Standby
from .transmitter import Transmitter
from .waits import NEVER
from .wire import FrameType

_INPUTS = {
    FrameType.SABM: Input.SABM,  # 27.010 5.3.1
    FrameType.UA: Input.UA,  # 27.010 5.3.2
    FrameType.DM: Input.DM,  # 27.010 5.3.3
    FrameType.DISC: Input.DISC,  # 27.010 5.3.4
    FrameType.UIH: Input.DATA,  # 27.010 5.3.5
    FrameType.UI: Input.DATA,  # 27.010 5.3.6
}
MAX_UNREAD = 4096
"""Most octets behind the end of sessions that are kept for `FrameDispatcher.take_unread`."""

_UIH = FrameType.UIH
_ANSWERS = (Input.UA, Input.DM)
_SECOND_TRY = 2


class EventQueue:
    """Events that wait for the next call that returns events."""

    def __init__(self) -> None:
        self.since: float = NEVER
        """When the oldest waiting event was added; `NEVER` if none waits."""
        self._events: list[Event] = []
        self._data: list[bytes] = []
        self._data_dlci = 0

    def put(self, event: Event, now: float) -> None:
        """Add an event after the data that came before it."""
        if self._data:
            self._join_data()
        if self.since == NEVER:
            self.since = now
        self._events.append(event)

    def put_data(self, dlci: int, data: bytes, now: float) -> None:
        """Add data; consecutive data of one DLC become one event."""
        if self._data and self._data_dlci != dlci:
            self._join_data()
        if self.since == NEVER:
            self.since = now
        self._data_dlci = dlci
        self._data.append(data)

    def take(self) -> list[Event]:
        """Return the events that wait, and clear them."""
        if self._data:
            self._join_data()
        events, self._events, self.since = self._events, [], NEVER
        return events

    def _join_data(self) -> None:
        self._events.append(DataReceived(self._data_dlci, b"".join(self._data)))
        self._data = []


class DispatcherOwner(Protocol):
    """What the dispatcher needs from the session whose frames it handles."""

    config: Config
    now: float
    dlcs: dict[int, Dlc]
    refused: set[int]
    shutting_down: bool
    adm: bool
    counters: Counter[str]
    control: ControlChannel
    transmitter: Transmitter
    events: EventQueue
    pending_resync: PendingResync
    settled: bool
    """Nothing but data has come and gone since the timers were looked up."""

    ended: int
    """How many sessions have ended on this line."""
    standby: Standby
    watch: PeerWatch

    @property
    def is_open(self) -> bool:
        """Whether DLCI 0 is up."""

    def dlc(self, dlci: int) -> Dlc:
        """Return a DLC, open or not."""

    def apply(self, dlc: Dlc, what: Input, *, final: bool = True) -> None:
        """Apply an input to the transition table of a DLC."""

    def take_signals(self, dlc: Dlc, signals: Signals, break_length: float | None) -> None:
        """Record the signals that the peer sent for a DLC."""

    def end(self, cause: Cause, detail: str) -> None:
        """End the session."""

    def frame_dropped(self, item: FrameDropped) -> None:
        """Count and report octets that are not a frame."""

    def frame_taken(self) -> None:
        """Repeat what the peer may have missed: it is sending again."""


class FrameDispatcher:
    """The receive side of one line.

    Args:
        config: framing and limits.
        session: the session that the frames belong to.
        command_cr: the C/R bit of what this station sends (27.010 §5.2.1.2, table 1).
    """

    def __init__(self, config: Config, session: DispatcherOwner, command_cr: bool) -> None:
        self.decoder: Decoder
        if config.option is Option.BASIC:
            self.decoder = BasicDecoder(config.n1_receive)
        else:
            self.decoder = AdvancedDecoder(config.n1_receive, xonxoff=config.xonxoff)
        self._config = config
        self._session = session
        self._command_cr = command_cr
        self._grown_at = 0.0
        self._gap_over = False
        self._unread = b""

    # --- Octets ---------------------------------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Process octets; no input raises."""
        session = self._session
        watch, standby = session.watch, session.standby
        self._grown_at, self._gap_over = session.now, False
        watch.heard(session.now)
        if watch.question is not None:
            watch.said(data)
        if not standby.idle:
            standby.octets_received()
        decoder = self.decoder
        self._pass_on(decoder.receive_part(data))
        while decoder.paused:
            self._pass_on(decoder.receive_part())
        if standby.power.agreed:
            session.settled = False
            standby.understood(data, partial=self.decoder.pending)

    def finish(self) -> None:
        """Process what is left, as no more octets will come."""
        self._pass_on(item for _, item in self.decoder.finish())

    def take_unread(self) -> bytes:
        """Return the octets behind the frame that ended a session, and clear them."""
        unread, self._unread = self._unread, b""
        return unread

    @property
    def give_up_at(self) -> float:
        """When a partial frame is to be given up, if there is one."""
        return self._grown_at + (self._config.t2 if self._gap_over else min(self._config.frame_gap, self._config.t2))

    def handle_timeout(self) -> None:
        """Give up a partial frame that has not grown for long enough."""
        now = self._session.now
        if self.decoder.pending:
            over = now >= self._grown_at + self._config.t2
            if over or now >= self._grown_at + self._config.frame_gap:
                self._gap_over = True
                self._pass_on(item for _, item in self.decoder.give_up(force=over))

    def _pass_on(self, items: Iterable[Frame | FrameDropped]) -> None:
        """Pass frames to the session; octets behind the frame that ends it are not for the multiplexer."""
        session = self._session
        ended = session.ended
        run: list[bytes] = []  # consecutive data of one DLC that is simply delivered
        dlc: Dlc | None = None
        running = -1
        for item in items:
            if isinstance(item, Frame):
                dlci, _, kind, _, info, _, _ = item
                if dlci == running and kind is _UIH:
                    run.append(info)
                    continue
            if dlc is not None:
                self._deliver_run(dlc, run)
                dlc, running = None, -1
            if isinstance(item, FrameDropped):
                session.frame_dropped(item)
                continue
            if kind is _UIH and (dlc := self._simply_delivering(dlci)) is not None:
                run, running = [info], dlci
                continue
            self._take(item)
            session.frame_taken()
            if session.ended != ended:
                ended = session.ended
                if session.dlc(0).state is State.CLOSED:  # else the same frame, SABM on DLCI 0, began the next session
                    self._keep_unread(self.decoder.take_rest())
        if dlc is not None:
            self._deliver_run(dlc, run)

    def _simply_delivering(self, dlci: int) -> Dlc | None:
        """Return the DLC if all that UIH on it means is that its octets are delivered as they are."""
        if not dlci or self._session.pending_resync:
            return None
        dlc = self._session.dlcs.get(dlci)
        return dlc if dlc is not None and dlc.delivers and dlc.parameters.convergence == 1 else None

    def _deliver_run(self, dlc: Dlc, run: list[bytes]) -> None:
        """Deliver the data of consecutive frames of a DLC."""
        session = self._session
        if not session.dlcs[0].confirmed:
            session.dlcs[0].note(Fact.USED)
        if not dlc.confirmed:
            dlc.note(Fact.USED)
        data = run[0] if len(run) == 1 else b"".join(run)
        dlc.count_delivered(len(run), len(data))
        if data:
            session.events.put_data(dlc.dlci, data, session.now)

    def _keep_unread(self, octets: bytes) -> None:
        unread = self._unread + octets
        self._unread = unread[:MAX_UNREAD]
        self.decoder.skipped += len(unread) - len(self._unread)

    # --- Frames ---------------------------------------------------------------------------------------------------

    def _take(self, item: Frame) -> None:
        session = self._session
        session.settled = False
        dlc = session.dlc(item.dlci)
        dlc.count("frames_received")
        what = _INPUTS.get(item.type)
        if (item.dlci or what is not Input.SABM) and not session.dlcs[0].confirmed:
            session.dlcs[0].note(Fact.USED)
        if what is Input.DATA:
            if not dlc.confirmed:
                dlc.note(Fact.USED)
            if dlc.delivers:  # what the table says, looked up beforehand
                self._deliver(dlc, item)
            else:
                self._stray(dlc, item)
        elif what is None or self._is_of_no_use(dlc, what, item):
            session.counters["frames_ignored"] += 1
            dlc.count("octets_discarded", len(item.info))  # of an I frame: there is no error recovery
        else:
            session.apply(dlc, self._meaning(dlc, what), final=item.pf)

    def _is_of_no_use(self, dlc: Dlc, what: Input, item: Frame) -> bool:
        """Tell whether a command or response is to be ignored, whatever the table says."""
        if what is Input.SABM:
            # A peer in AT mode echoes our own SABM. Once DLCI 0 is open it is not an echo: some modules open channels
            # with the host's C/R bit.
            return not dlc.dlci and dlc.state is State.OPENING and item.cr == self._command_cr
        if what not in _ANSWERS:
            return False
        if not item.pf and (what is Input.DM or self._config.strict_final):
            # 27.010 5.4.4.2: UA with F = 0 is discarded. DM with F = 0 is unsolicited (27.010 5.3.3): it is about the
            # previous connection and does not answer a SABM that has just been sent.
            return what is Input.UA or (dlc.state is State.OPENING and dlc.tries < _SECOND_TRY)
        older = dlc.answered()
        if what is Input.UA and not older and dlc.state in AWAITED:
            # Nothing but an answer has the type UA, whatever its bits say: Linux before 5.15 sends F = 0 and C/R = 0.
            self._session.counters["answers_tolerated"] += not item.pf or item.cr != self._command_cr
        return older

    def _meaning(self, dlc: Dlc, what: Input) -> Input:
        """Return the input that a frame is for its DLC, given the state of the session."""
        session = self._session
        if what is Input.SABM:
            if not dlc.dlci and session.shutting_down:  # the peer has closed already; its answer to our CLD was lost
                session.end(Cause.LOCAL, CLOSED_HERE)
            if not dlc.dlci and dlc.is_open and dlc.confirmed:  # it restarts: what was due means nothing to it
                session.transmitter.clear()
            return Input.UNWANTED_SABM if self._unwanted(dlc) else what
        if what is Input.DM and not dlc.dlci and session.config.adm:
            session.adm = dlc.state is State.OPENING or session.adm
            return Input.DM_IN_ADM
        return what

    def _unwanted(self, dlc: Dlc) -> bool:
        """Tell whether the peer may not open this DLC."""
        session = self._session
        if not dlc.dlci:
            return False
        refused = dlc.dlci in session.refused and dlc.state is not State.OPENING  # a DLC that we are opening is wanted
        return refused or not session.config.carries_data(dlc.dlci) or not session.is_open or session.shutting_down

    def _stray(self, dlc: Dlc, item: Frame) -> None:
        """Handle data on a DLC in a state that does not simply deliver it."""
        session, what = self._session, Input.DATA
        if not dlc.dlci and dlc.state is State.CLOSED:
            messages = parse_messages(item.info)
            if any(one.command and isinstance(one.body, CLD) for one in messages):
                what = Input.CLD
            elif not any(one.command for one in messages):  # late responses need no answer
                session.counters["frames_ignored"] += 1
                return
        for action in dlc.apply(what):
            if action is Action.DELIVER:
                self._deliver(dlc, item)
            elif action is Action.DISCARD:
                dlc.count("octets_discarded", len(item.info))
            elif action is Action.DISCARD_BUT_STATUS:
                dlc.count("octets_discarded", len(self._without_status(dlc, item.info)))
            elif dlc.once_per_t1(action, session.now):
                session.transmitter.queue(dlc.dlci, FrameType.DM, pf=True)

    def _deliver(self, dlc: Dlc, item: Frame) -> None:
        session, info = self._session, item.info
        if not dlc.dlci:
            dlc.count("octets_received", len(info))
            session.control.receive(info, echo=item.cr == self._command_cr)
            return
        if dlc.parameters.convergence == 2:
            info = self._without_status(dlc, info)
        if info:
            dlc.count("octets_received", len(info))
            session.events.put_data(dlc.dlci, info, session.now)

    def _without_status(self, dlc: Dlc, info: bytes) -> bytes:
        """Process the status octets before the data, if the layer has any, and return the data (27.010 §5.5.2)."""
        if dlc.parameters.convergence == 1:
            return info
        parts = split_status(info)
        if parts is None:
            self._session.counters["control_malformed"] += 1
            return b""
        signals, break_length, data = parts
        self._session.take_signals(dlc, signals, break_length)
        return data
