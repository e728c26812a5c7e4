"""A socket of an LTE module in each access mode: buffered, pushed and transparent; octets cross unchanged in all."""

from __future__ import annotations

import hashlib
import random
import threading
from typing import Any

import pytest
from driver_lab import BG96, PATIENCE, Peer, QuickClock, echo, exactly, laboratory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.tcpip import Transparent

MODES = ("buffered", "pushed", "transparent")


def crossed(session: Any, data: bytes) -> bytes:
    """Send octets while they come back; return the checksum of what came."""
    sender = threading.Thread(target=session.sendall, args=(data,))
    sender.start()
    came, left = hashlib.sha256(), len(data)
    while left:
        piece = session.recv(65536)
        assert piece, f"the session ended {left} octets too early"
        came.update(piece)
        left -= len(piece)
    sender.join()
    return came.digest()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("receive", MODES)
def test_megabytes_cross_both_ways_in_each_access_mode(receive: str, pytestconfig: pytest.Config) -> None:
    """A tenth of a megabyte, unless more than the usual octets are asked for."""
    asked = int(pytestconfig.getoption("--cable-octets"))
    data = random.Random(11).randbytes(asked if asked > 1_000_000 else 100_000)  # noqa: S311 - a pattern, no secret
    with Peer(echo) as peer, laboratory(kind=BG96) as lab, lab.driver(1, 0, receive=receive) as driver:
        session = driver.connect("TCP", "127.0.0.1", peer.port)
        session.settimeout(60.0)
        assert crossed(session, data) == hashlib.sha256(data).digest()


FRAGMENTS = st.sampled_from(
    [
        *(b"\x00", b"\x1a", b"\x1b", b"+++", b"> ", b"\r\n> ", b"\r\n", b"\r\nOK\r\n", b"\r\nERROR\r\n", b"AT\r"),
        *(b'\r\n+QIURC: "closed",0\r\n', b'\r\n+QIURC: "recv",0,5\r\n', b'\r\n+QIURC: "recv",0\r\n', b"ATO\r"),
        *(b'\r\n+QIURC: "pdpdeact",1\r\n', b"\r\nNO CARRIER\r\n", b"\r\nRDY\r\n", b"\r\nSEND OK\r\n", b"\xf9\xff"),
        *(b"\r\n+QIRD: 3\r\n", b"\r\n+QIOPEN: 0,0\r\n", b"\r\nCONNECT\r\n", b"\x7e"),
    ]
)
PAYLOADS = st.lists(FRAGMENTS | st.binary(min_size=1, max_size=50), min_size=1, max_size=12).map(b"".join)


@pytest.mark.requirement("L4.2", "L5.12", "L8.2")
@pytest.mark.parametrize(
    ("receive", "options"),
    [*((mode, {}) for mode in MODES), ("transparent", {"transparent": Transparent(escape="dtr")})],
    ids=[*MODES, "transparent, left by DTR"],
)
def test_payload_of_any_octets_arrives_unchanged_in_each_access_mode(receive: str, options: dict[str, Any]) -> None:
    """In data mode ``+++`` is among them, too."""
    made = laboratory(clock=QuickClock(3.0), kind=BG96)
    with Peer(echo) as peer, made as lab, lab.driver(1, 0, receive=receive, **options) as driver:
        session = driver.connect("TCP", "127.0.0.1", peer.port)

        @settings(max_examples=30, suppress_health_check=list(HealthCheck))
        @given(PAYLOADS)
        def exchange_it(data: bytes) -> None:
            session.sendall(data)
            assert exactly(session, len(data), 3 * PATIENCE) == data

        exchange_it()
        assert session.dropped == 0


@pytest.mark.requirement("L5.11", "L8.4")
def test_the_mode_of_a_session_is_changed_while_data_come(echo_server: Peer) -> None:
    data = bytes(range(256)) * 20
    with laboratory(kind=BG96) as lab, lab.driver(1, 0) as driver:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        for receive in ("pushed", "buffered", "pushed", "buffered"):
            session.sendall(data)
            session.set_receive(receive)
            assert session.receive == receive
            assert exactly(session, len(data)) == data
        lab.wait_for(1, b'+QIURC: "recv",0,')
