"""Drivers on the channels of a multiplexed emulated module, and real peers on the loopback."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from chosen_behaviour import behaviour_of
from hurried_clock import HurriedClock

import cmux
from drivers.clock import Clock, Timer
from drivers.emulator import Behaviour, EmulatedModule
from drivers.tcpip import Listener, Session, TcpipDriver
from drivers.tcpip.quectel_gsm import timeouts as of_gsm
from drivers.tcpip.quectel_lte import timeouts as of_lte

PATIENCE = float(os.environ.get("GSM0710_PATIENCE", "10"))  # seconds of real time until a test fails that waits in vain


@dataclass(frozen=True)
class Kind:
    """A kind of module: what tests that run on several have to know of each.

    Args:
        model: its name for ``model=`` of the module and ``dialect=`` of the driver.
        first: the number of its first context.
        lost: what it says when the network takes a context away.
        down: the state of a context that is not in use.
        up: the state of one that has been activated.
        resting: the state of one that is active and has had a session.
    """

    model: str
    first: int
    lost: str
    down: str
    up: str
    resting: str

    @property
    def several(self) -> dict[str, Any]:
        """What a driver is made with that is to have several sessions at once."""
        return {"muxip": True} if self is M10 else {}

    def module(self, behaviour: Behaviour | None = None) -> dict[str, Any]:
        """Return what an `EmulatedModule` of this kind is made with.

        Args:
            behaviour: what it is to have besides what is usual in the tests of the driver.
        """
        if self is M10:
            return {"behaviour": behaviour_of(behaviour)}
        return {"model": self.model, "behaviour": Behaviour.parse(["cmux_settle=0"], behaviour)}


M10 = Kind("m10", 0, "PDP DEACT", "IP INITIAL", "IP STATUS", "IP CLOSE")
BG96 = Kind("bg96", 1, "pdpdeact", "inactive", "active", "active")
EC25 = replace(BG96, model="ec25")
EG91 = replace(BG96, model="eg91")
KINDS = (M10, BG96)
"""One of each family."""


def in_each_mode(*, several: bool = True, bare: bool = False) -> pytest.MarkDecorator:
    """Run a test on a ``kind`` of module of each family, with the ``options`` of each way to receive data.

    Args:
        several: whether drivers that have several sessions at once run beside those that have one.
        bare: whether data without a header is one of the ways.
    """
    rows: list[tuple[Kind, dict[str, Any]]] = [
        *((M10, {"receive": "bare"}) for _ in range(bare)),
        *((M10, {"receive": one, "muxip": muxip}) for one in ("buffered", "header") for muxip in (False, True)),
        *((BG96, {"receive": one}) for one in ("buffered", "pushed")),
    ]
    chosen = [row for row in rows if several or not row[1].get("muxip")]
    names = ["-".join([kind.model, *(str(value) for value in options.values())]) for kind, options in chosen]
    return pytest.mark.parametrize(("kind", "options"), chosen, ids=names)


@dataclass
class Lab:
    """A module on a pty, a multiplexer on it, drivers on its channels, and what crossed the module's side.

    What the module sent is noted in its own thread, maybe after the host has it: `wait_for` it.
    """

    module: EmulatedModule
    mux: cmux.Mux
    clock: Clock | None = None
    kind: Kind = M10
    octets: dict[int, list[tuple[str, bytes]]] = field(default_factory=dict)
    said: threading.Condition = field(default_factory=threading.Condition)

    def note(self, dlci: int, direction: str, data: bytes) -> None:
        with self.said:
            self.octets.setdefault(dlci, []).append((direction, data))
            self.said.notify_all()

    def sent(self, dlci: int) -> bytes:
        """All that the module said on a virtual UART."""
        return b"".join(data for direction, data in self.octets.get(dlci, []) if direction == "sent")

    def heard(self, dlci: int) -> bytes:
        """All that the module got on a virtual UART."""
        return b"".join(data for direction, data in self.octets.get(dlci, []) if direction == "received")

    def commands(self, dlci: int) -> list[str]:
        """The command lines that the module got on a virtual UART (data between them counts as part of the next)."""
        return self.heard(dlci).decode("latin-1").split("\r")[:-1]

    def wait_for(self, dlci: int, text: bytes) -> None:
        """Wait until the module has said something."""
        with self.said:
            assert self.said.wait_for(lambda: text in self.sent(dlci), PATIENCE), (text, self.sent(dlci))

    def driver(self, uart: int, context: int, *, several: bool = False, **options: object) -> TcpipDriver:
        """Make a driver.

        Args:
            uart: its channel.
            context: its context, counted from 0.
            several: whether it is to have several sessions at once.
            options: as for a `TcpipDriver`.
        """
        options = {"clock": self.clock, "dialect": self.kind.model, **options}
        if several:
            options |= self.kind.several
        return TcpipDriver(self.mux.channel(uart), self.kind.first + context, "CMNET", **options)  # type: ignore[arg-type]


class QuickClock(HurriedClock):
    """A clock whose seconds are shorter, also for the timers of the module."""

    def call_later(self, loop: asyncio.AbstractEventLoop, delay: float, callback: Callable[[], None]) -> Timer:
        return super().call_later(loop, delay / self.factor, callback)

    def __init__(self, factor: float) -> None:
        super().__init__(factor)
        self.factor = factor


def line_of(clock: Clock | None) -> dict[str, Any]:
    """Return how to open the line of a module with a clock: where its seconds are shorter, T2 is as long as it may be.

    A partial frame is given up after T2, and the host, which may wait for the computer, has no such clock.
    """
    return {"start_command": "AT+CMUX=0,0,5,127,10,3,255,10,2"} if isinstance(clock, HurriedClock) else {}


@contextlib.contextmanager
def laboratory(
    behaviour: Behaviour | None = None,
    *,
    clock: Clock | None = None,
    hosts: dict[str, str] | None = None,
    line_rate: int = 0,
    kind: Kind = M10,
) -> Iterator[Lab]:
    """Set a laboratory up, and want nothing left of it at the end."""
    before = set(threading.enumerate())
    options: dict[str, object] = {"hosts": hosts or {}, "line_rate": line_rate, **kind.module(behaviour)}
    if clock is not None:
        options["clock"] = clock
    with EmulatedModule(**options) as module, cmux.open(module.serve_pty(), **line_of(clock)) as mux:  # type: ignore[arg-type]
        lab = Lab(module, mux, clock, kind)
        module.on_octets(lab.note)
        yield lab
    left = set(threading.enumerate()) - before
    for thread in left:
        thread._started.wait(PATIENCE)  # type: ignore[attr-defined]  # a peer may be about to start it
        thread.join(PATIENCE)
    assert set(threading.enumerate()) <= before


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A laboratory with the module's default behaviour."""
    with laboratory(hosts={"www.quectel.com": "127.0.0.1"}) as made:
        yield made


