"""What logs and clients of LTE modules have, typed in tests/transcripts/lte, played against the driver.

The driver has to say the commands of a file in their order, octet by octet, and gets the answers of the file. What it
asks besides is answered here; what it never says is in `NOT_OURS`, with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from lte_script import LISTED, line
from scripted_port import OK, SET_UP, Conversation, MemoryPort, read_transcript

from cmux.protocol import Multiplexer
from cmux.protocol.config import Config, Role
from drivers.at import AtChannel
from drivers.errors import CommandError, ConnectFailed
from drivers.tcpip import Acknowledged, TcpipDriver

LTE = Path(__file__).parents[3] / "transcripts" / "lte"
START = [(1, direction, octets) for direction, octets in SET_UP]
SERVER = "220.180.239.212"

BEARER = "the driver gives user, password and authentication, too"
CLOSE = "the driver gives the time for the answer of the other side"
LENGTH = "the driver says how much it reads"
SETTINGS = "registration is asked for, and not switched on; that is the work of drivers.modem"
NOT_OURS: Final[dict[str, Mapping[str, str]]] = {
    "client-at-device": {"AT+QICLOSE=2,1": CLOSE},
    "client-device-os": {"AT+CMUX=0,0,8,1509,,,,,": "the text is a setting of the multiplexer (`start_command`)"},
    "client-esp-modem": {
        'AT+QIOPEN=1,0,"TCP","220.180.239.212",8883': "the driver gives the local port and the access mode, too",
        "AT+QISEND=0,5": "it belongs to that",
        "\x10ping": "it belongs to that",
        "AT+QISEND=0,0": "it belongs to that",
        "AT+QICLOSE=0": CLOSE,
    },
    "client-hologram": {
        "AT+CREG=2": SETTINGS,
        "AT+CEREG=2": SETTINGS,
        'AT+QICSGP=1,1,"apn","","",1': "the driver asks for no authentication where it has no user",
        "AT+QICLOSE=0": CLOSE,
    },
    "context": {
        "AT+QICSGP=1": "the driver sets the access point, and never reads it",
        'AT+QICSGP=1,1,"internet"': BEARER,
    },
    "echo": {"AT": "the first command of a channel is ATE0"},
    "listener": {
        'AT+QICSGP=1,1,"internet"': BEARER,
        'AT+QIOPEN=1,1,"TCP LISTENER","127.0.0.1",0,0,0': "the driver refuses port 0 itself",
        "AT+QISTATE=1,1": "the driver asks for all sockets, as it wants the clients, too",
        "AT+QICLOSE=2": CLOSE,
        "AT+QICLOSE=1": CLOSE,
    },
    "multiplexer": {"AT+CMUX=0": "what begins multiplexing is not the driver"},
    "read": {
        'AT+QICSGP=1,1,"internet"': BEARER,
        "AT+QIRD=0,1500 [3]": "the driver reads nothing that it has closed",
        "AT+QIRD=0,0": "the driver reads until there is nothing, and does not count",
        "AT+QICLOSE=0": CLOSE,
    },
    "single-commands": {
        "AT+NONEXISTENT": "the driver has no such command",
        "AT+QIGETERROR": "the driver asks behind an ERROR of the stack only",
    },
    "state": {
        'AT+QICSGP=1,1,"internet"': BEARER,
        'AT+QIOPEN=1,0,"TCP","220.180.239.212",8009,0,0 [2]': "a number is not used again before it has been closed",
        "AT+QISEND=0,5": "nothing is sent on a session that is known to be closed",
        "AT+QIRD=0": LENGTH,
        "AT+QICLOSE=0": CLOSE,
    },
}
"""The rows of a file that the driver never says, and why; their answers are left out with them.

