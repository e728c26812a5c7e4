"""The messages of the control channel, and a station that is told any of them.

Invariants:
1. Every message of 27.010 §5.4.6.3 that can be coded is read again as it was, by our reader and by a second one, which
   is written from the specification octet by octet (``tests/support/reference_messages.py``); one that cannot be coded
   is a `FrameError`.
2. Any octets are messages; those that have the form of §5.4.6 are read as the second reader reads them, and the first
   one that has not is marked.
3. Each command is answered once, in order, with what §5.4.6.3 wants: the same octets, what is in force, or NSC.
4. Nothing raises, whatever good frames mean.
"""

from __future__ import annotations

import math

import reference_messages
from core_pair import Pair
from hypothesis import given
from hypothesis import strategies as st
from reference_decoder import Good, advanced, basic
from reference_messages import Said

from cmux.protocol import Config, Frame, FrameType, Multiplexer, Option, Role, commands, encode
from cmux.protocol.commands import (
    CLD,
    MSC,
    NSC,
    PN,
    PSC,
    RLS,
    RPN,
    SNC,
    Command,
    FCoff,
    FCon,
    Flow,
    Parity,
    PortMask,
    PortSettings,
    Signals,
)
from cmux.protocol.errors import FrameError
from cmux.protocol.messages import Message, encode_message, parse_messages

N1_RECEIVE = 1600
"""What a station takes by default (docs/profiles.md): no larger N1 is granted."""

# --- Messages, and their fields as numbers ------------------------------------------------------------------------

flags = st.booleans()
octets = st.integers(0, 255)
dlcis = st.integers(0, 63)
signals = st.builds(Signals, flags, flags, flags, flags, flags)
rates = st.sampled_from([2400, 4800, 7200, 9600, 19200, 38400, 57600, 115200, 230400])
ports = st.builds(
    PortSettings,
    rates,
    st.integers(5, 8),
    st.sampled_from([1, 1.5]),
    st.sampled_from(list(Parity)),
    st.integers(0, 0x3F).map(Flow),
    octets,
    octets,
)
masks = st.integers(0, 0x3F7F).map(lambda bits: PortMask(bits & PortMask.ALL))
breaks = st.none() | st.integers(0, 15).map(lambda steps: round(steps * 0.2, 1))
bodies: st.SearchStrategy[Command] = st.one_of(
    st.sampled_from([CLD(), FCon(), FCoff(), PSC()]),
    st.builds(commands.Test, st.binary(max_size=20) | st.integers(100, 400).map(bytes)),
    st.builds(MSC, dlcis, signals, breaks),
    st.builds(NSC, octets),
    st.builds(
        PN,
        dlcis,
        st.sampled_from([FrameType.UIH, FrameType.UI, FrameType.I]),
        st.integers(1, 16),
        st.integers(0, 63),
        octets.map(lambda hundredths: hundredths / 100),
        st.integers(0, 65535),
        octets,
        st.integers(0, 7),
    ),
    st.builds(RPN, dlcis),
    st.builds(RPN, dlcis, ports, masks),
    st.builds(RLS, dlcis, flags, flags, flags),
    st.builds(SNC, dlcis),
    st.builds(SNC, dlcis, octets, st.integers(1, 255)),
)


def plain(body: Command) -> tuple[object, ...]:
    """Return the fields of a message as the second reader gives them."""
    match body:
        case commands.Test(data) | PSC(data):
            return (data,)
        case MSC(dlci, lines, break_length):
            bits = (lines.fc, 0x02), (lines.rtc, 0x04), (lines.rtr, 0x08), (lines.ic, 0x40), (lines.dv, 0x80)
            steps = None if break_length is None else round(break_length / 0.2)
            return dlci, sum(bit for line, bit in bits if line), steps
        case NSC(octet):
            return (octet,)
        case PN(dlci, kind, convergence, priority, t1, n1, n2, k):
            return dlci, None if kind is None else kind.name, convergence, priority, round(t1 * 100), n1, n2, k
        case RPN(dlci, None):
            return (dlci,)
        case RPN(dlci, PortSettings() as port, mask):
            stop, parity = int(port.stop_bits > 1), port.parity.value
            return dlci, port.baudrate, port.data_bits - 5, stop, parity, int(port.flow), port.xon, port.xoff, int(mask)
        case RLS(dlci, overrun, parity, framing):
            return dlci, 2 * overrun + 4 * parity + 8 * framing
        case SNC(dlci, service, codec):
            return dlci, service, codec
    return ()


