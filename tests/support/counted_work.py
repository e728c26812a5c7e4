"""Counts what is done instead of how long it takes: lines that run, octets that are copied, octets of an FCS."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any
from unittest import mock

from cmux.protocol import fcs

_AT_ONCE = 64  # octets that are copied in the time of a line, about
_REMEMBERED = 64  # objects: one that is seen again has not been made anew
_TEXTS = {bytes, str}


class _Copies:
    """Counts octets and characters in new objects that functions, and attributes of their ``self``, have got."""

    def __init__(self) -> None:
        self.octets = 0
        self._seen: OrderedDict[int, object] = OrderedDict()

    def look(self, frame: FrameType) -> None:
        seen, local = self._seen, frame.f_locals
        for values in (local, getattr(local.get("self"), "__dict__", ())):
            for name in values:
                value = values[name]
                if type(value) in _TEXTS:
                    key = id(value)
                    if key in seen:
                        seen.move_to_end(key)
                    else:
                        self.octets += len(value)
                        seen[key] = value  # it lives, so that no other one gets its id
        while len(seen) > _REMEMBERED:
            seen.popitem(last=False)


def work(function: Callable[[], object], *packages: str, copies: bool = False) -> int:
    """Return how many lines a function runs in these packages, and how many octets it computes the FCS of.

    What the interpreter does in C with one line is not in it, but for copies.

    Args:
        function: what is looked at.
        packages: those whose lines count.
        copies: whether copies count that are seen in arguments and attributes, 64 octets as a line.
    """
    places = tuple(f"/{package.replace('.', '/')}" for package in packages)
    count = 0
    counts: dict[CodeType, bool] = {}
    copied = _Copies()

    def in_frame(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        if copies and count & 1:  # what a loop makes anew is there for two lines at least
            copied.look(frame)
        return in_frame

    def enter(frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if code not in counts:
            counts[code] = any(f"{place}/" in code.co_filename or f"{place}.py" in code.co_filename for place in places)
        return in_frame(frame, event, _) if counts[code] else None

    plain = fcs._crc

    def counted(octets: bytes) -> int:
        nonlocal count
        count += len(octets)
        return plain(octets)

    before = sys.gettrace()
    with mock.patch.object(fcs, "_crc", counted):
        sys.settrace(enter)
        try:
            function()
        finally:
            sys.settrace(before)
    return count + copied.octets // _AT_ONCE
