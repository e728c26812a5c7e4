"""Captures take over many frames at a time; the file is, octet for octet, that of frames which are taken one by one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmux.capture import blocks
from cmux.capture.blocks import BlockWriter
from cmux.capture.formats import Pcapng
from cmux.capture.frame_writer import FrameWriter
from cmux.capture.recorder import Capture
from cmux.protocol import BasicDecoder, Config, Frame, FrameType, commands, encode
from cmux.protocol.messages import encode_message

STAMP = 1_700_000_000_123_456_789
N1 = 300


def data(dlci: int, info: bytes) -> bytes:
    return encode(Frame(dlci, True, FrameType.UIH, False, info))


MESSAGES = b"".join(encode_message(body, command=True) for body in (commands.FCon(), commands.Test(b"xyz")))
ALIKE = data(1, b"hello")
OTHERS = [
    encode(Frame(0, True, FrameType.SABM, True)),
    data(0, MESSAGES),
    encode(Frame(2, True, FrameType.UI, False, b"hello")),  # its FCS covers the octets of the information field
    encode(Frame(1, False, FrameType.UIH, True, b"hello")),
    data(1, b""),
    data(2, b"x" * 130),
    data(2, b"\xf9" * 130),
    data(1, b"x" * (N1 + 1)),
    ALIKE[:-2] + bytes((ALIKE[-2] ^ 1,)) + ALIKE[-1:],
    ALIKE[:-1] + b"x",
    ALIKE[:3] + b"\x0a\x00hello" + ALIKE[-2:],  # a length of two octets where one would do
    ALIKE[1:],  # one flag between two frames
    ALIKE[:6],
    b"\r\nNO CARRIER\r\n",
    b"\xf9",
    b"\xf9\xf9\xf9",
]
PIECES = st.one_of(
    st.binary(min_size=5, max_size=5).map(lambda info: data(1, info)),
    st.integers(1, 80).map(lambda count: ALIKE * count),
    st.integers(1, 80).map(lambda count: ALIKE[:1] + ALIKE[1:] * count),
    st.sampled_from(OTHERS),
    st.binary(max_size=9),
    st.builds(data, st.integers(1, 63), st.binary(max_size=N1 + 2)),
)


@given(st.lists(PIECES, max_size=40).map(b"".join), st.lists(st.integers(1, 700)), st.booleans(), st.booleans())
def test_every_portion_gives_the_octets_that_the_frames_give_one_by_one(
    line: bytes, cuts: list[int], from_host: bool, payload: bool
) -> None:
    quick = BlockWriter(N1, from_host=from_host, payload=payload)
    plain = FrameWriter(Pcapng(), Config(n1_receive=N1), from_host=from_host, payload=payload)
    for number, size in enumerate((*cuts, len(line) + 1, 1)):
        portion, line = line[:size], line[size:]
        assert quick(portion, STAMP + number) == plain(portion, STAMP + number)


@given(st.lists(PIECES, max_size=6).map(b"".join))
def test_octet_by_octet_too(line: bytes) -> None:
    quick = BlockWriter(N1, from_host=True, payload=True)
    plain = FrameWriter(Pcapng(), Config(n1_receive=N1), from_host=True, payload=True)
    for at in range(len(line)):
        assert quick(line[at : at + 1], STAMP) == plain(line[at : at + 1], STAMP)


def test_frames_that_are_like_an_earlier_one_do_not_go_through_the_decoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded, written = list[int](), list[int]()
    receive_data, write = BasicDecoder.receive_data, Capture._write

    def counted(self: BasicDecoder, octets: bytes) -> list[object]:
        decoded.append(len(octets))
        return receive_data(self, octets)

    def counted_write(self: Capture, octets: bytes) -> None:
        written.append(len(octets))
        write(self, octets)

    monkeypatch.setattr(BasicDecoder, "receive_data", counted)
    monkeypatch.setattr(Capture, "_write", counted_write)
    capture = Capture(tmp_path / "line.pcapng", Config())
    line = b"".join(data(1, bytes((number % 256,)) * 127) for number in range(1000))
    for at in range(0, len(line), 4095):  # as a pty is read: frames are cut
        capture.feed(line[at : at + 4095], from_host=False, timestamp=STAMP)
    capture.close()
    assert decoded == [4095]
    assert len(written) == 1 + -(-len(line) // 4095)  # the header; one for each portion


def test_noise_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "_MOST_KNOWN", 10)
    writer = BlockWriter(N1, from_host=True, payload=True)
    for length in range(100):
        writer(data(1, bytes(length)), STAMP)
        assert len(writer._known) <= 10
    writer(data(1, bytes(N1)) + ALIKE[:-1], STAMP)
    for _ in range(100):
        writer(b"x" * 100, STAMP)
        assert len(writer._rest) <= N1 + 8