def same(ours: Message, theirs: Said) -> bool:
    """Compare what the two readers say of a message that has the form of §5.4.6."""
    return (
        (ours.type_octet, ours.command, ours.value, ours.problem) == (theirs.octet, theirs.command, theirs.value, None)
        and (None if ours.type is None else ours.name) == theirs.name
        and (None if ours.body is None else plain(ours.body)) == theirs.fields
    )


@given(st.lists(st.tuples(bodies, flags), max_size=6))
def fuzz_messages_round_trip(sent: list[tuple[Command, bool]]) -> None:
    info = b"".join(encode_message(body, command=command) for body, command in sent)
    ours, theirs = parse_messages(info), reference_messages.read(info)
    assert [(one.body, one.command, one.problem) for one in ours] == [(body, command, None) for body, command in sent]
    assert all(one.exact for one in theirs)
    assert [(one.name, one.fields) for one in theirs] == [(type(body).name, plain(body)) for body, _ in sent]


_near = (
    st.integers(-1, 70) | st.sampled_from([126, 127, 128, 255, 256, 2550, 32767, 32768, 65535, 65536]) | st.integers()
)
_seconds = st.sampled_from([0.0, 0.1, 2.55, 2.56, 3.0, 3.1, math.nan, -math.inf]) | st.floats()
_frame_types = st.sampled_from([FrameType.UIH, FrameType.UI, FrameType.I, FrameType.SABM, None])
_any: st.SearchStrategy[Command] = st.one_of(
    st.builds(MSC, _near, signals, st.none() | _seconds, flags),
    st.builds(NSC, _near),
    st.builds(PN, _near, _frame_types, _near, _near, _seconds, _near, _near, _near),
    st.builds(RLS, _near, flags, flags, flags),
    st.builds(SNC, _near, st.none() | _near, st.none() | _near),
    st.builds(RPN, _near, st.builds(PortSettings, _near | rates, _near, xon=_near, xoff=_near), masks),
)


@given(_any, flags)
def fuzz_any_numbers_in_a_message(body: Command, command: bool) -> None:
    """What is coded has the form of §5.4.6.3 and says what was to be said; the rest is refused."""
    try:
        info = encode_message(body, command=command)
    except FrameError:
        return
    (said,) = reference_messages.read(info)
    assert (said.exact, said.command, said.name) == (True, command, type(body).name)
    assert said.fields is not None
    wanted = plain(body)
    for index, (here, there) in enumerate(zip(said.fields, wanted, strict=True)):
        masked_out = isinstance(body, RPN) and index == 1 and not body.mask & PortMask.BAUDRATE
        no_codec = isinstance(body, SNC) and index == 2 and (not there or body.service is None)
        assert here == there or masked_out or no_codec, (said, wanted)


# --- Any octets ---------------------------------------------------------------------------------------------------

known = st.sampled_from([kind | bits for kind in reference_messages.NAMES for bits in (1, 3)])


