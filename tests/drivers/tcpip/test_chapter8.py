"""Chapter 8 of the app note, played from the typed transcript against the driver."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from scripted_port import SET_UP, Conversation, read_transcript

from drivers.at import AtChannel
from drivers.errors import ContextBusy
from drivers.tcpip import ContextTable, TcpipDriver

TRANSCRIPTS = Path(__file__).parents[2] / "transcripts" / "chapter8"
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


@pytest.mark.requirement("S8.1", "S8.2", "S8.4", "S8.6", "S8.8", "S8.9", "S8.10", "S8.11", "S8.12", "S8.13")
@pytest.mark.requirement("S8.16", "S8.17", "S8.18")
@pytest.mark.parametrize("chunk", [1, 3, 65536])
@pytest.mark.usefixtures("no_thread_left")
def test_the_driver_says_chapter_8_and_nothing_else(chunk: int) -> None:
    rows = with_set_up(ROWS)
    conversation = Conversation(rows, chunk=chunk)
    ports = conversation.ports
    shown: dict[int, list[tuple[str, bytes]]] = {n: [] for n in ports}
    channels = {n: AtChannel(ports[n]) for n in ports}
    for n, channel in channels.items():
        channel.on_octets(lambda direction, data, n=n: shown[n].append((direction, data)))
    names = ("QICSGP", "QIMUX", "QIMODE", "QIDNSIP")
    server = TcpipDriver(channels[1], context=0, apn="CMNET", receive="bare", initialise=names)
    client = TcpipDriver(channels[2], context=1, apn="CMNET", receive="bare", initialise=names[:3])
    stranger = TcpipDriver(channels[3], context=0, receive="bare", initialise=(), table=ContextTable())

    listener = server.listen()
    assert server.local_address == "10.79.140.214"
    assert listener.port == 2020
    with pytest.raises(ContextBusy) as busy:
        stranger.claim()
    assert (busy.value.context, busy.value.owner, busy.value.state) == (0, None, None)
    session = client.connect("TCP", server.local_address, listener.port)
    peer = listener.accept(10)
    assert peer.remote_address[0] == "10.79.141.126"
    session.settimeout(10)
    peer.settimeout(10)
    peer.sendall(HELLO, end="ctrl-z")
    assert read(session.recv, len(HELLO)) == HELLO
    session.sendall(GREAT)
    assert read(peer.recv, len(GREAT)) == GREAT
    peer.close()
    assert session.recv(1) == b""
    client.close()
    server.close()
    stranger.claim()
    stranger.close()
    conversation.finish()
    for channel in channels.values():
        channel.close()
    for n in ports:
        typed = (("tx" if direction == ">" else "rx", octets) for uart, direction, octets in rows if uart == n)
        assert joined(shown[n]) == joined(typed)


def read(recv: Callable[[int], bytes], count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = recv(count - len(data))
        assert piece
        data += piece
    return data
