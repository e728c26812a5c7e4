"""One multiplexer, and a peer that sends whatever it likes: good frames of any meaning, floods, odd PN, CLD, silence.

Invariants:
1. Nothing raises, whatever the peer sends, whenever the clock jumps, and in whatever order the owner calls.
2. The owner can count on its events: the contract in the first lines of ``tests/support/event_contract.py``.
3. What is kept is bounded by the numbers of docs/reliability.md, whatever comes.
4. A peer that falls silent for good leaves nothing under way: every `open()` and `close()` has its result, and only a
   keep-alive goes on asking.
"""

from __future__ import annotations

from dataclasses import dataclass

from event_contract import EventContract
from hypothesis import given
from hypothesis import strategies as st

from cmux.protocol import Config, Frame, FrameType, Multiplexer, Option, Role, encode
from cmux.protocol.commands import Signals
from cmux.protocol.config import KeepAlive, Parameters
from cmux.protocol.errors import LocalError
from cmux.protocol.events import Event, SessionClosed, SessionOpened

# docs/reliability.md, "Bounds": written out here, so that a changed constant is noticed.
MOST_CONTROL_FRAMES = 1024 + 256  # answers, and own commands, that wait for the line
MOST_COMMANDS = 256  # own commands that wait for their turn
MOST_KEPT = 2 * (1600 + 3) + 40  # octets of a partial frame, with the default n1_receive
QUEUE = 300  # octets: queue_high as set here

dlcis = st.sampled_from([0, 1, 2, 3, 61, 62, 63])
ours = st.sampled_from([1, 1, 1, 2, 3])

_TYPES = {
    kind: (kind << 2 | 3, kind << 2 | 1) for kind in (0x20, 0x10, 0x30, 0x08, 0x28, 0x18, 0x38, 0x04, 0x24, 0x14, 0x34)
}
"""27.010 §5.4.6.3: the type octet of each message as a command and as a response (EA and C/R)."""
_SIZES = {0x20: 8, 0x38: 2, 0x24: 8, 0x14: 2, 0x34: 3, 0x04: 1}

