"""Whether the time for one octet stays the same from 1 KB to 100 MB and from 1 to 61 channels."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from answering import PATTERN
from clients import Transfer, Uart, opened
from measuring import MB, Rows, Run, Target, row
from peers import module

from .codec import pair

SIZES = {"1 KB": 1 << 10, "10 KB": 10 << 10, "100 KB": 100 << 10, "1 MB": MB, "10 MB": 10 * MB, "100 MB": 100 * MB}
CHANNELS = (1, 2, 4, 8, 16, 32, 61)


def nanoseconds(run: Run, transfer: Transfer) -> float:
    """Return ns an octet; what was lost is counted."""
    run.lose(transfer.lost)
    return transfer.seconds / transfer.octets * 1e9


@row
def growth(run: Run) -> Rows:
    """Move 1 KB to 100 MB through a VirtualUart, N1 127, either way; against 1 MB in turns with them."""
    with ExitStack() as stack:
        line = stack.enter_context(module(run.place, "0=transfer")).link
        uart = stack.enter_context(opened(line))[0]
        for way, move in (("host to module", uart.upload), ("module to host", uart.download)):

            def timed(octets: int, move: Callable[[int], Transfer] = move) -> float:
                return nanoseconds(run, move(run.octets(octets)))

            seen = run.turns({name: partial(timed, octets) for name, octets in SIZES.items()}, "1 MB")
            for name in SIZES:
                against = ("1 MB", seen["1 MB"]) if name != "1 MB" else None
                yield run.figure(f"{name}, {way}", "ns/octet", seen[name], against)


@row
def channels(run: Run) -> Rows:
    """Move 8 MB from the host to the module, N1 127, over 1 to 61 channels at once, a thread each; against one channel.

    ``the core alone``: one thread and two cores, without a line.
    """
    octets = run.octets(8 * MB)
    with ExitStack() as stack:
        lines = {
            count: stack.enter_context(opened(stack.enter_context(module(run.place, "0=transfer")).link, count))
            for count in CHANNELS
        }

        def timed(count: int) -> float:
            return nanoseconds(run, uploaded(lines[count], octets // count))

        seen = run.turns({str(count): partial(timed, count) for count in CHANNELS}, "1")
    for count in CHANNELS:
        against = ("1 channel", seen["1"]) if count > 1 else None
        target = Target("<=", 1.2) if count == 61 else None
        name = f"{count} channel{'s' if count > 1 else ''}"
        yield run.figure(name, "ns/octet", seen[str(count)], against, target)
    alone = run.turns({str(count): partial(core, count, octets // 2) for count in (1, 61)}, "1")
    yield run.figure("61 channels, the core alone", "ns/octet", alone["61"], ("1 channel", alone["1"]))


def uploaded(uarts: list[Uart], octets: int) -> Transfer:
    """Send octets on each channel at once."""
    lost: list[int] = []
    threads = [
        threading.Thread(target=lambda uart=uart: lost.append(uart.upload(octets).lost), daemon=True) for uart in uarts
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    missing = sum(lost) + octets * (len(uarts) - len(lost))
    return Transfer(octets * len(uarts), time.perf_counter() - began, missing)


def core(count: int, octets: int) -> float:
    """Return ns an octet of two cores in one thread, all channels sending."""
    host, far = pair(127, count, queue=1 << 16)
    data, sent, got = PATTERN[:4096], 0, 0
    began = time.perf_counter()
    while got < octets:
        for dlci in range(1, count + 1):
            if host.unsent(dlci) < 8192 and sent < octets:
                sent += host.send(dlci, data, 0.0)
        while portion := host.data_to_send(0.0, 4096):
            for event in far.receive_data(portion, 0.0):
                got += len(getattr(event, "data", b""))
    return (time.perf_counter() - began) / got * 1e9
