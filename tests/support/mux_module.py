"""A module for the tests of the shells: AT mode and a responder on the master of a pty, run by one thread."""

import contextlib
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cmux.protocol import Config, Multiplexer, Role
from cmux.protocol.commands import Signals
from cmux.protocol.events import (
    Closed,
    DataReceived,
    Event,
    Opened,
    Reestablished,
    SessionClosed,
    SignalsChanged,
    Writable,
)
from cmux.pty import Pty


@dataclass
class Manners:
    """How the module behaves; what a test does not set is what a good one does."""

    silent: bool = False
    """Answers nothing at all."""
    echo: bool = True
    cmux_answer: bytes = b"\r\nOK\r\n"
    """To AT+CMUX; multiplexer mode follows when OK is in it."""
    after_ok: bytes = b""
    """Octets straight behind that OK."""
    answers_sabm: bool = True
    """False: multiplexer mode swallows everything but CLD."""
    echoes_frames: bool = False
    """Multiplexer mode sends everything back."""
    noise: bytes = b""
    """Octets before each answer in AT mode."""
    refuses: tuple[int, ...] = ()
    """DLCIs that get a DM."""
    loopback: tuple[int, ...] = (1, 2, 3, 4)
    """DLCIs whose data come back."""
    starts_in_mux: bool = False
    tcp: bool = False
    """On a TCP port of the loopback instead of a pty; `Module.path` is its pyserial URL."""
    ignores_at: int = 0
    """So many AT are not answered."""
    knows_at: bool = True
    """False: there is no AT mode, only frames."""
    answers: dict[str, bytes] = field(default_factory=dict)
    """To further commands."""
    baudrate: int | None = None
    """Hears nothing while the host's end of the pty is set to another rate."""
    config: Config = field(default_factory=lambda: Config(n1=31))


