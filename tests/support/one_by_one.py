"""The transmit side as it was when it built each frame by itself: the order and the octets to compare with."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cmux.protocol.config import Config, Option, PriorityOrder
from cmux.protocol.dlc import Dlc
from cmux.protocol.frames import encode
from cmux.protocol.headers import Frame
from cmux.protocol.transmitter import MAX_CONTROL_FRAMES, WAKEUP_FLAGS, Timed
from cmux.protocol.wire import ADVANCED_FLAG, BASIC_FLAG, FrameType

SHORTEST_TURN = 31
"""Long frames are not cut below this many octets, the default N1 of 27.010 §5.7.2: headers would fill the line."""


class Turn(NamedTuple):
    """Whose turn it is."""

    dlci: int
    """The DLC."""
    longest: int
    """The most octets of information that its frame may have; its own N1 applies as well."""


@dataclass(slots=True)
class _Flow:
    """A DLC that has something to send, or had until a moment ago."""

    level: int  # its priority; the lowest number goes first
    longest: int  # its N1
    since: int  # how many frames had been sent when its wait began
    new: bool = True  # it was idle and has not had its turn
    late: bool = False  # its wait began later than that of some DLCs behind it


class Scheduler:
    """The DLCs that have data, in the order in which they had their last turn.

    A DLC that runs empty, or is closed, keeps its place until all others have had their turn; only then does it count
    as idle. So a DLC is *new* once per idle period and cannot get ahead by sending little.

    Args:
        order: which priority number is served first.
    """

    def __init__(self, order: PriorityOrder) -> None:
        self._order = order
        self._flows: dict[int, _Flow] = {}
        self._frames = 0  # sent so far
        self._alike = True  # they differ only in the order of their last turns

    def activate(self, dlci: int, priority: int, longest: int, *, waits: bool) -> None:
        """Let a DLC take part: it has something to send.

        Args:
            dlci: which one.
            priority: 0 to 63.
            longest: the longest frame that it sends, in octets of information.
            waits: it could already send before; otherwise its wait begins now, though it keeps its place.
        """
        level = 0 if self._order is PriorityOrder.NONE else priority
        if self._order is PriorityOrder.HIGH_FIRST:
            level = -level
        flow = self._flows.get(dlci)
        if flow is None:
            self._flows[dlci] = _Flow(level, longest, self._frames)
            self._compare()
            return
        late = flow.late
        if not waits:
            flow.since = self._frames
            late = dlci != next(reversed(self._flows))
        if (flow.level, flow.longest, flow.late) != (level, longest, late):
            flow.level, flow.longest, flow.late = level, longest, late
            self._compare()

    def next(self, may_send: Callable[[int], bool], has_data: Callable[[int], bool]) -> Turn | None:
        """Return the DLC whose turn it is; it may be called any number of times, as only `sent` ends the turn.

        Args:
            may_send: tells whether a DLC has something that may be sent now.
            has_data: tells whether it has anything at all; a DLC that has nothing becomes idle.

        Returns:
            The turn, or None when no DLC may send.
        """
        busy: list[tuple[int, _Flow]] = []
        idle: list[int] = []
        for dlci, flow in self._flows.items():
            if may_send(dlci):
                busy.append((dlci, flow))
                if self._alike:
                    break
            elif not busy and not has_data(dlci):  # all others had their turn, and it is still empty
                idle.append(dlci)
        for dlci in idle:
            del self._flows[dlci]
        if idle:
            self._compare()
        if not busy:
            return None
        if len(busy) == 1:
            return Turn(busy[0][0], busy[0][1].longest)
        dlci, flow = min(busy, key=_urgency)
        busy.sort(key=_begin)
        for place, (_, other) in enumerate(busy):
            if other is flow:
                break
            # What it has waited, plus what it still has to wait if from the next frame on the longest wait goes first.
            if self._frames - other.since + place + 1 > len(busy) + 1:
                dlci, flow = busy[0]
                break
        shortest = min(other.longest for _, other in busy if other.level == flow.level)
        return Turn(dlci, max(shortest, SHORTEST_TURN))

    def sent(self, dlci: int) -> None:
        """Note that a DLC had its turn."""
        self._frames += 1
        flow = self._flows.pop(dlci)
        self._flows[dlci] = flow
        flow.since = self._frames
        if flow.new or flow.late:
            flow.new = flow.late = False
            self._compare()

    def _compare(self) -> None:
        kinds = {(flow.level, flow.longest, flow.new) for flow in self._flows.values()}
        self._alike = len(kinds) <= 1 and not any(flow.late for flow in self._flows.values())


def _urgency(one: tuple[int, _Flow]) -> tuple[int, bool]:
    return one[1].level, not one[1].new


def _begin(one: tuple[int, _Flow]) -> int:
    return one[1].since


class _Control(NamedTuple):
    frame: Frame
    timed: Timed | None
    hold: bool


class Transmitter:
    """The transmit side of one session.

    Args:
        config: framing and limits.
        command_cr: the C/R bit of what this station sends, except UA and DM (27.010 §5.2.1.2, table 1; §5.4.3.1).
        dlcs: the DLCs by number.
        sent: called after each data frame of a DLC.
    """

    def __init__(self, config: Config, command_cr: bool, dlcs: Mapping[int, Dlc], sent: Callable[[Dlc], None]) -> None:
        self._config = config
        self._command_cr = command_cr
        self._dlcs = dlcs
        self._sent = sent
        self._control: deque[_Control] = deque()
        self._flags = 0
        self._scheduler = Scheduler(config.priority_order)
        self.held = False
        """The peer stopped all channels (FCoff)."""
        self.asleep = False
        """Nothing but flags may leave: the peer sleeps."""
        self.waking = False
        """Nothing but flags may leave: the peer still loses what comes, see `self_sleep`."""
        self.control_peak: int = 0
        """The most control frames that ever waited for the line."""
        self.quiet = False
        """Data and commands wait: the two stations are agreeing to sleep (27.010 §5.4.7)."""
        self.overflow: int = 0
        """Control frames that were not queued because the peer asked for too many."""

    def queue(
        self, dlci: int, kind: FrameType, *, pf: bool, info: bytes = b"", timed: Timed | None = None, hold: bool = False
    ) -> None:
        """Queue a frame that does not wait its turn.

        Args:
            dlci: its DLCI.
            kind: its type.
            pf: its P/F bit.
            info: its information field.
            timed: the object whose timer starts when the frame is sent. Such a frame is always queued: there is one for
                each DLC and each type of command.
            hold: keep it back while the stations agree to sleep: it needs an answer, and the peer may already sleep.
        """
        if len(self._control) >= MAX_CONTROL_FRAMES and timed is None:
            self.overflow += 1
            return
        response = kind in (FrameType.UA, FrameType.DM)
        self._control.append(_Control(Frame(dlci, self._command_cr != response, kind, pf, info), timed, hold))
        self.control_peak = max(self.control_peak, len(self._control))

    def send_flags(self) -> None:
        """Send flags, asleep or not."""
        self._flags = WAKEUP_FLAGS

    def activate(self, dlc: Dlc, *, waits: bool) -> None:
        """Let a DLC take its turns.

        Args:
            dlc: which one; it has something to send.
            waits: it could already send before, and keeps its place in the order.
        """
        self._scheduler.activate(dlc.dlci, dlc.priority, dlc.parameters.n1, waits=waits)

    def clear(self) -> None:
        """Discard the queued frames: the session is over."""
        self._control.clear()
        self._flags = 0

    @property
    def has_control(self) -> bool:
        """Whether frames that do not wait their turn are queued."""
        return bool(self._control)

    @property
    def due(self) -> bool:
        """Whether a frame could leave if the peer were awake."""
        return self._next_control() is not None or self._next_turn() is not None

    def hand_out(self, now: float, limit: int | None) -> bytes:
        """Return whole frames from the queues, and start their timers.

        Args:
            now: seconds on the caller's clock.
            limit: the most octets beyond the first frame; None: no limit.

        Returns:
            The octets for the line.
        """
        out: list[bytes] = []
        if self._flags:
            flag = BASIC_FLAG if self._config.option is Option.BASIC else ADVANCED_FLAG
            out.append(bytes((flag,)) * self._flags)
            self._flags = 0
        while not (self.asleep or self.waking):
            turn = None
            if (place := self._next_control()) is not None:
                frame = self._control[place].frame
            elif (turn := self._next_turn()) is not None:
                frame = self._data_frame(turn)
            else:
                break
            left = None if limit is None or not out else limit
            if left is not None and len(frame.info) > left:  # saves encoding what does not fit
                break
            octets = encode(frame, self._config.option)
            if out and self._config.shared_flags:  # 27.010 5.2.6.1, and HDLC
                octets = octets[1:]
            if left is not None:
                limit = left - len(octets)
                if limit < 0:
                    break
            out.append(octets)
            if place is not None:
                self._control_sent(place, now)
            elif turn is not None:
                self._data_sent(turn, len(frame.info))
        return b"".join(out)

    def _next_control(self) -> int | None:
        """Return the place in the queue of the control frame that leaves next."""
        if not self.quiet:
            return 0 if self._control else None
        return next((place for place, one in enumerate(self._control) if not one.hold), None)

    def _next_turn(self) -> Turn | None:
        if self.held or self.quiet:
            return None
        dlcs = self._dlcs
        return self._scheduler.next(lambda one: dlcs[one].may_send, lambda one: dlcs[one].has_data)

    def _data_frame(self, turn: Turn) -> Frame:
        """Build the next frame of a DLC; its octets stay in the queue."""
        dlc = self._dlcs[turn.dlci]
        info = dlc.next_info(turn.longest)
        return Frame(turn.dlci, self._command_cr, dlc.parameters.frame_type, False, info)

    def _control_sent(self, place: int, now: float) -> None:
        frame, timed, _ = self._control[place]
        del self._control[place]
        if timed is not None:
            timed.handed_out(now)
        self._dlcs[frame.dlci].count_sent(len(frame.info))

    def _data_sent(self, turn: Turn, size: int) -> None:
        dlc = self._dlcs[turn.dlci]
        dlc.sent(size)
        self._scheduler.sent(turn.dlci)
        self._sent(dlc)