@st.composite
def coded(draw: st.DrawFn, kinds: st.SearchStrategy[int] = known | octets) -> bytes:
    """A message with a value of mostly the right length, and a length field of one or two octets."""
    octet = draw(kinds)
    name = reference_messages.NAMES.get(octet & 0xFC, "Test")
    sizes = reference_messages.SIZES.get(name, (0, 1, 5, 130))
    size = draw(st.sampled_from(sizes))
    value = draw(st.binary(min_size=size, max_size=size))
    long = size > 127 or draw(st.integers(0, 4)) == 0
    return bytes((octet, size << 1 & 0xFE, size >> 7) if long else (octet, size << 1 | 1)) + value


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A message in which an octet is changed, or which is cut short or has too much."""
    info = bytearray(draw(coded()))
    at = draw(st.integers(0, len(info) - 1))
    kind = draw(st.sampled_from(["change", "cut", "drop", "more"]))
    if kind == "change":
        info[at] ^= draw(st.integers(1, 255))
    elif kind == "cut":
        del info[at:]
    elif kind == "drop":
        del info[at]
    else:
        info.insert(at, draw(octets))
    return bytes(info)


@given(st.lists(st.one_of(coded(), coded(), coded(), damaged(), st.binary(max_size=6)), max_size=6).map(b"".join))
def fuzz_octets_as_messages(info: bytes) -> None:
    ours, theirs = parse_messages(info), reference_messages.read(info)
    right = [one for one in theirs if one.exact]
    assert all(map(same, ours, right)), (ours, right)
    assert sum(1 + len(one.value) for one in ours) <= len(info)
    if right == theirs:
        assert len(ours) == len(theirs)
        return
    odd, said = theirs[-1], ours[len(right)]
    assert (said.type_octet, said.command) == (odd.octet, odd.command)
    siemens = odd.name == "PSC" and len(said.value) == 1  # it says how deep it sleeps
    linux = odd.name == "CLD" and info.endswith(bytes((odd.octet,))) and not said.value  # for leaving in haste
    assert said.problem is not None or siemens or linux, said
    if said.body is not None and said.value == odd.value:
        assert plain(said.body) == odd.fields


# --- What is answered ---------------------------------------------------------------------------------------------


class Answers:
    """What §5.4.6.3 wants to be said to commands."""

    def __init__(self) -> None:
        self._ports: dict[int, bytes] = {}
        self._services: dict[int, bytes] = {}

    def check(self, asked: Said, answer: Said) -> None:
        """Compare a command with its answer."""
        assert (answer.exact, answer.command) == (True, False)
        if asked.name in (None, "NSC"):
            assert (answer.name, answer.value) == ("NSC", bytes((asked.octet,)))  # §5.4.6.3.8: as received
            return
        assert answer.octet == asked.octet & ~2
        if asked.name == "PN":
            self._parameters(asked.fields or (), answer.fields or ())
        elif asked.name == "RPN":
            self._port(asked.value, answer.value)
        elif asked.name == "SNC":
            dlci = asked.value[0] >> 2
            if len(asked.value) == 3:
                self._services[dlci] = asked.value[1:2] + (asked.value[2:] if asked.value[2] else b"\x01")
            assert answer.value[0] >> 2 == dlci
            assert answer.value[1:] == self._services.get(dlci, b"\x03\x01")  # data, no codec
        else:
            assert answer.value == asked.value

    def _parameters(self, asked: tuple[object, ...], granted: tuple[object, ...]) -> None:
        """§5.4.6.3.1: the same, or what this station has instead; a smaller N1 or k."""
        dlci, kind, convergence, priority, t1, n1, n2, k = asked
        assert isinstance(n1, int)
        assert isinstance(k, int)
        assert granted[1] == (kind if kind in ("UIH", "UI") else "UIH")
        assert granted[2] in (convergence, 1)
        assert granted == (
            *(dlci, granted[1], granted[2], priority, t1, min(n1, N1_RECEIVE), n2),
            max(1, min(k, 2)),
        )

    def _port(self, asked: bytes, answer: bytes) -> None:
        """§5.4.6.3.9: a bit of the mask says that the setting was wanted, in the answer that it was accepted."""
        dlci = asked[0] >> 2
        before = self._ports.get(dlci, bytes((3, 3, 0, 0x11, 0x13)))  # table 11: 9600 8N1
        assert (answer[0] >> 2, len(answer)) == (dlci, 8)
        after = self._ports[dlci] = answer[1:6]
        if len(asked) == 1:
            assert after == before
            return
        mask = (asked[6] & 0x7F) + 256 * (asked[7] & 0x3F)
        if asked[1] > 8:  # no such rate
            mask &= ~1
        assert answer[6] + 256 * answer[7] == mask
        wanted, old, now = _settings(asked[1:6]), _settings(before), _settings(after)
        for bit, (want, was, has) in enumerate(zip(wanted, old, now, strict=True)):
            if bit == 4 and not now[3]:
                continue  # which parity, without a parity bit, is nothing
            if bit == 4 and not old[3] and not mask & 0x10:
                continue  # there was none, and the kind goes with the bit
            assert has == (want if mask >> (bit if bit < 7 else bit + 1) & 1 else was), (bit, asked, before, answer)


def _settings(octets: bytes) -> list[int]:
    """Return settings in the order of the bits of the mask."""
    form, flow = octets[1], octets[2]
    first = [octets[0], form & 3, form >> 2 & 1, form >> 3 & 1, form >> 4 & 3, octets[3], octets[4]]
    return first + [flow >> bit & 1 for bit in range(6)]


_alone = st.sampled_from(
    [0x43, 0xC3]
)  # PSC and CLD: what comes behind them is heard by a station that sleeps, or is gone
_asking = (known | octets).filter(lambda octet: octet not in (0x43, 0xC3, 0x13))


@given(
    st.sampled_from(list(Option)),
    st.lists(st.lists(coded(_asking), min_size=1, max_size=3), max_size=8),
    st.none() | coded(_alone) | damaged(),
)
def fuzz_what_is_answered(option: Option, fields: list[list[bytes]], last: bytes | None) -> None:
    core, answers = Multiplexer(Role.RESPONDER, Config(option=option)), Answers()
    core.receive_data(encode(Frame(0, True, FrameType.SABM, True), option), 0.0)
    core.data_to_send(0.0)
    for info in [*map(b"".join, fields), *([last] if last else [])]:
        core.receive_data(encode(Frame(0, True, FrameType.UIH, False, info), option), 0.0)
        line = core.data_to_send(0.0)
        found = (basic if option is Option.BASIC else advanced)(line, 32767)
        assert all(isinstance(item, Good) and not item.dlci and not item.cr for _, item in found.items), found
        said = [one for _, item in found.items if isinstance(item, Good) for one in reference_messages.read(item.info)]
        got = [one for one in said if not one.command]
        asked = reference_messages.read(info)
        wanted = [one for one in asked if one.exact and one.command]
        assert len(got) == len(wanted) or not asked[-1].exact, (asked, got)
        for question, answer in zip(wanted, got, strict=False):
            answers.check(question, answer)


@given(st.sampled_from(list(Option)), st.lists(st.tuples(st.integers(0, 63), st.binary(max_size=12)), max_size=40))
def fuzz_any_control_message(option: Option, frames: list[tuple[int, bytes]]) -> None:
    """Frames that are all good and mean anything."""
    pair = Pair(Config(option=option)).open(1)
    for index, (dlci, info) in enumerate(frames):
        kind = (FrameType.UIH, FrameType.UI, FrameType.SABM, FrameType.DISC, FrameType.UA, FrameType.DM)[index % 6]
        carried = info if kind in (FrameType.UIH, FrameType.UI) else b""
        for where in (0, dlci):
            line = encode(Frame(where, bool(index & 1), kind, bool(index & 2), carried), option)
            pair.module.mux.receive_data(line, pair.now)
            pair.host.mux.receive_data(line, pair.now)
        pair.settle()
    pair.pass_time(10)
