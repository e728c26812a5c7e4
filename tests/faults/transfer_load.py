"""Transfers of which every octet is known, what asks for them and what serves them, and the judgement on what comes."""

from __future__ import annotations

import random
import socket
import struct
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from driver_lab import BG96
from fault_load import Load, Record
from transfer_scenes import Scene

from drivers.errors import DriverError, ModuleRestarted, SessionTimeout
from drivers.tcpip import TcpipDriver

PATIENCE = 40.0
"""Seconds after which a call hangs."""
HEADER = struct.Struct("!cII")
"""What a transfer begins with: what is done, the seed of the data, and how many octets there are."""
MOST = 40_000
"""Octets of a transfer at the most."""
TAKEN = b"k"
"""The answer to an upload that has come whole."""
READ_IN_PIECES = 3000
"""Octets of a transfer below which it may be read by single ones."""
SLOW = 0.2
"""How many readers take their time."""
TRICKY = (
    *(
        b"\r\nOK\r\n",
        b"\r\nERROR\r\n",
        b"\r\n> ",
        b"\x1a",
        b"\x1b",
        b"\r\nNO CARRIER\r\n",
        b'\r\n+QIURC: "closed",0\r\n',
    ),
    *(b'\r\n+QIURC: "recv",0,9\r\n', b"\r\n+QIRD: 3\r\n", b"\r\nRDY\r\n", b"\r\nCLOSED\r\n", b"\r\n+PDP DEACT\r\n"),
)


def octets(seed: int, size: int) -> bytes:
    """Return the data of a transfer: random octets, and among them what looks like news of a module."""
    chooser = random.Random(seed)  # noqa: S311 - repeatable
    data = b""
    while len(data) < size:
        data += chooser.randbytes(chooser.randint(1, 700)) + chooser.choice(TRICKY)
    return data[:size].replace(b"+++", b"+-+")


def free_port() -> int:
    """Return a port that a listener or a service can have."""
    with socket.create_server(("", 0)) as taken:
        return int(taken.getsockname()[1])


class Tally(Record):
    """What came of transfers."""

    def __init__(self) -> None:
        super().__init__("threads")
        self.done: Counter[str] = Counter()
        """Transfers by what they were and how they ended."""
        self._lock = threading.Lock()

    def note(self, error: BaseException, where: str) -> None:
        """See `Record.note`; no module restarts here, and no more sockets are used than there are."""
        super().note(error, where)
        if isinstance(error, ModuleRestarted) or "open already" in str(error):
            self.blame(f"{where}: {error!r}")

    def count(self, what: str) -> None:
        """Count a transfer."""
        with self._lock:
            self.done[what] += 1

    def blame(self, text: str) -> None:
        """Note what must not happen."""
        with self._lock:
            self.wrong.append(text)

    @property
    def transfers(self) -> int:
        """How many there were."""
        return sum(self.done.values())


@dataclass
class Stage:
    """A scene that is played.

    Args:
        scene: what it is.
        tally: gets what came of it.
        stopping: set when no transfer begins any more.
    """

    scene: Scene
    tally: Tally
    stopping: threading.Event = field(default_factory=threading.Event)
    resets: int = 0
    """How often connections were reset."""

    def judge(self, what: str, wanted: bytes, got: bytes, end: BaseException | None, resets: int | None) -> None:
        """Judge what has come.

        Args:
            what: names the transfer.
            wanted: what was sent.
            got: what has come.
            end: the exception that ended it; None: none did.
            resets: `resets` when it began; None: what has come is not on the module's side, so that any fault may have
                cut it off without a word.
        """
        failed = isinstance(end, BaseException)
        if not wanted.startswith(got):
            at = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(wanted, got, strict=False)))
            came = f"{len(got)} octets came, and from {at} on others than were sent: {got[at : at + 60]!r}"
            self.tally.blame(f"{self.scene}: {what}: of {len(wanted)} {came}, after them {end!r}")
        elif failed and (isinstance(end, SessionTimeout | TimeoutError) or not self.scene.fault):
            self.tally.blame(f"{self.scene}: {what}: {len(got)} of {len(wanted)} octets, and then {end!r}")
        elif len(got) < len(wanted) and not failed and not self._cut_off(resets):
            self.tally.blame(f"{self.scene}: {what}: ended after {len(got)} of {len(wanted)} octets without a word")
        if isinstance(end, DriverError):
            self.tally.note(end, f"{self.scene}: {what}")
        whole = "whole" if got == wanted else "cut off"
        self.tally.octets += len(got)
        self.tally.count(f"{what}, {whole}{f', {type(end).__name__}' if failed else ''}")

    def _cut_off(self, resets: int | None) -> bool:
        """Tell whether a fault may have cut a transfer off without a word."""
        return bool(self.scene.fault) if resets is None else self.resets != resets


