"""Two multiplexers over a line that drops, flips, duplicates, splits and delays; and one that is told anything at all.

Invariants:
1. Nothing raises, whatever the line does and in whatever order the owners call.
2. Nothing grows without bound: queues, decoders, the control channel.
3. Within 2·N2·T1 of a healed line on which both go on speaking, the two agree on the state of every DLC, and 1,000
   octets cross each way on every channel.
4. A core that hears nothing ends: every DLC that it opens or closes comes to rest, the session is given up.
5. The next deadline, which is kept while only data comes and goes, is the one that a look at all parts finds.
"""

from __future__ import annotations

import looked_up_anew
from core_pair import Pair, Station
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from machine_cases import case

from cmux.protocol import AdvancedDecoder, BasicDecoder, Config, Frame, FrameType, Multiplexer, Option, Role, encode
from cmux.protocol.commands import Signals
from cmux.protocol.config import Parameters
from cmux.protocol.errors import StateError
from cmux.protocol.events import SessionClosed
from cmux.protocol.headers import NUMBERED
from cmux.protocol.session import ControlSession
from cmux.protocol.transmitter import MAX_CONTROL_FRAMES

DLCIS = (1, 2, 3)
_DAMAGE = ("drop", "flip", "twice", "cut", "late")

damage = st.tuples(st.sampled_from(_DAMAGE), st.integers(0, 500), st.integers(1, 255))
dlcis = st.sampled_from(DLCIS)
sides = st.booleans()


class _Line:
    """One direction: what happens to the next portions is drawn, the rest passes.

    Damage that the protocol cannot see, inside a message on DLCI 0 (27.010 §5.2.1.6), is left out: the other station
    would rightly do what it is told.
    """

    def __init__(self, option: Option) -> None:
        self._option = option
        self.plan: list[tuple[str, int, int]] = []
        self._late = b""

    def __call__(self, octets: bytes) -> bytes:
        kind, at, mask = self.plan.pop(0) if self.plan else ("pass", 0, 0)
        late, self._late = self._late, b""
        at %= max(1, len(octets))
        whole = octets
        if kind == "drop":
            return late
        if kind == "flip":
            octets = octets[:at] + bytes((octets[at] ^ mask,)) + octets[at + 1 :]
        elif kind == "cut":
            octets = octets[:at] + octets[at + mask % 8 :]
        if not set(self._messages(octets)) <= set(self._messages(whole)):
            octets = whole
        if kind == "twice":
            octets += octets
        elif kind == "late":
            octets, self._late = octets[:at], octets[at:]
        return late + octets

    def _messages(self, octets: bytes) -> list[bytes]:
        decoder = BasicDecoder() if self._option is Option.BASIC else AdvancedDecoder()
        found = [*decoder.receive_data(octets), *(item for _, item in decoder.finish())]
        return [item.info for item in found if isinstance(item, Frame) and not item.dlci]

    def heal(self) -> bytes:
        """Damage nothing more; return what was still under way."""
        self.plan.clear()
        late, self._late = self._late, b""
        return late


class TwoMultiplexers(RuleBasedStateMachine):
    """See the invariants above."""

    option = Option.BASIC

    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair(Config(option=self.option))
        self.lines = _Line(self.option), _Line(self.option)
        self.pair.to_module, self.pair.to_host = self.lines
        self.pair.start()

    def side(self, host: bool) -> Station:
        return self.pair.host if host else self.pair.module

    @rule(module=sides, plan=st.lists(damage, max_size=6))
    def injure(self, module: bool, plan: list[tuple[str, int, int]]) -> None:
        self.lines[module].plan += plan

    @rule(host=sides, dlci=dlcis)
    def open(self, host: bool, dlci: int) -> None:
        try:
            self.side(host).mux.open(dlci, self.pair.now)
        except StateError:
            assert not self.side(host).mux.session_open or self.side(host).mux._session.shutting_down

    @rule(host=sides, dlci=dlcis, drain=sides)
    def close(self, host: bool, dlci: int, drain: bool) -> None:
        self.side(host).mux.close(dlci, self.pair.now, drain=drain)

    @rule(host=sides, dlci=dlcis, data=st.binary(max_size=200))
    def send(self, host: bool, dlci: int, data: bytes) -> None:
        mux = self.side(host).mux
        try:
            assert mux.send(dlci, data, self.pair.now) <= len(data)
        except StateError:
            assert mux._session.dlc(dlci).state.value != "OPEN"

    @rule(host=sides, dlci=dlcis, stop=sides)
    def flow(self, host: bool, dlci: int, stop: bool) -> None:
        mux = self.side(host).mux
        (mux.pause_reading if stop else mux.resume_reading)(dlci, self.pair.now)

    @rule(host=sides, dlci=dlcis, n1=st.integers(10, 300))
    def negotiate(self, host: bool, dlci: int, n1: int) -> None:
        if self.side(host).mux.session_open:
            self.side(host).mux.negotiate(dlci, Parameters(n1=n1), self.pair.now)

    @rule(host=sides, payload=st.binary(max_size=20))
    def test(self, host: bool, payload: bytes) -> None:
        if self.side(host).mux.session_open:
            self.side(host).mux.test(payload, self.pair.now)

    @rule(host=sides, held=sides)
    def hold(self, host: bool, held: bool) -> None:
        mux = self.side(host).mux
        if mux.session_open:
            (mux.hold_all if held else mux.release_all)(self.pair.now)

    @rule(host=sides)
    def shut_down(self, host: bool) -> None:
        self.side(host).mux.shutdown(self.pair.now)

    @rule()
    def start(self) -> None:
        self.pair.host.mux.start(self.pair.now)

    @rule(seconds=st.sampled_from([0.0, 0.04, 0.11, 0.31, 1.0, 3.0]))
    def pass_time(self, seconds: float) -> None:
        self.pair.pass_time(seconds)

    @invariant()
    def nothing_grows(self) -> None:
        for station in (self.pair.host, self.pair.module):
            session: ControlSession = station.mux._session
            assert len(station.mux._dispatcher.decoder._data) < 5000
            assert len(session.transmitter._control) <= MAX_CONTROL_FRAMES + 100
            assert len(session.control._waiting) <= 256
            assert all(len(dlc.queue) <= station.mux.config.queue_high for dlc in session.dlcs.values())

    @invariant()
    def the_deadline_is_right(self) -> None:
        for station in (self.pair.host, self.pair.module):
            assert station.mux.next_timeout() == looked_up_anew.next_timeout(station.mux)

    def teardown(self) -> None:
        self.heal()

    def heal(self) -> None:
        """The line is whole again: the two agree and talk."""
        pair = self.pair
        for line, station in zip(self.lines, (pair.module, pair.host), strict=True):
            station.events += station.mux.receive_data(line.heal(), pair.now)
        config = pair.host.mux.config
        grace = 2 * config.n2 * config.t1
        given_up = (config.n2 + 1) * config.t1
        # Both speak, also when what was lost has been given up: whatever they take for open they use.
        for seconds in (given_up, grace - given_up):
            for station in (pair.host, pair.module):
                for dlci in DLCIS:
                    if station.mux._session.dlc(dlci).state.value == "OPEN":
                        station.mux.resume_reading(dlci, pair.now)
                        station.mux.send(dlci, b"?", pair.now)
                if station.mux.session_open:
                    station.mux.release_all(pair.now)
                    station.mux.test(b"?", pair.now)
            pair.pass_time(seconds)
        if not (pair.host.mux.session_open and pair.module.mux.session_open):
            pair.host.mux.start(pair.now)
            pair.pass_time(grace)
        for dlci in DLCIS:
            states = {station.mux._session.dlc(dlci).state for station in (pair.host, pair.module)}
            assert len(states) == 1, (dlci, states)
        for dlci in DLCIS:
            pair.host.mux.open(dlci, pair.now)
            for station in (pair.host, pair.module):  # what its owner paused, its owner lets go
                station.mux.resume_reading(dlci, pair.now)
            pair.pass_time(grace)
            for station, other in ((pair.host, pair.module), (pair.module, pair.host)):
                before = len(other.data(dlci))
                station.mux.send(dlci, bytes(range(250)) * 4, pair.now)
                pair.pass_time(grace)
                assert other.data(dlci)[before:].endswith(bytes(range(250)) * 4), (dlci, station.mux.stats())


