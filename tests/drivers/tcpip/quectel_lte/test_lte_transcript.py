"""A session, typed in tests/transcripts/lte, of which the driver has to say its part octet by octet."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripted_port import SET_UP, Conversation, read_transcript

from drivers.tcpip import Acknowledged, TcpipDriver

LTE = Path(__file__).parents[3] / "transcripts" / "lte"
START = [(1, direction, octets) for direction, octets in SET_UP]


@pytest.mark.requirement("L5.10", "L6.5")
@pytest.mark.parametrize("chunk", [1, 3, 65536], ids=lambda chunk: f"chunks of {chunk}")
def test_a_session_from_the_first_command_to_the_last(chunk: int) -> None:
    conversation = Conversation([*START, *read_transcript(LTE / "session.txt")], chunk=chunk)
    driver = TcpipDriver(conversation.ports[1], dialect="bg96", apn="CMNET")
    session = driver.connect("TCP", "220.180.239.212", 8009)
    assert driver.local_address == "10.79.140.214"
    session.settimeout(10)
    session.sendall(b"\x00\x1a\r\n")
    assert session.acknowledged() == Acknowledged(4, 4, 0)
    assert [session.recv(2), session.recv(9), session.recv(9)] == [b"he", b"llo", b""]
    session.close()
    driver.close()
    conversation.finish()