# -- the two sides of a transfer: each may be a socket, or a session of a driver ---------------------------------------


def took(side: Any, count: int, got: bytearray, pause: Callable[[], None] = lambda: None, most: int = 65536) -> bool:
    """Receive so many octets; return False if the other side ended before."""
    while len(got) < count:
        piece = side.recv(min(most, count - len(got)))
        if not piece:
            return False
        got += piece
        pause()
    return True


def serve(side: Any) -> None:
    """Do for one connection what its header asks for."""
    head = bytearray()
    if not took(side, HEADER.size, head):
        return
    what, seed, size = HEADER.unpack(head)
    data = octets(seed, min(size, MOST))
    if what == b"d":
        side.sendall(data)
        return
    came = bytearray()
    if what == b"u":
        if took(side, size, came) and came == data:
            side.sendall(TAKEN)
        return
    while len(came) < size:
        piece = side.recv(4096)
        if not piece:
            return
        side.sendall(piece)
        came += piece


class Asker:
    """Begins transfers over sides that it is given.

    Args:
        stage: where.
        chooser: draws what is done.
        name: of the one who asks, in messages.
        inside: whether its side is that of the module.
    """

    def __init__(self, stage: Stage, chooser: random.Random, name: str, *, inside: bool) -> None:
        self._stage, self._chooser, self._name, self._inside = stage, chooser, name, inside

    def transfer(self, connect: Callable[[], Any]) -> bool:
        """Do one transfer; return whether it got as far as a connection."""
        chooser, resets = self._chooser, self._stage.resets if self._inside else None
        what, size = chooser.choice("dddue"), int(10 ** chooser.uniform(0, 4.5))
        seed = chooser.getrandbits(32)
        data, got = octets(seed, size), bytearray()
        wanted = TAKEN if what == "u" else data
        name, end, side = f"{self._name} {what}", None, None
        try:
            side = connect()
            side.settimeout(PATIENCE)
            side.sendall(HEADER.pack(what.encode(), seed, size))
            if what == "d":
                slow = chooser.random() < 0.2
                most = chooser.choice((1, 7, 300, 1500, 65536)) if size < READ_IN_PIECES else 65536
                self._down(side, got, most, slow=slow)
            elif what == "u":
                side.sendall(data)
                took(side, len(TAKEN) + 1, got)
            else:
                self._echo(side, data, got)
        except (DriverError, OSError) as error:
            end = error
        finally:
            if side is not None:
                try:
                    side.close()
                except (DriverError, OSError) as error:
                    end = end or error
        self._stage.judge(name, wanted, bytes(got), end, resets)
        return side is not None

    def _down(self, side: Any, got: bytearray, most: int, *, slow: bool) -> None:
        def pause() -> None:
            if slow:
                self._stage.stopping.wait(0.002 * self._chooser.random() * most**0.5)

        took(side, 1 << 30, got, pause, most)

    def _echo(self, side: Any, data: bytes, got: bytearray) -> None:
        at = 0
        while at < len(data):
            piece = data[at : at + self._chooser.randint(1, 2000)]
            at += len(piece)
            side.sendall(piece)
            if not took(side, at, got):
                return


# -- what uses a driver ------------------------------------------------------------------------------------------------