class TwoAdvancedMultiplexers(TwoMultiplexers):
    """The same in the advanced option."""

    option = Option.ADVANCED


FuzzBasicPair = case(TwoMultiplexers, examples=30, steps=30)
FuzzAdvancedPair = case(TwoAdvancedMultiplexers, examples=30, steps=30)


_kinds = st.sampled_from([kind for kind in FrameType if kind not in NUMBERED])
_frames = st.builds(
    lambda option, dlci, kind, flag, info: encode(
        Frame(dlci, flag, kind, flag, info if kind in (FrameType.UIH, FrameType.UI) else b""), option
    ),
    st.sampled_from(list(Option)),
    st.sampled_from([0, 1]),
    _kinds,
    sides,
    st.binary(max_size=12) | st.sampled_from([b"\x11\x01", b"\xe3\x03\x07", b"\x83\x03\x01", b"\x43\x01", b"\xc3\x01"]),
)
_octets = st.one_of(
    st.binary(max_size=60),
    _frames,
    _frames.map(lambda frame: frame[:4]),
    st.lists(_frames, max_size=6).map(b"".join),
    st.sampled_from([b"\xf9\x03\xef\x02", b"\xf9\x07\x03\xfe", b"\x7e\x03"]),  # cut short in the header
)


@given(
    st.sampled_from(list(Role)),
    st.sampled_from(list(Option)),
    st.lists(st.tuples(_octets, st.sampled_from([0.0, 0.06, 0.4]) | st.floats(0, 2)), max_size=30),
)
def fuzz_told_anything(role: Role, option: Option, portions: list[tuple[bytes, float]]) -> None:
    mux = Multiplexer(role, Config(option=option))
    mux.start(0.0)
    now = 0.0
    for octets, seconds in portions:
        mux.receive_data(octets, now)
        mux.data_to_send(now)
        now += seconds
        mux.handle_timeout(now)
    assert len(mux._dispatcher.decoder._data) < 5000


@given(st.lists(st.sampled_from(["open", "close", "shutdown", "test", "signals", "sleep", "say"]), max_size=10))
def fuzz_a_core_that_hears_nothing_ends(calls: list[str]) -> None:
    pair = Pair().open(1, 2)
    mux = pair.host.mux
    pair.to_host = lambda octets: b""
    for call in calls:
        if not mux.session_open:
            break
        try:
            {
                "open": lambda: mux.open(3, pair.now),
                "close": lambda: mux.close(1, pair.now),
                "shutdown": lambda: mux.shutdown(pair.now),
                "test": lambda: mux.test(b"", pair.now),
                "signals": lambda: mux.set_signals(2, Signals(ic=True), pair.now),
                "sleep": lambda: mux.sleep(pair.now),
                "say": pair.settle,
            }[call]()
        except StateError:
            assert mux._session.shutting_down
    mux.shutdown(pair.now)
    pair.pass_time(30)
    assert any(isinstance(event, SessionClosed) for event in pair.host.events)
    assert {dlc.state.value for dlc in mux._session.dlcs.values()} == {"CLOSED"}
    assert mux.next_timeout() is None