``[2]`` stands behind one that is meant the second time only.
"""
WHOLLY = {
    "client-tinygsm": "its lines end with CR LF, those of the driver with CR",
    "client-ofono": "several commands in a line, before there is a driver",
    "not-open": "what is not open is neither closed nor read by the driver",
}
"""The files of which the driver says nothing."""


class Transcribed(MemoryPort):
    """A module that answers what a file has, in its order, and other commands of the driver as usual.

    Args:
        name: the file.
        others: the answers to what the driver asks besides, in turns; the last one stays.
    """

    def __init__(self, name: str, others: Mapping[str, Sequence[bytes]] = {}) -> None:
        super().__init__("uart")
        self.rest = said_by_us(name)
        self.wrong: list[bytes] = []
        self._others = {text: list(answers) for text, answers in others.items()}
        self._heard = b""
        self._answer()

    def on_write(self, data: bytes) -> None:
        self._heard += data
        while self._heard:
            expected = self.rest[0][1] if self.rest else b""
            if expected and self._heard.startswith(expected):
                self._heard = self._heard[len(self.rest.pop(0)[1]) :]
                self._answer()
                continue
            text, end, self._heard = self._heard.partition(b"\r")
            answers = self._others.get(text.decode("latin-1"), [] if b"+QIOPEN" in text else [OK])
            if not (end and answers):
                self.wrong.append(text)
                self.die(OSError(f"{text!r} is not said here, but {expected!r}"))
                return
            self.say(answers[0] if len(answers) == 1 else answers.pop(0))

    def _answer(self) -> None:
        while self.rest and self.rest[0][0] == "<":
            self.say(self.rest.pop(0)[1])


def said_by_us(name: str) -> list[tuple[str, bytes]]:
    """Return the rows of a file without what the driver never says, and the answers to that."""
    rows, left_out = [], NOT_OURS.get(name, {})
    for said, direction, octets in typed(name):
        if not {said, said.rpartition(" [")[0]} & set(left_out):
            rows.append((direction, octets))
    return rows


def typed(name: str) -> Iterator[tuple[str, str, bytes]]:
    """Return the rows of a file, each with what the host has said last, and how often it has said that by then."""
    said, times = "", Counter[str]()
    for _, direction, octets in read_transcript(LTE / f"{name}.txt"):
        if direction == ">":
            text = octets.removesuffix(b"\r").decode("latin-1")
            times[text] += 1
            said = f"{text} [{times[text]}]"
        yield said, direction, octets


@dataclass(frozen=True)
class Part:
    """What a driver is asked for with a file.

    Args:
        act: does it.
        others: see `Transcribed`.
        apn: the access point.
    """

    act: Callable[[TcpipDriver], object]
    others: Mapping[str, Sequence[bytes]]
    apn: str = "CMNET"


def as_at_device(driver: TcpipDriver) -> None:
    driver.deactivate()
    driver.activate()
    assert driver.resolve("www.quectel.com") == ["124.79.167.121"]
    session = driver.connect("TCP", "124.79.167.121", 80, index=2, receive="pushed")
    session.sendall(b"abc")
    assert session.acknowledged() == Acknowledged(3, 3, 0)
    session.settimeout(10)
    assert session.recv(10) == b"\r\nOK\r\n"


def as_hologram(driver: TcpipDriver) -> None:
    session = driver.connect("TCP", SERVER, 9999, receive="pushed")
    session.sendall(b"Hello", end="hex")
    session.settimeout(10)
    assert session.recv(10) == b"OK"


def in_context(driver: TcpipDriver) -> None:
    driver.claim()
    driver.reclaim()
    assert driver.activate() == "10.79.140.214"


def listening(driver: TcpipDriver) -> None:
    with driver.listen(port=2020) as listener:
        assert listener.port == 2020
        with pytest.raises(ConnectFailed) as failed:
            driver.listen(port=2020)
        assert failed.value.code == 574


def naming(driver: TcpipDriver) -> None:
    assert driver.resolve("www.google.com") == ["64.233.189.99", "64.233.189.104", "64.233.189.147"]


def reading(driver: TcpipDriver) -> None:
    session = driver.connect("TCP", SERVER, 8009)
    session.settimeout(10)
    assert session.recv(1500) == b"hello"
    session.settimeout(0.1)
    with pytest.raises(TimeoutError):
        session.recv(1)


def asking(driver: TcpipDriver) -> None:
    driver.claim()
    driver.reclaim()
    with pytest.raises(CommandError):
        driver.name_servers()


def ending(driver: TcpipDriver) -> None:
    session = driver.connect("TCP", SERVER, 8009)
    session.settimeout(10)
    assert [session.recv(10), session.recv(10)] == [b"bye", b""]
    with pytest.raises(BrokenPipeError):
        session.sendall(b"12345")
    driver.reclaim()


TAKEN = [line('+QISTATE: 0,"UDP","10.0.0.7",80,5000,2,2,0,0,"usbat"') + OK]
KEPT = [line("+QIRD: 3") + b"bye" + b"\r\n" + OK, line("+QIRD: 0") + OK]

PARTS: dict[str, Part] = {
    "client-at-device": Part(as_at_device, {}, "internet"),
    "client-esp-modem": Part(lambda driver: driver.activate(), {}),
    "client-hologram": Part(as_hologram, {}, "apn"),
    "context": Part(in_context, {}, "internet"),
    "listener": Part(listening, {"AT+QISTATE?": TAKEN}, "internet"),
    "names": Part(naming, {}),
    "read": Part(reading, {}, "internet"),
    "single-commands": Part(asking, {"AT+QIACT?": [OK, LISTED]}),
    "state": Part(ending, {"AT+QIRD=0,1500": KEPT}, "internet"),
}


@pytest.mark.requirement("L3.12", "L5.13", "L10.2")
@pytest.mark.parametrize("name", PARTS)
def test_the_driver_says_what_is_typed_and_understands_the_answers(name: str) -> None:
    part = PARTS[name]
    port = Transcribed(name, part.others)
    driver = TcpipDriver(port, dialect="bg96", apn=part.apn)
    part.act(driver)
    assert port.rest == []
    driver.close()
    driver.channel.close()
    assert port.wrong == []


@pytest.mark.requirement("L5.10", "L6.5")
@pytest.mark.parametrize("chunk", [1, 3, 65536], ids=lambda chunk: f"chunks of {chunk}")
def test_a_session_from_the_first_command_to_the_last(chunk: int) -> None:
    conversation = Conversation([*START, *read_transcript(LTE / "session.txt")], chunk=chunk)
    driver = TcpipDriver(conversation.ports[1], dialect="bg96", apn="CMNET")
    session = driver.connect("TCP", SERVER, 8009)
    assert driver.local_address == "10.79.140.214"
    session.settimeout(10)
    session.sendall(b"\x00\x1a\r\n")
    assert session.acknowledged() == Acknowledged(4, 4, 0)
    assert [session.recv(2), session.recv(9), session.recv(9)] == [b"he", b"llo", b""]
    session.close()
    driver.close()
    conversation.finish()


def test_a_channel_takes_the_echo_and_ends_it() -> None:
    port = Transcribed("echo")
    with AtChannel(port) as channel:
        assert channel.command("AT").lines == ()
    assert (port.rest, port.wrong) == ([], [])


@pytest.mark.parametrize("name", ["multiplexer", "client-device-os"])
def test_the_multiplexer_says_these_frames_and_takes_the_answers(name: str) -> None:
    mux = Multiplexer(Role.INITIATOR, Config())
    rows = said_by_us(name)
    mux.start(0.0)
    for number, (direction, octets) in enumerate(rows):
        if direction == "<":
            mux.receive_data(octets, 0.0)
            if number + 1 < len(rows):
                mux.open(number // 2 + 1, 0.0)
        else:
            sent = mux.data_to_send(0.0)
            assert octets in sent


def test_every_file_is_played_or_has_a_reason() -> None:
    played = {*PARTS, "session", "echo", "multiplexer", "client-device-os"}
    assert sorted(path.stem for path in LTE.glob("*.txt")) == sorted(played | set(WHOLLY))
    assert not played & set(WHOLLY)


def test_what_is_left_out_is_in_the_files() -> None:
    for name, rows in NOT_OURS.items():
        said = {one for one, way, _ in typed(name) if way == ">"}
        assert set(rows) <= said | {one.rpartition(" [")[0] for one in said}, name