class User(Load, ABC):
    """Uses a driver on a thread of its own.

    Args:
        stage: where.
        driver: the driver.
        name: of the load.
        seed: determines what it does.
    """

    def __init__(self, stage: Stage, driver: TcpipDriver, name: str, seed: str) -> None:
        super().__init__(stage.tally, f"{stage.scene}: {name}")
        self.stopping = stage.stopping
        self.stage, self.driver, self.chooser = stage, driver, random.Random(f"{seed} {name}")  # noqa: S311
        self.short = name

    def start(self) -> User:
        """Start, until the stage is stopped."""
        self._start(self._rounds)
        return self

    def _rounds(self) -> None:
        while not self.stopping.is_set():
            try:
                self.round()
            except DriverError as error:
                self.record.note(error, self.name)
                if not self.stage.scene.fault:
                    self.stage.tally.blame(f"{self.name}: {error!r}")
                self.stopping.wait(0.02)

    @abstractmethod
    def round(self) -> None:
        """Do one thing."""

    def receive(self) -> str | None:
        """Return a receive mode for a session, or None for that of the driver."""
        return self.chooser.choice(("buffered", "pushed")) if self.stage.scene.receive == "mixed" else None


class Client(User):
    """Connects to a server outside."""

    def __init__(self, stage: Stage, driver: TcpipDriver, name: str, seed: str, port: int) -> None:
        super().__init__(stage, driver, name, seed)
        self._port = port
        self._asker = Asker(stage, self.chooser, "client", inside=True)

    def round(self) -> None:
        """One connection."""
        mode = {"receive": self.receive()} if self.stage.scene.kind is BG96 else {}
        self._asker.transfer(lambda: self.driver.connect("TCP", "127.0.0.1", self._port, **mode))  # type: ignore[arg-type]


class Server(User):
    """Listens for clients from outside, and does what they ask for."""

    def __init__(self, stage: Stage, driver: TcpipDriver, name: str, seed: str) -> None:
        super().__init__(stage, driver, name, seed)
        self._asker = Asker(stage, self.chooser, "visitor", inside=False)

    def round(self) -> None:
        """One listener, and its clients."""
        mode = {"receive": self.receive()} if self.stage.scene.kind is BG96 else {}
        with self.driver.listen(port=free_port(), **mode) as listener:  # type: ignore[arg-type]
            address = (self.driver.local_address, listener.port)
            for _ in range(self.chooser.randint(1, 10)):
                if self.stopping.is_set() or not listener.open:
                    return
                self._visit(listener, address)

    def _visit(self, listener: Any, address: tuple[str, int]) -> None:
        failed: list[BaseException] = []

        def host() -> None:
            try:
                with listener.accept(PATIENCE / 2) as session:
                    session.settimeout(PATIENCE)
                    serve(session)
            except DriverError as error:
                failed.append(error)

        thread = threading.Thread(target=host, name="host")
        thread.start()
        self._asker.transfer(lambda: socket.create_connection(address, PATIENCE))
        thread.join()
        for error in failed:
            self.record.note(error, self.name)
            if not self.stage.scene.fault:
                self.stage.tally.blame(f"{self.name}: {error!r}")


class Datagrams(User):
    """Exchanges datagrams with a server outside, by a UDP service."""

    def __init__(self, stage: Stage, driver: TcpipDriver, name: str, seed: str, port: int) -> None:
        super().__init__(stage, driver, name, seed)
        self._there = ("127.0.0.1", port)

    def round(self) -> None:
        """One service, and some datagrams."""
        with self.driver.udp_service(free_port(), receive=self.receive()) as service:
            service.settimeout(PATIENCE)
            for _ in range(self.chooser.randint(1, 20)):
                sent = octets(self.chooser.getrandbits(32), self.chooser.choice((1, 2, 20, 500, 1459, 1460)))
                came, end = b"", None
                try:
                    service.sendto(sent, self._there)
                    came, _ = service.recvfrom(2000)
                except DriverError as error:
                    end = error
                self.stage.judge("datagram", sent, came, end, self.stage.resets)
                if end is not None or self.stopping.is_set():
                    return
