"""Frames, octet by octet: the vectors built, parsed whole, parsed in pieces, parsed between junk."""

from __future__ import annotations

import pytest
from vector_table import FRAMES, GOOD, MISPRINTED, STREAMS, frame_of

from cmux.protocol import AdvancedDecoder, BasicDecoder, Frame, FrameType, Option, encode
from cmux.protocol.errors import FrameError
from cmux.protocol.events import DropReason, FrameDropped
from cmux.protocol.frames import Decoder
from cmux.protocol.headers import HEADERS, MAX_CACHED_HEADERS

LARGEST = 32767


def decoder(option: Option, n1_receive: int = LARGEST, *, xonxoff: bool = False) -> Decoder:
    if option is Option.BASIC:
        return BasicDecoder(n1_receive)
    return AdvancedDecoder(n1_receive, xonxoff=xonxoff)


def frames(items: list[Frame | FrameDropped]) -> list[Frame]:
    return [item for item in items if isinstance(item, Frame)]


def drops(items: list[Frame | FrameDropped]) -> list[DropReason]:
    return [item.reason for item in items if isinstance(item, FrameDropped)]


@pytest.mark.clause("5.2.1.2", "5.2.1.3", "5.2.1.5", "5.2.1.6", "5.2.6", "5.2.7.4")
@pytest.mark.parametrize(("option", "octets", "row"), GOOD)
class TestVector:
    def test_is_built(self, option: Option, octets: bytes, row: dict) -> None:
        if row["len_octets"] == 2 and len(frame_of(row).info) < 128:
            octets = octets[:3] + bytes((len(frame_of(row).info) << 1 | 1,)) + octets[5:]  # we send the short form
            assert encode(frame_of(row))[:-2] == octets[:-2]
        else:
            assert encode(frame_of(row), option) == octets

    def test_is_parsed_whole(self, option: Option, octets: bytes, row: dict) -> None:
        assert decoder(option).receive_data(octets) == [frame_of(row)]

    def test_is_parsed_octet_by_octet(self, option: Option, octets: bytes, row: dict) -> None:
        if len(octets) > 2000:
            pieces = [octets[:1], octets[1:2], octets[2:3], octets[3:4], octets[4:9], octets[9:-2], octets[-2:-1]]
        else:
            pieces = [octets[at : at + 1] for at in range(len(octets) - 1)]
        one = decoder(option)
        for piece in pieces:
            assert one.receive_data(piece) == []
        assert one.receive_data(octets[-1:]) == [frame_of(row)]

    def test_is_parsed_between_junk(self, option: Option, octets: bytes, row: dict) -> None:
        flag = octets[:1]
        junk = b"\r\nRDY\r\n\x00\xff"
        one = decoder(option)
        found = one.receive_data(junk + octets + junk + flag * 3 + octets + junk)
        assert frames(found) == [frame_of(row)] * 2


@pytest.mark.clause("5.2.3")
@pytest.mark.parametrize(("option", "octets", "row"), MISPRINTED)
def test_misprinted_vector_is_rejected(option: Option, octets: bytes, row: dict) -> None:
    one = decoder(option)
    found = one.receive_data(octets) + [item for _, item in one.finish()]
    assert frames(found) == []
    assert drops(found)


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize(("option", "octets", "expected"), STREAMS)
def test_stream(option: Option, octets: bytes, expected: list[dict], size: int) -> None:
    one = decoder(option, xonxoff=True)
    found: list[Frame | FrameDropped] = []
    for at in range(0, len(octets), size):
        found += one.receive_data(octets[at : at + size])
    told = [
        {"dlci": frame.dlci, "cr": int(frame.cr), "type": frame.type.name, "info": frame.info.hex()}
        for frame in frames(found)
    ]
    assert told == expected


def test_every_vector_of_the_table_is_used() -> None:
    assert len(GOOD) + len(MISPRINTED) == len(FRAMES) == 86


