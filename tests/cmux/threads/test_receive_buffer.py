"""The buffer of a channel: XON and XOFF among the octets, and what an interrupted reader puts back."""

from __future__ import annotations

import pytest

from cmux.threads.receive_buffer import ReceiveBuffer

XON, XOFF = b"\x11", b"\x13"


@pytest.fixture
def buffer() -> ReceiveBuffer:
    return ReceiveBuffer()


def everything(buffer: ReceiveBuffer) -> bytes:
    got: list[bytes] = []
    with buffer.condition:
        buffer.take(1000, got)
    return got[0]


@pytest.mark.parametrize(
    ("fed", "held", "octets"),
    [
        (b"plain", False, b"plain"),
        (b"a" + XOFF + b"b", True, b"ab"),
        (XOFF + b"a" + XON, False, b"a"),
        (XON + XOFF, True, b""),
    ],
)
def test_the_last_of_xon_and_xoff_decides_and_neither_is_data(
    buffer: ReceiveBuffer, fed: bytes, held: bool, octets: bytes
) -> None:
    buffer.xonxoff = True
    buffer.feed(fed)
    assert (buffer.held, everything(buffer)) == (held, octets)


def test_without_xonxoff_they_are_octets_like_others(buffer: ReceiveBuffer) -> None:
    buffer.feed(XOFF + b"x")
    assert (buffer.held, everything(buffer)) == (False, XOFF + b"x")


def test_what_an_interrupted_reader_had_taken_comes_first_again(buffer: ReceiveBuffer) -> None:
    buffer.feed(b"first second")
    got: list[bytes] = []
    buffer.put_back(got)  # it had taken nothing
    buffer.take(6, got)
    buffer.put_back(got)
    assert everything(buffer) == b"first second"
