"""Two stations that sleep and wake in any order, over a line that is slow, loses, spoils flags and goes dead.

Invariants:
1. No session ends unless the line was dead for a good part of T3, or something was lost in each of the keep-alive's
   last N2 + 1 waits.
2. Within (N2 + 1)·T2 + T3/4 + T1 of a healed line data cross both ways, and the two fall silent.
3. Where nothing was lost all data arrive, once and in order, and nothing but flags, PSC and answers meets a station
   that sleeps: modules would lose it.
"""

from __future__ import annotations

import itertools
from collections import deque

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from cmux.protocol import AdvancedDecoder, BasicDecoder, Config, Frame, Multiplexer, Option, Role
from cmux.protocol.config import KeepAlive
from cmux.protocol.events import DataReceived, SessionClosed

SLOWEST = 0.25
"""Seconds that a portion is under way at most."""

EXACT = 1e-6

PSC, COMMAND = b"\x43", 0x02

MANY_LOSSES = 2
"""Losses in a row on a line that is said to work."""

sides = st.booleans()


class _Station:
    def __init__(self, role: Role, config: Config) -> None:
        self.mux = Multiplexer(role, config)
        self.line: deque[tuple[float, bytes]] = deque()
        """What it has said and when that arrives at the latest."""
        self.plan: deque[int] = deque()
        """What happens to what it says next: -1, it passes; 0 to 7, this octet of flags is damaged; else it is lost."""
        self.losses = 0
        self.sent = b""
        self.came = b""
        self.ended_at: float | None = None


