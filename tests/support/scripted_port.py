"""Ports for tests of the driver: one that follows a script octet by octet, and one that answers commands."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path


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


class ScriptedPort(MemoryPort):
    """Follows a script: ``("expect", octets)`` from the driver, ``("answer", octets)`` to it, in order.

    An octet that the script does not expect kills the line with both in the message, so nothing waits for a deadline.
    """

    def __init__(
        self,
        script: Iterable[tuple[str, bytes]] = (),
        name: str = "scripted",
        *,
        dlci: int | None = None,
        mux: object | None = None,
        chunk: int = 65536,
    ) -> None:
        super().__init__(name, dlci=dlci, mux=mux, chunk=chunk)
        self._script = list(script)
        self._expected = b""
        self._advance()

    def extend(self, *script: tuple[str, bytes]) -> None:
        """Go on with more of the script."""
        with self._changed:
            self._script += script
            if not self._expected:
                self._advance()

    def on_write(self, data: bytes) -> None:
        with self._changed:
            while data:
                common = min(len(data), len(self._expected))
                if not common or data[:common] != self._expected[:common]:
                    self.die(OSError(f"{self.name}: the script expects {self._expected!r}, {data!r} was written"))
                    raise OSError(f"{self.name}: the script expects {self._expected!r}, {data!r} was written")
                data, self._expected = data[common:], self._expected[common:]
                if not self._expected:
                    self._advance()

    def _advance(self) -> None:
        while self._script and not self._expected:
            kind, octets = self._script.pop(0)
            if kind == "expect":
                self._expected = octets
            else:
                self.say(octets)
        self._changed.acquire()
        self._changed.notify_all()
        self._changed.release()

    def finish(self, timeout: float = 10.0) -> None:
        """Wait until the whole script has been played; fail where it has not."""
        with self._changed:
            played = self._changed.wait_for(
                lambda: self._dead or not (self._script or self._expected or self._incoming), timeout
            )
            if self._dead is not None:
                raise AssertionError(str(self._dead))
            if not played:
                raise AssertionError(f"{self.name}: still expects {self._expected!r}, then {self._script!r}")


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


def dialogue_of(*pairs: tuple[str, bytes]) -> list[tuple[str, bytes]]:
    """Return a script of commands (without CR) and their answers."""
    script: list[tuple[str, bytes]] = []
    for command, answer in pairs:
        script.append(("expect", command.encode("ascii") + b"\r"))
        script.append(("answer", answer))
    return script


def read_transcript(path: Path) -> list[tuple[int, str, bytes]]:
    """Read a transcript: (virtual UART, ``>`` to the module or ``<`` from it, octets) per line; see its README."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="ascii").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        uart, direction, text = line.split(" ", 2)
        if direction not in "<>" or not uart.isdigit():
            raise ValueError(f"{path.name}:{number}: not a transcript line: {line!r}")
        rows.append((int(uart), direction, text.encode("ascii").decode("unicode_escape").encode("latin-1")))
    return rows
