"""The wire between a connection and the module's line: as slow as a UART, and with faults."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import cast

from ...clock import Timer
from ..environment import Environment
from ..faults import Faults
from .injury import Injury
from .paced_lane import PacedLane
from .tap import Tap

_BITS = 10  # on a line with a start and a stop bit
_TICK = 0.005  # seconds of the line rate that arrive together at most
_FEW = 64  # octets; behind more of them the module has sent a little less than it could have
_HIGH_WATER = 16384
_LOW_WATER = 4096


class Lane:
    """Carries the octets of one direction; the last octet of what was put on it at once arrives exactly in its time.

    Args:
        environment: loop and clock.
        injury: damages the octets.
        rate: bits per second; 0 for as fast as it goes.
        deliver: called with what arrives.
        drained: called whenever less waits than before.
    """

    def __init__(
        self,
        environment: Environment,
        injury: Injury,
        rate: int,
        deliver: Callable[[bytes], None],
        drained: Callable[[], None],
    ) -> None:
        self.injury: Injury = injury
        self.waiting: int = 0  # octets on their way
        self._environment = environment
        self._rate = rate / _BITS
        self._deliver = deliver
        self._drained = drained
        self._queue: list[memoryview] = []  # for the line rate; short, and smaller than a deque
        self._free_at = 0.0  # when the wire has carried everything that was put on it
        self._late: deque[tuple[float, bytes]] = deque()  # carried, and arriving at that time
        self._timer: Timer | None = None
        self._arrival: float | None = None

    @property
    def moment(self) -> float:
        """The time; inside `deliver` that at which the octets have arrived, however late the timer was."""
        return self._environment.clock.now() if self._arrival is None else self._arrival

    def put(self, data: bytes, moment: float | None = None) -> None:
        """Put octets on the wire.

        Args:
            data: the octets.
            moment: the time from which on the wire can carry them; None: now.
        """
        if not self._rate and not self.injury.faults.injure and not self.waiting:
            self._deliver(data)
            return
        if not self._queue:  # the wire was idle: time that has passed carried nothing
            self._free_at = max(self._free_at, self._environment.clock.now() if moment is None else moment)
        self.waiting += len(data)
        self._queue.append(memoryview(data))
        self._step()

    def look(self) -> None:
        """Deliver what has arrived, if the timer is late."""
        if self._late and self._late[0][0] <= self._environment.clock.now():
            self._disarm()
            self._due()

    def flush(self) -> None:
        """Deliver everything at once."""
        self._disarm()
        data = b"".join([*(piece for _, piece in self._late), *self._queue])
        self._late.clear()
        self._queue.clear()
        self.waiting = 0
        if data:
            self._deliver(data)

    def stop(self) -> None:
        """Drop what is on its way."""
        self._disarm()
        self._late.clear()
        self._queue.clear()
        self.waiting = 0

    def _step(self) -> None:
        if self._timer is None:
            self._timer = self._environment.clock.call_later(self._environment.loop, self._carry(), self._due)

    def _carry(self) -> float:
        """Carry what there is room for; return the seconds until there is something to do."""
        now = self._environment.clock.now()
        size = max(1, int(self._rate * _TICK)) if self._rate else _HIGH_WATER
        while self._queue and self._free_at <= now:
            part = self._next_part(size)
            if self._rate:
                self._free_at += len(part) / self._rate
            arrival = self._free_at + self.injury.faults.latency
            lost = len(part)
            for piece in self.injury.pieces(self.injury.apply(part)):
                self._late.append((arrival, piece))
                lost -= len(piece)
            self.waiting -= lost
        if self._late:
            return max(0.0, self._late[0][0] - now)
        return max(0.0, self._free_at - now)

    def _next_part(self, size: int) -> bytes:
        """Take octets off the queue that arrive together: of what was put on it at once, unless it is cut anyway."""
        parts = []
        while self._queue and size:
            first = self._queue[0]
            self._queue[:1] = [first[size:]] if len(first) > size else []
            parts.append(first[:size])
            size -= len(parts[-1])
            if self.injury.faults.chunk is None:
                break
        return b"".join(parts)

    def _due(self) -> None:
        self._timer = None
        now = self._environment.clock.now()
        self._carry()
        arrived = []
        while self._late and self._late[0][0] <= now:
            self._arrival, piece = self._late.popleft()
            arrived.append(piece)
            if self.injury.faults.chunk is not None:  # one at a time, so that the other side sees them apart
                break
        try:
            if data := b"".join(arrived):
                self.waiting -= len(data)
                self._deliver(data)
        finally:
            self._arrival = None
        self._drained()
        if self._late or self._queue:
            self._step()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Wire(asyncio.Transport, asyncio.Protocol):
    """Stands between a connection and the line's protocol: a protocol to the one, a transport to the other.

    Args:
        environment: loop and clock.
        inner: the line's protocol.
        rate: bits per second in each direction, 10 of them an octet; 0 for as fast as it goes.
        faults: what goes wrong.
        chooser: the source of chance.
        tap: captures what the module receives and sends.
        clear: tells whether the host takes octets, where the line has CTS and the module obeys it; with a rate only.
    """

    def __init__(
        self,
        environment: Environment,
        inner: asyncio.Protocol,
        rate: int,
        faults: Faults,
        chooser: random.Random,
        tap: Tap | None = None,
        clear: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__()
        self._inner: asyncio.BaseProtocol = inner
        self._tap = tap
        self._transport: asyncio.Transport | None = None
        self._high, self._low = _HIGH_WATER, _LOW_WATER
        self._outer_full = False
        self._inner_paused = False  # the inner protocol was asked to stop writing
        self._reading = True  # the inner protocol wants data
        self._held_back = False  # the connection was asked to stop reading
        self._held: list[bytes] = []
        self._closing = False
        # Each direction has its own, so that what happens to one does not depend on how much the other carried.
        rx, tx = (Injury(faults, random.Random(chooser.getrandbits(64))) for _ in range(2))  # noqa: S311
        self.rx: Lane = Lane(environment, rx, rate, self._received, self._throttle)
        self.tx: Lane | PacedLane
        self._paced: PacedLane | None = None
        if rate:
            self.tx = self._paced = PacedLane(environment, tx, rate, self._transmit, self._ready, self.rx.look)
        else:
            self.tx = Lane(environment, tx, rate, self._transmit, self._room)
        self._clear = clear

    def set_faults(self, faults: Faults) -> None:
        """Change what goes wrong, from the next octet on."""
        for lane in (self.rx, self.tx):
            lane.injury.faults = faults

    # As the connection's protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        self._transport = cast(asyncio.Transport, transport)
        self._inner.connection_made(self)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self.rx.put(data, None if self._paced is None else self._paced.punctual)
        self._throttle()

    def eof_received(self) -> bool | None:
        """See `asyncio.Protocol`."""
        self.rx.flush()
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        self.rx.stop()
        self.tx.stop()
        self._transport = None
        self._closing = True
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._outer_full = True
        self._room()

    def resume_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._outer_full = False
        self._room()

    def _received(self, data: bytes) -> None:
        if self._tap is not None:
            self._tap.feed(data, from_host=True)
        if self._paced is not None and len(data) <= _FEW:  # that may be a stop, until which the module has sent
            self._paced.catch_up(self.rx.moment)
        if self._reading and not self._held:
            cast(asyncio.Protocol, self._inner).data_received(data)
        else:
            self._held.append(data)

    def _transmit(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _throttle(self) -> None:
        """Pause the connection while the lane is full or the inner protocol does not read."""
        if self._transport is None or self._transport.is_closing():
            return
        held = not self._reading or self.rx.waiting > (_LOW_WATER if self._held_back else _HIGH_WATER)
        if held != self._held_back:
            self._held_back = held
            if held:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def _ready(self) -> None:
        self._inner.resume_writing()

    def _room(self) -> None:
        """Pause the inner protocol while too much is on its way."""
        if self._paced is not None:  # the inner protocol asks `room`
            self._paced.hold(self._outer_full)
            return
        full = self._outer_full or self.tx.waiting > (self._low if self._inner_paused else self._high)
        if full != self._inner_paused and not self._closing:
            self._inner_paused = full
            if full:
                self._inner.pause_writing()
            else:
                self._inner.resume_writing()

    # As the line's transport

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """See `asyncio.WriteTransport`."""
        if self._tap is not None:
            self._tap.feed(bytes(data), from_host=False)
        self.tx.put(bytes(data), self.rx.moment)  # an answer begins when the question is there
        if self._paced is None:
            self._room()

    def room(self, wanted: int, ahead: int, worth: int = 1) -> int:
        """Tell how many octets a line with a rate takes now; ``get_extra_info("room")`` returns this method then.

        Args:
            wanted: how many there are to write; if the line takes less, ``resume_writing`` follows when it takes more.
            ahead: how many octets may wait in front of the line, at least 1.
            worth: how many are worth while; fewer can wait where the line is fast and many more follow.

        Returns:
            The octets, which may be none.
        """
        if self._paced is None:
            return wanted
        if not self._clear():
            self._paced.refuse(wanted, self.rx.moment)
            return 0
        return self._paced.room(wanted, ahead, self.rx.moment, worth)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """See `asyncio.BaseTransport`."""
        self._inner = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """See `asyncio.BaseTransport`."""
        return self._inner

    def get_extra_info(self, name: str, default: object = None) -> object:
        """See `asyncio.BaseTransport`."""
        if name == "room":
            return default if self._paced is None else self.room
        return default if self._transport is None else self._transport.get_extra_info(name, default)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """See `asyncio.WriteTransport`."""
        self._high = _HIGH_WATER if high is None else high
        self._low = self._high // 4 if low is None else low
        if self._transport is not None:
            self._transport.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        """See `asyncio.WriteTransport`."""
        return self.tx.waiting + (0 if self._transport is None else self._transport.get_write_buffer_size())

    def is_reading(self) -> bool:
        """See `asyncio.ReadTransport`."""
        return self._reading

    def pause_reading(self) -> None:
        """See `asyncio.ReadTransport`."""
        self._reading = False
        self._throttle()

    def resume_reading(self) -> None:
        """See `asyncio.ReadTransport`."""
        self._reading = True
        while self._held and self._reading:
            cast(asyncio.Protocol, self._inner).data_received(self._held.pop(0))
        self._throttle()

    def is_closing(self) -> bool:
        """See `asyncio.BaseTransport`."""
        return self._closing or self._transport is None or self._transport.is_closing()

    def close(self) -> None:
        """See `asyncio.BaseTransport`."""
        self._closing = True
        self.tx.flush()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """See `asyncio.WriteTransport`."""
        self._closing = True
        self.rx.stop()
        self.tx.stop()
        if self._transport is not None:
            self._transport.abort()