@pytest.mark.parametrize("family", "ABCDE")
def test_each_family_of_vectors_has_some_that_a_public_source_prints(family: str) -> None:
    """E, the misprints, is to be rejected; of every other one the octets of somebody else are built and parsed."""
    rows = [row.values[2] for row in FRAMES if row.values[2]["section"] == family]
    published = [row for row in rows if row["kind"].startswith("published")]
    assert published
    assert all(row["source"] for row in published)
    assert all(row["fcs_ok"] != (family == "E") for row in rows)
    assert {row.values[2]["section"] for row in FRAMES} == set("ABCDE")


@pytest.mark.clause("5.2.6.1")
def test_one_flag_closes_and_opens() -> None:
    first, second = encode(Frame(1, True, FrameType.UIH, info=b"a")), encode(Frame(2, True, FrameType.UIH, info=b"b"))
    assert len(BasicDecoder().receive_data(first + second[1:])) == 2


@pytest.mark.clause("5.2.5")
@pytest.mark.parametrize("flags", [1, 2, 3, 8, 10_000])
def test_any_number_of_flags_between_frames_is_fill(flags: int) -> None:
    one = encode(Frame(1, True, FrameType.UIH, info=b"a"))
    found = BasicDecoder().receive_data(one[:-1] + b"\xf9" * flags + one[1:])
    assert [type(item) for item in found] == [Frame, Frame]


@pytest.mark.clause("5.2.3")
@pytest.mark.parametrize(
    ("octets", "reason", "raw"),
    [
        ("F9 02 EF 03 41 00 F9", "address", "F9 02"),
        ("F9 03 E0 03 41 00 F9", "control", "F9 03 E0"),
        ("F9 03 01 01 00 F9", "control", "F9 03 01"),  # RR: no error recovery in the basic option
        ("F9 03 3F 03 41 00 F9", "length", "F9 03 3F 03"),  # SABM has no information field
        ("F9 07 EF 05 41 54 00 F9", "fcs", "F9 07 EF 05 41 54 00 F9"),
        ("F9 07 EF 03 41 54 30 F9", "no_closing_flag", "F9 07 EF 03 41 54 30"),
        ("F9 07 EF FE 7F 41 54", "too_long", "F9 07 EF FE 7F"),
    ],
)
def test_reason_and_octets_of_a_dropped_frame(octets: str, reason: str, raw: str) -> None:
    found = BasicDecoder().receive_data(bytes.fromhex(octets))
    assert found[0] == FrameDropped(0, DropReason(reason), bytes.fromhex(raw))


@pytest.mark.clause("5.2.3")
@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        ("7E 06 EF 41 00 7E", "address"),
        ("7E 07 27 41 00 7E", "control"),
        ("7E 07 7E", "length"),
        ("7E 07 EF 7E", "length"),
        ("7E 07 3F 41 89 7E", "length"),  # SABM has no information field
        ("7E 07 EF 41 00 7E", "fcs"),
        ("7E 07 EF 41 42 43 44 45 46 05 7E", "too_long"),  # N1 = 5
        ("7E 07 EF 41 42 43 44 45 05 7E 7E", None),
        ("7E 07 EF 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41", "too_long"),  # before the closing flag comes
    ],
)
def test_reason_of_a_dropped_frame_of_the_advanced_option(octets: str, reason: str | None) -> None:
    assert drops(AdvancedDecoder(5).receive_data(bytes.fromhex(octets))) == ([DropReason(reason)] if reason else [])


def test_octets_between_frames_are_counted_as_skipped() -> None:
    for option in Option:
        one = decoder(option)
        good = encode(Frame(1, True, FrameType.UIH, info=b"a"), option)
        one.receive_data(b"RDY\r\n" + good)
        assert one.skipped == 5
    one = BasicDecoder()
    one.receive_data(b"no flag")
    one.receive_data(b"at all")
    assert one.skipped == 13


def test_damaged_length_costs_one_frame() -> None:
    """The search goes on after the opening flag of the failed frame, not behind the length that it claims."""
    good = encode(Frame(1, True, FrameType.UIH, info=b"good"))
    damaged = bytearray(encode(Frame(1, True, FrameType.UIH, info=b"damaged")))
    damaged[3] = 41 << 1 | 1
    stream = bytes(damaged) + good * 10
    one = BasicDecoder()
    assert frames(one.receive_data(stream)) == [Frame(1, True, FrameType.UIH, info=b"good")] * 10