class PowerPair(RuleBasedStateMachine):
    """See the invariants above."""

    config = Config()

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.host, self.module = _Station(Role.INITIATOR, self.config), _Station(Role.RESPONDER, self.config)
        self.stations = (self.host, self.module)
        self.dead = False
        self.died: list[tuple[float, float]] = []
        self.lost_at: list[float] = []
        self.lossless = True
        self.slowest = 0.01
        self.host_first, self.quiet, self.mortal = True, 0.0, True
        self.host.mux.start(self.now)
        self.advance(2)
        self.host.mux.open(1, self.now)
        self.advance(2)
        assert all(one.mux.is_open(1) for one in self.stations)
        self.slowest = SLOWEST

    # --- The line -------------------------------------------------------------------------------------------------

    def other(self, station: _Station) -> _Station:
        return self.module if station is self.host else self.host

    def take(self, station: _Station, events: list[object]) -> None:
        for event in events:
            if isinstance(event, DataReceived):
                station.came += event.data
            elif isinstance(event, SessionClosed) and station.ended_at is None:
                station.ended_at = self.now

    def hand_out(self, station: _Station) -> None:
        for _ in range(100):
            octets = station.mux.data_to_send(self.now)
            self.take(station, list(station.mux.handle_timeout(self.now)))
            if not octets:
                return
            self.under_way(station, octets)
        raise AssertionError("it never falls silent")

    def under_way(self, station: _Station, octets: bytes) -> None:
        at = station.plan.popleft() if station.plan else -1
        if self.dead:
            self.lost_at.append(self.now)
            return
        if at < 0 or station.losses >= MANY_LOSSES:
            station.losses = 0
            station.line.append((self.now + self.slowest, octets))
            return
        station.losses += 1
        self.lossless = False
        self.lost_at.append(self.now)
        if at < len(octets) == octets.count(octets[0]):
            octets = octets[:at] + bytes((octets[at] ^ (at + 1),)) + octets[at + 1 :]
            station.line.append((self.now + self.slowest, octets))

    def arrive(self, station: _Station, octets: bytes) -> None:
        other = self.other(station)
        if self.lossless and self.config.t2 > 2 * SLOWEST and other.mux.stats()["power"] == "ASLEEP":
            basic = self.config.option is Option.BASIC
            for frame in (BasicDecoder() if basic else AdvancedDecoder()).receive_data(octets):
                assert isinstance(frame, Frame)
                assert frame.dlci == 0, frame
                assert frame.info[:1] == PSC or not frame.info[0] & COMMAND, frame
        self.take(other, list(other.mux.receive_data(octets, self.now)))

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        for _ in range(100_000):
            for station in self.stations:
                self.hand_out(station)
            timers = [at for station in self.stations if (at := station.mux.next_timeout()) is not None]
            due = [at for at in (*timers, *(one.line[0][0] for one in self.stations if one.line)) if at <= end]
            if not due:
                self.now = end
                return
            self.now = max(self.now, min(due))
            for station in self.stations:
                while station.line and station.line[0][0] <= self.now:
                    self.arrive(station, station.line.popleft()[1])
                self.take(station, list(station.mux.handle_timeout(self.now)))
        raise AssertionError("time does not pass")

    @initialize(
        asleep=sides,
        host_first=sides,
        quiet=st.sampled_from([0.0, 0.1, 1.0, 20.0]),
        mortal=st.sampled_from([False, False, True]),
    )
    def begin(self, asleep: bool, host_first: bool, quiet: float, mortal: bool) -> None:
        """Draw what holds for the run.

        Args:
            asleep: it begins asleep.
            host_first: who speaks first when the line is whole again.
            quiet: seconds before that.
            mortal: the line goes dead, too.
        """
        self.host_first, self.quiet, self.mortal = host_first, quiet, mortal
        if asleep:
            self.host.mux.sleep(self.now)
            self.advance(3)

    # --- What happens ---------------------------------------------------------------------------------------------

    @property
    def over(self) -> bool:
        return any(station.ended_at is not None for station in self.stations)

    @rule(host=sides, seconds=st.sampled_from([0.0, 0.0, 3.0]))
    def sleep(self, host: bool, seconds: float = 0.0) -> None:
        if not self.over:
            (self.host if host else self.module).mux.sleep(self.now)
            self.advance(seconds)

    @rule(host=sides)
    def wake(self, host: bool) -> None:
        (self.host if host else self.module).mux.wake(self.now)

    @rule(host=sides, size=st.sampled_from([1, 40, 200]))
    def send(self, host: bool, size: int) -> None:
        station = self.host if host else self.module
        if not self.over:
            data = bytes(range(size))
            station.sent += data[: station.mux.send(1, data, self.now)]

    @rule(host=sides)
    def ask(self, host: bool) -> None:
        """One of the two asks something that the other answers at once."""
        if not self.over:
            (self.host if host else self.module).mux.test(b"?", self.now)

    @rule(host=sides, limited=sides)
    def say(self, host: bool, limited: bool) -> None:
        """One of the two says what is due, or one frame of it."""
        station = self.host if host else self.module
        if not limited:
            self.hand_out(station)
        elif octets := station.mux.data_to_send(self.now, 0):
            self.under_way(station, octets)

    @rule(host=sides, size=st.sampled_from([1, 3, 1000]))
    def hear(self, host: bool, size: int) -> None:
        """What one has said arrives, in portions of this size."""
        station = self.host if host else self.module
        if station.line:
            octets = station.line.popleft()[1]
            for start in range(0, len(octets), size):
                self.arrive(station, octets[start : start + size])

    @rule(host=sides, plan=st.lists(st.integers(-1, 8), min_size=1, max_size=6))
    def lose(self, host: bool, plan: list[int]) -> None:
        """Some of what one says next is lost, or a flag of it damaged."""
        station = self.host if host else self.module
        station.plan.extend(plan)

    @rule(seconds=st.sampled_from([0.01, 0.1, 0.31, 1.0, 4.0, 12.0]))
    def pass_time(self, seconds: float) -> None:
        self.advance(seconds)

    @rule(seconds=st.sampled_from([0.5, 2.0, 30.0]))
    def go_dead(self, seconds: float) -> None:
        if not self.mortal:
            return
        self.lossless = False
        for station in self.stations:
            if station.line:
                self.lost_at.append(self.now)
            station.line.clear()
        began, self.dead = self.now, True
        self.advance(seconds)
        self.dead = False
        self.died.append((began, self.now))

    # --- What holds -----------------------------------------------------------------------------------------------

    def dead_before(self, at: float, seconds: float) -> float:
        """How long the line was dead in the last seconds before a moment; the present death counts."""
        return sum(max(0.0, min(end, at) - max(start, at - seconds)) for start, end in self.died)

    def is_unanswered(self, at: float) -> bool:
        """Tell whether something was lost in each of the keep-alive's N2 + 1 waits of T2 before a moment."""
        bounds = [at - number * self.config.t2 for number in range(self.config.n2 + 2)]
        waits = itertools.pairwise(bounds)
        return all(any(begin - EXACT <= lost <= end for lost in self.lost_at) for end, begin in waits)

    def ended(self, *, healed: bool = False) -> bool:
        """Tell whether the session has ended, which it may for the reasons above.

        Args:
            healed: the line is whole again: only what began before may still end it, questions that were asked and
                flags whose T3 ends before the answer to the next burst of them can come.
        """
        config = self.config
        ends = [station.ended_at for station in self.stations if station.ended_at is not None]
        if not ends:
            return False
        at = min(ends)
        asleep_for_good = self.dead_before(at, config.t3 + SLOWEST) > config.t3 / 3
        if healed and self.died:  # the peer answers after a pause of T3/4 at most
            whole_since = max(self.died[-1][1], self.lost_at[-1])
            asleep_for_good &= at - whole_since <= config.t1 + config.t3 / 4 + 2 * SLOWEST
        asked = config.keep_alive is not KeepAlive.NONE
        assert asleep_for_good or (asked and self.is_unanswered(at)), (ends, self.died, self.lost_at)
        return True

    def teardown(self) -> None:
        config = self.config
        if self.ended():
            return
        for station in self.stations:
            station.plan.clear()
        self.advance(self.quiet)
        if self.ended(healed=True):
            return
        bound = (config.n2 + 1) * config.t2 + config.t3 / 4 + config.t1 + SLOWEST
        for station in self.stations if self.host_first else self.stations[::-1]:
            data = b"<" + bytes(range(100)) + b">"
            station.sent += data
            assert station.mux.send(1, data, self.now) == len(data)
            self.advance(bound)
            if self.ended(healed=True):
                return
            assert self.other(station).came.endswith(data), station.mux.stats()
        if self.lossless:
            assert [station.sent for station in self.stations] == [self.module.came, self.host.came]
        self.advance(3 * config.t3)
        assert not self.over
        if config.keep_alive is KeepAlive.NONE:
            assert [station.mux.next_timeout() for station in self.stations] == [None, None]


CONFIGS = {
    "slow": Config(t1=0.6, t2=0.8),
    "hasty": Config(),  # commands are repeated before their answers can come
    "advanced": Config(option=Option.ADVANCED, t1=0.3, t2=0.5, t3=7),
    "self": Config(t1=0.6, t2=1.3, t3=10, sleeps_after=1.0, wake_pause=0.2),  # and by themselves
    "keep-alive": Config(t1=0.3, t2=2.55, keep_alive=KeepAlive.TEST, keep_alive_interval=3),
}


def machine(name: str) -> type[PowerPair]:
    """The machine of one of the configurations.

    Args:
        name: which one.
    """
    return type(f"PowerPair_{name}", (PowerPair,), {"config": CONFIGS[name]})
