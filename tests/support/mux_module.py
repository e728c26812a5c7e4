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
class Habits:
    """How the module behaves; by default as a module should."""

    silent: bool = False
    """Answers nothing at all."""
    echo: bool = True
    cmux_answer: bytes = b"\r\nOK\r\n"
    """The answer to AT+CMUX; the module enters multiplexer mode if it contains OK."""
    after_ok: bytes = b""
    """Octets right behind that OK."""
    answers_sabm: bool = True
    """False: in multiplexer mode the module answers only CLD."""
    echoes_frames: bool = False
    """In multiplexer mode the module sends everything back."""
    noise: bytes = b""
    """Octets before each answer in AT mode."""
    refuses: tuple[int, ...] = ()
    """DLCIs whose SABM is answered with DM."""
    loopback: tuple[int, ...] = (1, 2, 3, 4)
    """DLCIs whose data is sent back."""
    starts_in_mux: bool = False
    tcp: bool = False
    """On a TCP port of the loopback instead of a pty; `Module.path` is its pyserial URL."""
    ignores_at: int = 0
    """The number of AT commands that are not answered first."""
    knows_at: bool = True
    """False: there is no AT mode, only frames."""
    answers: dict[str, bytes] = field(default_factory=dict)
    """The answers to further commands."""
    baudrate: int | None = None
    """The module receives nothing while the host's end of the pty is set to another rate."""
    config: Config = field(default_factory=lambda: Config(n1=31))


class Module:
    """The module; use it as a context manager.

    Everything that it received is in `commands` (AT mode) and `data` (per DLCI). `run` runs a function in its thread.
    """

    def __init__(self, **habits: object) -> None:
        self.habits = Habits(**habits)  # type: ignore[arg-type]
        self._server: socket.socket | None = None
        self._resource: Pty | socket.socket
        if self.habits.tcp:
            self._server = socket.create_server(("127.0.0.1", 0))
            self._server.settimeout(10)
            self.path = f"socket://127.0.0.1:{self._server.getsockname()[1]}"
        else:
            self._resource = pty = Pty()
            self.path, self._fd = pty.path, pty.master
        self.commands: list[str] = []
        self.data: dict[int, bytearray] = {}
        self.signals: dict[int, Signals] = {}
        """The latest signals of the host."""
        self.events: list[Event] = []
        self.changed = threading.Condition()
        self.in_mux = self.habits.starts_in_mux
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
        """Stop the module: the line hangs up."""
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
        """Restart, as after a reset: go to AT mode and send RDY."""

        def restart(core: Multiplexer, now: float) -> None:
            self.in_mux = False
            self._emit(b"\r\nRDY\r\n\r\n+CFUN: 1\r\n")

        self.run(restart)

    def mute(self) -> None:
        """Send and receive nothing from now on, until `unmute`."""
        self._muted = True

    def unmute(self) -> None:
        """Be there again, in the state of before."""
        self._muted = False

    def send_raw(self, text: bytes) -> None:
        """Write octets to the line without framing."""
        self.run(lambda core, now: self._emit(text))

    def wait(self, ready: Callable[[], object], timeout: float = 20) -> None:
        """Wait until the module has received something."""
        with self.changed:
            assert self.changed.wait_for(lambda: bool(ready()), timeout), (self.commands, self.events, self.data)

    def _emit(self, octets: bytes) -> None:
        self._out += octets

    def _fresh(self) -> Multiplexer:
        core = Multiplexer(Role.RESPONDER, self.habits.config)
        for dlci in self.habits.refuses:
            core.refuse(dlci)
        return core

    def _run(self) -> None:
        try:
            if self._server is not None:
                with contextlib.suppress(OSError):  # stopped before a host connected
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
            self._handle(self._core.handle_timeout(now))
        if (self.in_mux or not self.habits.knows_at) and self.habits.answers_sabm:
            if not self._out:  # else what is told to stop has left already
                self._out = self._core.data_to_send(now)
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
        if self.habits.baudrate is None:
            return True
        import termios

        speed: int = getattr(termios, f"B{self.habits.baudrate}")
        return bool(termios.tcgetattr(self._fd)[5] == speed)

    def _receive(self, data: bytes) -> None:
        if self.in_mux or not self.habits.knows_at:
            if self.habits.echoes_frames:
                self._emit(data)
            self._handle(self._core.receive_data(data, time.monotonic()))
            return
        if self.habits.silent:
            return
        if self.habits.echo:
            self._emit(data)
        self._line += data
        while b"\r" in self._line and not self.in_mux:
            line, self._line = self._line.split(b"\r", 1)
            self._command(line.decode("latin-1").strip())

    def _command(self, command: str) -> None:
        self.commands.append(command)
        if command == "AT" and self.habits.ignores_at:
            self.habits.ignores_at -= 1
        elif command == "AT":
            self._emit(self.habits.noise + b"\r\nOK\r\n")
        elif command in self.habits.answers:
            self._emit(self.habits.answers[command])
        elif command.startswith("AT+CMUX=") and command != "AT+CMUX=?":
            self._emit(self.habits.noise + self.habits.cmux_answer)
            if b"OK" in self.habits.cmux_answer:
                self.in_mux = True
                self._core = self._fresh()
                self._emit(self.habits.after_ok)
        else:
            self._emit(b"\r\nERROR\r\n")

    def _handle(self, events: list[Event]) -> None:
        for event in events:
            self.events.append(event)
            if isinstance(event, DataReceived):
                self.data.setdefault(event.dlci, bytearray()).extend(event.data)
                if event.dlci in self.habits.loopback:
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

    def stats(self) -> dict[str, object]:
        """What its core has counted, and what waits to be sent; of the moment in which nothing happens any more."""
        return {**self._core.stats(), "backlog": {dlci: len(data) for dlci, data in self._backlog.items()}}

    def closed(self, dlci: int) -> bool:
        """Tell whether the DLC was closed by the host."""
        return any(isinstance(event, Closed) and event.dlci == dlci for event in self.events)

    def opened(self, dlci: int) -> int:
        """Tell how often the DLC was opened."""
        return sum(isinstance(event, (Opened, Reestablished)) and event.dlci == dlci for event in self.events)
