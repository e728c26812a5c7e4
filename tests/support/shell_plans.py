"""Plans for both shells on a line that does what it likes: what the line does, and what two users call meanwhile."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from hostile_line import FAULTS, NOISE, REACTIONS, ObjectPort, SocketPort
from hypothesis import strategies as st

from cmux.protocol import Frame, FrameType, encode

SETTINGS: dict[str, Any] = {"t1": 0.1, "t2": 0.15, "n2": 1, "drain_timeout": 0.1, "other_rates": (), "open_timeout": 1}


@dataclass(frozen=True)
class Step:
    """What the line does, or a user calls."""

    name: str
    dlci: int = 1
    number: int = 0
    octets: bytes = b""

    @property
    def n1(self) -> int | None:
        return self.number if self.number % 100 else None


_dlcis = st.sampled_from([1] * 12 + [2] * 5 + [3, 61, 0, 62])
_sizes = st.sampled_from([0, 1, 31, 100, 3000])
_CALLS = (
    *("open", "open", "open", "write", "write", "write", "close", "negotiate", "port", "status", "service", "test"),
    *("signals", "break", "hold", "release", "sleep", "wake", "asleep", "facts", "flush", "discard", "end"),
)
calls = st.builds(Step, st.sampled_from(_CALLS), _dlcis, _sizes)
reads = st.builds(Step, st.sampled_from(["read", "read", "accept"]), _dlcis, _sizes)


def _of_line(name: str, octets: st.SearchStrategy[bytes] | None = None) -> st.SearchStrategy[Step]:
    return st.builds(
        Step, st.just(f"line: {name}"), st.sampled_from([1, 1, 2]), _sizes, st.just(b"") if octets is None else octets
    )


CUT = encode(Frame(1, True, FrameType.UIH))[:-3]
"""When it is given up depends on the time."""
_MESSAGES = [  # not PN: it could ask for another convergence layer
    *(b"\xc3\x01", b"\x23\x03x", b"\x63\x01", b"\xa3\x01", b"\xe3\x05\x07\x8f", b"\xe3\x05\x07\x8d", b"\x43\x01"),
    *(b"\x93\x03\x07", b"\x53\x05\x07\x03", b"\xd3\x03\x07", b"\x11\x03\xe3", b"\xff\x01", b"\xe3\x05", b"\x21\x01"),
]
_BARE = [FrameType.SABM, FrameType.DISC, FrameType.DM, FrameType.UA]
frames = st.one_of(
    st.builds(lambda info: Frame(0, True, FrameType.UIH, False, info), st.sampled_from(_MESSAGES)),
    st.builds(lambda dlci, kind, cr: Frame(dlci, cr, kind, True), _dlcis, st.sampled_from(_BARE), st.booleans()),
    st.builds(lambda dlci: Frame(dlci, True, FrameType.SABM, True), st.sampled_from([0, 1, 2])),
)
lines = st.one_of(
    _of_line("data"),
    _of_line("data"),
    _of_line("octets", st.lists(frames.map(encode), min_size=1, max_size=3).map(b"".join)),
    _of_line("octets", st.sampled_from([NOISE, b"\xf9", b"\r\nRDY\r\n", CUT])),
    _of_line("deaf"),
    _of_line("hearing"),
    _of_line("end"),
    _of_line("broken"),
)

_talk = st.builds(
    lambda dlci, size, more: [Step("line: data", dlci, size), *more, Step("read", dlci, size)],
    st.sampled_from([1, 1, 2]),
    st.sampled_from([1, 31, 100]),
    st.lists(calls | lines, max_size=1),
)
_parts = st.one_of(_talk, st.lists(calls | reads | lines, min_size=1, max_size=3))
_opened = st.sampled_from(
    [
        [],
        [Step("open")],
        [Step("open"), Step("facts")],
        [Step("open"), Step("open", 2)],
        [Step("open", 2), Step("open")],
    ]
)


@dataclass(frozen=True)
class Plan:
    """All of it."""

    serves: bool
    by_at: bool
    descriptor: bool
    reactions: list[str]
    faults: list[str]
    one: list[Step]
    """What the line does, and one user calls."""
    other: list[Step]
    """What another user calls meanwhile."""

    @property
    def settings(self) -> dict[str, Any]:
        return {**SETTINGS, "startup": "at" if self.by_at else "none"}

    @property
    def first(self) -> list[Step]:
        """What a peer does that opens the session."""
        openings = (b"AT+CMUX=0\r",) if self.by_at else ()
        sabm = encode(Frame(0, True, FrameType.SABM, True)) + encode(Frame(1, True, FrameType.SABM, True))
        return [Step("line: octets", octets=octets) for octets in (*openings, sabm)] if self.serves else []


plans = st.builds(
    Plan,
    st.sampled_from([False, False, True]),
    st.sampled_from([False, False, False, True]),
    st.booleans(),
    st.builds(
        lambda answers, others: ["answer"] * answers + others,
        st.integers(0, 4),
        st.lists(st.sampled_from(REACTIONS), max_size=8),
    ),
    st.one_of(st.just([]), st.just([]), st.lists(st.sampled_from(FAULTS), max_size=12)),
    st.builds(lambda opened, parts: [*opened, *itertools.chain(*parts)], _opened, st.lists(_parts, max_size=12)),
    st.lists(calls, max_size=6),
)


def of_line(port: ObjectPort | SocketPort, step: Step) -> None:
    """Let the line do what a step says."""
    match step.name.removeprefix("line: "):
        case "data":
            port.peer.say_data(step.dlci, step.number % 500)
        case "octets":
            port.peer.of_frames &= len(step.octets) != len(CUT) or step.octets != CUT
            port.peer.say(step.octets)
        case "deaf":
            port.deaf(True)
        case "hearing":
            port.deaf(False)
        case what:
            port.peer.hang_up(what == "broken")
