"""Round trips, and octets that are sent back: against gsm0710muxd, on the same emulated module."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from statistics import median

import muxd
from clients import Channel, Descriptor, Transfer, opened
from measuring import MB, Figure, Rows, Run, Target, percentile, row
from peers import attached, emulated

import cmux.aio

TRIPS = 2_000
WINDOWS = (512, 1024, 2048, 4096, 8192, None)


@contextmanager
def asyncio_trips(line: str) -> Iterator[Callable[[int], list[float]]]:
    """Open a line in asyncio; gives what measures round trips there."""

    async def measured(streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], count: int) -> list[float]:
        reader, writer = streams
        clock, seen = time.perf_counter, []
        for _ in range(count):
            began = clock()
            writer.write(b"x")
            await reader.readexactly(1)
            seen.append(clock() - began)
        return seen

    with asyncio.Runner() as runner:
        mux = runner.run(cmux.aio.open(line, n1=127, settle=0))
        streams = runner.run(mux.channel(1))
        try:
            yield lambda count: runner.run(measured(streams, count))
        finally:
            runner.run(mux.close())


def daemon(run: Run, stack: ExitStack) -> Descriptor | None:
    """Return a channel of gsm0710muxd on a module of its own, or None where it is not installed."""
    if not muxd.installed():
        run.say(f"    {muxd.NAME} is not installed: no reference")
        return None
    line = stack.enter_context(emulated(run.place, 2)).link  # its first channel is DLCI 2
    return Descriptor(stack.enter_context(muxd.gsm0710muxd(line))[0])


@row
def rtt(run: Run) -> Rows:
    """Send one octet over a pty to the emulated module and wait until it is back; against gsm0710muxd on such a module.

    5 times 2,000 trips of each in turns. The p99 is that of all 10,000 together.
    """
    count = run.count(TRIPS)
    with ExitStack() as stack:
        lines = [stack.enter_context(emulated(run.place, 1)).link for _ in range(3)]
        theirs = daemon(run, stack)
        uart = stack.enter_context(opened(lines[0]))[0]
        ptys = Descriptor(stack.enter_context(attached(lines[1]))[0])
        tasks = stack.enter_context(asyncio_trips(lines[2]))
        measured = {
            "VirtualUart": uart.trips,
            "attach": ptys.trips,
            "asyncio": tasks,
            **({muxd.NAME: theirs.trips} if theirs else {}),
        }
        for trips in measured.values():
            trips(run.count(200))
        seen = run.turns({name: partial(trips, count) for name, trips in measured.items()}, muxd.NAME, median)
    pure = {"VirtualUart": (1.0, 0.8), "attach": (1.1, 1.0), "asyncio": (0.9, 0.7)}
    for name, limits in pure.items():
        yield from _times(run, name, seen, Target("<=", *limits))


def _times(run: Run, name: str, seen: dict[str, list[list[float]]], target: Target) -> Iterator[Figure]:
    for part, what in ((0.5, "median"), (0.99, "p99")):

        def of(name: str, part: float = part) -> list[float]:
            return [percentile(trips, part) * 1e6 for trips in seen.get(name, [])]

        pooled = {
            key: percentile((trip for trips in seen.get(key, []) for trip in trips), part) * 1e6
            for key in (name, muxd.NAME)
            if key in seen
        }
        theirs = (muxd.NAME, [pooled[muxd.NAME]]) if muxd.NAME in pooled else None
        yield run.figure(f"{name}, {what}", "µs", of(name), theirs, target, pooled[name])


def clean_seconds(transfer: Transfer) -> float:
    """Return the seconds of a transfer in which nothing was lost; 0 for others, with which nothing is compared."""
    return 0.0 if transfer.lost else transfer.seconds


@row
def echo(run: Run) -> Rows:
    """Send 1 MB of text until it is back, N1 127, with the best of six windows in which no octet was lost in any run.

    Against gsm0710muxd in the best of its own; a window is how many octets may be under way.
    """
    octets = run.octets(MB)
    best: dict[str, tuple[float, list[float], str]] = {}
    with ExitStack() as stack:
        lines = [stack.enter_context(emulated(run.place, 1)).link for _ in range(2)]
        theirs = daemon(run, stack)
        channels: dict[str, Channel] = {
            "VirtualUart": stack.enter_context(opened(lines[0]))[0],
            "attach": Descriptor(stack.enter_context(attached(lines[1]))[0]),
            **({muxd.NAME: theirs} if theirs else {}),
        }
        for window in WINDOWS:

            def moved(name: str, window: int | None = window) -> Transfer:
                patience = 1.0 if name == muxd.NAME else 5.0
                return channels[name].echo(octets, window, patience)

            seen = run.turns({name: partial(moved, name) for name in channels}, muxd.NAME, clean_seconds)
            for name, transfers in seen.items():
                lost = sum(transfer.lost for transfer in transfers)
                run.lose(lost if name != muxd.NAME else 0)
                rates = [transfer.octets / transfer.seconds / 1e6 for transfer in transfers if not transfer.lost]
                if not lost and (name not in best or median(rates) > best[name][0]):
                    best[name] = median(rates), rates, f"window {window or 'none'}"
                if lost:
                    run.say(f"    {name} lost {lost} of {run.runs * octets} octets, window {window or 'none'}")
    for name, (pure, compiled) in (("VirtualUart", (2.5, 4)), ("attach", (2, 3))):
        if name in best:
            against = (f"{muxd.NAME}, {best[muxd.NAME][2]}", best[muxd.NAME][1]) if muxd.NAME in best else None
            target = Target(">=", pure, compiled)
            yield run.figure(f"{name}, best lossless", "MB/s", best[name][1], against, target)
