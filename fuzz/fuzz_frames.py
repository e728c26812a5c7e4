"""Frames of both options under any treatment.

Invariants:
1. decode(encode(x)) == x, in any portions, with any run of flags between frames.
2. Any input in any portions gives the same frames and the same drops as in one portion.
3. No input makes a decoder raise; what it keeps stays under one longest frame.
4. Any input gives what a second decoder finds, which is written from 27.010 octet by octet
   (``tests/support/reference_decoder.py``): frames, drops with their reasons, positions, and the octets skipped.
5. What `FrameDropped` events have in ``raw`` is in sum no more than twice what came.
6. With some frames damaged, every undamaged one is delivered, in order, once. A damaged frame is dropped, unless the
   damage lies where its FCS does not reach (the information field of UIH) or the FCS passes by chance.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from reference_decoder import Bad, Found, Good, advanced, basic, check_sequence

from cmux.protocol import AdvancedDecoder, BasicDecoder, Frame, FrameType, Option, encode
from cmux.protocol.events import FrameDropped
from cmux.protocol.frames import Decoder

N1 = 200
_CARRY_INFO = [FrameType.UIH, FrameType.UI]
_BARE = [FrameType.SABM, FrameType.UA, FrameType.DM, FrameType.DISC]


def _decoder(option: Option) -> Decoder:
    return BasicDecoder(N1) if option is Option.BASIC else AdvancedDecoder(N1)


def _flag(option: Option) -> bytes:
    return b"\xf9" if option is Option.BASIC else b"\x7e"


options = st.sampled_from(list(Option))
# An address of F9 reads as a flag, which is why DLCI 62 is reserved (27.010 §5.6).
dlcis = st.integers(0, 61)
_long = st.builds(lambda piece, size: (piece * size)[:size], st.binary(min_size=1, max_size=5), st.integers(120, N1))
_info = st.one_of(st.binary(max_size=N1), _long)
_with_info = st.tuples(dlcis, st.booleans(), st.sampled_from(_CARRY_INFO), st.booleans(), _info)
_without_info = st.tuples(dlcis, st.booleans(), st.sampled_from(_BARE), st.booleans())
_LOOKS_LIKE_ANOTHER = (0x7E, 0x7D, 0x5E, 0x5D, 0xF9, 0x11)
"""Octets that are flags or escapes, or become them."""
_odd = st.sampled_from(
    [
        (dlci, cr, kind, pf)
        for dlci in range(62)
        for cr in (False, True)
        for kind in (FrameType.UIH, *_BARE)
        for pf in (False, True)
        if check_sequence(bytes((dlci << 2 | cr << 1 | 1, kind | pf << 4))) in _LOOKS_LIKE_ANOTHER
    ]
)
"""Frames of the advanced option with such an FCS."""
frames = st.one_of(_with_info, _without_info, _odd).map(lambda fields: Frame(*fields))
portions = st.lists(st.integers(1, 40), min_size=1, max_size=50)


def _feed(decoder: Decoder, octets: bytes, sizes: list[int]) -> list[Frame | FrameDropped]:
    found: list[Frame | FrameDropped] = []
    at = index = 0
    while at < len(octets):
        size = sizes[index % len(sizes)]
        found += decoder.receive_data(octets[at : at + size])
        assert len(decoder._data) <= 2 * (N1 + 3) + 40
        at += size
        index += 1
    return found + [item for _, item in decoder.finish()]


def _escaped(octets: bytes, option: Option, also: int) -> bytes:
    """Escape in the advanced option more than has to be, as a peer may (27.010 §5.2.7.1); `also` has a bit for each."""
    if option is Option.BASIC:
        return octets
    found, escaped = b"", False
    for index, octet in enumerate(octets[1:-1]):
        extra = not escaped and octet != 0x7D and also >> index % 8 & 1
        found += bytes((0x7D, octet ^ 0x20)) if extra and octet != 0x5E else bytes((octet,))
        escaped = not escaped and octet == 0x7D
    return octets[:1] + found + octets[-1:]


@given(
    options, st.lists(st.tuples(frames, st.integers(0, 5), st.sampled_from([0, 0, 255, 165])), max_size=20), portions
)
def fuzz_round_trip(option: Option, sent: list[tuple[Frame, int, int]], sizes: list[int]) -> None:
    line = b"".join(_escaped(encode(frame, option), option, also) + _flag(option) * fill for frame, fill, also in sent)
    assert _feed(_decoder(option), line, sizes) == [frame for frame, *_ in sent]


@given(options, st.lists(frames, min_size=1, max_size=10), portions)
def fuzz_shared_flags(option: Option, sent: list[Frame], sizes: list[int]) -> None:
    line = _flag(option) + b"".join(encode(frame, option)[1:] for frame in sent)
    assert _feed(_decoder(option), line, sizes) == sent


def _changed(octets: bytes, at: int, mask: int) -> bytes:
    at %= len(octets)
    return octets[:at] + bytes((octets[at] ^ mask,)) + octets[at + 1 :]


def _header_of_ui(length: int) -> bytes:
    """The beginning of a frame whose FCS covers all that follows."""
    return b"\xf9\x07\x03" + bytes((length << 1 & 0xFE, length >> 7))


_noise = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.sampled_from([b"\xf9", b"\x7e", b"\x7d", b"\xf9\x07\xef", b"\x7e\x07\xef", b"\r\nRDY\r\n"]),
        frames.map(encode),
        frames.map(lambda frame: encode(frame, Option.ADVANCED)),
        frames.map(lambda frame: encode(frame)[:-3]),
    ),
    max_size=20,
).map(b"".join)


@given(options, _noise, portions)
def fuzz_any_input_in_any_portions(option: Option, octets: bytes, sizes: list[int]) -> None:
    assert _feed(_decoder(option), octets, sizes) == _feed(_decoder(option), octets, [max(1, len(octets))])


def _behind_headers(count: int, info: bytes) -> bytes:
    """A good frame behind what may be the beginning of several, each of which reaches beyond it."""
    return _header_of_ui(199) * count + encode(Frame(1, True, FrameType.UI, False, info))


_nearly = st.one_of(
    st.sampled_from([b"\xf9", b"\x7e", b"\x7d", b"\x7d\x7d", b"\xf9\xf9\xf9", b"\x07", b"\xef", b"\x03", b"\xff\x00"]),
    frames.map(encode),
    frames.map(lambda frame: encode(frame, Option.ADVANCED)),
    st.tuples(frames, st.sampled_from(list(Option)), st.integers(0, 400), st.integers(1, 255)).map(
        lambda one: _changed(encode(one[0], one[1]), one[2], one[3])
    ),
    st.builds(_header_of_ui, st.integers(0, 250)),
    st.builds(_behind_headers, st.integers(3, 8), _long),
    st.binary(max_size=12),
)
_lines = st.lists(_nearly, max_size=25).map(b"".join)


@given(options, _lines, portions, st.sampled_from([5, 31, N1]))
def fuzz_against_the_reference(option: Option, octets: bytes, sizes: list[int], n1: int) -> None:
    decoder = BasicDecoder(n1) if option is Option.BASIC else AdvancedDecoder(n1)
    items: list[tuple[int, Frame | FrameDropped]] = []
    at = index = 0
    while at < len(octets):
        size = sizes[index % len(sizes)]
        items += decoder.scan(octets[at : at + size])
        at, index = at + size, index + 1
    items += decoder.finish()
    ours = Found([(where, _plain(item)) for where, item in items], decoder.skipped)
    assert ours == (basic if option is Option.BASIC else advanced)(octets, n1)
    raw = [item.raw for _, item in items if isinstance(item, FrameDropped)]
    assert sum(map(len, raw)) <= 2 * len(octets) + len(raw)


def _plain(item: Frame | FrameDropped) -> Good | Bad:
    if isinstance(item, FrameDropped):
        return Bad(item.reason.value)
    return Good(item.dlci, item.cr, int(item.type), item.pf, item.info, item.nr, item.ns)


_masses = st.lists(
    st.binary(max_size=12)
    | st.sampled_from([b"\xf9", b"\x7e", b"\xf9\x07\x03", b"\xf9\x07\x03\xfe\xff", b"\xf9\x07\xef\x02"])
    | st.integers(0, 900).map(lambda count: b"x" * count),
    max_size=10,
).map(b"".join)


@given(options, _masses)
def fuzz_octets(option: Option, octets: bytes) -> None:
    _feed(_decoder(option), octets, [7])


@st.composite
def _damage(draw: st.DrawFn) -> tuple[list[tuple[Frame, bytes]], Option]:
    """Frames with their octets on the line; in some of them one octet is changed, flags included."""
    option = draw(options)
    rows = []
    for frame in draw(st.lists(frames, min_size=1, max_size=8)):
        line = bytearray(encode(frame, option))
        if draw(st.booleans()):
            line[draw(st.integers(0, len(line) - 1))] ^= draw(st.integers(1, 255))
        rows.append((frame, bytes(line)))
    return rows, option


@given(_damage())
def fuzz_a_damaged_frame_costs_itself_only(case: tuple[list[tuple[Frame, bytes]], Option]) -> None:
    rows, option = case
    decoder = _decoder(option)
    items = _feed(decoder, b"".join(line for _, line in rows), [13])
    rest = [item for item in items if isinstance(item, Frame)]
    whole = [frame for frame, line in rows if line == encode(frame, option)]
    if len(rest) == len(whole) < len(rows):
        assert decoder.skipped or len(items) > len(whole)  # what is lost is counted
    extra = []
    for frame in whole:
        assert frame in rest, (frame, items)
        extra += rest[: rest.index(frame)]
        rest = rest[rest.index(frame) + 1 :]
    extra += rest
    if not extra:
        return
    damaged = [b"" if line == encode(frame, option) else line for frame, line in rows]
    runs = [
        damaged[first:end] for end in range(len(rows) + 1) for first in range(end)
    ]  # neighbours may lose their flags
    by_chance = [item for run in runs if all(run) for item in _may_be_found(option, b"".join(run))]
    assert all(item in by_chance for item in extra), (extra, by_chance)


def _may_be_found(option: Option, line: bytes) -> list[Frame]:
    """The oracle: what a damaged stretch may yield, as the second decoder reads it.

    That is UIH whose damage lies where its FCS does not reach, and whatever passes an 8-bit check by chance: 1 in 256.
    A neighbour's flag may open or close it.
    """
    flag, read = _flag(option), basic if option is Option.BASIC else advanced
    found = [
        item
        for octets in (line, flag + line, line + flag, flag + line + flag)
        for _, item in read(octets, N1).items
        if isinstance(item, Good)
    ]
    return [Frame(one.dlci, one.cr, FrameType(one.kind), one.pf, one.info, one.nr, one.ns) for one in found]


@given(options, dlcis, st.binary(min_size=1, max_size=N1), st.data())
def fuzz_the_fcs_of_uih_does_not_reach_its_data(option: Option, dlci: int, info: bytes, data: st.DataObject) -> None:
    """27.010 §5.2.1.6: damage confined to the information field of UIH is delivered, that of UI never."""
    at = data.draw(st.integers(0, len(info) - 1))
    damaged = info[:at] + bytes((info[at] ^ data.draw(st.integers(1, 255)),)) + info[at + 1 :]
    for kind in (FrameType.UIH, FrameType.UI):
        good, bad = (encode(Frame(dlci, True, kind, info=one), option) for one in (info, damaged))
        if option is Option.BASIC:
            line = bad[:-2] + good[-2:]  # the FCS of the good frame
        else:
            check = encode(Frame(dlci, True, kind, info=info), option)
            tail = check[-3:] if check[-3] == 0x7D else check[-2:]
            head = bad[:-3] if bad[-3] == 0x7D else bad[:-2]
            line = head + tail
        found = _feed(_decoder(option), line, [len(line)])
        if kind is FrameType.UIH:
            assert found == [Frame(dlci, True, kind, info=damaged)]
        else:
            assert Frame(dlci, True, kind, info=damaged) not in found
