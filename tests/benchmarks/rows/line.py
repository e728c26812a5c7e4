"""At the speed of a line: what a host costs, how much of the line is used, and how long a keystroke takes."""

from __future__ import annotations

import contextlib
import json
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from statistics import median

import serial
from answering import PATTERN
from measuring import Rows, Run, Target, percentile, row
from peers import HERE, Peer, Program, bare, emulated, module

import cmux

RATE = 115_200
SECOND = RATE / 10
"""Octets a second."""
FRAME = 133
"""Octets of a frame with 127 of information."""
FRAME_TIME = FRAME / SECOND


@row
def cpu(run: Run) -> Rows:
    """Saturate four channels both ways at 921,600 baud and N1 127, in a process of its own, for 6 s.

    The module takes and gives octets every millisecond. Against the bare system calls of such a line: one thread
    polls and reads, another writes a frame whenever it is due.
    """
    seconds = run.seconds(6)

    def host(kind: str) -> dict[str, float]:
        peer = bare(run.place, "paced") if kind == "bare" else module(run.place, "0=flood", rate=921_600)
        with (
            peer,
            Program(sys.executable, HERE / "saturating_host.py", kind, peer.link, str(seconds), ready=None) as one,
        ):
            told: dict[str, float] = json.loads(one.line(seconds + 30))
            return told

    reference = "the bare system calls"
    kinds = {"threads": "threads", "asyncio": "aio", reference: "bare"}
    seen = run.turns({name: partial(host, kind) for name, kind in kinds.items()}, reference, lambda told: told["cpu"])
    theirs = [told["cpu"] for told in seen[reference]]
    for name, limits in (("threads", (12, 8)), ("asyncio", (10, 7))):
        ours = [told["cpu"] for told in seen[name]]
        target = Target("<=", *limits, scale=None)
        yield run.figure(name, "% of a core", ours, (reference, theirs), target)
        sent, received = (median(told[way] for told in seen[name]) for way in ("sent", "received"))
        run.say(f"    {name}: {sent:.0f} octets/s on the line of 92160, {received:.0f} octets/s received")


@contextmanager
def saturated(mux: cmux.Mux, channels: range, both_ways: bool = False) -> Iterator[None]:
    """Write on channels without a pause, and read what comes, in threads."""
    stopped = threading.Event()

    def write(port: cmux.VirtualUart) -> None:
        port.write_timeout = 1
        while not stopped.is_set():
            with contextlib.suppress(serial.SerialTimeoutException):
                port.write(PATTERN[:2048])

    def read(port: cmux.VirtualUart) -> None:
        port.timeout = 0.3
        while not stopped.is_set():
            port.read(512)

    works = (write, read) if both_ways else (write,)
    ports = [mux.channel(dlci) for dlci in channels]
    threads = [threading.Thread(target=work, args=(port,), daemon=True) for port in ports for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopped.set()
        for port in ports:
            port.cancel_write()
            port.reset_output_buffer()
        for thread in threads:
            thread.join(30)


@row
def line(run: Run) -> Rows:
    """Saturate one channel, or four, at 115,200 baud and N1 127 with `line_rate` for 6 s; the module counts what comes.

    The reference of one channel is what frames of that length leave of the line: 127/133 of 11,520 octets/s. Four
    channels are judged by Jain's index of fairness, 1 when all get the same.
    """
    seconds = run.seconds(6)

    def counted(channels: int) -> list[float]:
        with module(run.place, "0=sink", rate=RATE) as peer:
            wanted = range(1, channels + 1)
            with cmux.open(peer.link, n1=127, line_rate=RATE, channels=wanted, settle=0) as mux, saturated(mux, wanted):
                time.sleep(1.5)
                t0, before = peer.counts()
                time.sleep(seconds)
                t1, after = peer.counts()
        return [(after.get(dlci, 0) - before.get(dlci, 0)) / (t1 - t0) for dlci in wanted]

    seen = run.turns({"one": lambda: counted(1), "four": lambda: counted(4)}, None)
    best = 127 / 133 * SECOND
    rates = [sum(rates) for rates in seen["one"]]
    target = Target(">=", 99, scale="% of the reference")
    yield run.figure("one channel", "octets/s", rates, ("127/133 of the line", [best]), target)
    fair = [sum(rates) ** 2 / (4 * sum(rate**2 for rate in rates)) for rates in seen["four"]]
    yield run.figure("fairness of four", "(Jain)", fair, None, Target(">=", 0.99, scale=None))


@row
def keystroke(run: Run) -> Rows:
    """Type on channel 1 at 115,200 baud, N1 127, while channels 2 to 4 are saturated; in times of a frame, 11.5 ms.

    An octet is typed every 10 to 60 ms for 12 s, and comes back. The p99 is that of all 5 runs together. The
    reference is the line itself.
    """
    loops = (1, 2, 3, 4)
    cases: dict[str, tuple[Callable[[], Peer], bool, float]] = {
        "both ways saturated, gsm0710 emulate": (lambda: emulated(run.place, *loops, rate=RATE), True, 5),
        "both ways saturated": (lambda: module(run.place, "1=echo", "0=flood", rate=RATE), True, 5),
        "host to module saturated": (lambda: module(run.place, "1=echo", "0=sink", rate=RATE), False, 3),
    }
    seen = run.turns({name: partial(typed, run, start, both) for name, (start, both, _) in cases.items()}, None)
    for name, (_, _, limit) in cases.items():
        pooled = percentile((time for times in seen[name] for time in times), 0.99)
        runs = [percentile(times, 0.99) for times in seen[name]]
        target = Target("<=", limit, scale=None)
        yield run.figure(f"{name}, p99", "frame times", runs, ("a frame on the line", [1.0]), target, pooled)


def typed(run: Run, start: Callable[[], Peer], both_ways: bool) -> list[float]:
    """Type on channel 1 while the others are saturated; returns how many frame times each octet took."""
    seen, pause = [], random.Random(5)  # noqa: S311 - the same pauses every time
    with ExitStack() as stack:
        line = stack.enter_context(start()).link
        mux = stack.enter_context(cmux.open(line, n1=127, line_rate=RATE, channels=range(1, 5), settle=0))
        stack.enter_context(saturated(mux, range(2, 5), both_ways))
        time.sleep(run.seconds(2))
        port = mux.channel(1)
        port.timeout = 5
        until = time.monotonic() + run.seconds(12)
        while time.monotonic() < until:
            began = time.perf_counter()
            port.write(b"k")
            if port.read(1) != b"k":
                run.lose(1)
            seen.append((time.perf_counter() - began) / FRAME_TIME)
            time.sleep(pause.uniform(0.01, 0.06))
    return seen