@pytest.fixture(params=KINDS, ids=lambda kind: kind.model)
def every_lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A laboratory for a module of each family."""
    with laboratory(hosts={"www.quectel.com": "127.0.0.1"}, kind=request.param) as made:
        yield made


class Peer:
    """A TCP server on the loopback that serves each connection by a function, in a thread of its own."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections: list[socket.socket] = []
        self._came = threading.Condition()
        self._threads = [threading.Thread(target=self._accept, name="peer")]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._came:
                self.connections.append(connection)
                self._came.notify_all()
            thread = threading.Thread(target=self._run, args=(connection,), name="peer connection")
            thread.start()
            self._threads.append(thread)

    def _run(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self._serve(connection)

    def connection(self) -> socket.socket:
        """Return the first connection: who has connected may be told before `accept` returns here."""
        with self._came:
            assert self._came.wait_for(lambda: self.connections, PATIENCE)
            return self.connections[0]

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def echo(connection: socket.socket) -> None:
    """Send back what comes."""
    while data := connection.recv(65536):
        connection.sendall(data)


@pytest.fixture
def echo_server() -> Iterator[Peer]:
    """A TCP server that sends back what comes."""
    with Peer(echo) as peer:
        yield peer


def exactly(session: Session | socket.socket, count: int, patience: float = PATIENCE) -> bytes:
    """Receive so many octets.

    Args:
        session: a session of this shell, or a socket; that of the other shell in a `families_lab.InLoop`.
        count: how many.
        patience: the most seconds of the driver's clock for each piece of it.
    """
    session.settimeout(patience)
    data = bytearray()
    while len(data) < count:
        piece = session.recv(count - len(data))
        assert piece, f"the session ended after {len(data)} of {count} octets"
        data += piece
    return bytes(data)


def client_of(listener: Listener, address: str) -> socket.socket:
    """Connect to a server of the module from outside; to one of UDP by a first packet, ``hello``."""
    if listener.protocol == "TCP":
        made = socket.create_connection((address, listener.port), PATIENCE)
    else:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.connect((address, listener.port))
        made.sendall(b"hello")
    made.settimeout(PATIENCE)
    return made


_ADDRESS = re.compile(rb"127\.10\.\d+\.\d+")
_ID = re.compile(rb"(?<=^AT\+QI)(OPEN=1,|SEND=|SENDEX=|RD=|CLOSE=|SWTMD=|STATE=1,)\d+")


def comparable(octets: bytes) -> bytes:
    """Return what was written without what differs each time: addresses, and numbers of sockets of an LTE module."""
    return _ID.sub(rb"\1ID", _ADDRESS.sub(b"ADDRESS", octets))


ANSWERS = {"CONNECT OK", "SERVER OK", "SEND OK", "STATE", "+++", "+QIOPEN", "CONNECT", "dnsgip", "+QNTP"}
"""Limits of what is not a command."""
UNASKED = {"QIRD", "QISSTAT", "QURCCFG"}
AFTER_A_REFUSAL = {"QIGETERROR", "GMM", "CGMM", "ATI", "CPIN", "CREG", "CGREG", "CEREG", "CGATT"}
"""Sent by the channel itself, whatever becomes of an operation; and after a refusal."""
LIMITS = {M10.model: of_gsm.LIMITS, BG96.model: of_lte.LIMITS}


def not_among(octets: bytes, kind: Kind) -> set[str]:
    """Return the commands of the driver that a module of a kind has not got among these octets."""
    sent = {found.decode() for found in re.findall(rb"(ATO|AT&D1|(?<=AT\+)[A-Z]+)", octets)}
    return set(LIMITS[kind.model]) - ANSWERS - UNASKED - AFTER_A_REFUSAL - sent


UNIT = re.compile(
    rb"AT\+QISEND=(?P<send>[0-5]),|AT\+QIRD=(?:[01],1,)?(?P<read>[0-5]),1500\r"
    rb"|\r\n\+QI(?:RDI: [01],1,|URC: \"recv\",)(?P<news>[0-5])\r\n"
)


def turns(octets: list[tuple[str, bytes]]) -> list[str]:
    """What the module saw of two sessions of one driver: ``send 0``, ``read 1``, ``news 1`` and so on, in order."""
    seen = []
    for direction, data in list(octets):
        for found in UNIT.finditer(data):
            word = str(found.lastgroup)
            if (word == "news") == (direction == "sent"):
                seen.append(f"{word} {found[word].decode()}")
    return seen


def others_turns(seen: list[str], begun: int) -> int:
    """How many turns session 0 had while session 1 wanted one: from its call to its sending, from its news to reading.

    Args:
        seen: all turns.
        begun: how many had been seen when session 1 was asked to send.
    """
    sent = seen.index("send 1", begun)
    news = seen.index("news 1", sent)
    read = seen.index("read 1", news)
    return sum(turn in ("send 0", "read 0") for turn in seen[begun:sent] + seen[news:read])
