"""Many modems in one process; prints what it takes as JSON.

``memory_host.py open|attach LINK LINES OCTETS``: sends octets forth and back on four channels of each line, and prints
what one line more takes. ``memory_host.py idle LINK LINES 0``: opens them, and prints again and again how often a
second the process was woken in the last ``$SECONDS``.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
import tty
from contextlib import ExitStack
from pathlib import Path

from clients import Descriptor, Uart

import cmux
from cmux.bridge import PtyBridge

CHANNELS = (1, 2, 3, 4)


def private() -> float:
    """Return the private memory of this process in KB."""
    text = Path("/proc/self/smaps_rollup").read_text(encoding="utf-8")
    fields = dict(line.split(":", 1) for line in text.splitlines()[1:])
    return sum(float(fields[name].split()[0]) for name in ("Private_Clean", "Private_Dirty"))


def woken() -> int:
    """Return how often threads of this process have waited for something and were woken."""
    count = 0
    for status in Path("/proc/self/task").glob("*/status"):
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("voluntary_ctxt"):
                count += int(line.split()[1])
    return count


def bring_up(stack: ExitStack, kind: str, line: str, octets: int) -> int:
    """Open a line and use its channels; returns how many octets were lost."""
    mux = stack.enter_context(cmux.open(line, channels=CHANNELS, settle=0))
    if kind == "idle":
        return 0
    if kind == "open":
        lost = sum(Uart(mux.channel(dlci)).echo(octets).lost for dlci in CHANNELS)
        for dlci in CHANNELS:
            mux.channel(dlci).timeout = None
        return lost
    lost = 0
    for dlci in CHANNELS:
        bridge = PtyBridge(mux.channel(dlci), None)
        bridge.start()
        stack.callback(bridge.close)
        fd = os.open(bridge.path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(fd)
        lost += Descriptor(fd).echo(octets).lost
        os.close(fd)
    return lost


def settled() -> float:
    """Return the private memory after a collection."""
    time.sleep(0.5)
    gc.collect()
    return private()


def main() -> None:
    """Run it."""
    kind, link, lines, octets = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    with ExitStack() as stack:
        lost = bring_up(stack, kind, f"{link}1", octets)
        one = settled()
        for number in range(2, lines + 1):
            lost += bring_up(stack, kind, f"{link}{number}", octets)
        each = (settled() - one) / (lines - 1)
        if kind == "idle":
            seconds = float(os.environ["SECONDS"])
            while True:
                before, began = woken(), time.monotonic()
                time.sleep(seconds)
                # Its own sleep is one of them.
                print(json.dumps({"woken": (woken() - before - 1) / (time.monotonic() - began)}), flush=True)
        print(json.dumps({"one": one, "each": each, "lost": lost}), flush=True)


if __name__ == "__main__":
    main()
