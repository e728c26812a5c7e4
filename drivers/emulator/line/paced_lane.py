"""What the module sends on a line with a rate: nothing is taken from it before the line is about to carry it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import inf

from ...clock import Timer
from ..environment import Environment
from .injury import Injury

_BITS = 10  # on a line with a start and a stop bit
_TICK = 0.005  # seconds of the line rate that arrive together at most
_SHORT_TICK = 0.001
_LONG_TICK = 0.01  # on a fast line, while even more than that waits
_SLOW = 11520  # octets per second of a rate at which the host is told of octets before many of them are behind its stop
_BEHIND = 64
_MEANWHILE = 8  # octets: the stop has to come, and timers are late
_ROUNDING = 1e-6  # octets


class PacedLane:
    """Carries octets at the rate of the line; the last one of what there is to send arrives exactly in its time.

    Whoever sends asks `room` first, and is called back when there is more. As that may be late by a tick, it is then
    told how much the line has carried meanwhile, and hands that over as if it had done so in time. So at most what it
    is allowed to be ahead follows when it decides to stop.

    Args:
        environment: loop and clock.
        injury: damages the octets.
        rate: bits per second, above 0.
        deliver: called with what arrives.
        ready: called when there is room for one who was told that there was none, or not enough.
        before: called before that when a timer asks: what has come since may be a stop, and calls `catch_up`.
    """

    def __init__(
        self,
        environment: Environment,
        injury: Injury,
        rate: int,
        deliver: Callable[[bytes], None],
        ready: Callable[[], None],
        before: Callable[[], None] = lambda: None,
    ) -> None:
        self.injury: Injury = injury
        self._environment = environment
        self._rate = rate / _BITS
        self._tick = _tick(self._rate, environment.behaviour.fifo)
        self._per_tick = int(self._rate * self._tick / 2)
        self._much = self._rate * _LONG_TICK if self._rate > _SLOW else inf
        self._deliver = deliver
        self._ready = ready
        self._before = before
        self._queue = bytearray()  # taken over, and not carried
        self._began = 0.0  # when the first octet of these began to leave; without any, since when the line is free
        self._wanted = 0  # octets, or a few less, for which there was no room
        self._held = False  # the connection takes nothing
        self._ahead = 1
        self._asking = False
        self._asked_at = 0.0
        self._late: deque[tuple[float, bytes]] = deque()  # carried, and arriving at that time
        self._timer: Timer | None = None
        self._timer_at = 0.0

    @property
    def waiting(self) -> int:
        """Octets on their way."""
        return len(self._queue) + (sum(len(piece) for _, piece in self._late) if self._late else 0)

    @property
    def punctual(self) -> float:
        """The time; while the timer is late that for which it was set: what is read now may have come by then."""
        now = self._environment.clock.now()
        return now if self._timer is None else min(now, self._timer_at)

    def room(self, wanted: int, ahead: int, moment: float, worth: int = 1) -> int:
        """Tell how many octets the line takes.

        Args:
            wanted: how many there are; if there is room for less, `ready` is called when there is more.
            ahead: how many of them may wait for the line, at least 1.
            moment: the time.
            worth: how many are worth while; where the line carries many more until it looks again, fewer can wait.

        Returns:
            The octets, which may be none.
        """
        self._settle(moment)
        self._ahead = ahead
        now = self._asked_at if self._asking else moment
        carried = int((now - self._began) * self._rate + _ROUNDING)
        room = 0 if self._held else max(0, carried + ahead - len(self._queue))
        if room < worth < self._per_tick < wanted and self._queue:
            room = 0
        self._wanted = max(0, wanted - room)
        if self._wanted and not self._asking:
            self._arm()
        return room

    def refuse(self, wanted: int, moment: float) -> None:
        """Note that octets have to wait for something else than the line; `ready` is called within a tick.

        Args:
            wanted: how many there are.
            moment: the time.
        """
        self._settle(moment)
        self._wanted = wanted
        if not self._asking:
            self._idle(moment)
            self._arm()

    def put(self, data: bytes, moment: float | None = None) -> None:
        """Put octets on the line, whether there is room or not.

        Args:
            data: the octets.
            moment: the time from which on the line can carry them; None: now.
        """
        self._settle(self._environment.clock.now() if moment is None else moment)
        self._queue += data
        if not self._asking:
            self._arm()

    def catch_up(self, moment: float) -> None:
        """Do what a timer would have done by now, before something happens that stops whoever sends.

        Args:
            moment: the time at which that happens.
        """
        if self._wanted and not self._held and not self._asking:
            self._ask(moment)
            self._carry(moment)
            self._arm()

    def hold(self, held: bool) -> None:
        """Take nothing more while the connection takes nothing: time passes, and carries nothing."""
        if held is self._held:
            return
        self._held = held
        if not held:
            now = self._environment.clock.now()
            self._carry(now)
            self._idle(now)
            self._ask(now)
            self._arm()

    def flush(self) -> None:
        """Deliver everything at once."""
        data = b"".join([*(piece for _, piece in self._late), self._queue])
        self.stop()
        if data:
            self._deliver(data)

    def stop(self) -> None:
        """Drop what is on its way."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._late.clear()
        self._queue.clear()
        self._wanted = 0

    def _settle(self, moment: float) -> None:
        """Bring the account up to a moment, unless whoever sends is making up for the time before it."""
        if self._asking:
            return
        self._carry(moment)
        if not self._wanted:
            self._idle(moment)

    def _idle(self, moment: float) -> None:
        """Note that the line had nothing to carry until now, if it has not."""
        if not self._queue:
            self._began = max(self._began, moment)

    def _ask(self, moment: float) -> None:
        """Let whoever sends hand over what the line would have carried by a moment."""
        if int((moment - self._began) * self._rate + _ROUNDING) + self._ahead <= len(self._queue):
            return
        self._wanted = 0
        self._asking, self._asked_at = True, moment
        try:
            self._ready()
        finally:
            self._asking = False
        self._idle(moment)

    def _carry(self, moment: float) -> None:
        """Deliver what has been carried by a moment."""
        count = min(len(self._queue), int((moment - self._began) * self._rate + _ROUNDING))
        if count > 0:
            data = bytes(self._queue[:count])
            del self._queue[:count]
            self._began += count / self._rate
            faults = self.injury.faults
            if not (self._late or faults.injure):
                self._deliver(data)
                return
            arrival = self._began + faults.latency
            for piece in self.injury.pieces(self.injury.apply(data)):
                self._late.append((arrival, piece))
        self._arrive(moment)

    def _arrive(self, moment: float) -> None:
        """Deliver what is late, and has arrived by a moment."""
        arrived = []
        while self._late and self._late[0][0] <= moment:
            arrived.append(self._late.popleft()[1])
            if self.injury.faults.chunk is not None:  # one at a time, so that the other side sees them apart
                break
        if data := b"".join(arrived):
            self._deliver(data)

    def _arm(self) -> None:
        """Set the timer, unless it is due by then anyway."""
        now = self._environment.clock.now()
        at = self._late[0][0] if self._late else inf
        tick = _LONG_TICK if self._wanted > self._much else self._tick
        if self._queue:
            at = min(at, now + tick, self._began + (len(self._queue) + self._wanted) / self._rate)
        elif self._wanted and not self._held:
            at = min(at, now + tick)
        if at == inf:
            return
        if self._timer is not None:
            if self._timer_at <= at:
                return
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._environment.clock.call_later(self._environment.loop, max(0.0, at - now), self._due)

    def _due(self) -> None:
        self._timer = None
        now = max(self._environment.clock.now(), self._timer_at)  # a loop may wake slightly early
        self._before()
        if self._wanted and not self._held:
            self._ask(now)
        self._carry(now)
        self._arm()


def _tick(rate: float, fifo: int) -> float:
    """Return after how many seconds octets are delivered: behind a stop come those, the FIFO, and a few meanwhile."""
    if rate > _SLOW:
        return _TICK
    few = fifo if fifo < _BEHIND // 8 else _BEHIND - _MEANWHILE - fifo  # a host that is so strict looks at each octet
    return min(_TICK, max(_SHORT_TICK, few / rate))
