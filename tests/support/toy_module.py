"""A module of the toy family, which nobody makes: real sockets on the loopback behind made-up AT commands."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from scripted_port import MemoryPort

OK, ERROR, PROMPT = b"\r\nOK\r\n", b"\r\nERROR\r\n", b"\r\n> "
Say = Callable[[bytes], None]


@dataclass
class Socket:
    """One socket of the module; it has its number until AT+TCLOSE."""

    system: socket.socket
    context: int
    say: Say
    received: bytearray = field(default_factory=bytearray)
    told: bool = False
    sent: int = 0


class ToyUart:
    """The end of one line to the module."""

    def __init__(self, module: ToyModule, say: Say, dlci: int) -> None:
        self._module = module
        self._dlci = dlci
        self._say = say
        self._octets = bytearray()
        self._sending: tuple[int, int] | None = None

    def feed(self, octets: bytes) -> None:
        """Take what the host has sent."""
        self._octets += octets
        while self._sending or b"\r" in self._octets:
            if self._sending:
                number, count = self._sending
                if len(self._octets) < count:
                    return
                data = bytes(self._octets[:count])
                del self._octets[:count]
                self._sending = None
                self._say(self._module.send(number, data))
                continue
            line, _, rest = bytes(self._octets).partition(b"\r")
            self._octets[:] = rest
            self._module.commands.append(line.decode())
            self._say(self._answer(line.decode()))

    def _answer(self, line: str) -> bytes:
        module = self._module
        if line in ("AT", "ATE0", "ATE1"):
            return OK
        if found := re.fullmatch(r"AT\+TUP=(\d)", line):
            module.up.add(int(found[1]))
            return OK
        if found := re.fullmatch(r"AT\+TDOWN=(\d)", line):
            module.down(int(found[1]))
            return OK
        if (found := re.fullmatch(r"AT\+TADDR=(\d)", line)) and int(found[1]) in module.up:
            return b"\r\n+TADDR: 127.0.0.1\r\n" + OK
        if found := re.fullmatch(r'AT\+TNAME="(.+)"', line):
            addresses = ",".join(module.hosts.get(found[1], ()))
            return OK if module.muted else OK + b"\r\n+TNAME: %s\r\n" % addresses.encode()
        if found := re.fullmatch(r"AT\+TTAKE=(\d)", line):
            return OK if module.taken.setdefault(int(found[1]), self._dlci) == self._dlci else ERROR
        if found := re.fullmatch(r"AT\+TGIVE=(\d)", line):
            return OK if module.taken.pop(int(found[1]), None) is not None else ERROR
        if found := re.fullmatch(r'AT\+TOPEN=(\d),(\d),"TCP","(.+)",(\d+)', line):
            return module.open(int(found[1]), int(found[2]), (found[3], int(found[4])), self._say)
        if found := re.fullmatch(r"AT\+TLISTEN=(\d),(\d),(\d+)", line):
            return module.listen(int(found[1]), int(found[2]), int(found[3]), self._say)
        if found := re.fullmatch(r"AT\+TCLOSE=(\d)", line):
            return module.close(int(found[1]))
        if found := re.fullmatch(r"AT\+TREAD=(\d),(\d+)", line):
            return module.read(int(found[1]), int(found[2]))
        if found := re.fullmatch(r"AT\+TACKED=(\d)", line):
            number = int(found[1])
            return b"\r\n+TACKED: %d,%d\r\n" % (module.sockets[number].sent, module.sockets[number].sent) + OK
        if (found := re.fullmatch(r"AT\+TSEND=(\d),(\d+)", line)) and int(found[1]) in module.sockets:
            self._sending = int(found[1]), int(found[2])
            return PROMPT
        return ERROR


class ToyModule:
    """The module: four sockets that all of its lines share."""

    def __init__(self) -> None:
        self.up: set[int] = set()
        self.sockets: dict[int, Socket] = {}
        self.hosts: dict[str, tuple[str, ...]] = {}
        self.taken: dict[int, int] = {}
        """Which line has taken a context, where it is asked to keep that."""
        self.muted: bool = False
        """Says nothing of what becomes of opening and of names."""
        self.commands: list[str] = []
        self.news_go_to: Say | None = None
        """The line on which news come, None: that on which the socket was opened."""
        self._lock = threading.RLock()
        self._threads: list[threading.Thread] = []

    def open(self, context: int, number: int, address: tuple[str, int], say: Say) -> bytes:
        if number in self.sockets or context not in self.up:
            return ERROR
        self.sockets[number] = Socket(socket.socket(), context, self.news_go_to or say)
        self._run(self._connect, number, self.sockets[number], address)
        return OK

    def listen(self, context: int, number: int, port: int, say: Say) -> bytes:
        if number in self.sockets or context not in self.up:
            return ERROR
        self.sockets[number] = Socket(socket.create_server(("127.0.0.1", port)), context, self.news_go_to or say)
        self._run(self._accept, number, self.sockets[number])
        return OK

    def close(self, number: int) -> bytes:
        if one := self.sockets.pop(number, None):
            with contextlib.suppress(OSError):
                one.system.shutdown(socket.SHUT_RDWR)
            one.system.close()
        return OK

    def send(self, number: int, data: bytes) -> bytes:
        try:
            self.sockets[number].system.sendall(data)
        except (OSError, KeyError):
            return b"\r\nNOT SENT\r\n"
        self.sockets[number].sent += len(data)
        return b"\r\nSENT\r\n"

    def read(self, number: int, size: int) -> bytes:
        with self._lock:
            one = self.sockets.get(number)
            if one is None:
                return ERROR
            data = bytes(one.received[:size])
            del one.received[:size]
            one.told = bool(one.received)
        return b"\r\n+TREAD: %d,%d\r\n%s" % (number, len(data), data) + OK

    def down(self, context: int) -> None:
        """Take a context down, and all its sockets with it."""
        for number, one in list(self.sockets.items()):
            if one.context == context:
                self.close(number)
        self.up.discard(context)

    def lose_context(self, context: int) -> None:
        """Let the network take a context away."""
        says = {one.say for one in self.sockets.values() if one.context == context}
        if self.news_go_to is not None:
            says = {self.news_go_to}
        self.down(context)
        for say in says:
            say(b"\r\n+TLOST: %d\r\n" % context)

    def finish(self) -> None:
        """Close all, and wait for what is under way."""
        for number in list(self.sockets):
            self.close(number)
        for thread in self._threads:
            thread.join(10)

    # -- the sockets of the system

    def _run(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _connect(self, number: int, one: Socket, address: tuple[str, int]) -> None:
        try:
            one.system.connect(address)
        except OSError:
            one.say(b"\r\n+TOPENED: %d,1\r\n" % number)
            return
        if self.muted:
            return
        one.say(b"\r\n+TOPENED: %d,0\r\n" % number)
        self._receive(number, one)

    def _accept(self, number: int, one: Socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                system, (host, port) = one.system.accept()
                client = next(n for n in reversed(range(4)) if n not in self.sockets)
                self.sockets[client] = Socket(system, one.context, one.say)
                one.say(b"\r\n+TCLIENT: %d,%d,%s,%d\r\n" % (number, client, host.encode(), port))
                self._run(self._receive, client, self.sockets[client])

    def _receive(self, number: int, one: Socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.system.recv(4096):
                with self._lock:
                    one.received += data
                    tell, one.told = not one.told, True
                if tell:
                    one.say(b"\r\n+TDATA: %d\r\n" % number)
        if self.sockets.get(number) is one:
            one.say(b"\r\n+TGONE: %d\r\n" % number)


class ToyPort(MemoryPort):
    """A pyserial-like port with a toy module behind it."""

    def __init__(self, module: ToyModule, dlci: int) -> None:
        super().__init__(f"toy {dlci}", dlci=dlci, mux=module)
        self.module = module
        self._uart = ToyUart(module, self.say, dlci)

    def on_write(self, data: bytes) -> None:
        self._uart.feed(data)
