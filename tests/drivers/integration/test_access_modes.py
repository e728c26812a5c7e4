"""A socket of an LTE module in each access mode: buffered, pushed and transparent; octets cross unchanged in all."""

from __future__ import annotations

import hashlib
import random
import threading
from typing import Any

import pytest
from driver_lab import BG96, Peer, echo, laboratory

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
