"""Chapter 7: two contexts on one UART. The data of each is its own, and a rule that is broken is named."""

from __future__ import annotations

from typing import Any

import pytest
from datagram_echo import datagrams
from driver_lab import BG96, PATIENCE, Peer, QuickClock, exactly
from every_way import MakeWay, in_each_way

from drivers.errors import CommandError, ConnectFailed, NameNotFound, TcpipError
from drivers.tcpip import Csd

__all__ = ["datagrams"]

RECEIVE = [("buffered", "header"), ("buffered", "bare"), ("header", "buffered"), ("bare", "buffered")]
KINDS = [(False, "TCP"), (True, "UDP"), (True, "TCP"), (False, "UDP")]
MIXED = [(*receive, *KINDS[(place + row) % 4]) for row, receive in enumerate(RECEIVE) for place in range(4)]
"""Each pair of ways to receive in each place, and with MUXIP of the second context off and on, by TCP and UDP."""


OF_M10 = b"\r\n+QIRD: 9\r\n", b"\r\nIPD1:>"
OF_LTE = b'\r\n+QIURC: "recv",0,9\r\n', b"\r\n+QIRD: 9\r\n> "


def each_has_its_own(zero: Any, one: Any, protocol: str, port: int, looks: tuple[bytes, bytes] = OF_M10) -> None:
    """Let two drivers exchange data with hosts that send it back: in turns, then at once.

    Args:
        zero: the driver of the first context.
        one: that of the other one.
        protocol: ``TCP`` or ``UDP``.
        port: that of the hosts.
        looks: data that looks like what the module says.
    """
    sessions = [driver.connect(protocol, "127.0.0.1", port) for driver in (zero, one)]
    for session, text in zip(sessions * 2, (b"zero", b"one", *looks), strict=True):
        session.sendall(text)
        assert exactly(session, len(text)) == text
    for session, text in zip(sessions, (b"both at once: zero", b"both at once: one"), strict=True):
        session.sendall(text)
    assert [exactly(session, 17) for session in sessions] == [b"both at once: zer", b"both at once: one"]


@pytest.mark.requirement("S7.11", "S7.13")
@in_each_way("one other muxip protocol", *MIXED)
def test_data_goes_to_the_context_that_it_has_come_for(
    echo_server: Peer, datagrams: int, way: MakeWay, one: str, other: str, muxip: bool, protocol: str
) -> None:
    """Also data that looks like that of the other one."""
    port = echo_server.port if protocol == "TCP" else datagrams
    there = way(clock=QuickClock(2.5))
    with there.driver(0, receive=one) as zero, there.driver(1, receive=other, muxip=muxip) as second:
        each_has_its_own(zero, second, protocol, port)


PUSHED = [("buffered", "pushed", "TCP"), ("pushed", "buffered", "UDP"), ("pushed", "pushed", "TCP")]


@pytest.mark.requirement("L5.12")
@in_each_way("one other protocol", *PUSHED, ("buffered", "buffered", "UDP"), kinds=(BG96,))
def test_data_goes_to_the_context_of_an_lte_module_that_it_has_come_for(
    echo_server: Peer, datagrams: int, way: MakeWay, one: str, other: str, protocol: str
) -> None:
    port = echo_server.port if protocol == "TCP" else datagrams
    there = way(clock=QuickClock(2.5))
    with there.driver(0, receive=one) as zero, there.driver(1, receive=other) as second:
        each_has_its_own(zero, second, protocol, port, OF_LTE)


CSD = Csd("17201", "172", "172")


@pytest.mark.requirement("S7.3")
@pytest.mark.parametrize("use", ["activate", "resolve", "connect", "listen"])
def test_what_another_program_has_left_active_is_no_neighbour_for_csd(
    way: MakeWay, echo_server: Peer, use: str
) -> None:
    """This driver does not know of it: the module refuses, and the rule that it may go by is named."""
    arguments: dict[str, tuple[Any, ...]] = {
        "resolve": ("www.quectel.com",),
        "connect": ("TCP", "127.0.0.1", echo_server.port),
    }
    there = way()
    left = there.driver(0, program=1)
    left.activate()
    left.release()
    driver = there.driver(1, bearer=CSD)
    with pytest.raises((CommandError, ConnectFailed, NameNotFound), match=r"app note 7\.1"):
        getattr(driver, use)(*arguments.get(use, ()))
    driver.close()
    left.close()


@pytest.mark.requirement("S7.6")
def test_in_data_mode_of_one_context_the_other_one_cannot_even_be_claimed(way: MakeWay, echo_server: Peer) -> None:
    there = way(clock=QuickClock(2.5))
    with there.driver(0, transparent=True) as first:
        second = there.driver(1)
        session = first.connect("TCP", "127.0.0.1", echo_server.port)
        before = there.heard
        with pytest.raises(TcpipError, match=r"data mode for its other context, 0; .*\(app note 7\.2\)") as said:
            second.claim()
        assert type(said.value) is TcpipError
        session.sendall(b"unharmed")
        session.settimeout(PATIENCE)
        assert session.recv(8) == b"unharmed"
        there.round_trip()
        assert there.heard.removeprefix(before) == b"unharmed"  # nothing else was sent
        second.close()
