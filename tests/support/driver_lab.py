"""Drivers on the channels of a multiplexed emulated module, and real peers on the loopback."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from chosen_behaviour import behaviour_of
from hurried_clock import HurriedClock

import cmux
from drivers.clock import Clock, Timer
from drivers.emulator import Behaviour, EmulatedModule
from drivers.tcpip import Listener, Session, TcpipDriver
from drivers.tcpip.quectel_gsm.timeouts import LIMITS

PATIENCE = float(os.environ.get("GSM0710_PATIENCE", "10"))  # seconds of real time until a test fails that waits in vain


@dataclass(frozen=True)
class Kind:
    """A kind of module: what tests that run on several have to know of each.

    Args:
        model: its name for ``model=`` of the module and ``dialect=`` of the driver.
        first: the number of its first context.
        lost: what it says when the network takes a context away.
        resting: the state of a context that is active and has no session.
    """

    model: str
    first: int
    lost: str
    resting: str


M10 = Kind("m10", 0, "PDP DEACT", "IP CLOSE")
BG96 = Kind("bg96", 1, "pdpdeact", "active")
KINDS = (M10, BG96)
"""One of each family."""


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

    def driver(self, uart: int, context: int, **options: object) -> TcpipDriver:
        """Make a driver.

        Args:
            uart: its channel.
            context: its context, counted from 0.
            options: as for a `TcpipDriver`.
        """
        options = {"clock": self.clock, "dialect": self.kind.model, **options}
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
    options: dict[str, object] = {"hosts": hosts or {}, "behaviour": behaviour_of(behaviour), "line_rate": line_rate}
    if clock is not None:
        options["clock"] = clock
    if kind is not M10:
        options |= {"model": kind.model, "behaviour": Behaviour.parse(["cmux_settle=0"], behaviour)}
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


ANSWERS = {"CONNECT OK", "SERVER OK", "SEND OK", "STATE", "+++"}  # limits of what is not a command
UNASKED = {"QIRD", "QISSTAT"} | {"GMM", "CPIN", "CREG", "CGREG", "CGATT"}
"""Sent by the channel itself, whatever becomes of an operation; and after a refusal."""


def not_among(octets: bytes) -> set[str]:
    """Return the commands of the driver that a module has not got among these octets."""
    sent = {found.decode() for found in re.findall(rb"(ATO|(?<=AT\+)[A-Z]+)", octets)}
    return set(LIMITS) - ANSWERS - UNASKED - sent


UNIT = re.compile(rb"AT\+QISEND=([0-5]),|AT\+QIRD=[01],1,([0-5]),|(\r\n\+QIRDI: [01],1,[0-5]\r\n)")


def turns(octets: list[tuple[str, bytes]]) -> list[str]:
    """What the module saw of two sessions with MUXIP on: ``send 0``, ``read 1``, ``news 1`` and so on, in order."""
    seen = []
    for direction, data in list(octets):
        for found in UNIT.finditer(data):
            if found[3] and direction == "sent":
                seen.append("news " + chr(found[3].strip()[-1]))
            elif direction == "received" and not found[3]:
                seen.append(f"send {found[1].decode()}" if found[1] else f"read {found[2].decode()}")
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
