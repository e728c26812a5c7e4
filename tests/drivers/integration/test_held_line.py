"""Data mode while flow control holds the line, because the network takes nothing: what waits can be ended (3.3)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from driver_lab import PATIENCE, Peer, QuickClock, exactly
from every_way import EACH_KIND, MakeWay, Way

from drivers.emulator.environment import Network
from drivers.errors import AtTimeout, SessionClosed

MUCH = bytes(400_000)  # octets, more than all buffers on the way hold


def held(there: Way) -> None:
    """Wait until the module takes no more."""
    still, before = 0, -1
    while still < 5:
        threading.Event().wait(0.02)
        still, before = still + 1 if len(there.heard) == before else 0, len(there.heard)


@pytest.mark.requirement("S3.50")
@EACH_KIND
@pytest.mark.parametrize("closed", ["driver", "session"])
def test_a_close_ends_what_is_being_written_and_says_what_holds_it(
    way: MakeWay, echo_server: Peer, closed: str
) -> None:
    there = way(clock=QuickClock(20.0))
    driver = there.driver(transparent=True)
    session = driver.connect("TCP", "127.0.0.1", echo_server.port)
    there.set_network(Network(silent=True))
    with ThreadPoolExecutor() as pool:
        sending = pool.submit(session.sendall, MUCH)
        there.wait_for(bytes(1460))
        held(there)
        with pytest.raises(AtTimeout, match=r"octets have been waiting in the port.*flow control"):
            {"driver": driver, "session": session}[closed].close()
        with pytest.raises(SessionClosed, match="was closed"):
            sending.result(PATIENCE)
    there.set_network(Network())
    driver.close()


@EACH_KIND
def test_a_driver_is_closed_as_usual_when_the_network_has_taken_what_waited(way: MakeWay, echo_server: Peer) -> None:
    there = way(clock=QuickClock(20.0))
    with there.driver(transparent=True) as driver, ThreadPoolExecutor() as pool:
        session = driver.connect("TCP", "127.0.0.1", echo_server.port)
        there.set_network(Network(silent=True))
        sending = pool.submit(session.sendall, MUCH)
        there.wait_for(bytes(1460))
        held(there)
        there.set_network(Network())
        assert exactly(session, len(MUCH)) == MUCH
        sending.result(PATIENCE)
        assert there.heard.count(b"+++") == 0
    assert there.heard.count(b"+++") >= 1
    assert there.heard.endswith((b"AT+QIDEACT\r", b"AT+QIDEACT=1\r"))
