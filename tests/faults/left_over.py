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


_TOLD = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")


class _MallInfo(ctypes.Structure):
    """What glibc tells of its arenas."""

    _fields_ = tuple((name, ctypes.c_size_t) for name in _TOLD)


_mallinfo = getattr(ctypes.CDLL(None), "mallinfo2", None)
if _mallinfo is not None:
    _mallinfo.restype = _MallInfo


def _heap() -> int:
    if _mallinfo is None:
        return 0
    told = _mallinfo()
    return int(told.uordblks + told.hblkhd)


@dataclass(frozen=True)
class Census:
    """What there is at a moment at which nothing is going on.

    Args:
        threads: how many threads.
        descriptors: how many descriptors.
        blocks: how many blocks of memory Python has allocated.
        heap: octets that the C library has handed out, which are objects of more than 512 octets and whatever C code
            keeps; 0 where it does not tell.
        resident: octets of memory that the system has given: what the C library keeps for its threads, too.
    """

    threads: int
    descriptors: int
    blocks: int
    heap: int
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
        if self.heap > before.heap + 1_000_000:
            told.append(f"octets of memory: {before.heap:,} have become {self.heap:,}")
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
        _heap(),
        pages * os.sysconf("SC_PAGE_SIZE"),
    )
