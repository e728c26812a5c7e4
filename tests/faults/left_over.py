"""What a process has: threads, descriptors, memory."""

from __future__ import annotations

import gc
import os
import sys
import threading
from dataclasses import dataclass

from cmux.protocol.headers import HEADERS


@dataclass(frozen=True)
class Census:
    """What there is at a moment at which nothing is going on.

    Args:
        threads: how many threads.
        descriptors: how many descriptors.
        blocks: how many blocks of memory Python has allocated.
        resident: octets of memory that the system has given.
    """

    threads: int
    descriptors: int
    blocks: int
    resident: int

    def grown(self, before: Census) -> list[str]:
        """Say what there is now that was not there before; memory may vary by a fiftieth."""
        told = []
        if self.threads > before.threads:
            told.append(f"{self.threads - before.threads} threads are left: {threading.enumerate()}")
        if self.descriptors > before.descriptors:
            told.append(f"{self.descriptors - before.descriptors} descriptors are left")
        if self.blocks > before.blocks * 1.02:
            told.append(f"blocks of memory: {before.blocks:,} have become {self.blocks:,}")
        return told


def census() -> Census:
    """Count, without what is in caches that have a bound (`docs/reliability.md`)."""
    for headers in HEADERS.values():
        headers.parsed.clear()
        headers.built.clear()
        headers.ends.clear()
    gc.collect()
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as file:
        pages = int(file.read().split()[1])
    return Census(
        threading.active_count(),
        len(os.listdir("/proc/self/fd")),
        sys.getallocatedblocks(),
        pages * os.sysconf("SC_PAGE_SIZE"),
    )
