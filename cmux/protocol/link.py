"""A `Multiplexer` with the rules of its line that need no waiting (pacing, stalls, resets): what every shell runs.

A shell passes what it reads to `Link.receive` and writes what `Link.next_write` returns. With `Link.wrote` it reports
how much the line took, or with `Link.blocked` that it took nothing. When `Link.next_timeout` is due it calls
`Link.handle_timeout`. Nothing here waits or reads a clock.
"""

from __future__ import annotations

from typing import Final

from .config import Config, Role
from .diagnosis import Unanswered
from .errors import CmuxRefused, NoMultiplexer
from .events import Cause, Event, SessionClosed, SessionOpened
from .hand_over import Entered
from .multiplexer import Multiplexer
from .pacing import Pacer
from .reset_watch import ResetWatch
from .startup import no_multiplexer
from .startup_steps import stalled

STALL: Final = 30.0
"""Seconds after which a line that takes no octet is considered lost."""

FIRST_OCTETS: Final = 1024  # octets kept from the start of a session, for the message if it does not open


class Link:
    """One session of a multiplexer on one line.

    `multiplexer` may be called directly in between; `next_write` and `next_timeout` may return something new then.
    Every ``now`` is in seconds on one clock of the caller that never runs backwards.

    Args:
        role: which station this is. An initiator notices that the module was reset.
        config: the parameters of the session; by default those of 27.010 §5.7.
        line_rate: bits per second to which writing is paced; None: no pacing.
        stall: seconds after which a line that takes no octet is considered lost; None: never.
    """

    def __init__(
        self,
        role: Role = Role.INITIATOR,
        config: Config | None = None,
        *,
        line_rate: int | None = None,
        stall: float | None = STALL,
    ) -> None:
        self.multiplexer: Multiplexer = Multiplexer(role, config)
        """The core."""
        self.opened: bool = False
        """A session was open, perhaps for a moment only."""
        self.ended: SessionClosed | None = None
        """Why the session is over: the first cause counts."""
        self.first_octets: bytes = b""
        """The first octets that were received."""
        self.unwritten: int = 0
        """Octets that `next_write` returned and that the line has not taken yet."""
        self._pacer = Pacer(line_rate, self.multiplexer.config.n1)
        self._paced_until: float | None = None
        self._watch = ResetWatch(self.multiplexer.config) if role is Role.INITIATOR else None
        self._stall = stall
        self._blocked = self._stalled = False
        self._waking = False  # flags that wake the peer are among what is unwritten
        self._lost_at: float | None = None
        self._octets_received = self._octets_sent = 0

    def __repr__(self) -> str:
        state = f"ended: {self.ended.detail}" if self.ended else "blocked" if self._blocked else "alive"
        return f"<{type(self).__name__} {state} {self.multiplexer!r}>"

    def start(self, now: float) -> None:
        """Open DLCI 0; see `Multiplexer.start`."""
        self.multiplexer.start(now)

    # --- What the line does ---------------------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Process octets from the line; no input raises.

        Args:
            data: any number of octets.
            now: the time.

        Returns:
            The events that follow from them, in order.
        """
        self._octets_received += len(data)
        if len(self.first_octets) < FIRST_OCTETS:
            self.first_octets += data[: FIRST_OCTETS - len(self.first_octets)]
        return self._process(data, now)

    def _process(self, data: bytes, now: float) -> list[Event]:
        core = self.multiplexer
        if self._watch is None or self._watch.trusts(core, data):
            return self._noted(core.receive_data(data, now), now)
        return self._noted(self._watch.receive(core, data, now), now)

    def next_write(self, now: float, limit: int | None = None) -> bytes:
        """Return the octets to write now, whole frames only; acknowledgement timers start here.

        Args:
            now: the time.
            limit: the most octets beyond the first frame; None: as many as pacing allows.

        Returns:
            The octets; none while nothing is due, the line took nothing the last time, or pacing holds them back. The
            caller keeps what the line does not take.
        """
        if not self.wants_write(now):
            return b""
        data = self.multiplexer.data_to_send(now, self._pacer.limit if limit is None else limit)
        if data:
            self._give(data, now)
            if self.multiplexer.waking:
                self._waking = True
        return data

    def wants_write(self, now: float) -> bool:
        """Tell whether `next_write` may return something now: False only if it returns nothing.

        Args:
            now: the time; if pacing holds octets back, `next_timeout` returns until when.
        """
        due = self.has_output
        self._paced_until = self._pacer.next_at(now) if due else None
        return due and self._paced_until is None

    @property
    def has_output(self) -> bool:
        """Whether octets for the line wait, whatever pacing says: False only if `next_write` returns nothing."""
        return self.multiplexer.has_output and not self._blocked

    @property
    def has_events(self) -> bool:
        """Whether `waiting_events` has events that calls to `multiplexer` have caused."""
        return self.multiplexer.has_events

    def _give(self, data: bytes, now: float) -> None:
        self._pacer.gave(len(data), now)
        self.unwritten += len(data)
        if self._lost_at is None:
            self._lost_at = self._stalled_at(now)

    def _stalled_at(self, now: float) -> float | None:
        return None if self._stall is None else now + self._stall

    def wrote(self, count: int, now: float) -> None:
        """Note that the line took octets, or is ready to take some.

        Args:
            count: how many it took; 0 when it is ready for more.
            now: the time.
        """
        self.unwritten = max(0, self.unwritten - count)
        self._octets_sent += count
        self._blocked = False
        if self._stalled:
            self._note_stall(now)
        self._lost_at = self._stalled_at(now) if self.unwritten else None
        if self._waking:
            self._flags_left(now)

    def _flags_left(self, now: float) -> None:
        """Count the pause of a peer that is being woken from when the line has taken the flags."""
        self.multiplexer.flags_left(now)
        self._waking = self.unwritten > 0

    def blocked(self, now: float) -> None:
        """Note that the line takes nothing at the moment; if that lasts, it is considered lost.

        Args:
            now: the time.
        """
        self._blocked, self._paced_until = True, None
        self._note_stall(now)
        if self._lost_at is None:
            self._lost_at = self._stalled_at(now)

    def _note_stall(self, now: float) -> None:
        """Tell the core whether what it has sent has not left: no answer can come to that."""
        stalled = self._blocked or self.unwritten > 0
        if stalled is not self._stalled:
            self._stalled = stalled
            self.multiplexer.stalled(now, stalled)

    def waiting_events(self, now: float) -> list[Event]:
        """Return the events that wait, including those of a line that has taken nothing for too long, but run no timer.

        Args:
            now: the time.

        Returns:
            The events that calls to `multiplexer` have caused.
        """
        return self._noted(self.multiplexer.receive_data(b"", now) + self._lost(now), now)

    def _lost(self, now: float) -> list[Event]:
        if self._lost_at is None or now < self._lost_at:
            return []
        return self.line_lost(stalled(self._stall or STALL), now)

    def line_lost(self, reason: str, now: float, cause: Cause = Cause.LINE_LOST) -> list[Event]:
        """End the session without sending anything; `ended` says why, unless the session had ended before.

        Args:
            reason: why, as a sentence.
            now: the time.
            cause: LOCAL when this side ends it, PEER when the module has restarted.

        Returns:
            The events: a `Closed` for every DLC, a `SessionClosed` for the session. The latter also ends a responder's
            wait for a session.
        """
        first, end = self.ended is None, SessionClosed(cause, reason)
        self.ended = self.ended or end
        self._blocked, self._waking, self._lost_at = False, False, None
        events = [
            end if isinstance(event, SessionClosed) else event for event in self.multiplexer.line_lost(reason, now)
        ]
        return [*events, end] if first and end not in events else events

    # --- Time -----------------------------------------------------------------------------------------------------

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` or `next_write` is due next; None: not until something else happens."""
        due = self.multiplexer.next_timeout()
        doubt = None if self._watch is None else self._watch.deadline
        for at in (self._paced_until, self._lost_at, doubt):
            if at is not None and (due is None or at < due):
                due = at
        return due

    def handle_timeout(self, now: float) -> list[Event]:
        """Do what is due.

        Args:
            now: the time; a call before anything is due only returns the events that wait.

        Returns:
            The events.
        """
        self._paced_until = None  # `next_write` sets it again, if anything waits
        self._note_stall(now)
        if self._waking:
            self._flags_left(now)
        events = self.multiplexer.handle_timeout(now)
        if self._watch is not None and self._watch.undecided:
            events += self._watch.receive(self.multiplexer, b"", now)
        if self._watch is not None and (reset := self._watch.verdict(now)) is not None:
            events += self.line_lost(reset, now, Cause.PEER)
        return self._noted(events + self._lost(now), now)

    # --- State ----------------------------------------------------------------------------------------------------

    def stats(self) -> dict[str, object]:
        """Return the counters of the session (see `Multiplexer.stats`) and the octets that passed on the line."""
        line = {"line_octets_received": self._octets_received, "line_octets_sent": self._octets_sent}
        return {**self.multiplexer.stats(), **line}

    def not_opened(self, name: str, entered: Entered | None) -> NoMultiplexer | CmuxRefused:
        """Create the exception for a session that did not open although the line works.

        Args:
            name: the name of the port.
            entered: how the module came into multiplexer mode; None: not by AT+CMUX.

        Returns:
            The exception, not raised; its text depends on what was received.
        """
        refused = self.ended is not None and self.ended.cause is Cause.REFUSED
        config, heard = self.multiplexer.config, self.first_octets
        if entered is None:
            return no_multiplexer(name, Unanswered(config, heard, by_at=False), refused=refused)
        by_at, adopted = not entered.adopted, entered.adopted
        one = Unanswered(config, heard, by_at=by_at, adopted=adopted, settle=entered.settle, rate=entered.asked_rate)
        return no_multiplexer(name, one, refused=refused)

    def _noted(self, events: list[Event], now: float) -> list[Event]:
        for event in events:
            if isinstance(event, SessionOpened):
                self.opened = True
            elif isinstance(event, SessionClosed):
                self.ended = self.ended or event
        return events
