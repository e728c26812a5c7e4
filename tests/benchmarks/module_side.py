"""A module for these measurements: the core of `cmux.protocol` in one poll loop, on a pty.

``module_side.py LINK [--n1 N] [--rate BAUD] [--kind DLCI=KIND]...``: kinds are those of `answering`; DLCI 0 stands for
all others. With ``--rate`` it takes and gives octets every millisecond, as a UART would. On SIGUSR1 it prints a JSON
object: how many octets each channel has received, and when.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import signal
import time

from answering import LONGEST, Answerer
from bare_peer import pty

from cmux.protocol import Config, Multiplexer, Option, Role
from cmux.protocol.events import DataReceived, SessionClosed

FORWARD = 16384
"""Octets handed to the core, or kept for the line, at a time."""
TICK = 0.001
LATE = 0.05


class Module:
    """AT commands first, all of them answered with OK, then a multiplexer."""

    def __init__(self, n1: int, kinds: dict[int, str]) -> None:
        self._n1, self._kinds = n1, kinds
        self._core: Multiplexer | None = None
        self._typed = b""
        self.answerers: dict[int, Answerer] = {}
        self.out = bytearray()

    def receive(self, data: bytes, now: float) -> None:
        """Take octets of the line."""
        if self._core is None:
            data = self._command_lines(data)
        if self._core is None or not data:
            return
        for event in self._core.receive_data(data, now):
            if type(event) is DataReceived:
                self._answerer(event.dlci).receive(event.data)
            elif isinstance(event, SessionClosed):
                self._core, self._typed = None, b""
                self.answerers.clear()
                return

    def _answerer(self, dlci: int) -> Answerer:
        if dlci not in self.answerers:
            self.answerers[dlci] = Answerer(self._kinds.get(dlci, self._kinds.get(0, "echo")))
        return self.answerers[dlci]

    def _command_lines(self, data: bytes) -> bytes:
        """Answer AT commands; returns what follows AT+CMUX."""
        self._typed += data
        while self._core is None and b"\r" in self._typed:
            line, _, self._typed = self._typed.partition(b"\r")
            self.out += b"\r\nOK\r\n" if line.strip() else b""
            if b"+CMUX=" in line:
                values = line.partition(b"=")[2].split(b",")
                n1 = int(values[3]) if len(values) > 3 and values[3].isdigit() else self._n1
                option = Option.ADVANCED if values[0] == b"1" else Option.BASIC
                self._core = Multiplexer(Role.RESPONDER, Config(n1=n1, option=option, queue_high=1 << 18))
        rest, self._typed = (b"", self._typed) if self._core is None else (self._typed, b"")
        return rest

    def fill(self, now: float, room: int, limit: int) -> bool:
        """Have the core build frames while there is room for them; returns whether there may be more."""
        if self._core is None:
            return False
        more = False
        self._queue(now)
        while len(self.out) < room and (octets := self._core.data_to_send(now, limit)):
            self.out += octets
            more = True
            self._queue(now)
        return more

    def _queue(self, now: float) -> None:
        assert self._core is not None
        for dlci, answerer in self.answerers.items():
            while self._core.is_open(dlci) and (waiting := answerer.waiting(FORWARD)):
                taken = self._core.send(dlci, waiting, now)
                answerer.sent(taken)
                if taken < len(waiting) or answerer.kind == "flood":
                    break

    def timeouts(self, now: float) -> None:
        """Do what is due."""
        if self._core is not None and (due := self._core.next_timeout()) is not None and due <= now:
            self._core.handle_timeout(now)

    def counts(self, *_: object) -> None:
        """Print what each channel has received."""
        told = {dlci: answerer.received for dlci, answerer in self.answerers.items()}
        print(json.dumps({"at": time.monotonic(), "received": told}), flush=True)


def run(module: Module, master: int) -> None:
    """Move octets as fast as it goes, for ever."""
    poll = select.poll()
    poll.register(master, select.POLLIN)
    more = False
    while True:
        poll.modify(master, select.POLLIN | (select.POLLOUT if module.out else 0))
        events = poll.poll(0 if more and not module.out else 200)
        now = time.monotonic()
        if events and events[0][1] & select.POLLIN:
            with contextlib.suppress(BlockingIOError):
                module.receive(os.read(master, LONGEST), now)
        module.timeouts(now)
        more = module.fill(now, FORWARD, 4096)
        if module.out:
            with contextlib.suppress(BlockingIOError):
                del module.out[: os.write(master, module.out)]


def pace(module: Module, master: int, rate: int) -> None:
    """Move octets at a baud rate, every millisecond, for ever.

    A UART goes on while this process is not scheduled, so up to `LATE` of the octets that would have passed then are
    moved at once; nothing is made up for while there was nothing to move.
    """
    second = rate / 10
    last = due = time.monotonic()
    taken = given = 0.0
    """How many octets may be read and written now."""
    while True:
        due = max(due + TICK, last)
        time.sleep(max(0.0, due - time.monotonic()))
        now = time.monotonic()
        taken = min(taken + (now - last) * second, second * LATE)
        given = min(given + (now - last) * second, second * LATE)
        last = now
        if taken >= 1:
            data = b""
            with contextlib.suppress(BlockingIOError):
                data = os.read(master, int(taken))
                module.receive(data, now)
            taken = taken - len(data) if len(data) == int(taken) else max(1.0, second * TICK)
        module.timeouts(now)
        module.fill(now, max(1, int(given)), 0)
        if not module.out:
            given = min(given, max(1.0, second * TICK))
        elif given >= 1:
            with contextlib.suppress(BlockingIOError):
                written = os.write(master, module.out[: int(given)])
                del module.out[:written]
                given -= written


def main() -> None:
    """Run it until it is terminated."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("link")
    parser.add_argument("--n1", type=int, default=127)
    parser.add_argument("--rate", type=int, default=0)
    parser.add_argument("--kind", action="append", default=[])
    options = parser.parse_args()
    kinds = {int(dlci): kind for dlci, _, kind in (text.partition("=") for text in options.kind)}
    module = Module(options.n1, kinds)
    signal.signal(signal.SIGUSR1, module.counts)
    master, _ = pty(options.link)
    os.set_blocking(master, False)
    print("ready", flush=True)
    if options.rate:
        pace(module, master, options.rate)
    else:
        run(module, master)


if __name__ == "__main__":
    main()
