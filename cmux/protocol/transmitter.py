"""What is sent next: control frames first, then the channels in turn; only flags while the peer is being woken."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from .config import Config, Option
from .dlc import Dlc
from .frames import encode
from .headers import HEADERS, Frame
from .scheduler import Scheduler, Turn
from .wire import ADVANCED_FLAG, BASIC_FLAG, FrameType

MAX_CONTROL_FRAMES = 1024
"""Most supervisory frames and frames of DLCI 0 that wait for the line; a peer that floods us loses its answers."""

_WORTHWHILE = 2  # frames; one is built on the usual way

WAKEUP_FLAGS = 8
"""Flags sent at a time to wake a peer (27.010 §5.4.7)."""


class Timed(Protocol):
    """Something whose acknowledgement timer starts when its frame is sent."""

    def handed_out(self, now: float) -> None:
        """Start the timer."""


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
        self._ends = HEADERS[config.option].ends
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
    def has_output(self) -> bool:
        """Whether something may leave: False only if nothing is queued."""
        return bool(self._control or self._flags) or self._scheduler.busy

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
                if (out or limit is None) and (run := self._run(turn, limit, first=not out)):
                    out.append(run)
                    if limit is not None:
                        limit -= len(run)
                    continue
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
        if not self._control:
            return None
        if not self.quiet:
            return 0
        return next((place for place, one in enumerate(self._control) if not one.hold), None)

    def _next_turn(self) -> Turn | None:
        if self.held or self.quiet:
            return None
        return self._scheduler.next(self._may_send, self._has_data)

    def _may_send(self, dlci: int) -> bool:
        return self._dlcs[dlci].may_send

    def _has_data(self, dlci: int) -> bool:
        return self._dlcs[dlci].has_data

    def _run(self, turn: Turn, limit: int | None, *, first: bool) -> bytes:
        """Send as many frames in one go as the only DLC that has something may send; none where it is not that easy.

        These are the frames that `hand_out` would build one by one.

        Args:
            turn: whose turn it is.
            limit: the most octets; None: no limit.
            first: nothing has been handed out before: the opening flag is not shared with that.
        """
        if not self._scheduler.lone:
            return b""
        dlc = self._dlcs[turn.dlci]
        size = min(dlc.parameters.n1, turn.longest)
        count = len(dlc.queue) // size
        if count < _WORTHWHILE or dlc.parameters.convergence != 1:
            return b""
        ends = self._ends.get((turn.dlci, self._command_cr, dlc.parameters.frame_type, False, size))
        if ends is None:
            return b""
        head, tail = ends
        shared = self._config.shared_flags  # 27.010 5.2.6.1
        begin = head[1:] if shared and not first else head
        between = tail + (head[1:] if shared else head)
        if limit is not None:
            count = min(count, limit // (len(between) + size))
            if count < _WORTHWHILE:
                return b""
        octets = dlc.take(count, size)
        self._scheduler.sent(turn.dlci)
        self._sent(dlc)
        return b"%b%b%b" % (begin, between.join([octets[at : at + size] for at in range(0, len(octets), size)]), tail)

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
