"""Chapter 8 of the app note, played from the typed transcript against the driver."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from driver_lab import exactly
from scripted_port import SET_UP, Conversation, read_transcript

from drivers.at import AtChannel
from drivers.errors import ContextBusy
from drivers.tcpip import ContextTable, TcpipDriver

TRANSCRIPTS = Path(__file__).parents[3] / "transcripts" / "chapter8"
HELLO = b"Hello, welcome to use Quectel's module"
GREAT = b"Quectel's module is great!"


PARTS = ("8.2-establish.txt", "8.3-send-receive.txt", "8.4-close.txt")
ROWS = [row for part in PARTS for row in read_transcript(TRANSCRIPTS / part)]


def with_set_up(rows: list[tuple[int, str, bytes]]) -> list[tuple[int, str, bytes]]:
    """Put the channel's own set-up before the first row of each UART."""
    result: list[tuple[int, str, bytes]] = []
    begun: set[int] = set()
    for row in rows:
        if row[0] not in begun:
            begun.add(row[0])
            result += [(row[0], direction, octets) for direction, octets in SET_UP]
        result.append(row)
    return result


def joined(rows: Iterable[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    result: list[tuple[str, bytes]] = []
    for direction, octets in rows:
        if result and result[-1][0] == direction:
            result[-1] = (direction, result[-1][1] + octets)
        else:
            result.append((direction, octets))
    return result


@pytest.fixture
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@dataclass
class Played:
    """What came of the chapter."""

    shown: dict[int, list[tuple[str, bytes]]]
    rows: list[tuple[int, str, bytes]]
    address: str = ""
    port: int = 0
    busy: tuple[object, ...] = ()
    remote: str = ""
    texts: list[bytes] = field(default_factory=list)
    end: bytes | None = None

    def holds(self, part: str) -> bool:
        """Whether the octets of a part crossed each UART as they were typed."""
        typed = read_transcript(TRANSCRIPTS / part)
        return all(
            b"".join(octets for uart, direction, octets in typed if (uart, direction) == (n, way))
            in b"".join(octets for direction, octets in self.shown[n] if direction == ("tx" if way == ">" else "rx"))
            for n in self.shown
            for way in "<>"
        )


@pytest.fixture(params=[1, 3, 65536], ids=lambda chunk: f"chunks of {chunk}")
def played(request: pytest.FixtureRequest, no_thread_left: None) -> Played:
    """The chapter, played from the transcript; whatever the driver says beyond it breaks the script."""
    rows = with_set_up(ROWS)
    conversation = Conversation(rows, chunk=request.param)
    ports = conversation.ports
    result = Played({n: [] for n in ports}, rows)
    channels = {n: AtChannel(ports[n]) for n in ports}
    for n, channel in channels.items():
        channel.on_octets(lambda direction, data, n=n: result.shown[n].append((direction, data)))
    names = ("QICSGP", "QIMUX", "QIMODE", "QIDNSIP")
    server = TcpipDriver(channels[1], context=0, apn="CMNET", receive="bare", initialise=names)
    client = TcpipDriver(channels[2], context=1, apn="CMNET", receive="bare", initialise=names[:3])
    stranger = TcpipDriver(channels[3], context=0, receive="bare", initialise=(), table=ContextTable())

    listener = server.listen()
    result.address, result.port = server.local_address, listener.port
    with pytest.raises(ContextBusy) as busy:
        stranger.claim()
    result.busy = (busy.value.context, busy.value.owner, busy.value.state)
    session = client.connect("TCP", server.local_address, listener.port)
    peer = listener.accept(10)
    result.remote = peer.remote_address[0]
    session.settimeout(10)
    peer.settimeout(10)
    peer.sendall(HELLO, end="ctrl-z")
    result.texts.append(exactly(session, len(HELLO)))
    session.sendall(GREAT)
    result.texts.append(exactly(peer, len(GREAT)))
    peer.close()
    result.end = session.recv(1)
    client.close()
    server.close()
    stranger.claim()
    stranger.close()
    conversation.finish()
    for channel in channels.values():
        channel.close()
    return result


def test_the_driver_says_chapter_8_and_nothing_else(played: Played) -> None:
    for n, shown in played.shown.items():
        typed = (("tx" if direction == ">" else "rx", octets) for uart, direction, octets in played.rows if uart == n)
        assert joined(shown) == joined(typed)


@pytest.mark.requirement("S8.1", "S8.4", "S8.6", "S8.9", "S8.10", "S8.11")
def test_section_8_2_a_server_on_one_uart_and_its_client_on_another(played: Played) -> None:
    assert played.holds(PARTS[0])
    assert (played.address, played.port) == ("10.79.140.214", 2020)
    assert played.remote == "10.79.141.126"


@pytest.mark.requirement("S8.2", "S8.8")
def test_section_8_2_a_third_uart_is_refused(played: Played) -> None:
    assert played.busy == (0, None, None)


@pytest.mark.requirement("S8.12", "S8.13")
def test_section_8_3_both_texts_cross(played: Played) -> None:
    assert played.holds(PARTS[1])
    assert played.texts == [HELLO, GREAT]


@pytest.mark.requirement("S8.16", "S8.17", "S8.18")
def test_section_8_4_the_server_closes_and_the_client_is_told(played: Played) -> None:
    assert played.holds(PARTS[2])
    assert played.end == b""
