"""Ports for tests of the driver: one that follows a script octet by octet, and one that answers commands."""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from drivers.at import AtChannel
from drivers.clock import FakeClock


class MemoryPort:
    """A pyserial-like port in memory. Event-driven: a read waits for octets, `cancel_read`, or its timeout.

    Args:
        name: what messages call it.
        dlci: its DLCI, where it plays a virtual UART.
        mux: what stands for the modem.
        chunk: the most octets that one read gives.
    """

    def __init__(
        self, name: str = "scripted", *, dlci: int | None = None, mux: object | None = None, chunk: int = 65536
    ) -> None:
        self.name = name
        self.timeout: float | None = None
        self.is_open = True
        self.written = bytearray()
        if dlci is not None:
            self.dlci = dlci
        if mux is not None:
            self.mux = mux
        self._chunk = chunk
        self._changed = threading.Condition()
        self._incoming = bytearray()
        self._cancelled = False
        self._dead: OSError | None = None

    @property
    def in_waiting(self) -> int:
        with self._changed:
            return len(self._incoming)

    def read(self, size: int = 1, /) -> bytes:
        with self._changed:
            self._changed.wait_for(lambda: self._incoming or self._cancelled or self._dead, self.timeout)
            if self._incoming:
                count = min(size, self._chunk)
                octets = bytes(self._incoming[:count])
                del self._incoming[:count]
                self._changed.notify_all()
                return octets
            if self._dead is not None:
                raise self._dead
            self._cancelled = False
            return b""

    def cancel_read(self) -> None:
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()

    def write(self, data: bytes, /) -> int:
        with self._changed:
            if self._dead is not None:
                raise self._dead
            self.written += data
        self.on_write(bytes(data))
        return len(data)

    def on_write(self, data: bytes) -> None:
        """What the other end does about octets; subclasses say it."""

    def say(self, octets: bytes) -> None:
        """Let the other end send octets."""
        with self._changed:
            self._incoming += octets
            self._changed.notify_all()

    def die(self, cause: OSError | None = None) -> None:
        """Let the line die after what it has sent."""
        with self._changed:
            self._dead = cause or OSError("the cable was pulled")
            self._changed.notify_all()

    def drained(self, timeout: float = 10.0) -> bool:
        """Wait until all that was said has been read."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._incoming, timeout)


class Conversation:
    """A script over several ports: each row happens only when all rows before it have happened.

    An octet that the script does not expect kills the line with both in the message, so nothing waits for a deadline.

    Args:
        rows: (port, ``>`` from the driver or ``<`` to it, octets).
        chunk: the most octets that one read gives.
    """

    def __init__(self, rows: Iterable[tuple[int, str, bytes]], *, chunk: int = 65536) -> None:
        self._rows = collections.deque(rows)
        self._changed = threading.Condition()
        self._failure = ""
        self._mux = Modem()
        numbers = sorted({number for number, _, _ in self._rows})
        self.ports = {number: ScriptedPort(self, number, mux=self._mux, chunk=chunk) for number in numbers}
        self._advance()

    def written(self, number: int, data: bytes) -> None:
        """Take what the driver wrote on a port."""
        with self._changed:
            while data:
                expected = self._rows[0] if self._rows else (number, ">", b"nothing")
                octets = expected[2]
                common = min(len(data), len(octets))
                if expected[:2] != (number, ">") or data[:common] != octets[:common]:
                    self._failure = f"the script is at {expected!r}, UART {number} wrote {data!r}"
                    for port in self.ports.values():
                        port.die(OSError(self._failure))
                    raise OSError(self._failure)
                data = data[common:]
                self._rows[0] = (number, ">", octets[common:])
                if not octets[common:]:
                    self._rows.popleft()
                    self._advance()

    def _advance(self) -> None:
        while self._rows and self._rows[0][1] == "<":
            number, _, octets = self._rows.popleft()
            self.ports[number].say(octets)
        with self._changed:
            self._changed.notify_all()

    def finish(self, timeout: float = 10.0) -> None:
        """Wait until the whole script has been played and read; fail where it has not."""
        with self._changed:
            self._changed.wait_for(lambda: self._failure or not self._rows, timeout)
            if self._failure or self._rows:
                raise AssertionError(self._failure or f"the script is still at {self._rows[0]!r}")
        for port in self.ports.values():
            if not port.drained(timeout):
                raise AssertionError(f"{port.name}: not all octets were read")


class Modem:
    """Stands for the multiplexer that virtual UARTs belong to."""


class ScriptedPort(MemoryPort):
    """A port of a `Conversation`; UART n has DLCI n."""

    def __init__(self, conversation: Conversation, number: int, *, mux: object, chunk: int) -> None:
        super().__init__(f"VIRTUAL_UART_{number}", dlci=number, mux=mux, chunk=chunk)
        self._conversation = conversation
        self._number = number

    def on_write(self, data: bytes) -> None:
        self._conversation.written(self._number, data)


class CommandPort(MemoryPort):
    """Answers every command line by a function; the empty answer is silence.

    Args:
        answer: gets the command without its CR and returns what the module sends.
        name: what messages call it.
        dlci: its DLCI, where it plays a virtual UART.
        mux: what stands for the modem.
        chunk: the most octets that one read gives.
    """

    def __init__(
        self,
        answer: Callable[[str], bytes],
        name: str = "module",
        *,
        dlci: int | None = None,
        mux: object | None = None,
        chunk: int = 65536,
    ) -> None:
        super().__init__(name, dlci=dlci, mux=mux, chunk=chunk)
        self.commands: list[str] = []
        self._answer = answer
        self._line = b""

    def on_write(self, data: bytes) -> None:
        self._line += data
        while b"\r" in self._line:
            line, self._line = self._line.split(b"\r", 1)
            text = line.decode("ascii")
            self.commands.append(text)
            answer = self._answer(text)
            if answer:
                self.say(answer)


OK = b"\r\nOK\r\n"
ERROR = b"\r\nERROR\r\n"


_OTHERS = ("server", "client", "udp", "clock")
SET_UP = ((">", b"ATE0\r"), ("<", OK))


def exchange(*pairs: tuple[str, bytes], uart: int = 1, set_up: bool = True) -> list[tuple[int, str, bytes]]:
    """Return the rows of commands (without CR) and their answers on one UART, after the channel's own set-up."""
    rows = [(uart, direction, octets) for direction, octets in SET_UP] if set_up else []
    for command, answer in pairs:
        rows += [(uart, ">", command.encode("ascii") + b"\r"), (uart, "<", answer)]
    return rows


