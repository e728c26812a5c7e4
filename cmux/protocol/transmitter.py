"""What is sent next: control frames first, then the channels in turn; only flags while the peer is being woken."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from .config import Config, Option
from .dlc import Dlc
from .dlc_table import State
from .frames import encode
from .headers import HEADERS, Frame
from .scheduler import Scheduler, Turn
from .wire import ADVANCED_FLAG, BASIC_FLAG, FrameType

MAX_CONTROL_FRAMES = 1024
"""Most supervisory frames and frames of DLCI 0 that wait for the line; a peer that floods us loses its answers."""

_WORTHWHILE = 2  # frames; one is built on the usual way
_MANY = 1 << 30

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
        self._flag = bytes((BASIC_FLAG if config.option is Option.BASIC else ADVANCED_FLAG,))
        self._headers = HEADERS[config.option]
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
            out.append(self._flag * self._flags)
            self._flags = 0
        while not (self.asleep or self.waking):
            left, dlc, size = limit if out else None, None, 0
            if left == 0:  # a paced line
                break
            if (control := self._next_control()) is not None:
                octets = encode(control.frame, self._config.option)
            elif (turn := self._next_turn()) is None:
                break
            elif (out or limit is None) and (run := self._run(limit, first=not out))[0]:
                out.append(run[0])
                if run[1]:
                    break
                if limit is not None:
                    limit -= len(run[0])
                continue
            else:
                dlc = self._dlcs[turn.dlci]
                info = dlc.next_info(turn.longest)
                size = len(info)
                if left is not None and size > left:  # saves encoding what does not fit
                    break
                octets = self._framed(dlc, info)
            if out and self._config.shared_flags:  # 27.010 5.2.6.1, and HDLC
                octets = octets[1:]
            if left is not None:
                limit = left - len(octets)
                if limit < 0:
                    break
            out.append(octets)
            if control is not None:
                self._control_sent(control, now)
            elif dlc is not None:
                self._data_sent(dlc, size)
        return out[0] if len(out) == 1 else b"".join(out)

    def _next_control(self) -> _Control | None:
        """Return the control frame that leaves next."""
        if not self._control:
            return None
        if not self.quiet:
            return self._control[0]
        return next((one for one in self._control if not one.hold), None)

    def _next_turn(self) -> Turn | None:
        if self.held or self.quiet or not self._scheduler.busy:
            return None
        return self._scheduler.next(self._may_send, self._has_data)

    def _may_send(self, dlci: int) -> bool:
        return self._dlcs[dlci].may_send

    def _has_data(self, dlci: int) -> bool:
        return self._dlcs[dlci].has_data

    def _run(self, limit: int | None, *, first: bool) -> tuple[bytes, bool]:
        """Send as many frames in one go as DLCs that are served in order may send; none where it is not that easy.

        These are the frames that `hand_out` would build one by one: all of the greatest length, and nothing but the
        queues changes when they have been sent.

        Args:
            limit: the most octets; None: no limit.
            first: nothing has been handed out before: the opening flag is not shared with that.

        Returns:
            Their octets, and whether the limit allows no other frame.
        """
        flows, shared = self._scheduler.flows, self._config.shared_flags
        fitting = ready = _MANY  # frames
        senders: list[tuple[Dlc, tuple[bytes, bytes]]] = []
        size = 0
        for place, flow in enumerate(flows if self._scheduler.alike else ()):
            if place > fitting or place > ready:
                break
            dlc, size = self._dlcs[flow.dlci], flow.longest
            if (ends := self._around(dlc, size)) is None:
                return b"", False
            if not place and limit is not None:
                fitting = limit // (len(ends[0]) + size + len(ends[1]) - shared)
            if (end := self._ready(dlc, size) * len(flows) + place) < ready:
                ready = end
            senders.append((dlc, (ends[0][1:], ends[1]) if shared else ends))
        count = min(fitting, ready)
        if not senders or count < _WORTHWHILE:
            return b"", False
        frames = [self._flag if shared and first else b"", *[b""] * count]
        rounds, rest = divmod(count, len(flows))
        for place, (dlc, ends) in enumerate(senders[:count]):
            octets = dlc.take(rounds + (place < rest), size)
            if len(octets) == size:
                frames[1 + place] = octets.join(ends)
                continue
            frames[1 + place :: len(flows)] = [octets[at : at + size].join(ends) for at in range(0, len(octets), size)]
        self._scheduler.sent_in_order(count)
        return b"".join(frames), fitting < ready

    def _ready(self, dlc: Dlc, size: int) -> int:
        """Return how many frames of a length a DLC can send before anything is to be done about that, see `_sent`."""
        if not dlc.is_open or dlc.stopped or dlc.parameters.n1 != size or dlc.parameters.convergence != 1:
            return 0
        kept = self._config.queue_low + 1 if dlc.starved else dlc.state is State.DRAINING
        left = len(dlc.queue) - kept
        return left // size if left > 0 else 0

    def _framed(self, dlc: Dlc, info: bytes) -> bytes:
        """Build a data frame of a DLC."""
        ends = self._around(dlc, len(info))
        if ends is not None:
            return info.join(ends)
        return encode(Frame(dlc.dlci, self._command_cr, dlc.parameters.frame_type, False, info), self._config.option)

    def _around(self, dlc: Dlc, size: int) -> tuple[bytes, bytes] | None:
        """Return what stands before and behind an information field; None where its octets matter."""
        key = dlc.dlci, self._command_cr, dlc.parameters.frame_type, False, size
        return self._headers.ends.get(key) or self._headers.around(*key)

    def _control_sent(self, control: _Control, now: float) -> None:
        self._control.remove(control)
        if control.timed is not None:
            control.timed.handed_out(now)
        self._dlcs[control.frame.dlci].count_sent(len(control.frame.info))

    def _data_sent(self, dlc: Dlc, size: int) -> None:
        dlc.sent(size)
        self._scheduler.sent(dlc.dlci, empty=not dlc.has_data)
        self._sent(dlc)