class Module:
    """The module; use it as a context manager.

    Everything that it saw is in `commands` (AT mode) and `data` (per DLCI). `run` runs a function in its thread.
    """

    def __init__(self, **manners: object) -> None:
        self.manners = Manners(**manners)  # type: ignore[arg-type]
        self._server: socket.socket | None = None
        self._resource: Pty | socket.socket
        if self.manners.tcp:
            self._server = socket.create_server(("127.0.0.1", 0))
            self._server.settimeout(10)
            self.path = f"socket://127.0.0.1:{self._server.getsockname()[1]}"
        else:
            self._resource = pty = Pty()
            self.path, self._fd = pty.path, pty.master
        self.commands: list[str] = []
        self.data: dict[int, bytearray] = {}
        self.signals: dict[int, Signals] = {}
        """Of the host, the latest."""
        self.events: list[Event] = []
        self.changed = threading.Condition()
        self.in_mux = self.manners.starts_in_mux
        self.raw = bytearray()
        self.errors: list[BaseException] = []
        self._core = self._fresh()
        self._backlog: dict[int, bytearray] = {}
        self._line = b""
        self._out = b""
        self._muted = False
        self._stop = self._stopped = False
        self._jobs: list[Callable[[Multiplexer, float], object]] = []
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, name="fake module")

    def __enter__(self) -> "Module":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        assert not self.errors, self.errors

    def stop(self) -> None:
        """Go away: the line hangs up."""
        self._stop = True
        if not self._stopped:
            self._stopped = True
            os.write(self._wake_write, b"x")
            if self._server is not None:
                self._server.shutdown(socket.SHUT_RDWR)
            self._thread.join()
            if self._server is not None:
                self._server.close()
            if hasattr(self, "_resource"):
                self._resource.close()
            os.close(self._wake_read)
            os.close(self._wake_write)

    def run(self, job: Callable[[Multiplexer, float], object]) -> None:
        """Run a function with the module's core and the time, in its thread."""
        self._jobs.append(job)
        os.write(self._wake_write, b"x")

    def restart(self) -> None:
        """Start anew, as after a reset: AT mode, and it says so."""

        def restart(core: Multiplexer, now: float) -> None:
            self.in_mux = False
            self._emit(b"\r\nRDY\r\n\r\n+CFUN: 1\r\n")

        self.run(restart)

    def mute(self) -> None:
        """Say nothing any more, and hear nothing."""
        self._muted = True

    def say(self, text: bytes) -> None:
        """Write octets to the line as they are."""
        self.run(lambda core, now: self._emit(text))

    def wait(self, ready: Callable[[], object], timeout: float = 20) -> None:
        """Wait until something has come to the module."""
        with self.changed:
            assert self.changed.wait_for(lambda: bool(ready()), timeout), (self.commands, self.events, self.data)

    def _emit(self, octets: bytes) -> None:
        self._out += octets

    def _fresh(self) -> Multiplexer:
        core = Multiplexer(Role.RESPONDER, self.manners.config)
        for dlci in self.manners.refuses:
            core.refuse(dlci)
        return core

    def _run(self) -> None:
        try:
            if self._server is not None:
                with contextlib.suppress(OSError):  # stopped before anybody came
                    self._resource = self._server.accept()[0]
                    self._resource.setblocking(False)
                    self._fd = self._resource.fileno()
            while not self._stop:
                self._turn()
        except BaseException as error:  # noqa: BLE001 - reported where the test ends
            self.errors.append(error)

    def _turn(self) -> None:
        now = time.monotonic()
        due = self._core.next_timeout()
        if due is not None and due <= now:
            self._tell(self._core.handle_timeout(now))
        if (self.in_mux or not self.manners.knows_at) and self.manners.answers_sabm:
            self._out += self._core.data_to_send(now)
        else:
            self._core.data_to_send(now)
        due = self._core.next_timeout()
        if self._muted:
            self._out = b""
        ready, writable, _ = select.select(
            [self._fd, self._wake_read],
            [self._fd] if self._out else [],
            [],
            None if due is None else max(0.0, due - now),
        )
        if writable:
            self._out = self._out[os.write(self._fd, self._out) :]
        if self._wake_read in ready:
            os.read(self._wake_read, 100)
            while self._jobs:
                self._jobs.pop(0)(self._core, time.monotonic())
        if self._fd in ready:
            data = os.read(self._fd, 65536)
            self._stop |= not data
            if not self._muted and self._at_its_rate():
                self.raw += data
                self._receive(data)
        with self.changed:
            self.changed.notify_all()

    def _at_its_rate(self) -> bool:
        if self.manners.baudrate is None:
            return True
        import termios

        speed: int = getattr(termios, f"B{self.manners.baudrate}")
        return bool(termios.tcgetattr(self._fd)[5] == speed)

    def _receive(self, data: bytes) -> None:
        if self.in_mux or not self.manners.knows_at:
            if self.manners.echoes_frames:
                self._emit(data)
            self._tell(self._core.receive_data(data, time.monotonic()))
            return
        if self.manners.silent:
            return
        if self.manners.echo:
            self._emit(data)
        self._line += data
        while b"\r" in self._line and not self.in_mux:
            line, self._line = self._line.split(b"\r", 1)
            self._command(line.decode("latin-1").strip())

    def _command(self, command: str) -> None:
        self.commands.append(command)
        if command == "AT" and self.manners.ignores_at:
            self.manners.ignores_at -= 1
        elif command == "AT":
            self._emit(self.manners.noise + b"\r\nOK\r\n")
        elif command in self.manners.answers:
            self._emit(self.manners.answers[command])
        elif command.startswith("AT+CMUX=") and command != "AT+CMUX=?":
            self._emit(self.manners.noise + self.manners.cmux_answer)
            if b"OK" in self.manners.cmux_answer:
                self.in_mux = True
                self._core = self._fresh()
                self._emit(self.manners.after_ok)
        else:
            self._emit(b"\r\nERROR\r\n")

    def _tell(self, events: list[Event]) -> None:
        for event in events:
            self.events.append(event)
            if isinstance(event, DataReceived):
                self.data.setdefault(event.dlci, bytearray()).extend(event.data)
                if event.dlci in self.manners.loopback:
                    self.feed(event.dlci, event.data)
            elif isinstance(event, Writable):
                self.feed(event.dlci, b"")
            elif isinstance(event, SignalsChanged):
                self.signals[event.dlci] = event.signals
            elif isinstance(event, SessionClosed):
                self._emit(self._core.data_to_send(time.monotonic()))
                self.in_mux = False
                self._line = b""

    def feed(self, dlci: int, data: bytes) -> None:
        """Send octets on a DLC, however many; to be called in the module's thread."""
        waiting = self._backlog.setdefault(dlci, bytearray())
        waiting += data
        if waiting and self._core.is_open(dlci):
            del waiting[: self._core.send(dlci, bytes(waiting), time.monotonic())]

    def closed(self, dlci: int) -> bool:
        """Tell whether the DLC was closed by the host."""
        return any(isinstance(event, Closed) and event.dlci == dlci for event in self.events)

    def opened(self, dlci: int) -> int:
        """Tell how often the DLC was opened."""
        return sum(isinstance(event, (Opened, Reestablished)) and event.dlci == dlci for event in self.events)
