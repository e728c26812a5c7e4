"""Round trips and throughput by N1 and by channels, ours and gsm0710muxd's: what the plots show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from statistics import median

import muxd
from clients import Descriptor, Transfer, Uart, echo_on_uarts, echo_together, opened
from measuring import MB, Figure, Rows, Run, row
from peers import attached, module

from .trips import clean_seconds

N1 = (31, 64, 127, 256, 512, 1500)
CHANNELS = (1, 2, 4, 8, 16, 31)
"""gsm0710muxd has no more."""
WINDOWS = (1024, 2048, 4096)
"""Octets that gsm0710muxd may have under way on all channels together; with more it loses some."""
OURS = ("VirtualUart", "attach")


class Hosts:
    """Our shells and gsm0710muxd, each on a module of its own that sends everything back."""

    def __init__(self, run: Run, stack: ExitStack, count: int, n1: int) -> None:
        self.lines = [stack.enter_context(module(run.place, "0=echo", n1=n1)).link for _ in range(3)]
        self.uarts: list[Uart] = stack.enter_context(opened(self.lines[0], count, n1))
        self.ptys: list[int] = stack.enter_context(attached(self.lines[1], count, n1))
        self.daemon: list[int] = []

    def trips(self, name: str, channels: int, count: int) -> float:
        """Send one octet and wait until it is back, on one channel after the other; returns the median in µs."""
        if name == "VirtualUart":
            seen = [trip for uart in self.uarts[:channels] for trip in uart.trips(max(1, count // channels))]
        else:
            fds = self.ptys if name == "attach" else self.daemon
            seen = [trip for fd in fds[:channels] for trip in Descriptor(fd).trips(max(1, count // channels))]
        return median(seen) * 1e6

    def echo(self, name: str, channels: int, octets: int, window: int | None) -> Transfer:
        """Send octets forth and back on all channels at once."""
        if name == "VirtualUart":
            return echo_on_uarts(self.uarts[:channels], octets // channels, window)
        fds = (self.ptys if name == "attach" else self.daemon)[:channels]
        moved = echo_together(fds, octets // channels, window, 10.0 if name == "attach" else 1.0)
        if moved.lost:
            for fd in fds:
                Descriptor(fd).drain()
        return moved


def _daemons(stack: ExitStack, hosts: dict[int, Hosts], count: int) -> None:
    """Start gsm0710muxd for each, at once, because it sleeps for a quarter of a minute first."""
    if not muxd.installed():
        return
    fit = {n1: each for n1, each in hosts.items() if n1 <= muxd.LONGEST}
    made = {n1: muxd.gsm0710muxd(each.lines[2], count, n1) for n1, each in fit.items()}
    with ThreadPoolExecutor() as pool:
        waiting = {n1: pool.submit(stack.enter_context, one) for n1, one in made.items()}
        for n1, one in waiting.items():
            fit[n1].daemon = one.result()


def _point(run: Run, name: str, hosts: Hosts, channels: int) -> Iterator[Figure]:
    """Take round trips and throughput of all, in turns."""
    who = [*OURS, *([muxd.NAME] if hosts.daemon else [])]
    trips, octets = run.count(500), run.octets(MB)
    turns: dict[str, Callable[[], float]] = {each: partial(hosts.trips, each, channels, trips) for each in who}
    times = run.turns(turns, muxd.NAME)
    reference = (muxd.NAME, times[muxd.NAME]) if hosts.daemon else None
    for ours in OURS:
        yield run.figure(f"round trip, {ours}, {name}", "µs", times[ours], reference)
    ways = {each: partial(hosts.echo, each, channels, octets, None) for each in OURS} | {
        f"{muxd.NAME}, window {window}": partial(hosts.echo, muxd.NAME, channels, octets, window // channels)
        for window in (WINDOWS if hosts.daemon else ())
    }
    moved = run.turns(ways, next(reversed(ways)) if hosts.daemon else None, clean_seconds)
    theirs = {
        who: [transfer.octets / transfer.seconds / 1e6 for transfer in transfers]
        for who, transfers in moved.items()
        if who not in OURS and not any(transfer.lost for transfer in transfers)
    }
    best = max(theirs.items(), key=lambda one: median(one[1]), default=None)
    if hosts.daemon and best is None:
        run.say(f"    {name}: {muxd.NAME} has lost octets each time: no reference")
    for ours in OURS:
        yield run.figure(f"echo, {ours}, {name}", "MB/s", [run.rate(*one) for one in moved[ours]], best)


@row
def by_n1(run: Run) -> Rows:
    """Round trip of an octet, and 1 MB of text sent forth and back, by N1; against gsm0710muxd.

    gsm0710muxd has 1, 2 or 4 KB under way, whichever is fastest and loses nothing, and no figure above N1 127, where
    it loses all data. The module is the core in a poll loop, without what the emulated module does besides.
    """
    with ExitStack() as stack:
        hosts = {n1: Hosts(run, stack, 1, n1) for n1 in N1}
        _daemons(stack, hosts, 1)
        for n1, each in hosts.items():
            yield from _point(run, f"N1 {n1}", each, 1)


@row
def by_channels(run: Run) -> Rows:
    """Round trip of an octet on each channel in turn, and text sent forth and back on all at once; against gsm0710muxd.

    N1 is 127; 31 channels are all that gsm0710muxd has.
    """
    with ExitStack() as stack:
        hosts = Hosts(run, stack, max(CHANNELS), muxd.LONGEST)
        _daemons(stack, {muxd.LONGEST: hosts}, max(CHANNELS))
        for channels in CHANNELS:
            yield from _point(run, f"{channels} channel{'s' if channels > 1 else ''}", hosts, channels)
