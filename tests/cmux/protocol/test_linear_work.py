"""No input makes the decoder work more than in proportion to its octets: an 8-bit check invites long searches."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from counted_work import work
from hypothesis import given
from hypothesis import strategies as st

from cmux.protocol import BasicDecoder, Config, Frame, FrameType, Multiplexer, Option, encode
from cmux.protocol.events import FrameDropped
from cmux.protocol.fcs import SliceFcs, fcs

N1 = 32767  # the longest information field of the basic option (27.010 §5.2.1.5)
GOOD = encode(Frame(1, True, FrameType.UIH, info=b"good"))


def length_octets(length: int) -> bytes:
    """27.010 §5.2.1.5, with two octets."""
    return bytes((length << 1 & 0xFE, length >> 7))


def partial_headers(size: int) -> bytes:
    """Each flag begins a frame that is longer than all that comes."""
    return (b"\xf9\x07\xef" + length_octets(N1)) * (size // 5)


def overlapping(size: int) -> bytes:
    """Each flag begins a UI frame that is complete and long, has a closing flag, and a wrong FCS."""
    reach = size // 2 // 5 * 5 + 4
    return (b"\xf9\x07\x03" + length_octets(reach)) * (size // 5)


def partial_then_overlapping(size: int) -> bytes:
    return partial_headers(size // 2) + overlapping(size // 2)


def flags(size: int) -> bytes:
    return b"\xf9\x07" * (size // 2)


HOSTILE: list[Callable[[int], bytes]] = [partial_headers, overlapping, partial_then_overlapping, flags]
WAYS: dict[str, Callable[[BasicDecoder], object]] = {
    "as it comes": lambda decoder: None,
    "after a gap": lambda decoder: list(decoder.give_up(force=False)),
    "after T2": lambda decoder: list(decoder.give_up(force=True)),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("ends_well", [True, False], ids=["a good frame last", "none"])
@pytest.mark.parametrize("hostile", HOSTILE)
def test_the_work_is_in_proportion_to_the_octets(hostile: Callable[[int], bytes], ends_well: bool, way: str) -> None:
    def go(size: int) -> int:
        octets = hostile(size) + GOOD * ends_well

        def decode() -> None:
            decoder = BasicDecoder(N1)
            decoder.receive_data(octets)
            WAYS[way](decoder)

        return work(decode, "cmux.protocol")

    go(1000)  # fills the caches
    small, large = go(4_000), go(16_000)
    assert large <= 4.2 * small + 2_000
    assert large <= 30 * 16_000


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_the_raw_octets_of_dropped_frames_are_in_sum_no_more_than_twice_what_came(
    hostile: Callable[[int], bytes], way: str
) -> None:
    octets = hostile(8_000)
    decoder = BasicDecoder(N1)
    items = [*decoder.receive_data(octets), *(item for _, item in decoder.finish())]
    dropped = [item for item in items if isinstance(item, FrameDropped)]
    assert len(dropped) >= 1000
    assert sum(len(item.raw) for item in dropped) <= 2 * len(octets) + len(dropped)  # and a flag that two share


def test_the_first_to_tell_of_octets_tells_of_all() -> None:
    """Up to the closing flag, as before; one that lies within only up to the next flag."""
    inner = b"\xf9\x07\xef\x0d" + b"abc\xf9def"
    outer = b"\xf9\x07\xef" + bytes((len(inner) << 1 | 1,)) + inner + b"\x00\xf9"
    decoder = BasicDecoder()
    dropped = [*decoder.receive_data(outer), *(item for _, item in decoder.finish())]
    assert [getattr(item, "raw", item) for item in dropped] == [outer, b"\xf9\x07\xef\x0dabc", b"\xf9d"]


def test_a_portion_of_hostile_octets_costs_a_session_no_more_than_others() -> None:
    """The same through the multiplexer: its time-out is called with the lock of a shell held."""

    def go(octets: bytes) -> int:
        core = Multiplexer(config=Config(option=Option.BASIC))
        core.receive_data(octets, 0.0)
        return work(lambda: core.handle_timeout(10.0), "cmux.protocol")

    go(overlapping(500))
    size = 1_583  # what is kept with the default n1_receive
    assert go(partial_then_overlapping(size) + GOOD) <= 60 * size


@given(st.binary(min_size=1, max_size=300), st.randoms(use_true_random=False))
def test_the_fcs_of_a_slice_follows_from_the_registers_at_its_ends(octets: bytes, rnd: random.Random) -> None:
    slices = SliceFcs(octets)
    for _ in range(50):
        begin, end = sorted((rnd.randint(0, len(octets)), rnd.randint(0, len(octets))))
        assert slices.of(begin, end) == fcs(octets[begin:end])
    assert slices.work <= 3 * len(octets)