type_octets = st.sampled_from([octet for pair in _TYPES.values() for octet in pair]) | st.integers(0, 255)


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A message of the control channel (27.010 §5.4.6.1), mostly of the right length, about one of the DLCs."""
    octet = draw(type_octets)
    size = draw(st.just(_SIZES.get(octet >> 2, 0)) | st.integers(0, 12))
    value = bytearray(draw(st.binary(min_size=size, max_size=size)))
    if value and draw(st.booleans()):
        dlci = draw(dlcis)
        value[0] = dlci if octet >> 2 == 0x20 else dlci << 2 | 3
    return bytes((octet, len(value) << 1 | 1)) + bytes(value)


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    kind = draw(st.sampled_from([FrameType.UIH] * 6 + [kind for kind in FrameType if kind is not FrameType.I]))
    dlci = draw(dlcis)
    info = b""
    if kind in (FrameType.UIH, FrameType.UI):
        info = draw(st.lists(messages(), max_size=3).map(b"".join) if not dlci else st.binary(max_size=40))
    return Frame(dlci, draw(st.booleans()), kind, draw(st.booleans()), info)


@dataclass(frozen=True)
class Call:
    """A call of the owner."""

    name: str
    dlci: int
    flag: bool
    size: int


_OF_THE_SESSION = ("start", "shutdown", "test", "hold", "sleep", "stalled")
_OF_A_DLC = ("open", "close", "refuse", "send", "discard", "pause", "signals", "break", "negotiate")
calls = st.builds(Call, st.sampled_from(_OF_THE_SESSION + _OF_A_DLC), ours, st.booleans(), st.integers(0, 2 * QUEUE))
seconds = st.sampled_from([0.0, 0.001, 0.06, 0.11, 0.31, 1.0, 5.0, 40.0]) | st.floats(0, 1e9)
_bare = st.sampled_from([FrameType.SABM, FrameType.SABM, FrameType.UA, FrameType.DM, FrameType.DISC])
steps = st.one_of(
    st.lists(frames(), min_size=1, max_size=6),
    st.builds(lambda frame, count: [frame] * count, frames(), st.sampled_from([2, 40])),
    st.just([Frame(9, True, FrameType.DISC, True)] * 1500),  # a flood: each is answered with DM
    st.builds(lambda dlci, kind: [Frame(dlci, True, kind, True)], ours | dlcis, _bare),
    st.binary(max_size=60),
    calls,
    st.builds(Call, st.sampled_from(["open", "send"]), ours, st.booleans(), st.integers(0, 2 * QUEUE)),
    seconds,
)
configs = st.builds(
    Config,
    option=st.sampled_from(list(Option)),
    queue_high=st.just(QUEUE),
    keep_alive=st.sampled_from(list(KeepAlive)),
    keep_open=st.booleans(),
    adm=st.booleans(),
    n2=st.integers(0, 3),
    sleeps_after=st.sampled_from([None, None, 1.0]),
)


class _Station:
    def __init__(self, role: Role, config: Config) -> None:
        self.core = Multiplexer(role, config)
        self.owner = EventContract(self.core)
        self.now = 0.0

    def step(self, what: object) -> None:
        if isinstance(what, list):
            octets = {frame: self._encoded(frame) for frame in set(what)}
            self.owner.receive(b"".join(octets[frame] for frame in what), self.now)
        elif isinstance(what, bytes):
            self.owner.receive(what, self.now)
        elif isinstance(what, Call):
            self._call(what)
            self.owner.receive(b"", self.now)  # what the call has caused is told with the next call for the line
        elif isinstance(what, float):
            self.now += what
            self.owner.pass_time(self.now)
        self.look()
        self.core.data_to_send(self.now, 500)
        self.owner.receive(b"", self.now)  # what has room now is told before the next call can be refused
        self.look()

    def _encoded(self, frame: Frame) -> bytes:
        if frame.type in (FrameType.RR, FrameType.RNR, FrameType.REJ) and self.core.config.option is Option.BASIC:
            return b""
        return encode(frame, self.core.config.option)

    def _call(self, call: Call) -> None:
        core, owner, now, dlci = self.core, self.owner, self.now, call.dlci
        try:
            match call.name:
                case "start":
                    owner.start(now)
                case "open":
                    owner.open(dlci, now)
                case "close":
                    owner.close(dlci, now, drain=call.flag)
                case "send":
                    owner.send(dlci, bytes(call.size), now)
                case "discard":
                    core.discard(dlci)
                case "pause":
                    (core.pause_reading if call.flag else core.resume_reading)(dlci, now)
                case "signals":
                    core.set_signals(dlci, Signals(ic=call.flag), now)
                case "break":
                    core.send_break(dlci, 0.4, now)
                case "negotiate":
                    core.negotiate(dlci, Parameters(n1=1 + call.size), now)
                case "test":
                    core.test(bytes(call.size % 100), now)
                case "hold":
                    (core.hold_all if call.flag else core.release_all)(now)
                case "sleep":
                    core.sleep(now)
                case "refuse":
                    core.refuse(dlci, call.flag)
                case "shutdown":
                    owner.shutdown(now)
                case "stalled":
                    core.stalled(now, call.flag)
        except LocalError:
            pass  # the call does not fit the state: nothing has happened

    def look(self) -> None:
        session = self.core._session
        assert len(self.core._dispatcher.decoder._data) <= MOST_KEPT
        assert len(session.transmitter._control) <= MOST_CONTROL_FRAMES
        assert len(session.control._waiting) <= MOST_COMMANDS
        assert len(session.dlcs) <= 64
        assert all(len(dlc.queue) <= QUEUE for dlc in session.dlcs.values())

    def fall_silent(self) -> None:
        """Nothing comes any more; the line takes everything."""
        self.core.stalled(self.now, False)
        self.core.data_to_send(self.now)
        self.owner.receive(b"", self.now)
        for _ in range(2000):
            due = self.core.next_timeout()
            if due is None or (due > self.now + 15.0 and not self.owner.asked and not self.owner.closing):
                break
            self.now = max(self.now, due)
            self.owner.pass_time(self.now)
            self.core.data_to_send(self.now)
        else:
            raise AssertionError("something is due again and again")
        self.owner.at_rest()


_beginnings: st.SearchStrategy[list[object]] = st.sampled_from(
    [
        [],
        [[Frame(1, True, FrameType.SABM, True)]],
        [Call("open", 1, False, 0), [Frame(1, True, FrameType.UA, True)]],
        [Call("open", 1, False, 0)],
    ]
)


@given(st.sampled_from(list(Role)), configs, _beginnings, st.lists(steps, max_size=40), st.booleans())
def fuzz_a_peer_that_sends_anything(
    role: Role, config: Config, beginning: list[object], script: list[object], lost: bool
) -> None:
    station = _Station(role, config)
    station.owner.start(0.0)
    if role is Role.INITIATOR:
        station.step([Frame(0, True, FrameType.UA, True)])
    else:
        station.step([Frame(0, True, FrameType.SABM, True)])
    for what in beginning + script:
        station.step(what)
    if lost:
        station.owner.line_lost(station.now)
    else:
        station.fall_silent()


_LIFE: list[object] = [
    *(Call(name, 1, flag, 100) for name in ("open", "close", "send") for flag in (False, True)),
    *([Frame(1, True, kind, True)] for kind in (FrameType.SABM, FrameType.UA, FrameType.DM, FrameType.DISC)),
    [Frame(1, True, FrameType.UIH, False, b"x")],
    [Frame(0, True, FrameType.UIH, False, b"\xe3\x05\x07\x8d")],  # MSC
    *(0.11, 0.31),
]
"""What can happen to one DLC."""


@given(
    configs,
    st.lists(st.sampled_from(_LIFE), max_size=8),
    st.sampled_from(["lost", "silence", "DISC 0", "CLD", "shutdown"]),
)
def fuzz_the_life_of_a_dlc(config: Config, script: list[object], end: str) -> None:
    """The same with few words, so that each order of them is tried."""
    station = _Station(Role.INITIATOR, config)
    station.owner.start(0.0)
    station.step([Frame(0, True, FrameType.UA, True)])
    for what in script:
        station.step(what)
    if end == "lost":
        station.owner.line_lost(station.now)
        return
    if end == "DISC 0":
        station.step([Frame(0, True, FrameType.DISC, True)])
    elif end == "CLD":
        station.step([Frame(0, True, FrameType.UIH, False, b"\xc3\x01")])
    elif end == "shutdown":
        station.owner.shutdown(station.now)
    station.fall_silent()


@given(configs, st.lists(frames(), min_size=1, max_size=30))
def fuzz_the_same_frames_in_one_portion_or_in_many(config: Config, script: list[Frame]) -> None:
    """What a frame means does not depend on what it came with."""

    def events(*, together: bool) -> list[Event]:
        station = _Station(Role.RESPONDER, config)
        octets = [station._encoded(frame) for frame in (Frame(0, True, FrameType.SABM, True), *script)]
        portions = [b"".join(octets)] if together else octets
        found: list[Event] = []
        for portion in portions:
            found += station.owner.receive(portion, 0.0)
            while rest := station.core.take_unread():  # behind the end of a session, see `Multiplexer.take_unread`
                found += station.owner.receive(octets[0][:1] + rest, 0.0)
        return [event for event in found if isinstance(event, SessionOpened | SessionClosed)]

    assert events(together=True) == events(together=False)
