"""A module of the toy family, which nobody makes: real sockets on the loopback behind made-up AT commands.

AT+TOPEN, AT+TLISTEN and AT+TSERVICE may name a mode: 0 keeps data until AT+TREAD (what they do if they name none), 1
pushes it, 2 is data mode, which a lone ``+++`` leaves.
"""

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
    kind: str = "TCP"
    mode: int = 0
    datagrams: list[tuple[bytes, tuple[str, int]]] = field(default_factory=list)
    uart: ToyUart | None = None
    """The line that is in data mode for it."""


class ToyUart:
    """The end of one line to the module."""

    def __init__(self, module: ToyModule, say: Say, dlci: int) -> None:
        self._module = module
        self._dlci = dlci
        self._line = say
        self._octets = bytearray()
        self._sending: tuple[int, int, tuple[str, int] | None] | None = None
        self.online: Socket | None = None
        """The socket that has the line, in data mode."""

    def feed(self, octets: bytes) -> None:
        """Take what the host has sent."""
        if self.online is not None:
            self._feed_online(octets, self.online)
            return
        self._octets += octets
        while self._sending or b"\r" in self._octets:
            if self._sending:
                number, count, to = self._sending
                if len(self._octets) < count:
                    return
                data = bytes(self._octets[:count])
                del self._octets[:count]
                self._sending = None
                self._say(self._module.send(number, data, to))
                continue
            line, _, rest = bytes(self._octets).partition(b"\r")
            self._octets[:] = rest
            self._module.commands.append(line.decode())
            self._module.note()
            self._say(self._answer(line.decode()))

    def _feed_online(self, octets: bytes, one: Socket) -> None:
        if octets == b"+++":
            self.online, one.uart, one.mode = None, None, 0
            self._say(OK)
        else:
            one.system.sendall(octets)

    def go_online(self, one: Socket) -> None:
        """Enter data mode for a socket."""
        self.online, one.uart, one.mode = one, self, 2
        self._say(b"\r\nCONNECT\r\n")

    def say(self, octets: bytes) -> None:
        """Say what nobody has asked for."""
        self._say(octets)

    def _say(self, octets: bytes) -> None:
        self._line(octets)
        self._module.note(octets)

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
        if found := re.fullmatch(r'AT\+TOPEN=(\d),(\d),"(TCP|UDP)","(.+)",(\d+)(?:,([012]))?', line):
            system = socket.socket(type=socket.SOCK_STREAM if found[3] == "TCP" else socket.SOCK_DGRAM)
            made = Socket(system, int(found[1]), self._say, kind=found[3], mode=int(found[6] or 0))
            return module.open(int(found[2]), made, (found[4], int(found[5])), self)
        if found := re.fullmatch(r"AT\+TSERVICE=(\d),(\d),(\d+),([01])", line):
            return module.serve(*(int(number) for number in found.groups()), self._say)
        if found := re.fullmatch(r"AT\+TLISTEN=(\d),(\d),(\d+)(?:,([012]))?", line):
            return module.listen(int(found[1]), int(found[2]), int(found[3]), self._say, int(found[4] or 0))
        if (found := re.fullmatch(r"AT\+TMODE=(\d),([012])", line)) and int(found[1]) in module.sockets:
            return module.change_mode(int(found[1]), int(found[2]), self)
        if line == "AT+TLIST?":
            return module.listed()
        if found := re.fullmatch(r"AT\+TALIVE=(\d),(\d+)", line):
            module.alive[int(found[1])] = int(found[2])
            return OK
        if line == "AT+TMODEL":
            return b"\r\n%s\r\n" % module.model.encode() + OK
        if found := re.fullmatch(r"AT\+TCLOSE=(\d)", line):
            return module.close(int(found[1]))
        if found := re.fullmatch(r"AT\+TREAD=(\d),(\d+)", line):
            return module.read(int(found[1]), int(found[2]))
        if found := re.fullmatch(r"AT\+TACKED=(\d)", line):
            number = int(found[1])
            return b"\r\n+TACKED: %d,%d\r\n" % (module.sockets[number].sent, module.sockets[number].sent) + OK
        if (found := re.fullmatch(r"AT\+TSEND=(\d),(\d+)", line)) and int(found[1]) in module.sockets:
            self._sending = int(found[1]), int(found[2]), None
            return PROMPT
        found = re.fullmatch(r'AT\+TSENDTO=(\d),(\d+),"(.+)",(\d+)', line)
        if found and int(found[1]) in module.sockets:
            self._sending = int(found[1]), int(found[2]), (found[3], int(found[4]))
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
        self.alive: dict[int, int] = {}
        """The sockets that it examines by itself, with the seconds."""
        self.model = "TOY7"
        self.full: int = 0
        """How many pieces it has no room for."""
        self.client_number: int | None = None
        """The number of the next client, instead of the highest free one."""
        self.news_go_to: Say | None = None
        """The line on which news come, None: that on which the socket was opened."""
        self.said: bytes = b""
        """All that it has said, on its lines together."""
        self._news = threading.Condition()
        self._lock = threading.RLock()
        self._threads: list[threading.Thread] = []

    def note(self, said: bytes = b"") -> None:
        """Let those who wait for it know what was said."""
        with self._news:
            self.said += said
            self._news.notify_all()

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something has been said or asked."""
        with self._news:
            assert self._news.wait_for(condition, 10)

    def open(self, number: int, made: Socket, address: tuple[str, int], uart: ToyUart) -> bytes:
        if made.context not in self.up:
            made.system.close()
            return ERROR
        made.say = self.news_go_to or made.say
        if number in self.sockets:
            made.system.close()
            return OK + b"\r\n+TOPENED: %d,63\r\n" % number
        self.sockets[number] = made
        self._run(self._connect, number, made, address, uart)
        return b"" if made.mode == 2 else OK

    def listen(self, context: int, number: int, port: int, say: Say, mode: int) -> bytes:
        if number in self.sockets or context not in self.up:
            return ERROR
        server = socket.create_server(("127.0.0.1", port))
        self.sockets[number] = Socket(server, context, self.news_go_to or say, kind="LISTENER", mode=mode)
        self._run(self._accept, number, self.sockets[number])
        return OK

    def serve(self, context: int, number: int, port: int, mode: int, say: Say) -> bytes:
        """Open a UDP service."""
        if number in self.sockets or context not in self.up:
            return ERROR
        system = socket.socket(type=socket.SOCK_DGRAM)
        system.bind(("127.0.0.1", port))
        self.sockets[number] = Socket(system, context, self.news_go_to or say, kind="SERVICE", mode=mode)
        self._run(self._receive, number, self.sockets[number])
        return OK + b"\r\n+TOPENED: %d,0\r\n" % number

    def change_mode(self, number: int, mode: int, uart: ToyUart) -> bytes:
        """Change how the data of a socket comes; what is kept is pushed."""
        one = self.sockets[number]
        if mode == 2:
            uart.go_online(one)
            return b""
        with self._lock:
            one.mode, one.told = mode, False
            kept = bytes(one.received) if mode else b""
            if mode:
                one.received.clear()
        return OK + (b"\r\n+TPUSH: %d,%d\r\n%s" % (number, len(kept), kept) if kept else b"")

    def listed(self) -> bytes:
        """Say which sockets and contexts there are."""
        lines = [b"+TUP: %d" % context for context in sorted(self.up)]
        lines += [
            b"+TSOCKET: %d,%s,%d" % (n, one.kind.encode(), one.context) for n, one in sorted(self.sockets.items())
        ]
        return b"".join(b"\r\n%s\r\n" % line for line in lines) + OK

    def close(self, number: int) -> bytes:
        if one := self.sockets.pop(number, None):
            with contextlib.suppress(OSError):
                one.system.shutdown(socket.SHUT_RDWR)
            one.system.close()
        return OK

    def send(self, number: int, data: bytes, to: tuple[str, int] | None = None) -> bytes:
        if self.full:
            self.full -= 1
            return b"\r\nNOT SENT\r\n"
        try:
            if to is None:
                self.sockets[number].system.sendall(data)
            else:
                self.sockets[number].system.sendto(data, to)
        except (OSError, KeyError):
            return b"\r\nNOT SENT\r\n"
        self.sockets[number].sent += len(data)
        return b"\r\nSENT\r\n"

    def read(self, number: int, size: int) -> bytes:
        with self._lock:
            one = self.sockets.get(number)
            if one is None:
                return ERROR
            if one.datagrams:
                data, (host, port) = one.datagrams.pop(0)
                one.told = bool(one.datagrams)
                return b"\r\n+TREAD: %d,%d,%s,%d\r\n%s" % (number, len(data), host.encode(), port, data) + OK
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

    def _connect(self, number: int, one: Socket, address: tuple[str, int], uart: ToyUart) -> None:
        try:
            one.system.connect(address)
        except OSError:
            one.say(ERROR if one.mode == 2 else b"\r\n+TOPENED: %d,1\r\n" % number)
            return
        if self.muted:
            return
        if one.mode == 2:
            uart.go_online(one)
        else:
            one.say(b"\r\n+TOPENED: %d,0\r\n" % number)
        self._receive(number, one)

    def _accept(self, number: int, one: Socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                system, (host, port) = one.system.accept()
                client = next((n for n in reversed(range(4)) if n not in self.sockets), None)
                if self.client_number is not None:
                    client, self.client_number = self.client_number, None
                if client is None:
                    system.close()
                    one.say(b"\r\n+TFULL\r\n")
                    continue
                made = self.sockets[client] = Socket(system, one.context, one.say, mode=one.mode)
                one.say(b"\r\n+TCLIENT: %d,%d,%s,%d\r\n" % (number, client, host.encode(), port))
                self._run(self._receive, client, made)

    def _receive(self, number: int, one: Socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                data, sender = one.system.recvfrom(4096)
                if not data:
                    break
                self._take(number, one, data, sender)
        if self.sockets.get(number) is not one:
            return
        if one.uart is not None:
            one.uart.online, uart, one.uart = None, one.uart, None
            uart.say(b"\r\nNO CARRIER\r\n")
        else:
            one.say(b"\r\n+TGONE: %d\r\n" % number)

    def _take(self, number: int, one: Socket, data: bytes, sender: tuple[str, int] | None) -> None:
        """Take what has come for a socket: in data mode, pushed, or kept."""
        if one.uart is not None:
            one.uart.say(data)
            return
        of = b",%s,%d" % (sender[0].encode(), sender[1]) if one.kind == "SERVICE" and sender else b""
        if one.mode == 1:
            one.say(b"\r\n+TPUSH: %d,%d%s\r\n%s" % (number, len(data), of, data))
            return
        with self._lock:
            if one.kind == "SERVICE" and sender:
                one.datagrams.append((data, sender))
            else:
                one.received += data
            tell, one.told = not one.told, True
        if tell:
            one.say(b"\r\n+TDATA: %d\r\n" % number)


class ToyPort(MemoryPort):
    """A pyserial-like port with a toy module behind it."""

    def __init__(self, module: ToyModule, dlci: int) -> None:
        super().__init__(f"toy {dlci}", dlci=dlci, mux=module)
        self.module = module
        self._uart = ToyUart(module, self.say, dlci)

    def on_write(self, data: bytes) -> None:
        self._uart.feed(data)
