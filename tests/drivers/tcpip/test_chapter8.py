"""Chapter 8 of the app note, played from the typed transcript against the driver."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted_port import OK, ScriptedPort, read_transcript

from drivers.at import AtChannel
from drivers.errors import ContextBusy
from drivers.tcpip import ContextTable, TcpipDriver

TRANSCRIPTS = Path(__file__).parents[2] / "transcripts" / "chapter8"
HELLO = b"Hello, welcome to use Quectel's module"
GREAT = b"Quectel's module is great!"


class Modem:
    """Stands for the multiplexer that the virtual UARTs belong to."""


class Stage:
    """Plays the transcript: what the module says on one UART comes once what went before on the others is done."""

    def __init__(self, chunk: int) -> None:
        modem = Modem()
        self.ports = {
            n: ScriptedPort(
                [("expect", b"ATE0\r"), ("answer", OK)], f"VIRTUAL_UART_{n}", dlci=n, mux=modem, chunk=chunk
            )
            for n in (1, 2, 3)
        }
        for part in ("8.2-establish.txt", "8.3-send-receive.txt", "8.4-close.txt"):
            for uart, direction, octets in read_transcript(TRANSCRIPTS / part):
                self.ports[uart].extend(("expect" if direction == ">" else "answer", octets))
        self.shown: dict[int, list[tuple[str, bytes]]] = {1: [], 2: [], 3: []}

    def transcript(self, uart: int) -> list[tuple[str, bytes]]:
        rows = [("tx", b"ATE0\r"), ("rx", OK)]
        for part in ("8.2-establish.txt", "8.3-send-receive.txt", "8.4-close.txt"):
            for number, direction, octets in read_transcript(TRANSCRIPTS / part):
                if number == uart:
                    rows.append(("tx" if direction == ">" else "rx", octets))
        return joined(rows)


def joined(rows: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
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
    stage = Stage(chunk)
    ports, shown = stage.ports, stage.shown
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
    for port in ports.values():
        port.finish()
    for channel in channels.values():
        channel.close()
    for n in ports:
        assert joined(shown[n]) == stage.transcript(n)


def read(recv: object, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = recv(count - len(data))  # type: ignore[operator]
        assert piece
        data += piece
    return data
