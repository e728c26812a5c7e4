"""What a process has: threads, descriptors, memory."""

from __future__ import annotations

import ctypes
import functools
import gc
import linecache
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass

from cmux.protocol.headers import HEADERS

_CACHE = type(functools.lru_cache(lambda: None))
_clear_names: Callable[[], None] = getattr(sys, "_clear_internal_caches", None) or sys._clear_type_cache
"""Clears up to 4096 names of attributes that Python keeps: `match` statements and computed names fill these."""
_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
"""Of glibc: gives back what its arenas keep."""


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
        """Say what there is now that was not there before; a few blocks of memory may be."""
        told = []
        if self.threads > before.threads:
            told.append(f"{self.threads - before.threads} threads are left: {threading.enumerate()}")
        if self.descriptors > before.descriptors:
            told.append(f"{self.descriptors - before.descriptors} descriptors are left")
        if self.blocks > before.blocks + 1000:
            told.append(f"blocks of memory: {before.blocks:,} have become {self.blocks:,}")
        return told


def census() -> Census:
    """Count, without what is in caches that have a bound (`docs/reliability.md`)."""
    for headers in HEADERS.values():
        headers.parsed.clear()
        headers.built.clear()
        headers.ends.clear()
    for cache in [one for one in gc.get_objects() if isinstance(one, _CACHE)]:
        if cache.__module__.partition(".")[0] in ("cmux", "drivers"):
            cache.cache_clear()
    linecache.clearcache()
    _clear_names()
    gc.collect()
    gc.collect()
    if _trim is not None:
        _trim(0)
    with open("/proc/self/statm", encoding="ascii") as file:
        pages = int(file.read().split()[1])
    return Census(
        threading.active_count(),
        len(os.listdir("/proc/self/fd")),
        sys.getallocatedblocks(),
        pages * os.sysconf("SC_PAGE_SIZE"),
    )