def test_header_that_claims_too_much_fails_at_once() -> None:
    one = BasicDecoder(n1_receive=64)
    assert drops(one.receive_data(bytes.fromhex("F9 07 EF 83"))) == [DropReason.TOO_LONG]
    assert not one.pending


class TestPartialFrame:
    """A damaged length on a quiet line: the owner's timer calls `give_up`."""

    good = encode(Frame(1, True, FrameType.UIH, info=b"good"))
    claims_50 = bytes.fromhex("F9 07 EF 65")

    def test_is_given_up_when_a_good_frame_lies_behind_its_flag(self) -> None:
        one = BasicDecoder()
        assert one.receive_data(self.claims_50 + self.good) == []
        assert one.pending
        found = [item for _, item in one.give_up(force=False)]
        assert drops(found) == [DropReason.TRUNCATED]
        assert frames(found) == [Frame(1, True, FrameType.UIH, info=b"good")]
        assert not one.pending

    def test_is_kept_while_nothing_better_lies_behind_it(self) -> None:
        one = BasicDecoder()
        one.receive_data(self.claims_50 + b"half of it")
        assert list(one.give_up(force=False)) == []
        assert one.pending

    def test_is_kept_while_the_frame_behind_its_flag_is_damaged(self) -> None:
        """Its own data may look like a frame: only a good FCS tells that it is one."""
        one = BasicDecoder()
        one.receive_data(self.claims_50 + self.good[:-2] + bytes((self.good[-2] ^ 1,)) + b"\xf9")
        assert list(one.give_up(force=False)) == []
        assert one.pending
        damaged_ui = bytearray(encode(Frame(1, True, FrameType.UI, info=b"under the FCS")))
        damaged_ui[6] ^= 1
        one.receive_data(bytes(damaged_ui))
        assert list(one.give_up(force=False)) == []

    def test_is_given_up_by_force(self) -> None:
        one = BasicDecoder()
        one.receive_data(self.claims_50 + b"half of it")
        assert drops([item for _, item in one.give_up(force=True)]) == [DropReason.TRUNCATED]
        assert not one.pending

    def test_flags_alone_are_not_pending(self) -> None:
        one = BasicDecoder()
        one.receive_data(self.good + b"\xf9\xf9\xf9")
        assert not one.pending


@pytest.mark.clause("5.2.4")
def test_abort_drops_the_frame_and_its_flag_opens_the_next() -> None:
    found = AdvancedDecoder().receive_data(bytes.fromhex("7E 07 EF 12 7D 7E 07 EF 12 34 56 05 7E"))
    assert drops(found) == [DropReason.ABORTED]
    assert [frame.info.hex() for frame in frames(found)] == ["123456"]


@pytest.mark.clause("5.2.4", "5.2.7.1")
def test_an_escaped_escape_before_the_closing_flag_is_no_abort() -> None:
    """Nothing forbids to escape an octet that needs none: an FCS of 5D may come as 7D 7D."""
    frame = Frame(1, True, FrameType.UI, info=b"\x00~")
    line = encode(frame, Option.ADVANCED)
    assert line.endswith(b"\x5d\x7e")
    assert AdvancedDecoder().receive_data(line[:-2] + b"\x7d\x7d\x7e") == [frame]
    assert drops(AdvancedDecoder().receive_data(line[:-2] + b"\x7d\x7d\x7d\x7e")) == [DropReason.ABORTED]


