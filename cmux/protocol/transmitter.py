"""What leaves next: control frames first, then the channels by turns; flags alone while the peer is being woken."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from .config import Config, Option
from .dlc import Dlc
from .frames import encode
from .headers import Frame
from .scheduler import Scheduler
from .wire import ADVANCED_FLAG, BASIC_FLAG, FrameType

MAX_CONTROL_FRAMES = 1024
"""Supervisory frames and frames of DLCI 0 that wait for the line; a peer that floods us loses its answers."""

WAKEUP_FLAGS = 8
"""Flags sent at a time to wake a peer (27.010 §5.4.7)."""

_OVERHEAD = 7  # flags, address, control, two length octets, FCS


class Timed(Protocol):
    """Something whose acknowledgement timer starts when its frame leaves."""

    def handed_out(self, now: float) -> None:
        """Start the timer."""


class _Control(NamedTuple):
    frame: Frame
    timed: Timed | None


class Transmitter:
    """The transmit side of one session.

    Args:
        config: framing and limits.
        command_cr: the C/R bit of what this station sends, UA and DM excepted (27.010 §5.2.1.2, table 1; §5.4.3.1).
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
        self.frames_sent = 0
        self.overflow = 0
        """Control frames that were not queued because the peer asked for too many."""

    def queue(self, dlci: int, kind: FrameType, *, pf: bool, info: bytes = b"", timed: Timed | None = None) -> None:
        """Queue a frame that does not wait its turn.

        Args:
            dlci: where it belongs.
            kind: its type.
            pf: its P/F bit.
            info: its information field.
            timed: whose timer starts when it leaves. Such a frame is always queued: there is one for each DLC and
                each type of command.
        """
        if len(self._control) >= MAX_CONTROL_FRAMES and timed is None:
            self.overflow += 1
            return
        response = kind in (FrameType.UA, FrameType.DM)
        self._control.append(_Control(Frame(dlci, self._command_cr != response, kind, pf, info), timed))

    def send_flags(self) -> None:
        """Send flags, asleep or not."""
        self._flags = WAKEUP_FLAGS

    def activate(self, dlc: Dlc) -> None:
        """Let a DLC take its turns: it has something to send."""
        self._scheduler.activate(dlc.dlci, dlc.priority, dlc.parameters.n1)

    def remove(self, dlc: Dlc) -> None:
        """Take a DLC out of the turns."""
        self._scheduler.remove(dlc.dlci)

    def clear(self) -> None:
        """Forget what is queued: the session is over."""
        self._control.clear()
        self._flags = 0

    @property
    def due(self) -> bool:
        """Whether a frame could leave if the peer were awake."""
        return bool(self._control) or self._next_dlc() is not None

    def hand_out(self, now: float, limit: int | None) -> bytes:
        """Take whole frames out of the queues and start their timers.

        Args:
            now: seconds on the caller's clock.
            limit: at most so many octets beyond the first frame; None: all.

        Returns:
            The octets for the line.
        """
        out: list[bytes] = []
        if self._flags:
            flag = BASIC_FLAG if self._config.option is Option.BASIC else ADVANCED_FLAG
            out.append(bytes((flag,)) * self._flags)
            self._flags = 0
        while not self.asleep:
            dlc = None
            if self._control:
                size = len(self._control[0].frame.info)
            elif (dlc := self._next_dlc()) is not None:
                size = dlc.next_size()
            else:
                break
            if out and limit is not None:
                limit -= size + _OVERHEAD
                if limit < 0:
                    break
            octets = self._take_control(now) if dlc is None else self._take_data(dlc)
            out.append(octets[1:] if out and self._config.shared_flags else octets)  # 27.010 5.2.6.1
            self.frames_sent += 1
        return b"".join(out)

    def _next_dlc(self) -> Dlc | None:
        if self.held:
            return None
        dlcs = self._dlcs
        dlci = self._scheduler.next(lambda one: dlcs[one].may_send, lambda one: dlcs[one].has_data)
        return None if dlci is None else dlcs[dlci]

    def _take_control(self, now: float) -> bytes:
        frame, timed = self._control.popleft()
        if timed is not None:
            timed.handed_out(now)
        return encode(frame, self._config.option)

    def _take_data(self, dlc: Dlc) -> bytes:
        info = dlc.take()
        self._scheduler.sent(dlc.dlci, max(1, len(info)), empty=not dlc.has_data)
        self._sent(dlc)
        return encode(Frame(dlc.dlci, self._command_cr, dlc.parameters.frame_type, False, info), self._config.option)
