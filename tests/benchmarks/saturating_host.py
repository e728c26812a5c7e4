"""A host on a line of 921,600 baud, four channels saturated both ways; prints how much of a core it took.

``saturating_host.py threads|aio|bare LINK SECONDS``. ``bare`` makes the system calls alone: one thread polls and reads,
another writes 133 octets whenever they are due.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import sys
import threading
import time
import tty
from collections.abc import Callable

import serial
from answering import LONGEST, PATTERN

import cmux
import cmux.aio

RATE = 921_600
FRAME = 133
WARMING = 1.5
DATA = PATTERN[:4096]


class Watch:
    """CPU time and octets between two moments."""

    def __init__(self, received: Callable[[], int], sent: Callable[[], object]) -> None:
        self._received, self._sent = received, sent

    def now(self) -> tuple[float, float, float, int]:
        """Return the time, the CPU time of this process, and octets."""
        spent = os.times()
        return time.monotonic(), spent.user + spent.system, self._received(), int(str(self._sent()))

    def tell(self, before: tuple[float, float, float, int]) -> None:
        """Print what was since then, and leave without joining threads that block."""
        (t0, cpu0, in0, out0), (t1, cpu1, in1, out1) = before, self.now()
        seconds = t1 - t0
        told = {
            "cpu": (cpu1 - cpu0) / seconds * 100,
            "received": (in1 - in0) / seconds,
            "sent": (out1 - out0) / seconds,
        }
        print(json.dumps(told), flush=True)
        os._exit(0)


def watched(watch: Watch, seconds: float) -> None:
    """Warm up, watch, tell."""
    time.sleep(WARMING)
    before = watch.now()
    time.sleep(seconds)
    watch.tell(before)


def threads(link: str, seconds: float) -> None:
    """Two threads for each channel: one reads what is there, one writes."""
    mux = cmux.open(link, n1=127, line_rate=RATE, channels=(1, 2, 3, 4), settle=0)
    got = [0] * 5

    def read(dlci: int) -> None:
        port = mux.channel(dlci)
        port.timeout = 1
        while True:
            data = port.read(1)
            got[dlci] += len(data) + (len(port.read(there)) if (there := port.in_waiting) else 0)

    def write(dlci: int) -> None:
        port = mux.channel(dlci)
        port.write_timeout = 1
        while True:
            with contextlib.suppress(serial.SerialTimeoutException):
                port.write(DATA)

    for dlci in range(1, 5):
        for work in (read, write):
            threading.Thread(target=work, args=(dlci,), daemon=True).start()
    watched(Watch(lambda: sum(got), lambda: mux.stats()["line_octets_sent"]), seconds)


async def aio(link: str, seconds: float) -> None:
    """Two tasks for each channel."""
    mux = await cmux.aio.open(link, n1=127, line_rate=RATE, settle=0)
    got = [0]

    async def read(reader: asyncio.StreamReader) -> None:
        while True:
            got[0] += len(await reader.read(LONGEST))

    async def write(writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(DATA)
            await writer.drain()

    tasks = []
    for dlci in range(1, 5):
        reader, writer = await mux.channel(dlci)
        tasks += [asyncio.ensure_future(read(reader)), asyncio.ensure_future(write(writer))]
    watch = Watch(lambda: got[0], lambda: mux.stats()["line_octets_sent"])
    await asyncio.sleep(WARMING)
    before = watch.now()
    await asyncio.sleep(seconds)
    watch.tell(before)


def bare(link: str, seconds: float) -> None:
    """Make the system calls of such a line, and nothing else."""
    fd = os.open(link, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(fd)
    os.set_blocking(fd, False)
    moved = [0, 0]

    def read() -> None:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        while True:
            poll.poll()
            with contextlib.suppress(BlockingIOError):
                moved[0] += len(os.read(fd, LONGEST))

    def write() -> None:
        due = time.monotonic()
        while True:
            due += FRAME * 10 / RATE
            time.sleep(max(0.0, due - time.monotonic()))
            with contextlib.suppress(BlockingIOError):
                moved[1] += os.write(fd, DATA[:FRAME])

    for work in (read, write):
        threading.Thread(target=work, daemon=True).start()
    watched(Watch(lambda: moved[0], lambda: moved[1]), seconds)


def main() -> None:
    """Run one of them."""
    kind, link, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    if kind == "aio":
        asyncio.run(aio(link, seconds))
    else:
        {"threads": threads, "bare": bare}[kind](link, seconds)


if __name__ == "__main__":
    main()