@pytest.mark.clause("5.2.7.3")
class TestXonXoff:
    """Where the line uses software flow control XON and XOFF may stand anywhere, and mean nothing to the decoder."""

    frame = Frame(1, True, FrameType.UIH, info=b"abc")
    line = encode(frame, Option.ADVANCED)

    @pytest.mark.parametrize("size", [1, 2, 1000])
    def test_before_inside_between_and_behind_frames_is_taken_out_without_a_word(self, size: int) -> None:
        octets = b"".join(b"\x11\x13" + self.line[at : at + 1] for at in range(len(self.line))) * 3 + b"\x91\x93"
        one = AdvancedDecoder(xonxoff=True)
        found = [item for at in range(0, len(octets), size) for item in one.receive_data(octets[at : at + size])]
        assert found == [self.frame] * 3
        assert not one.pending
        assert one.skipped == 0

    def test_offsets_count_what_was_on_the_line(self) -> None:
        one = AdvancedDecoder(xonxoff=True)
        octets = b"\x11" + self.line[:4] + b"\x13\x13" + self.line[4:] + b"\x11" + self.line
        for size in (1, 3, 100):
            one = AdvancedDecoder(xonxoff=True)
            found = [at for pos in range(0, len(octets), size) for at, _ in one.scan(octets[pos : pos + size])]
            assert found == [1, 1 + len(self.line) + 2 + 1]

    def test_without_end_inside_a_frame_fills_no_memory(self) -> None:
        one = AdvancedDecoder(100, xonxoff=True)
        one.receive_data(self.line[:4])
        for _ in range(1000):
            assert one.receive_data(b"\x13\x11" * 50) == []
        assert len(one._data) <= 300
        assert one.receive_data(self.line[4:]) == [self.frame]

    def test_makes_no_frame_too_long(self) -> None:
        octets = self.line[:4] + b"\x13" * 10_000 + self.line[4:]
        assert AdvancedDecoder(10, xonxoff=True).receive_data(octets) == [self.frame]


@pytest.mark.clause("5.2.7.1", "5.2.7.3")
@pytest.mark.parametrize("octet", [0x7E, 0x7D, 0x11, 0x13, 0x91, 0x93])
def test_octets_that_must_not_appear_are_escaped(octet: int) -> None:
    line = encode(Frame(1, True, FrameType.UIH, info=bytes((octet,))), Option.ADVANCED)
    assert octet not in line[1:-1].replace(b"\x7d", b"") or octet == 0x7D
    assert bytes((0x7D, octet ^ 0x20)) in line


@pytest.mark.clause("5.2.7.1")
def test_any_escaped_octet_is_understood() -> None:
    line = bytearray(encode(Frame(1, True, FrameType.UIH, info=b"A"), Option.ADVANCED))
    line[3:4] = bytes((0x7D, ord("A") ^ 0x20))
    assert AdvancedDecoder().receive_data(bytes(line)) == [Frame(1, True, FrameType.UIH, info=b"A")]


@pytest.mark.clause("4")
@pytest.mark.parametrize(
    ("frame", "option", "part"),
    [
        (Frame(64, True, FrameType.UIH), Option.BASIC, "DLCI 64"),
        (Frame(-1, True, FrameType.UIH), Option.BASIC, "DLCI -1"),
        (Frame(1, True, FrameType.SABM, info=b"x"), Option.BASIC, "SABM"),
        (Frame(1, True, FrameType.UIH, info=bytes(32768)), Option.BASIC, "32768"),
        (Frame(1, True, FrameType.RR), Option.BASIC, "RR"),
        (Frame(1, True, FrameType.I, nr=8), Option.ADVANCED, "N(R) 8"),
    ],
)
def test_frame_that_cannot_be_expressed(frame: Frame, option: Option, part: str) -> None:
    with pytest.raises(FrameError, match=part.replace("(", r"\(").replace(")", r"\)")):
        encode(frame, option)


def test_header_dictionaries_are_bounded() -> None:
    """Noise with ever new headers must not fill the memory."""
    one = BasicDecoder()
    cache = HEADERS[Option.BASIC]
    for first in range(256):
        one.receive_data(b"".join(b"\xf9%c\xef%c\xf9" % (first, length) for length in range(1, 256, 2)))
    assert len(cache.parsed) <= MAX_CACHED_HEADERS


@pytest.mark.parametrize("option", list(Option))
def test_noise_without_end_does_not_grow(option: Option) -> None:
    one = decoder(option, 100)
    flag = b"\xf9" if option is Option.BASIC else b"\x7e"
    for _ in range(1000):
        one.receive_data(b"x" * 100)
    one.receive_data(flag)
    for _ in range(1000):
        one.receive_data(b"\x07\xef" * 50)
    assert len(one._data) <= 300
