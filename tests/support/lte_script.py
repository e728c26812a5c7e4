"""Scripts of exchanges with an LTE module, octet by octet: what the driver sends first, and a driver that sends it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scripted_port import OK, Conversation, exchange

from drivers.clock import Clock
from drivers.tcpip import Session, TcpipDriver

Rows = list[tuple[int, str, bytes]]
Pair = tuple[str, bytes]


def line(text: str) -> bytes:
    """A line as the module sends it."""
    return b"\r\n%b\r\n" % text.encode("latin-1")


def urc(text: str) -> bytes:
    """An unsolicited result: `"closed",0`."""
    return line(f"+QIURC: {text}")


def error(code: int, text: str = "some reason") -> list[tuple[str, bytes]]:
    """The question why a command was answered ERROR, and the answer."""
    return [("AT+QIGETERROR", line(f"+QIGETERROR: {code}, {text}") + OK)]


RESYNCHRONISED: list[Pair] = [("ATE1", OK), ("ATE0", b"ATE0\r" + OK)]
"""How the channel finds out which answer belongs to which command, after one that was given up."""
SURVEY: list[Pair] = [("AT+QISTATE?", OK), ("AT+QIACT?", OK)]
BEARER: list[Pair] = [('AT+QICSGP=1,1,"CMNET","","",0', OK)]
SETTINGS: list[Pair] = [
    ("AT+QISDE=0", OK),
    ('AT+QICFG="viewmode",0', OK),
    ('AT+QICFG="dataformat",0,0', OK),
    ('AT+QCFG="cmux/urcport"', line('+QCFG: "cmux/urcport",0') + OK),
]
CLAIM: list[Pair] = [*SURVEY, *BEARER, *SETTINGS]
LISTED = line('+QIACT: 1,1,1,"10.7.158.1"') + OK
UP: list[Pair] = [("AT+QIACT?", OK), ("AT+QIACT=1", OK), ("AT+QIACT?", LISTED)]
DOWN: list[Pair] = [("AT+QIDEACT=1", OK)]
OPEN = 'AT+QIOPEN=1,0,"TCP","10.0.0.1",80,0,0'


def opened(id: int = 0, code: int = 0) -> bytes:
    """The answer to AT+QIOPEN."""
    return OK + line(f"+QIOPEN: {id},{code}")


OPENED: list[Pair] = [(OPEN, opened())]


def read(id: int, octets: bytes, size: int = 1500) -> Pair:
    """AT+QIRD, and its answer."""
    return f"AT+QIRD={id},{size}", b"\r\n+QIRD: %d\r\n%b" % (len(octets), octets) + b"\r\n" + OK


def sent(id: int, octets: bytes, answer: bytes = b"\r\nSEND OK\r\n", *, uart: int = 1) -> Rows:
    """AT+QISEND, the prompt, the octets, the result."""
    return [
        (uart, ">", b"AT+QISEND=%d,%d\r" % (id, len(octets))),
        (uart, "<", b"\r\n> "),
        (uart, ">", octets),
        (uart, "<", answer),
    ]


class Play:
    """A driver on one scripted channel of an LTE module.

    Args:
        rows: the script; pairs become rows.
        clock: the clock of the driver.
        chunk: the most octets of one read.
        options: those of the driver.
    """

    def __init__(
        self, *rows: Pair | tuple[int, str, bytes], clock: Clock | None = None, chunk: int = 65536, **options: Any
    ) -> None:
        script: Rows = exchange()
        for row in rows:
            script += exchange(row, set_up=False) if len(row) == 2 else [row]
        self.talk = Conversation(script, chunk=chunk)
        self.port = self.talk.ports[1]
        self.driver = TcpipDriver(self.port, dialect=options.pop("dialect", "bg96"), clock=clock, **options)

    def connect(self, **options: Any) -> Session:
        """Open the session of `OPEN`."""
        return self.driver.connect("TCP", "10.0.0.1", 80, **options)

    def finish(self) -> None:
        """Close the driver; the script has to be at its end then."""
        self.driver.close()
        self.talk.finish()


@contextmanager
def play(*rows: Pair | tuple[int, str, bytes], **options: Any) -> Iterator[Play]:
    """Play a whole script, of which the last row happens when the driver is closed."""
    made = Play(*rows, **options)
    try:
        yield made
    except BaseException:
        made.port.die()
        made.driver.close()
        raise
    made.finish()


@contextmanager
def connected(*rows: Pair | tuple[int, str, bytes], **options: Any) -> Iterator[tuple[Play, Session]]:
    """Play a script that begins with an open session, and ends with closing it."""
    head, end = [*CLAIM, *UP, *OPENED], [("AT+QICLOSE=0,2", OK), *DOWN]
    with play(*head, *rows, *end, **options) as made:
        yield made, made.connect()
