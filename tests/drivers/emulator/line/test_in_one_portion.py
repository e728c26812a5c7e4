"""What comes in one portion with AT+CMUX: no timer that it should stop is started after it."""

from __future__ import annotations

import threading

import pytest
from driver_lab import QuickClock

from cmux.protocol import BasicDecoder, Frame, FrameType, encode
from drivers.emulator import EmulatedModule, EmulatedPort

FACTOR = 500.0
SABM_WAIT = 5.0  # seconds that it stays in multiplexer mode without SABM
CMUX = b"AT+CMUX=0\r"
SABM = encode(Frame(0, True, FrameType.SABM, True))
CLD = encode(Frame(0, True, FrameType.UIH, info=bytes.fromhex("C301")))
UA = encode(Frame(0, True, FrameType.UA, True))


def heard(port: EmulatedPort, end: bytes) -> bytes:
    """Read up to some octets."""
    said = b""
    while not said.endswith(end):
        more = port.read(1)
        assert more, said
        said += more
    return said


def pass_time(seconds: float) -> None:
    threading.Event().wait(seconds / FACTOR)


def test_a_session_that_began_with_at_cmux_is_not_thrown_away_for_want_of_sabm() -> None:
    with EmulatedModule(clock=QuickClock(FACTOR)) as module, module.port(timeout=5.0) as port:
        port.write(CMUX + SABM)
        assert heard(port, UA).endswith(b"OK\r\n" + UA)
        pass_time(2 * SABM_WAIT)
        port.write(encode(Frame(1, True, FrameType.SABM, True)))
        assert heard(port, encode(Frame(1, True, FrameType.UA, True)))


@pytest.mark.parametrize("behind", [b"", b"AT\r"])
def test_a_session_that_began_and_ended_with_at_cmux_leaves_a_uart_that_answers(behind: bytes) -> None:
    with EmulatedModule(clock=QuickClock(FACTOR)) as module, module.port(timeout=5.0) as port:
        port.write(CMUX + SABM + CLD + behind)
        said = heard(port, b"\x01\x93\xf9")
        found = [item for item in BasicDecoder().receive_data(said.partition(UA)[2]) if isinstance(item, Frame)]
        assert [frame.info for frame in found] == [bytes.fromhex("C101")]
        for seconds in (0.0, 2 * SABM_WAIT):
            pass_time(seconds)
            port.write(b"AT\r")
            assert b"AT\r" in heard(port, b"OK\r\n")
