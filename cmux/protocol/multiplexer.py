"""The multiplexer of one line, either role: octets and the time in, octets and events out (27.010 §5).

It reads no clock and does no I/O. What the peer does wrong is counted and told, never raised.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import NamedTuple

from .commands import CLD, MSC, NSC, Command, FCoff, FCon, Signals, Test
from .config import MAX_DLCI, Config, Option, Role
from .control import CommandQueue, Outstanding
from .dlc import CLOSING_CAUSE, Action, Dlc, Input, State
from .errors import InvalidDlci, StateError
from .events import (
    Cause,
    Closed,
    CommandDone,
    DataReceived,
    Event,
    FrameDropped,
    Opened,
    Reestablished,
    SessionClosed,
    SessionOpened,
    SignalsChanged,
    UnknownCommand,
    Writable,
)
from .frames import AdvancedDecoder, BasicDecoder, Decoder, Frame, encode
from .messages import Message, encode_message, encode_value, parse_messages
from .scheduler import Scheduler
from .wire import FrameType, MessageType

MAX_CONTROL_FRAMES = 1024
"""Frames of DLCI 0 and supervisory frames that wait for the line; a peer that floods us loses its answers."""

_FRAME_OVERHEAD = 7
"""Flags, address, control, two length octets and FCS."""

_INPUTS = {
    FrameType.SABM: Input.SABM,
    FrameType.UA: Input.UA,
    FrameType.DM: Input.DM,
    FrameType.DISC: Input.DISC,
    FrameType.UIH: Input.DATA,
    FrameType.UI: Input.DATA,
}


class _Outgoing(NamedTuple):
    """A frame that does not wait for the scheduler, and whose timer starts when it leaves."""

    frame: Frame
    timed: Dlc | Outstanding | None


class Multiplexer:
    """One station of a multiplexer session.

    Args:
        role: who starts the session; decides the C/R bits.
        config: parameters; the defaults of 27.010 §5.7 when left out.
    """

    def __init__(self, role: Role = Role.INITIATOR, config: Config | None = None) -> None:
        self.role = role
        self.config = config = config or Config()
        decoder = BasicDecoder if config.option is Option.BASIC else AdvancedDecoder
        self._decoder: Decoder = decoder(config.n1_receive)
        self._dlcs: dict[int, Dlc] = {}
        self._control = self._dlc(0)
        self._refused: set[int] = set()
        self._commands = CommandQueue(config, self._queue_command, self._command_done)
        self._urgent: deque[_Outgoing] = deque()
        self._scheduler = Scheduler(lambda dlci: not self._held_by_peer and self._dlcs[dlci].may_send)
        self._held_by_peer = False
        self._shutting_down = False
        self._events: list[Event] = []
        self._events_since = 0.0
        self._data: list[bytes] = []
        self._data_dlci = 0
        self._now = 0.0
        self._grown_at = 0.0
        self._gap_seen = False
        self._counters: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()

    # --- The session ----------------------------------------------------------------------------------------------

    def start(self, now: float) -> None:
        """Open DLCI 0; `SessionOpened` follows, or `SessionClosed` with the reason (27.010 §5.8.1).

        Args:
            now: seconds on the caller's clock.
        """
        self._now = now
        self._shutting_down = False
        self._apply(self._control, Input.OPEN)

    def shutdown(self, now: float) -> None:
        """Close every DLC, then the multiplexer with CLD; `SessionClosed` follows (27.010 §5.8.2).

        Args:
            now: seconds on the caller's clock.
        """
        self._now = now
        if self._shutting_down or self._control.state is State.CLOSED:
            return
        self._shutting_down = True
        for dlc in self._user_dlcs():
            dlc.open_again = False
            self._counters["octets_discarded"] += dlc.discard()
            self._apply(dlc, Input.CLOSE)
        self._close_when_idle()

    def line_lost(self, reason: str, now: float) -> list[Event]:
        """Take the loss of the line: every DLC gets its `Closed`, the session its `SessionClosed`.

        Args:
            reason: the sentence for people.
            now: seconds on the caller's clock.

        Returns:
            The events.
        """
        self._now = now
        self._end_session(Cause.LINE_LOST, reason)
        self._decoder.reset()
        return self._take_events()

    @property
    def session_open(self) -> bool:
        """Whether DLCI 0 is up."""
        return self._control.is_open

    # --- Channels -------------------------------------------------------------------------------------------------

    def open(self, dlci: int, now: float) -> None:
        """Open a DLC; `Opened` or `Closed` follows (27.010 §5.4.1).

        Args:
            dlci: 1 to 61.
            now: seconds on the caller's clock.

        Raises:
            InvalidDlci: the number cannot carry data.
            StateError: the session is not open.
        """
        self._now = now
        dlc = self._user_dlc(dlci)
        if not self.session_open or self._shutting_down:
            raise StateError(f"DLCI {dlci} cannot be opened: the multiplexer session is not open")
        self._apply(dlc, Input.OPEN)

    def close(self, dlci: int, now: float, drain: bool = True) -> None:
        """Close a DLC; `Closed` follows (27.010 §5.4.2).

        Args:
            dlci: 1 to 61.
            now: seconds on the caller's clock.
            drain: first send what is queued; else it is discarded, and counted in the event.

        Raises:
            InvalidDlci: the number cannot carry data.
        """
        self._now = now
        dlc = self._user_dlc(dlci)
        dlc.open_again = False
        if drain and dlc.queue and dlc.is_open:
            self._apply(dlc, Input.DRAIN)
        else:
            self._apply(dlc, Input.CLOSE)

    def refuse(self, dlci: int) -> None:
        """Answer the peer's SABM for a DLC with DM from now on (27.010 §5.3.3).

        Args:
            dlci: 1 to 63.
        """
        self._refused.add(dlci)

    def is_open(self, dlci: int) -> bool:
        """Tell whether a DLC carries data."""
        return dlci in self._dlcs and self._dlcs[dlci].is_open

    def send(self, dlci: int, data: bytes, now: float) -> int:
        """Queue octets for a DLC.

        Args:
            dlci: 1 to 61, open.
            data: any number of octets.
            now: seconds on the caller's clock.

        Returns:
            How many were taken; when it is fewer than offered, `Writable` follows.

        Raises:
            InvalidDlci: the number cannot carry data.
            StateError: the DLC is not open.
        """
        self._now = now
        dlc = self._user_dlc(dlci)
        if dlc.state is not State.OPEN:
            raise StateError(f"DLCI {dlci} cannot send: it is {dlc.state}")
        taken = dlc.put(data)
        if taken:
            self._scheduler.activate(dlci)
        return taken

    def unsent(self, dlci: int) -> int:
        """Return how many octets of a DLC wait to be sent."""
        return len(self._dlcs[dlci].queue) if dlci in self._dlcs else 0

    def discard(self, dlci: int) -> int:
        """Throw away what waits to be sent on a DLC.

        Args:
            dlci: 1 to 61.

        Returns:
            How many octets that were; they are counted as discarded.
        """
        if dlci not in self._dlcs:
            return 0
        self._scheduler.remove(dlci)
        count = self._dlcs[dlci].discard()
        self._counters["octets_discarded"] += count
        return count

    # --- Signals and flow control ---------------------------------------------------------------------------------

    def signals(self, dlci: int) -> Signals | None:
        """Return the peer's latest V.24 signals of a DLC; None before its first MSC."""
        return self._dlcs[dlci].peer_signals if dlci in self._dlcs else None

    def own_signals(self, dlci: int) -> Signals:
        """Return the V.24 signals that this station sends about a DLC."""
        return self._dlcs[dlci].own_signals if dlci in self._dlcs else Signals()

    def set_signals(self, dlci: int, signals: Signals, now: float) -> None:
        """Set our V.24 signals of a DLC; a change goes out as MSC (27.010 §5.4.6.3.7).

        Args:
            dlci: 1 to 61.
            signals: what to say; before the DLC is open it is said after UA.
            now: seconds on the caller's clock.

        Raises:
            InvalidDlci: the number cannot carry data.
        """
        self._now = now
        dlc = self._user_dlc(dlci)
        if signals != dlc.own_signals:
            dlc.own_signals = signals
            self._send_signals(dlc)

    def send_break(self, dlci: int, duration: float, now: float) -> None:
        """Send a break on a DLC (27.010 §5.4.6.3.7).

        Args:
            dlci: 1 to 61, open.
            duration: seconds, 0 to 3.0; rounded to steps of 0.2.
            now: seconds on the caller's clock.

        Raises:
            InvalidDlci: the number cannot carry data.
        """
        self._now = now
        self._send_signals(self._user_dlc(dlci), break_length=duration)

    def pause_reading(self, dlci: int, now: float) -> None:
        """Ask the peer to stop sending on a DLC: FC = 1. What is under way still comes.

        Args:
            dlci: 1 to 61.
            now: seconds on the caller's clock.
        """
        self._set_flow(dlci, now, stop=True)

    def resume_reading(self, dlci: int, now: float) -> None:
        """Let the peer send again on a DLC: FC = 0.

        Args:
            dlci: 1 to 61.
            now: seconds on the caller's clock.
        """
        self._set_flow(dlci, now, stop=False)

    def _set_flow(self, dlci: int, now: float, *, stop: bool) -> None:
        mine = self.own_signals(dlci)
        self.set_signals(dlci, Signals(stop, mine.rtc, mine.rtr, mine.ic, mine.dv), now)

    def test(self, payload: bytes, now: float) -> None:
        """Send a Test command; `CommandDone` follows (27.010 §5.4.6.3.4).

        Args:
            payload: octets that the peer has to send back.
            now: seconds on the caller's clock.

        Raises:
            StateError: the session is not open.
        """
        self._now = now
        self._submit(Test(bytes(payload)))

    # --- The line -------------------------------------------------------------------------------------------------

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take octets from the line; nothing that they say raises.

        Args:
            data: any number of octets.
            now: seconds on the caller's clock.

        Returns:
            What they mean, in order; consecutive data of one DLC are one event.
        """
        self._now = now
        if data:
            self._grown_at, self._gap_seen = now, False
            for _, item in self._decoder.scan(data):
                self._receive(item)
        return self._take_events()

    def data_to_send(self, now: float, limit: int | None = None) -> bytes:
        """Hand out whole frames for the line; acknowledgement timers start here.

        Args:
            now: seconds on the caller's clock.
            limit: at most so many octets beyond the first frame; None: everything that is due.

        Returns:
            The octets; empty when nothing is due. The caller keeps what the system did not take.
        """
        self._now = now
        out: list[bytes] = []
        room = limit
        n1 = self.config.n1
        while True:
            dlci = None
            if self._urgent:
                size = len(self._urgent[0].frame.info)
            elif (dlci := self._scheduler.next()) is not None:
                size = min(n1, len(self._dlcs[dlci].queue))
            else:
                break
            if out and room is not None:
                room -= size + _FRAME_OVERHEAD
                if room < 0:
                    break
            out.append(self._hand_out_urgent(now) if dlci is None else self._hand_out_data(dlci, n1, now))
        return b"".join(out)

    def _hand_out_urgent(self, now: float) -> bytes:
        frame, timed = self._urgent.popleft()
        if timed is not None:
            timed.handed_out(now)
        self._counters["frames_sent"] += 1
        return encode(frame, self.config.option)

    def _hand_out_data(self, dlci: int, n1: int, now: float) -> bytes:
        dlc = self._dlcs[dlci]
        info = dlc.take(n1)
        self._counters["frames_sent"] += 1
        dlc.counters["frames_sent"] += 1
        dlc.counters["octets_sent"] += len(info)
        if dlc.queue:
            self._scheduler.sent(dlci)
        else:
            self._scheduler.remove(dlci)
            self._apply(dlc, Input.DRAINED)
        if dlc.starved and len(dlc.queue) <= self.config.queue_low:
            dlc.starved = False
            self._tell(Writable(dlci))
        return encode(Frame(dlci, self._command_cr, FrameType.UIH, False, info), self.config.option)

    # --- Time -----------------------------------------------------------------------------------------------------

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due next, on the caller's clock; None: not before something happens.

        It lies in the past when events wait that a call other than `receive_data` caused.
        """
        due = [dlc.deadline for dlc in self._dlcs.values() if dlc.deadline is not None]
        if (deadline := self._commands.next_timeout()) is not None:
            due.append(deadline)
        if self._decoder.pending:
            due.append(self._grown_at + (self.config.t2 if self._gap_seen else self.config.frame_gap))
        if self._events:
            due.append(self._events_since)
        return min(due, default=None)

    def handle_timeout(self, now: float) -> list[Event]:
        """Do what is due.

        Args:
            now: seconds on the caller's clock; a call before anything is due does nothing.

        Returns:
            The events.
        """
        self._now = now
        for dlc in list(self._dlcs.values()):
            if dlc.deadline is not None and dlc.deadline <= now:
                exhausted = dlc.tries > self.config.n2  # 27.010 5.7.3: N2 counts the repetitions
                self._counters["retransmissions"] += not exhausted
                self._apply(dlc, Input.N2 if exhausted else Input.T1)
        self._commands.handle_timeout(now)
        if self._decoder.pending:
            quiet = now - self._grown_at
            if quiet >= self.config.frame_gap or quiet >= self.config.t2:
                self._gap_seen = True
                for _, item in self._decoder.give_up(force=quiet >= self.config.t2):
                    self._receive(item)
        return self._take_events()

    def stats(self) -> dict[str, object]:
        """Return the counters of the session as a plain dictionary, those of each DLC under ``dlcs``."""
        return {
            **{
                name: self._counters[name]
                for name in (
                    "frames_sent",
                    "frames_received",
                    "octets_discarded",
                    "retransmissions",
                    "control_ignored",
                    "control_overflow",
                )
            },
            "command_retransmissions": self._commands.retransmissions,
            "octets_skipped": self._decoder.skipped,
            "dropped": dict(self._dropped),
            "dlcs": {dlci: {"state": str(dlc.state), **dlc.counters} for dlci, dlc in sorted(self._dlcs.items())},
        }

    # --- Frames ---------------------------------------------------------------------------------------------------

    @property
    def _command_cr(self) -> bool:
        """C/R of what this station sends, UA and DM excepted (27.010 §5.2.1.2, table 1; §5.4.3.1)."""
        return self.role is Role.INITIATOR

    def _receive(self, item: Frame | FrameDropped) -> None:
        if isinstance(item, FrameDropped):
            self._dropped[item.reason.value] += 1
            self._tell(item)
            return
        self._counters["frames_received"] += 1
        what = _INPUTS.get(item.type)
        dlc = self._dlcs.get(item.dlci) or self._dlc(item.dlci)
        if what is Input.DATA:
            dlc.counters["frames_received"] += 1
            if dlc.state is State.OPEN and item.dlci:
                self._deliver(dlc, item.info)
                return
            for action in dlc.apply(what):
                if action is Action.DELIVER:
                    self._deliver(dlc, item.info)
                elif action is Action.DISCARD:
                    dlc.counters["octets_discarded"] += len(item.info)
                    self._counters["octets_discarded"] += len(item.info)
                elif self._now >= dlc.dm_not_before:
                    dlc.dm_not_before = self._now + self.config.t1
                    self._send_frame(dlc.dlci, FrameType.DM, final=True)
            return
        if what is None or (what is Input.UA and not item.pf):  # 27.010 5.4.4.2: UA with F = 0 is discarded
            self._counters["control_ignored"] += 1
            return
        if what is Input.SABM:
            if dlc.state is State.OPENING and item.cr == self._command_cr:  # our own SABM: the peer echoes, in AT mode
                self._counters["control_ignored"] += 1
                return
            if self._unwanted(dlc):
                what = Input.UNWANTED_SABM
        self._apply(dlc, what, final=item.pf)

    def _unwanted(self, dlc: Dlc) -> bool:
        if not dlc.dlci:
            return False
        reserved = dlc.dlci > MAX_DLCI and not self.config.reserved_dlcis  # 27.010 5.6
        return reserved or dlc.dlci in self._refused or not self.session_open or self._shutting_down

    def _deliver(self, dlc: Dlc, info: bytes) -> None:
        if not dlc.dlci:
            for message in parse_messages(info):
                self._receive_message(message)
            return
        dlc.counters["octets_received"] += len(info)
        if not info:
            return
        if self._data and self._data_dlci != dlc.dlci:
            self._flush_data()
        self._data_dlci = dlc.dlci
        self._data.append(info)

    def _apply(self, dlc: Dlc, what: Input, *, final: bool = True) -> None:
        """Drive the transition table of a DLC and carry out its actions."""
        for action in dlc.apply(what):
            if action in CLOSING_CAUSE:
                self._dlc_closed(dlc, *CLOSING_CAUSE[action])
            else:
                _ACTIONS[action](self, dlc, final)

    def _send_frame(self, dlci: int, kind: FrameType, *, final: bool, timed: Dlc | None = None) -> None:
        response = kind in (FrameType.UA, FrameType.DM)
        self._queue(_Outgoing(Frame(dlci, self._command_cr != response, kind, final), timed))

    def _queue(self, outgoing: _Outgoing) -> None:
        if len(self._urgent) >= MAX_CONTROL_FRAMES and outgoing.timed is None:
            self._counters["control_overflow"] += 1
        else:
            self._urgent.append(outgoing)

    def _send_command(self, dlc: Dlc, final: bool) -> None:
        dlc.tries += 1
        dlc.deadline = None
        kind = FrameType.SABM if dlc.state is State.OPENING else FrameType.DISC
        if dlc.state is State.CLOSING and dlc.dlci:
            self._scheduler.remove(dlc.dlci)
        self._send_frame(dlc.dlci, kind, final=True, timed=dlc)

    def _opened(self, dlc: Dlc, *, by_peer: bool) -> None:
        dlc.start_anew()
        if not dlc.dlci:
            self._held_by_peer = False
            self._tell(SessionOpened(by_peer))
            return
        self._send_signals(dlc)
        self._tell(Opened(dlc.dlci, by_peer))

    def _reestablished(self, dlc: Dlc) -> None:
        self._tell(Reestablished(dlc.dlci))
        if dlc.dlci:
            dlc.start_anew()
            self._send_signals(dlc)
        else:  # the peer starts from nothing: what it had open is gone
            self._commands.clear()
            self._held_by_peer = False
            for other in self._user_dlcs():
                self._drop_dlc(other, Cause.PEER, "the peer started the session anew")

    def _dlc_closed(self, dlc: Dlc, cause: Cause, detail: str) -> None:
        if not dlc.dlci:
            self._end_session(cause, detail)
            return
        discarded = self.discard(dlc.dlci)
        self._tell(Closed(dlc.dlci, cause, detail, discarded))
        if dlc.open_again:
            dlc.open_again = False
            self._apply(dlc, Input.OPEN)
        self._close_when_idle()

    def _drop_dlc(self, dlc: Dlc, cause: Cause, detail: str) -> None:
        """End a DLC without a word on the line."""
        dlc.open_again = False
        if dlc.state is not State.CLOSED:
            dlc.state, dlc.deadline = State.CLOSED, None
            self._tell(Closed(dlc.dlci, cause, detail, self.discard(dlc.dlci)))

    def _close_when_idle(self) -> None:
        """When shutting down: say CLD as soon as no other DLC is left."""
        if self._shutting_down and all(dlc.state is State.CLOSED for dlc in self._user_dlcs()):
            if self._control.is_open:
                self._commands.submit(CLD())
            elif self._control.state is State.OPENING:
                self._apply(self._control, Input.CLOSE)

    def _end_session(self, cause: Cause, detail: str) -> None:
        was = self._control.state
        lost = cause is Cause.LINE_LOST
        self._control.state, self._control.deadline = State.CLOSED, None
        self._shutting_down = False
        self._commands.clear()
        if cause is not Cause.PEER:  # nothing is multiplexed any more but our answer to the peer's CLD or DISC
            self._urgent.clear()
        for dlc in self._user_dlcs():
            self._drop_dlc(dlc, cause if lost else Cause.SESSION, detail)
        if was is not State.CLOSED or not lost:
            self._tell(SessionClosed(cause, detail))

    # --- Messages on DLCI 0 ---------------------------------------------------------------------------------------

    def _submit(self, command: Command) -> None:
        if not self.session_open:
            raise StateError(f"{command.name} cannot be sent: the multiplexer session is not open")
        if not self._commands.submit(command):
            self._counters["control_overflow"] += 1

    def _send_signals(self, dlc: Dlc, break_length: float | None = None) -> None:
        if dlc.is_open and self.session_open:
            self._submit(MSC(dlc.dlci, dlc.own_signals, break_length))

    def _queue_command(self, outstanding: Outstanding) -> None:
        self._queue_message(encode_message(outstanding.command, command=True), outstanding)

    def _queue_message(self, info: bytes, timed: Outstanding | None = None) -> None:
        self._queue(_Outgoing(Frame(0, self._command_cr, FrameType.UIH, False, info), timed))

    def _respond(self, message: Message) -> None:
        """Answer with the same values (27.010 §5.4.6.2): octet for octet, whatever they mean to us."""
        if message.type is not None:
            self._queue_message(encode_value(message.type, message.value, command=False))

    def _receive_message(self, message: Message) -> None:
        if message.problem is not None and message.body is None:
            self._counters["control_ignored"] += 1
        elif not message.command:
            matched = (
                self._commands.not_supported(message)
                if message.type is MessageType.NSC
                else self._commands.answered(message)
            )
            self._counters["control_ignored"] += not matched
        elif isinstance(message.body, CLD):
            self._respond(message)
            self._end_session(Cause.PEER, "the peer closed the multiplexer down (CLD)")
        elif isinstance(message.body, MSC):
            self._respond(message)
            self._take_signals(message.body)
        elif isinstance(message.body, (FCon, FCoff)):
            self._held_by_peer = isinstance(message.body, FCoff)
            self._respond(message)
        elif isinstance(message.body, Test):
            self._respond(message)
        else:  # 27.010 5.4.6.3.8
            self._queue_message(encode_message(NSC(message.type_octet), command=False))
            self._tell(UnknownCommand(message.type_octet, message.value))

    def _take_signals(self, msc: MSC) -> None:
        dlc = self._dlcs.get(msc.dlci)
        if dlc is None or not dlc.is_open or not dlc.dlci:  # Linux sends MSC for DLCs that are not open (yet)
            return
        if dlc.peer_signals != msc.signals or msc.break_length is not None:
            dlc.peer_signals = msc.signals
            self._tell(SignalsChanged(dlc.dlci, msc.signals, msc.break_length))

    def _command_done(self, done: CommandDone) -> None:
        if isinstance(done.command, CLD):  # some never answer CLD: taken as closed all the same (27.010 §5.8.2)
            self._end_session(Cause.LOCAL, "closed down by this side")
        else:
            self._tell(done)

    # --- Events ---------------------------------------------------------------------------------------------------

    def _tell(self, event: Event) -> None:
        if self._data:
            self._flush_data()
        if not self._events:
            self._events_since = self._now
        self._events.append(event)

    def _flush_data(self) -> None:
        data, self._data = b"".join(self._data), []
        self._tell(DataReceived(self._data_dlci, data))

    def _take_events(self) -> list[Event]:
        if self._data:
            self._flush_data()
        events, self._events = self._events, []
        return events

    # --- DLCs -----------------------------------------------------------------------------------------------------

    def _dlc(self, dlci: int) -> Dlc:
        return self._dlcs.setdefault(dlci, Dlc(dlci, self.config))

    def _user_dlc(self, dlci: int) -> Dlc:
        highest = 63 if self.config.reserved_dlcis else MAX_DLCI
        if not isinstance(dlci, int) or not 1 <= dlci <= highest:
            raise InvalidDlci(dlci)
        return self._dlcs.get(dlci) or self._dlc(dlci)

    def _user_dlcs(self) -> list[Dlc]:
        return [dlc for dlc in self._dlcs.values() if dlc.dlci]

    def _open_again(self, dlc: Dlc, final: bool) -> None:
        dlc.open_again = True


_ACTIONS: dict[Action, Callable[[Multiplexer, Dlc, bool], None]] = {
    Action.SEND_SABM: Multiplexer._send_command,
    Action.SEND_DISC: Multiplexer._send_command,
    Action.SEND_UA: lambda mux, dlc, final: mux._send_frame(dlc.dlci, FrameType.UA, final=final),
    Action.SEND_DM: lambda mux, dlc, final: mux._send_frame(dlc.dlci, FrameType.DM, final=final),
    Action.OPENED: lambda mux, dlc, final: mux._opened(dlc, by_peer=False),
    Action.OPENED_BY_PEER: lambda mux, dlc, final: mux._opened(dlc, by_peer=True),
    Action.REESTABLISHED: lambda mux, dlc, final: mux._reestablished(dlc),
    Action.OPEN_AGAIN: Multiplexer._open_again,
    Action.KEEP_OPEN: lambda mux, dlc, final: None,
}