def turn_until_done(clock: FakeClock, thread: threading.Thread, step: float, waiters: int = 2) -> None:
    """Turn a clock until a thread has ended, each time after so many wait on it (or a moment has passed)."""
    while thread.is_alive():
        with suppress(TimeoutError):
            clock.await_waiters(waiters, timeout=0.05)
        clock.advance(step)


def await_rest(clock: FakeClock, channel: AtChannel, over: Callable[[], bool], waiters: int = 2) -> bool:
    """Wait until nothing is under way: no turn, no callback, and so many wait on the clock; False when it is over."""
    while not over():
        with suppress(TimeoutError):
            clock.await_waiters(waiters, timeout=0.01)
            with channel._changed:  # both at once: who waits for an answer waits on the clock, too
                if channel._turns or channel._jobs:
                    channel._changed.wait(0.01)
                else:
                    clock.await_waiters(waiters, timeout=0)
                    return True
    return False


def pass_time(
    clock: FakeClock, channel: AtChannel, over: Callable[[], bool], step: float = 1.0, waiters: int = 2
) -> None:
    """Turn a clock until something is over, step by step, each when nothing is under way, so that none is missed."""
    while await_rest(clock, channel, over, waiters):
        clock.advance(step)


def read_transcript(path: Path) -> list[tuple[int, str, bytes]]:
    """Read a transcript: (virtual UART, ``>`` to the module or ``<`` from it, octets) per line; see its README.

    What servers and clients say in it is left out: that is between them and the module.
    """
    rows = []
    for number, line in enumerate(path.read_text(encoding="ascii").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        uart, direction, text = (*line.split(" ", 2), "")[:3]
        if uart.rstrip("0123456789") in _OTHERS:
            continue
        if direction not in "<>" or not uart.isdigit():
            raise ValueError(f"{path.name}:{number}: not a transcript line: {line!r}")
        rows.append((int(uart), direction, text.encode("ascii").decode("unicode_escape").encode("latin-1")))
    return rows
