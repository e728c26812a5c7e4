"""A module that says something else where an answer is due, and then nothing; in each shell, on a clock of the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from driver_lab import PATIENCE
from families_lab import InLoop, Loop
from scripted_port import MemoryPort

from drivers.at import AtChannel
from drivers.at import aio as at_aio
from drivers.clock import Clock
from drivers.tcpip import ContextTable, TcpipDriver, aio

OK, ERROR, PROMPT = b"\r\nOK\r\n", b"\r\nERROR\r\n", b"\r\n> "
ADDRESS = b"\r\n10.0.0.1\r\n"


def lines(*texts: str) -> bytes:
    """Lines as a module sends them."""
    return b"".join(f"\r\n{text}\r\n".encode("latin-1") for text in texts)


USUAL: dict[str, bytes] = {
    "AT+QIFGCNT?": lines("+QIFGCNT: 0,0") + OK,
    "AT+QISRVC?": lines("+QISRVC: 1") + OK,
    "AT+QISERVER?": lines("+QISERVER: 0,0") + OK,
    "AT+QILOCIP": ADDRESS,
    "AT+QIDEACT": lines("DEACT OK"),
    "AT+QICLOSE": lines("CLOSE OK"),
    "AT+QIOPEN": OK + lines("CONNECT OK"),
    "AT+QISERVER": OK + lines("SERVER OK"),
    "AT+QIDNSGIP": OK + ADDRESS,
    "AT+QISEND": PROMPT,
}
"""The answers of a module that does what it is asked for, by the beginning of the command; all others are OK."""


class SilentModule:
    """The module.

    Args:
        at: the beginning of the command, or ``data`` for the data after AT+QISEND, to which it says something else.
        says: what it says then, the first time only.
        state: the state of its contexts from then on.
        silent: whether it says nothing at all from then on.
    """

    def __init__(self, at: str = "", says: bytes = b"", *, state: str = "IP STATUS", silent: bool = False) -> None:
        self.at = at
        self.says: bytes | None = says
        self.silent = silent
        self.commands: list[str] = []
        self.answers = dict(USUAL)
        self._later, self.state = state, "IP INITIAL"
        self._dead = self._echo = False
        self._line = b""
        self._data = 0
        self._came = threading.Condition()

    def wait_for(self, command: str, count: int = 1) -> None:
        """Wait until a command has come so many times."""
        with self._came:
            assert self._came.wait_for(lambda: self.commands.count(command) >= count, PATIENCE), self.commands

    def wake(self) -> None:
        """Be no longer silent."""
        self._dead, self._line, self._data = False, b"", 0

    def delay(self, octets: bytes) -> float:
        """Return after how many seconds the module answers these octets, where the clock is that of a loop."""
        return 0.0

    def feed(self, octets: bytes) -> bytes:
        """Take what the host has sent; return what the module says to that."""
        self._line += octets
        said = b""
        while self._line:
            if self._data:
                taken, self._line = self._line[: self._data], self._line[self._data :]
                self._data -= len(taken)
                said += b"" if self._data else self._instead("data", lines("SEND OK"))
                continue
            line, end, rest = self._line.partition(b"\r")
            if not end:
                break
            self._line = rest
            said += self._command(line.decode("latin-1"))
        return b"" if self._dead and not said else said

    def _command(self, text: str) -> bytes:
        with self._came:
            self.commands.append(text)
            self._came.notify_all()
        if self._dead:
            return b""
        echo = text.encode() + b"\r" if self._echo else b""
        self._echo = {"ATE1": True, "ATE0": False}.get(text, self._echo)
        return echo + self._instead(text, self._usual(text))

    def _instead(self, text: str, usual: bytes) -> bytes:
        if self.at and text.startswith(self.at) and self.says is not None:
            usual, self.says, self.state = self.says, None, self._later
            self._dead = self.silent
        elif text.startswith("AT+QISEND="):
            self._data = int(text.rpartition("=")[2].rpartition(",")[2])
        return usual

    def _usual(self, text: str) -> bytes:
        if text == "AT+QISTAT":
            return OK + lines(f"STATE: {self.state}")
        named = max((name for name in self.answers if text.startswith(name)), key=len, default="")
        if named:
            return self.answers[named]
        return lines(f"{text[2:-1]}: 0") + OK if text.endswith("?") else OK


class SilentPort(MemoryPort):
    """A pyserial-like port with the module behind it."""

    def __init__(self, module: SilentModule, name: str = "module") -> None:
        super().__init__(name)
        self._module = module

    def on_write(self, data: bytes) -> None:
        said = self._module.feed(data)
        if said:
            self.say(said)


class SilentTransport(asyncio.Transport):
    """A transport with the module behind it."""

    def __init__(self, module: SilentModule, reader: asyncio.StreamReader) -> None:
        super().__init__()
        self._module, self._reader, self._closed = module, reader, False

    def write(self, data: Any) -> None:
        """Let the module have it."""
        said = self._module.feed(bytes(data))
        if said:
            asyncio.get_running_loop().call_soon(self._reader.feed_data, said)

    def say(self, octets: bytes) -> None:
        """Let the module send octets."""
        self._reader.feed_data(octets)

    def get_write_buffer_size(self) -> int:
        """Tell that nothing waits."""
        return 0

    def is_closing(self) -> bool:
        """Tell whether it is closed."""
        return self._closed

    def close(self) -> None:
        """Note that it is closed."""
        self._closed = True


class Bed:
    """The module, and channel and driver of one shell on it.

    Args:
        stack: what ends it all.
        shell: ``threads`` or ``aio``.
        module: the module.
        clock: the clock of channel and driver.
    """

    def __init__(self, stack: ExitStack, shell: str, module: SilentModule, clock: Clock) -> None:
        self.module = module
        self._clock = clock
        self._loop: Loop | None = None
        if shell == "threads":
            self._port = SilentPort(module)
            self.channel: Any = AtChannel(self._port, clock=clock)
            stack.callback(self.channel.close)
            self._say: Callable[[bytes], None] = self._port.say
            return
        self._loop = Loop()
        stack.callback(self._loop.close)
        self._channel = self._loop.call(self._make)
        self.channel = InLoop(self._loop.call, self._channel)
        stack.callback(self._loop.call, lambda: self._channel._writer.close())
        stack.callback(self.channel.close)

    def _make(self) -> at_aio.AtChannel:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        transport = SilentTransport(self.module, reader)
        writer = asyncio.StreamWriter(transport, asyncio.StreamReaderProtocol(reader), reader, loop)

        def say(octets: bytes) -> None:
            loop.call_soon_threadsafe(transport.say, octets)

        self._say = say
        return at_aio.AtChannel(reader, writer, name="module", clock=self._clock)

    def say(self, *texts: str) -> None:
        """Let the module send lines."""
        self._say(lines(*texts))

    def driver(self, **options: Any) -> Any:
        """Make a driver on the channel."""
        options |= {"table": ContextTable(), "clock": self._clock}
        if self._loop is None:
            return TcpipDriver(self.channel, **options)
        return InLoop(self._loop.call, self._loop.call(lambda: aio.TcpipDriver(self._channel, **options)))
